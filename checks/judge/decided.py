"""Phase E: every decision made a second time, by the oracle, and real intents held against proof events."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING, Any

from checks.judge import oracle
from checks.judge.decisions import each, field_problems
from checks.judge.evidence import Facts, NotAskedError, UnseenError, need
from checks.judge.outcome import Outcome, count, failed, passed, some, unless
from checks.judge.registry import check
from checks.judge.stream_ids import milliseconds
from checks.judge.times import unix_ms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from checks.judge.decisions import Decision

    type Decisions = Mapping[str, Sequence[Mapping[str, Any]]]

#: An entry that nothing was published so long before has the consumer to itself, in ms.
QUIET_MS = 200
#: A real entry may take so many times as long as a proof event, and so long besides, in ms.
TIMES_A_PROOF, BESIDES_MS = 10, 50
#: Of the newest quiet entries so many are compared, and fewer than the least say nothing.
MOST_COMPARED, LEAST_COMPARED = 200, 3

_STRETCH = "E:stream.entries_since_cutover"
_DECISIONS = "E:results.decisions"
_A_MINUTE_MS = 60_000
_PREFIX = "TRADE_INTENT_"


@check(
    "E.1.decided_as_oracle",
    claim="Every entry came to the decision that a second consumer, written from the contract, comes to.",
    expected="the same status, reason and plan, to the last digit, duplicates and halts included",
    remedy="Stop the consumer: `docker stop`. What it rehearses is not what would be traded.",
    needs=(_STRETCH, _DECISIONS, "E:results.drawn", "D:container.filters", "C:cutover.record"),
    sabotage="real intents are decided with twice their quantity",
)
def decided_as_oracle(facts: Facts) -> Outcome:
    """Decide the stretch again, entry after entry, and name each decision that differs."""
    valid = _valid(facts[_DECISIONS])
    own = [decision for _, decision in each(valid) if _is_own(facts, decision)]
    need(own, "decision under the desired settings")
    digest, rules = facts.desired["config_digest"], _rules(facts)
    differing = list(oracle.disagreements(facts[_STRETCH]["entries"], valid, rules, digest))
    drawn = facts["E:results.drawn"]
    alone = replace(rules, unknown_to=facts[_STRETCH]["to_id"])
    for row in drawn:
        made = _valid({row["entry"]["id"]: row["decisions"]})
        differing += oracle.disagreements([row["entry"]], made, alone, digest)
    statuses = sorted({decision["status"] for decision in own})
    text = f"{count(len(own) + len(drawn), 'decision')} made again: {', '.join(statuses)}"
    if not differing:
        return passed(f"{text}, alike to the last digit")
    return failed(f"{text}; {len(differing):,} differ: {some([f'{id_}: {what}' for id_, what in differing])}")


@check(
    "E.3.real_as_fast_as_proofs",
    claim="Real entries are decided as fast as the proof events that are followed.",
    expected="a median latency of at most 10 times a proof event's and 50 ms, where nothing came just before",
    remedy="Something holds back what is not a proof: compare the container with what was deployed.",
    needs=(_STRETCH, _DECISIONS, "E:proof.decisions", "D:container.inspect"),
    sabotage="real intents are held back for 100 ms",
)
def real_as_fast_as_proofs(facts: Facts) -> Outcome:
    """Compare the medians of entries that had the consumer to themselves."""
    proofs = [
        _latency_ms(proof["fields"]) for proof in need(facts["E:proof.decisions"], "decided proof event")
    ]
    latencies = list(_quiet_latencies(facts))[-MOST_COMPARED:]
    if len(latencies) < LEAST_COMPARED:
        raise NotAskedError("hardly a real entry came alone since the container started")
    bound = TIMES_A_PROOF * median(proofs) + BESIDES_MS
    text = (
        f"median {median(latencies):.0f} ms of {count(len(latencies), 'real entry', 'real entries')}, "
        f"{median(proofs):.0f} ms of {count(len(proofs), 'proof event')}"
    )
    return unless([text] if median(latencies) > bound else [], text)


def _rules(facts: Facts) -> oracle.Rules:
    """Read the rules from the settings that were desired and the filters that lie in the container."""
    settings = facts.desired["settings"]
    if settings[f"{_PREFIX}LIMITS_FILE"]:
        raise UnseenError("a limits file is in force, and the oracle reads none")
    filters = facts["D:container.filters"]
    balance = settings[f"{_PREFIX}REFERENCE_BALANCE_USD"]
    name = filters["path"].rpartition("/")[2]
    market = oracle.PlanInputs(
        Decimal(settings[f"{_PREFIX}LEVERAGE"]),
        Decimal(balance) if balance else None,
        need(filters["symbols"], "symbol's rules"),
        f"{name}@{filters['sha256'][:12]}",
    )
    return oracle.Rules(
        int(Decimal(settings[f"{_PREFIX}MAX_AGE_MINUTES"]) * _A_MINUTE_MS),
        int(settings[f"{_PREFIX}DUPLICATE_WINDOW_MS"]),
        need(facts["C:cutover.record"], "record of a cutover")["cutover_id"],
        facts[_STRETCH]["from_id"],
        market,
        int(most) if (most := settings.get(f"{_PREFIX}ENTRY_MAX_BYTES")) else None,
    )


def _valid(decisions: Decisions) -> Decisions:
    """Leave out what lacks a field of the contract, which is another check's question."""
    return {
        id_: [made for made in all_made if not list(field_problems(id_, made["fields"]))]
        for id_, all_made in decisions.items()
    }


def _is_own(facts: Facts, decision: Decision) -> bool:
    return bool(decision["config_digest"] == facts.desired["config_digest"])


def _quiet_latencies(facts: Facts) -> Iterator[int]:
    """Give the latencies in ms of real entries since the start that nothing came just before."""
    started_ms = unix_ms(facts["D:container.inspect"]["started_at"])
    decided: Mapping[str, Any] = dict(each(facts[_DECISIONS]))
    before_ms = started_ms
    for entry in facts[_STRETCH]["entries"]:
        at_ms = milliseconds(entry["id"])
        is_quiet, before_ms = at_ms - before_ms > QUIET_MS, max(at_ms, before_ms)
        if is_quiet and entry["id"] in decided and not oracle.is_proof(entry):
            yield _latency_ms(decided[entry["id"]])


def _latency_ms(decision: Decision) -> int:
    return int(decision["latency_ms"])
