from __future__ import annotations

import re
from typing import TYPE_CHECKING

from checks.report.writer import point_latest_at, render, write
from tests.support.deploy_run import baseline, bundle

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.incident import IncidentRun

SECTIONS = (
    "What needs attention",
    "Before and after",
    "Stream health",
    "Pipeline",
    "Success criteria",
    "Validation checklist",
    "Performance",
    "Deployment",
    "What was not checked",
    "All findings",
    "Check this report",
)


def test_both_reports_have_every_section() -> None:
    texts = render(bundle())
    assert [name for name in SECTIONS if f"\n## {name}\n" not in texts["report.md"]] == []
    assert [name for name in SECTIONS if f">{name}</h2>" not in texts["report.html"]] == []


def test_a_baseline_describes_and_has_no_sections_for_proofs() -> None:
    texts = render(baseline())
    assert "## Stream health" in texts["report.md"]
    for name in ("Before and after", "Pipeline", "Success criteria", "Validation checklist", "Deployment"):
        assert f"## {name}" not in texts["report.md"]
        assert f">{name}</h2>" not in texts["report.html"]


def test_every_place_that_the_page_leads_to_is_there() -> None:
    for made in (bundle(), baseline()):
        page = render(made)["report.html"]
        assert set(re.findall(r'href="#([^"]+)"', page)) <= set(re.findall(r'id="([^"]+)"', page))


def test_the_same_bundle_gives_the_same_text() -> None:
    assert render(bundle()) == render(bundle())


def test_the_page_asks_nothing_of_any_network() -> None:
    page = render(bundle())["report.html"]
    assert not re.findall(r"""(?:src|href)=["'](?!#)|url\((?!#)|@import|<script|<link""", page)


def test_what_a_run_saw_cannot_become_markup(run: IncidentRun) -> None:
    run["A:host.facts"]["hostname"] = "<script>alert(1)</script>"
    texts = render(bundle(run))
    assert "<script>alert" not in texts["report.html"]
    assert "&lt;script" in texts["report.html"]
    assert "<script>alert" not in texts["report.md"]


def test_a_pipe_in_a_value_does_not_break_a_table(run: IncidentRun) -> None:
    run["A:host.facts"]["hostname"] = "a|b\nc"
    rows = [line for line in render(bundle(run))["report.md"].splitlines() if "A.1.host_described" in line]
    assert len(rows) == 1
    assert r"a\|b c" in rows[0]


def test_the_pipeline_is_drawn_with_the_measured_numbers(run: IncidentRun) -> None:
    texts = render(bundle(run))
    total = len(run["E:results.decisions"])
    assert f"published: {total} entries since the cutover" in texts["report.html"]
    assert re.search(rf"^{total} +{total} +{total} +{total}$", texts["report.md"], re.MULTILINE)


def test_every_finding_shows_how_its_facts_were_obtained(run: IncidentRun) -> None:
    page = render(bundle(run))["report.html"]
    anchors = set(re.findall(r'href="#(fact-[^"]+)"', page))
    assert anchors
    assert anchors <= set(re.findall(r'id="(fact-[^"]+)"', page))


def test_latest_names_the_newest_run_relatively(tmp_path: Path) -> None:
    for name in ("20261122T160000Z-0001", "20261122T170000Z-0002"):
        folder = tmp_path / name
        folder.mkdir()
        write(bundle(), folder)
        point_latest_at(folder)
    assert (tmp_path / "latest").readlink().as_posix() == "20261122T170000Z-0002"
    assert (tmp_path / "latest" / "report.html").is_file()
