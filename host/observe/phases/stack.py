"""Phase A: the host and the stack, before anything is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host.observe import container, engine, exchange, host, network, records, redis_state

if TYPE_CHECKING:
    from host.observe.collector import Collector
    from host.observe.subject import Subject


def collectors(subject: Subject) -> list[Collector]:
    """Return phase A's looks; the exchange is asked only with a key to ask it."""
    looks = [
        host.facts,
        host.disk,
        engine.engine,
        engine.containers,
        network.network,
        engine.reference,
        redis_state.server,
        redis_state.whoami,
        redis_state.stream,
        redis_state.groups,
        redis_state.consumers,
        redis_state.pending,
        redis_state.results,
        redis_state.dead_letters,
        redis_state.halt,
        records.current,
        records.verified,
        records.cutover,
        records.switch,
        records.lock,
        container.current,
    ]
    return [*looks, exchange.orders] if subject.request.exchange else looks
