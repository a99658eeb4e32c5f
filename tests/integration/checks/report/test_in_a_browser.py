from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from checks.report.writer import write
from tests.support.deploy_run import bundle, junit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
]
WIDTHS = (390, 1280)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=30_000)
        yield started
        started.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write(bundle(), folder)
    return folder / "report.html"


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    opened = browser.new_page()
    opened.goto(report.as_uri())
    yield opened
    opened.close()


def test_the_page_asks_nothing_of_any_network(browser: Browser, report: Path) -> None:
    page, asked = browser.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    page.wait_for_load_state("networkidle")
    page.close()
    assert asked == [report.as_uri()]


def test_the_page_says_nothing_on_the_console(browser: Browser, report: Path) -> None:
    page, said = browser.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(report.as_uri())
    page.close()
    assert said == []


def test_the_verdict_is_the_first_heading(page: Page) -> None:
    assert "Pass" in page.get_by_role("heading", level=1).inner_text()
    assert "Deploy on sandbox" in page.get_by_role("heading", level=1).inner_text()


def test_a_failed_run_says_so_and_why_without_a_click(browser: Browser, tmp_path: Path) -> None:
    write(bundle(checklist=junit(lag_is_zero="failure")), tmp_path)
    page = browser.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    assert "Fail" in page.get_by_role("heading", level=1).inner_text()
    assert page.get_by_text("failed: planted").first.is_visible()
    page.close()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("unfolded", [False, True])
def test_nothing_has_to_be_scrolled_sideways(page: Page, width: int, unfolded: bool) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    if unfolded:
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_the_pipeline_is_drawn_once_at_every_width(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    drawings = page.locator("svg.pipeline")
    assert sum(drawings.nth(n).is_visible() for n in range(drawings.count())) == 1


def test_a_finding_unfolds_to_its_facts_and_leads_to_them(page: Page) -> None:
    section = page.locator("section[aria-labelledby=findings]")
    finding = section.locator("details", has_text="E.2.accounted_once").first
    finding.locator("summary").click()
    link = finding.get_by_role("link").first
    assert link.is_visible()
    target = page.locator(str(link.get_attribute("href")))
    link.click()
    assert target.count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground_in_light_and_dark(
    browser: Browser, report: Path, scheme: str
) -> None:
    page = browser.new_page(color_scheme=scheme)  # type: ignore[arg-type]  # one of the two literals
    page.goto(report.as_uri())
    ratios = page.evaluate(CONTRASTS)
    page.close()
    assert {name: ratio for name, ratio in ratios.items() if ratio < 4.5} == {}


# WCAG 2's contrast ratio of each text's colour to the first opaque ground behind it, by what it is.
CONTRASTS = """() => {
  const part = c => { c /= 255; return c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4 };
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => .2126 * part(r) + .7152 * part(g) + .0722 * part(b);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255] };
  const ratio = e => {
    const both = [light(rgb(getComputedStyle(e).color)), light(ground(e))];
    const [high, low] = both.sort((x, y) => y - x);
    return (high + .05) / (low + .05) };
  const of = {};
  const names = 'h1 .verdict .mark .score .badge .kind .lead a td th dt dd .dot pre'.split(' ');
  for (const name of names)
    for (const e of document.querySelectorAll(name)) of[name] = Math.min(of[name] ?? 99, ratio(e));
  return of }"""


def test_every_table_names_its_columns_and_rows(page: Page) -> None:
    unnamed = page.evaluate("[...document.querySelectorAll('th:not([scope])')].length")
    assert unnamed == 0
    assert page.evaluate(
        "[...document.querySelectorAll('table')].every(one => one.querySelector('thead th'))"
    )


def test_headings_do_not_skip_a_level(page: Page) -> None:
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(one => Number(one.tagName[1]))")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_page_works_without_scripts(browser: Browser, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.get_by_role("heading", name="What needs attention").is_visible()
    context.close()
