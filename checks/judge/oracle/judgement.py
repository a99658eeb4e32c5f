"""What is wrong with one decision: by the contract's gates in their order, and by the plan to its last digit.

When an entry was read nobody can know afterwards, only that it was between its id and its decision: an age is
taken from the decision's own words and held against both ends.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.judge.oracle.decoder import differences, same
from checks.judge.oracle.halts import HALTED
from checks.judge.oracle.planner import PlanInputs, drained
from checks.judge.stream_ids import milliseconds, position

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from checks.judge.oracle.decoder import Decoded
    from checks.judge.oracle.memory import TwinMemory

#: How far the clocks of consumer and Redis may be apart, in ms.
CLOCKS_MS = 5_000
#: How long an entry may lie between being read and being decided, in ms: Redis was away meanwhile.
HELD_MS = 30_000
_STALE = re.compile(r"STALE:age_ms=(\d+)")
_DUPLICATE = "skipped_duplicate"

type Decision = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings by which a release decides. Times in ms; nothing up to `cutover` is decided.

    An entry has at most `most_bytes`. What came to a plan up to `unknown_to` is not in the evidence, so that
    a twin of then must be believed.
    """

    max_age_ms: int
    window_ms: int
    cutover: str
    unknown_to: str
    market: PlanInputs
    most_bytes: int | None = None


def problems(
    entry: Mapping[str, Any], decoded: Decoded, decision: Decision, memory: TwinMemory, rules: Rules
) -> Iterator[str]:
    """Say everything in which a decision is not what the entry must come to."""
    plan = json.loads(decision["plan"])
    if decision["origin_id"] != decoded.origin and decoded.valid:
        yield f"origin_id is {decision['origin_id']}, published was {decoded.origin}"
    if position(entry["id"]) <= position(rules.cutover):
        yield from _differing("status", "skipped_before_cutover", decision["status"])
    elif decoded.intent is None:
        yield from _invalid_problems(decoded, decision, plan)
    else:
        yield from _intent_problems(decoded, decision, plan)
        yield from _gate_problems(entry, decoded, decision, memory, rules)


def _invalid_problems(decoded: Decoded, decision: Decision, plan: Mapping[str, Any]) -> Iterator[str]:
    if decision["status"] != "invalid":
        yield f"invalid, for {decoded.fault}, and came to {decision['status']}"
    elif decision["reason"].partition(":")[0] not in decoded.codes:
        yield f"invalid for {decision['reason']}, and it is so for {', '.join(sorted(decoded.codes))}"
    elif plan:
        yield "invalid, and has a plan"


def _intent_problems(decoded: Decoded, decision: Decision, plan: Mapping[str, Any]) -> Iterator[str]:
    intent = decoded.intent or {}
    yield from differences(decoded, plan.get("intent") or {})
    for name in ("symbol", "side"):
        yield from _differing(name, intent[name], decision[name])


def _gate_problems(
    entry: Mapping[str, Any], decoded: Decoded, decision: Decision, memory: TwinMemory, rules: Rules
) -> Iterator[str]:
    """Ask the gates in the contract's order: stale, hold, halted, duplicate, risk, drain."""
    intent, status = decoded.intent or {}, decision["status"]
    wanted = json.loads(decision["plan"])
    shown = {name: value for name, value in wanted.items() if name != "intent"}
    stale = list(_age_problems(entry, decoded, decision, rules))
    if stale or status == "skipped_stale":
        yield from stale or _extra(shown)
    elif intent["direction"] == "hold":
        yield from _differing("status", "skipped_hold", status)
        yield from _differing("reason", "HOLD", decision["reason"])
        yield from _extra(shown)
    elif status == HALTED and intent["direction"] != "close":
        yield from _extra(shown)
    else:
        yield from _decided_problems(decoded, decision, shown, memory, rules)


def _age_problems(
    entry: Mapping[str, Any], decoded: Decoded, decision: Decision, rules: Rules
) -> Iterator[str]:
    """Judge the age: it was read after its id and before its decision, on a clock that is nearly Redis's."""
    own = (decoded.intent or {}).get("timestamp_ms")
    earliest = min(
        milliseconds(decoded.origin), own if isinstance(own, int) else milliseconds(decoded.origin)
    )
    first, last = milliseconds(entry["id"]), int(decision["timestamp"])
    if decision["status"] == "skipped_stale":
        said = _STALE.fullmatch(decision["reason"])
        age = int(said[1]) if said else -1
        is_read_between = first - CLOCKS_MS <= earliest + age <= last + CLOCKS_MS
        if age <= rules.max_age_ms or not is_read_between:
            yield f"skipped_stale for {decision['reason']}, and was {last - earliest:,} ms old"
    elif first - earliest > rules.max_age_ms + CLOCKS_MS or last - earliest > rules.max_age_ms + HELD_MS:
        yield f"{decision['status']}, and was {last - earliest:,} ms old"


def _decided_problems(
    decoded: Decoded, decision: Decision, shown: Mapping[str, Any], memory: TwinMemory, rules: Rules
) -> Iterator[str]:
    intent, status, reason = decoded.intent or {}, decision["status"], decision["reason"]
    twins = [] if intent["direction"] == "close" else memory.twins(intent, decoded.origin, rules.window_ms)
    named = reason.removeprefix("DUPLICATE:")
    if status == _DUPLICATE and (named in twins or _is_unknown_twin(named, decoded.origin, rules)):
        yield from _extra(shown)
        return
    if twins:
        yield f"a duplicate of {twins[0]}, and came to {status} ({reason})"
        return
    expected = drained(intent, rules.market)
    if (status, _code(reason, expected.reason)) != (expected.status, expected.reason):
        yield f"came to {status} ({reason}), not to {expected.status} ({expected.reason})"
    else:
        yield from _plan_problems("plan", expected.plan, shown)


def _is_unknown_twin(named: str, origin: str, rules: Rules) -> bool:
    """Tell whether the twin may be one whose decision is not in the evidence."""
    try:
        apart_ms = abs(milliseconds(named) - milliseconds(origin))
        return apart_ms <= rules.window_ms and position(named) <= position(rules.unknown_to)
    except ValueError:
        return False


def _code(reason: str, expected: str) -> str:
    """Leave out the detail of a reason where the contract gives none."""
    return reason if ":" in expected else reason.partition(":")[0]


def _plan_problems(name: str, expected: Any, shown: Any) -> Iterator[str]:
    """Compare a plan member by member, numbers by value to their last digit."""
    if isinstance(expected, dict) and isinstance(shown, dict):
        for key in expected.keys() | shown.keys():
            yield from _plan_problems(f"{name}.{key}", expected.get(key), shown.get(key))
    elif isinstance(expected, list) and isinstance(shown, list) and len(expected) == len(shown):
        for number, (left, right) in enumerate(zip(expected, shown, strict=True)):
            yield from _plan_problems(f"{name}[{number}]", left, right)
    elif isinstance(expected, dict | list) or isinstance(shown, dict | list) or not same(expected, shown):
        yield f"{name} is {_plain(shown)}, and must be {_plain(expected)}"


def _plain(value: Any) -> str:
    if value is None:
        return "nothing"
    return json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)


def _differing(name: str, expected: Any, said: Any) -> Iterator[str]:
    if said != expected:
        yield f"{name} is {said}, and must be {expected}"


def _extra(shown: Mapping[str, Any]) -> Iterator[str]:
    if shown:
        yield f"no plan must be shown, and there is {', '.join(shown)}"
