"""What one decision must say, and whether it is about what was published."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from checks.judge import oracle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

type Decision = Mapping[str, Any]

STATUSES = frozenset({
    "skipped_drain", "skipped_stale", "skipped_duplicate", "skipped_hold", "skipped_halted",
    "skipped_before_cutover", "rejected_risk", "rejected_venue", "filled", "failed", "unknown", "invalid",
})  # fmt: skip # a table, or a call that is read as one
TRADED = frozenset({"rejected_venue", "filled", "failed", "unknown"})
FIELDS = (
    "intent_id", "origin_id", "symbol", "side", "status", "reason", "mode", "venue", "stage", "source",
    "replica", "trace_id", "timestamp", "latency_ms", "redelivered", "config_digest", "plan",
)  # fmt: skip # a table, or a call that is read as one
SOURCE = "trade_intent_consumer"


def each(by_intent: Mapping[str, Iterable[Mapping[str, Any]]]) -> Iterator[tuple[str, Decision]]:
    """Give every decision's fields with the id of the intent it was filed under."""
    for intent_id, made in by_intent.items():
        yield from ((intent_id, decision["fields"]) for decision in made)


def ordered(decision: Decision) -> bool:
    """Tell whether a decision reports that something was sent to an exchange."""
    return decision["status"] in TRADED or bool(json.loads(decision.get("orders") or "[]"))


def field_problems(intent_id: str, decision: Decision) -> Iterator[str]:
    """Name what a decision lacks of the contract's fields, or says wrongly in them."""
    missing = [name for name in FIELDS if name not in decision]
    if missing:
        yield f"without {', '.join(missing)}"
        return
    if decision["status"] not in STATUSES:
        yield f"status {decision['status']} is unknown"
    if decision["intent_id"] != intent_id or decision["source"] != SOURCE:
        yield f"says that it is about {decision['intent_id']} and from {decision['source']}"
    for name in ("timestamp", "latency_ms", "redelivered"):
        if not decision[name].removeprefix("-").isdecimal():
            yield f"{name} is {decision[name]}"
    if not isinstance(json.loads(decision["plan"]), dict):
        yield "plan is no object"


def circumstance_problems(decision: Decision, desired: Mapping[str, Any]) -> Iterator[str]:
    """Name where a decision says that it was made under other settings than were desired."""
    for name in ("mode", "venue", "stage", "config_digest"):
        if decision[name] != desired[name]:
            yield f"{name} is {decision[name]}"


def decoding_problems(entry: Mapping[str, Any], decision: Decision) -> Iterator[str]:
    """Name where the intent that was decided is not the entry that was published, by the oracle's word."""
    plan = json.loads(decision["plan"])
    yield from intent_problems(entry, decision["status"], plan, now_ms=int(decision["timestamp"]))


def intent_problems(
    entry: Mapping[str, Any], status: str, plan: Mapping[str, Any] | None, now_ms: int
) -> Iterator[str]:
    """Compare status and `plan.intent` with what the oracle makes of the entry at `now_ms`."""
    decoded = oracle.decode(entry, now_ms)
    if decoded.valid == (status == "invalid"):
        yield f"{'valid' if decoded.valid else 'invalid, for ' + decoded.fault}, and came to {status}"
    elif decoded.valid:
        yield from oracle.differences(decoded, (plan or {}).get("intent") or {})


def proof_problems(event: Mapping[str, Any], decision: Decision) -> Iterator[str]:
    """Compare a proof event's decision with what its publisher expects, then with the oracle."""
    intent = json.loads(decision["plan"]).get("intent") or {}
    for name, value in event["expected"]["intent"].items():
        if name not in intent or not oracle.same(value, intent[name]):
            yield f"{name} was published as {value} and decoded as {intent.get(name, 'nothing')}"
    yield from decoding_problems({"id": event["id"], "fields": event["fields"]}, decision)


def gate_problems(event: Mapping[str, Any], decision: Decision) -> Iterator[str]:
    """Name where a proof event's decision is not the one that was expected of it."""
    expected, reason = event["expected"], decision["reason"]
    if decision["status"] != expected["status"]:
        yield f"{event['id']} came to {decision['status']} ({reason}), not to {expected['status']}"
    elif expected["duplicate_of"] and expected["duplicate_of"] not in reason:
        yield f"{event['id']} is a duplicate of {expected['duplicate_of']}, and its reason is {reason}"
