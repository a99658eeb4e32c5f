"""Writes measured figures into docs/reliability.md, each program into its own block and nowhere else."""

from __future__ import annotations

from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"


def write(block: str, lines: list[str]) -> None:
    """Replace what stands between the block's two marks."""
    begin, end = f"<!-- {block} -->\n", f"<!-- /{block} -->\n"
    text = DOCUMENT.read_text()
    before, middle, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (middle and closed):
        raise ValueError(f"{DOCUMENT.name} has no block {block}")
    DOCUMENT.write_text(before + begin + "\n".join(lines) + "\n" + end + after)


def table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> list[str]:
    """Return a Markdown table."""
    return [_row(head), _row(("---",) * len(head)), *map(_row, rows)]


def _row(cells: tuple[object, ...]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"
