"""Phase E: that nobody else wrote, changed or took away a decision of the consumer's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checks.judge.decisions import field_problems
from checks.judge.evidence import Facts, need
from checks.judge.outcome import Outcome, count, failed, passed, some
from checks.judge.registry import check
from checks.judge.stream_ids import milliseconds, position

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from checks.judge.decisions import Decision

#: A decision is written in the same moment in which it says that it is, in ms.
SAME_MOMENT_MS = 1_000
_SAID = ("mode", "venue", "stage", "config_digest")
_STRETCH, _DECISIONS = "E:stream.entries_since_cutover", "E:results.decisions"


@check(
    "E.1.decisions_possible",
    claim="Every decision can be the consumer's: after its entry, at its time, of a release deployed here.",
    expected="written after its entry and at its timestamp, with mode, venue and settings of a release here",
    remedy="Find out who writes into the result stream (`ACL LIST`, `CLIENT LIST`); change the passwords.",
    needs=(_DECISIONS, "E:release.known"),
    sabotage="another reader writes decisions in live mode, as of the year 1970",
)
def decisions_possible(facts: Facts) -> Outcome:
    """Hold each decision against its entry's id, its own id, and the releases of this host."""
    known = [_said(release) for release in need(facts["E:release.known"], "release that was deployed here")]
    made = [
        (id_, row["decision_id"], row["fields"])
        for id_, rows in facts[_DECISIONS].items()
        for row in rows
        if not list(field_problems(id_, row["fields"]))
    ]
    problems = [
        f"{id_}: {text}" for id_, at, decision in made for text in _impossible(id_, at, decision, known)
    ]
    text = f"{count(len(made), 'decision')} of {count(len(known), 'release')} deployed here"
    return failed(some(problems)) if problems else passed(text)


@check(
    "E.1.decisions_authentic",
    claim="Every decision carries the seal of a release deployed here: nobody else wrote or changed one.",
    expected="a keyed digest over each decision by the key of a release here",
    remedy="Find out who writes into the result stream (`ACL LIST`, `CLIENT LIST`); change the passwords.",
    needs=(_DECISIONS, "E:results.unsealed", "E:release.known"),
    sabotage="a forged decision is published with the password of the results' stream",
)
def decisions_authentic(facts: Facts) -> Outcome:
    """Name the decisions without a valid seal; those of a release that had no key cannot have one."""
    seen, known = facts["E:results.unsealed"], facts["E:release.known"]
    keyless = {release["config_digest"] for release in known if not release.get("decision_key")}
    made = sum(len(rows) for rows in facts[_DECISIONS].values())
    older = [row for row in seen["unsealed"] if row["config_digest"] in keyless and not row["auth"]]
    forged = [row for row in seen["unsealed"] if row not in older]
    sealed, keys = made - len(seen["unsealed"]), count(seen["keys"], "key")
    text = f"{sealed:,} of {count(made, 'decision')} sealed by {keys}"
    if older:
        text += f"; {count(len(older), 'decision')} of a release that had no key"
    if forged:
        return failed(f"{text}; no seal of ours: {some([row['decision_id'] for row in forged])}")
    need(seen["keys"], "key that seals decisions")
    return passed(text)


@check(
    "E.1.results_untouched",
    claim="Nobody took a decision out of the result stream.",
    expected="no entry of it deleted by its id since the accounting begins",
    remedy="Find out who deletes from the result stream; the report of an earlier run has what stood there.",
    needs=(_STRETCH, "E:results.stream"),
    sabotage="a decision is deleted and published again with another quantity",
)
def results_untouched(facts: Facts) -> Outcome:
    """Judge the highest id that the server remembers as deleted; trimming leaves none."""
    deleted, begins = facts["E:results.stream"]["max_deleted_id"], facts[_STRETCH]["from_id"]
    if deleted is None or position(deleted) <= (milliseconds(begins), 0):
        return passed(f"none of {facts['E:results.stream']['length']:,} deleted since {begins}")
    return failed(f"somebody deleted at least {deleted}")


def _said(release: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(release.get(name) for name in _SAID)


def _impossible(
    intent_id: str, decision_id: str, decision: Decision, known: Sequence[tuple[Any, ...]]
) -> Iterator[str]:
    written, entered = milliseconds(decision_id), milliseconds(intent_id)
    said_at, latency = int(decision["timestamp"]), int(decision["latency_ms"])
    if written < entered:
        yield f"decided {entered - written:,} ms before it was published"
    if abs(said_at - written) > SAME_MOMENT_MS:
        yield f"says that it was made at {said_at}, and was written at {written}"
    if latency != said_at - entered:
        yield f"latency_ms is {latency}, and its times say {said_at - entered}"
    if _said(decision) not in known:
        mode, venue, stage, digest = _said(decision)
        yield f"no release here had mode {mode}, venue {venue}, stage {stage}, settings {digest[:12]}"
