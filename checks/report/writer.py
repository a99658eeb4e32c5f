"""Writes report.md and report.html beside the evidence they are computed from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from checks.report.view import view

if TYPE_CHECKING:
    from pathlib import Path

    from checks.evidence.bundle import Bundle

_TEMPLATES = {"report.md": "report.md.j2", "report.html": "report.html.j2"}


def render(bundle: Bundle) -> dict[str, str]:
    """Render both reports: file name to text. The same bundle always gives the same text."""
    shown = view(bundle)
    return {
        name: _environment().get_template(template).render(view=shown)
        for name, template in _TEMPLATES.items()
    }


def write(bundle: Bundle, folder: Path) -> None:
    """Write both reports into the folder of the run, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in render(bundle).items():
        (folder / name).write_text(text, encoding="utf-8")


def point_latest_at(folder: Path) -> None:
    """Let `latest`, beside the run's folder, name this run; in one step, so that it always names one."""
    latest = folder.parent / "latest"
    new = folder.parent / f".latest-{folder.name}"
    new.unlink(missing_ok=True)
    new.symlink_to(folder.name)
    new.replace(latest)


def _cell(text: str) -> str:
    """Keep a value in its Markdown cell, as text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("\n", " ")


def _ticks(text: str) -> Markup:
    """Set what stands between backticks as code."""
    parts = (escape(part) for part in text.split("`"))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if n % 2 else part for n, part in enumerate(parts)
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("checks.report"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"cell": _cell, "ticks": _ticks}
    return environment
