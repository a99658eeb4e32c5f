"""Phase C: where the consumer's group stands, and that nothing from before was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host.observe import accounting, records, redis_state

if TYPE_CHECKING:
    from host.observe.collector import Collector
    from host.observe.subject import Subject


def collectors(_subject: Subject) -> list[Collector]:
    """Return phase C's looks."""
    return [
        records.cutover_record,
        records.current,
        redis_state.stream,
        redis_state.groups,
        redis_state.pending,
        accounting.decisions_before,
    ]
