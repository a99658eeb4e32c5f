"""Proof events: published on the real stream in the run's name, and followed to the consumer's decisions.

What each must come to is written down when it is made, by the contract's rules and without the consumer's
code. Their symbol is listed on no exchange, for others read this stream and trade.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from host.base.times import now_ms
from host.observe.accounting import SOURCE
from host.observe.crafted import Craft
from host.observe.errors import NotDesiredError
from host.observe.observation import collector
from host.observe.redis_link import order_of
from host.observe.redis_state import HALT_KEY

if TYPE_CHECKING:
    from host.observe.subject import Subject

SYMBOL = "HARNESSUSDT"
DECISION_LIMIT_S = 10.0
POLL_S = 0.02
PAGE_LIMIT = 20_000
DEFAULT_MAX_AGE_MINUTES = 10
A_MINUTE_MS = 60_000
#: Shape, name of the side, its word, format of the time; `old` is past the age limit.
EVENTS = (
    ("payload", "side", "BUY", "iso_naive", ""),
    ("data", "side", "SHORT", "iso_z", ""),
    ("flat", "side", "LONG", "ms_text", ""),
    ("payload", "direction", "SELL", "iso_offset", ""),
    ("flat", "action", "buy", "s_text", ""),
    ("data", "action", "CLOSE", "absent", ""),
    ("payload", "side", "HOLD", "ms", ""),
    ("flat", "direction", "short", "iso_z", "old"),
    ("flat", "side", "SELL", "absent", ""),
    ("data", "direction", "LONG", "s", ""),
)


@collector("proof.published", "XADD {stream} * …, proof=RUN, as the deploying user")
def published(subject: Subject) -> list[dict[str, Any]]:
    """Publish the proof events; return each with its id and what must become of it."""
    link = subject.redis_as(subject.request.redis_deploy, "redis_deploy")
    halted = subject.redis.ask("GET", HALT_KEY) is not None
    events: list[dict[str, Any]] = []
    for number, craft in enumerate(crafts(subject.request.run_id, now_ms(), _max_age_ms(subject)), start=1):
        fields = craft.fields()
        at_ms = now_ms()
        flat = [part for pair in fields.items() for part in pair]
        entry_id = link.ask("XADD", subject.request.wanted("stream"), "*", *flat).decode()
        expected = _expected(craft, events, halted=halted)
        events.append(
            {
                "n": number,
                "shape": craft.shape,
                "id": entry_id,
                "fields": fields,
                "at_ms": at_ms,
                "expected": expected,
            }
        )
    return events


@collector("proof.decisions", "XRANGE {result_stream} from the first proof event, polled for at most 10 s")
def decisions(subject: Subject) -> list[dict[str, Any]]:
    """Return every decision on the proof events, and the ms from the entry's id to the decision's."""
    events = subject.seen.get("proof.published")
    if not events:
        raise NotDesiredError("no proof event was published, so none can be followed")
    wanted = {event["id"] for event in events}
    after = f"{order_of(events[0]['id'])[0] - 1}-0"
    decided: list[dict[str, Any]] = []
    until = time.monotonic() + DECISION_LIMIT_S
    while wanted - {decision["intent_id"] for decision in decided} and time.monotonic() < until:
        page = list(
            subject.redis.entries_after(subject.request.wanted("result_stream"), after, "+", PAGE_LIMIT)
        )
        decided += [_followed(result) for result in page if _decides(result, wanted)]
        after = page[-1]["id"] if page else after
        time.sleep(0 if page else POLL_S)
    return decided


def crafts(run_id: str, moment_ms: int, max_age_ms: int) -> list[Craft]:
    """Return the run's proof events, each with numbers of its own."""
    return [
        Craft(
            shape=shape,
            symbol=SYMBOL,
            word=word,
            time_format=time_format,
            time_ms=moment_ms - (max_age_ms + 5 * A_MINUTE_MS if age == "old" else number),
            numbers=_numbers(number),
            side_name=side_name,
            envelope_ms=None if shape == "flat" else moment_ms - 10 * number,
            extra={"proof": run_id, "source": "checks", "trace_id": f"{run_id}-{number}"},
        )
        for number, (shape, side_name, word, time_format, age) in enumerate(EVENTS, start=1)
    ]


def _expected(craft: Craft, earlier: list[dict[str, Any]], *, halted: bool) -> dict[str, Any]:
    """Say what must become of an event, by the order of gates: stale, hold, halted, duplicate, drain."""
    first = _first_alike(craft, earlier)
    stale = EVENTS[len(earlier)][4] == "old"
    status = (
        "skipped_stale"
        if stale
        else "skipped_hold"
        if craft.direction == "hold"
        else "skipped_halted"
        if halted and craft.direction != "close"
        else "skipped_duplicate"
        if first
        else "skipped_drain"
    )
    return {
        "symbol": craft.symbol,
        "direction": craft.direction,
        "status": status,
        "duplicate_of": first if status == "skipped_duplicate" else None,
        "intent": craft.intent(),
    }


def _first_alike(craft: Craft, earlier: list[dict[str, Any]]) -> str | None:
    """Find the event of the same direction that reached a plan before; all come within one window."""
    reached = (event for event in earlier if event["expected"]["status"] == "skipped_drain")
    return next((event["id"] for event in reached if event["expected"]["direction"] == craft.direction), None)


def _decides(result: dict[str, Any], wanted: set[str]) -> bool:
    fields = result.get("fields", {})
    return fields.get("source") == SOURCE and fields.get("intent_id") in wanted


def _followed(result: dict[str, Any]) -> dict[str, Any]:
    intent_id = result["fields"]["intent_id"]
    return {
        "intent_id": intent_id,
        "decision_id": result["id"],
        "latency_ms": order_of(result["id"])[0] - order_of(intent_id)[0],
        "fields": result["fields"],
    }


def _max_age_ms(subject: Subject) -> int:
    settings = subject.request.desired.get("settings") or {}
    return int(float(settings.get("TRADE_INTENT_MAX_AGE_MINUTES", DEFAULT_MAX_AGE_MINUTES)) * A_MINUTE_MS)


def _numbers(number: int) -> dict[str, str]:
    return {
        "position_size_usd": f"{200 + number}.{number:02d}5",
        "entry_price": f"1.{number:02d}35",
        "confidence": f"0.7{number:02d}",
        "volatility_factor": f"0.4{number:02d}5",
        "leverage": "1.0",
        "funding_rate": f"0.000{number % 10}1",
        "exchange_divergence": f"0.00{number:02d}1",
        "stop_loss": f"0.9{number:02d}",
        "take_profit": f"1.9{number:02d}",
    }
