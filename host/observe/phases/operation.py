"""Phase E: proof events, every entry since the cutover, and that nothing was ordered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host.observe import accounting, consumer_http, container, exchange, proof, redis_state

if TYPE_CHECKING:
    from host.observe.collector import Collector
    from host.observe.subject import Subject


def collectors(subject: Subject) -> list[Collector]:
    """Return phase E's looks, in the order that makes the accounting exact: pending before decisions.

    The window opens here, so that the container is watched while it is at work.
    """
    container.begin(subject)
    proofs = [proof.published, proof.decisions] if subject.request.options.get("proof", True) else []
    looks = [
        *proofs,
        redis_state.server,
        accounting.entries,
        redis_state.pending,
        accounting.decisions,
        accounting.dead_letters,
        redis_state.groups,
        redis_state.consumers,
        redis_state.stream,
        redis_state.halt,
        container.window,
        container.inspected,
        container.stats,
        consumer_http.state,
        consumer_http.health,
        redis_state.errorstats,
    ]
    return [*looks, exchange.orders] if subject.request.exchange else looks
