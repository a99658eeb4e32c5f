"""A stretch of entries, decided a second time one after another, in the order in which they were decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checks.judge.oracle.decoder import decode
from checks.judge.oracle.halts import HaltHistory
from checks.judge.oracle.judgement import problems
from checks.judge.oracle.memory import TwinMemory
from checks.judge.stream_ids import position

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from checks.judge.oracle.judgement import Decision, Rules


def disagreements(
    entries: Sequence[Mapping[str, Any]],
    decisions: Mapping[str, Sequence[Mapping[str, Any]]],
    rules: Rules,
    config_digest: str,
) -> Iterator[tuple[str, str]]:
    """Decide every entry again in the order of its decision; give (entry id, what differs).

    Only decisions under `config_digest` are judged: the rules of another release are not known here. What
    another came to plan counts as a twin all the same.
    """
    memory, halts = TwinMemory(), HaltHistory()
    by_id = {entry["id"]: entry for entry in entries}
    for entry_id, decision_id, decision in _in_order(decisions):
        entry = by_id.get(entry_id)
        if entry is not None and decision["config_digest"] == config_digest:
            decoded = decode(entry, int(decision["timestamp"]), rules.most_bytes)
            for text in problems(entry, decoded, decision, memory, rules):
                yield entry_id, text
            halts.see(decision_id, entry_id, decision, decoded)
        memory.keep(decision)
    yield from halts.problems()


def _in_order(decisions: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[tuple[str, str, Decision]]:
    rows = [
        (id_, made["decision_id"], made["fields"]) for id_, several in decisions.items() for made in several
    ]
    return sorted(rows, key=lambda row: position(row[1]))
