"""The exchange's own record, summed up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checks.judge.stream_ids import milliseconds
from checks.report import words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.report.seen import Seen

_KINDS = {
    "orders": ("orders", "open_orders"),
    "algo orders": ("algo_orders", "open_algo_orders"),
    "trades": ("trades",),
    "positions": ("positions",),
}
_TIMES = ("updateTime", "time", "createTime")


def counts(seen: Seen, phase: str) -> dict[str, int] | None:
    """Count what the exchange shows, since the cutover if there was one; None if it was not asked."""
    record = seen(f"{phase}:exchange.orders")
    if record is None:
        return None
    cutover = seen("C:cutover.record", "cutover_id") if phase != "A" else None
    since_ms = milliseconds(cutover) if cutover else 0
    return {
        kind: sum(_counts(item, since_ms) for name in names for item in record.get(name) or ())
        for kind, names in _KINDS.items()
    }


def text(counted: Mapping[str, int] | None) -> str:
    """Say what the exchange shows."""
    if counted is None:
        return words.NOT_SEEN
    return ", ".join(f"{number} {kind}" for kind, number in counted.items())


def _counts(item: Mapping[str, Any], since_ms: int) -> bool:
    """Tell whether an item counts: a position unless it is zero, anything else unless it is older."""
    if "positionAmt" in item:
        return float(item["positionAmt"]) != 0
    times = [int(item[name]) for name in _TIMES if item.get(name) is not None]
    return not times or max(times) >= since_ms
