"""Which looks each phase takes, in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host.observe import (
    accounting,
    consumer_http,
    container,
    engine,
    exchange,
    host,
    image,
    kin,
    log,
    made,
    market,
    network,
    proof,
    records,
    redis_state,
    seal,
    secrets,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from host.observe.observation import Collector
    from host.observe.subject import Subject


def _stack(subject: Subject) -> list[Collector]:
    """Phase A: the host and the stack, before anything is changed; the exchange only with a key to ask it."""
    looks = [
        host.facts,
        host.disk,
        engine.engine,
        engine.containers,
        network.network,
        engine.reference,
        redis_state.server,
        redis_state.whoami,
        redis_state.rights,
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


def _image(_subject: Subject) -> list[Collector]:
    """Phase B, the image that will run, from the inside; one container answers all but the first."""
    return [image.inspected, *image.PROBED]


def _cutover(_subject: Subject) -> list[Collector]:
    """Phase C: where the consumer's group stands, and that nothing from before was decided."""
    return [
        records.cutover_record,
        records.cutover_file,
        records.current,
        redis_state.stream,
        redis_state.groups,
        redis_state.pending,
        accounting.decisions_before,
    ]


def _container(_subject: Subject) -> list[Collector]:
    """Phase D: what was created and started, against what was desired."""
    return [
        container.inspected,
        made.made,
        made.now,
        container.files,
        market.filters,
        container.changes,
        container.processes,
        log.log,
        consumer_http.state,
        consumer_http.health,
        records.audit,
        secrets.secrets,
        secrets.leaks,
        kin.kin,
        redis_state.clients,
    ]


def _operation(subject: Subject) -> list[Collector]:
    """Phase E: proof events, every entry since the cutover, and that nothing was ordered.

    The order makes the accounting exact: pending before decisions. The window opens here, so
    that the container is watched while it is at work.
    """
    container.begin(subject)
    proofs = [proof.published, proof.decisions] if subject.request.options.get("proof", True) else []
    looks = [
        *proofs,
        redis_state.server,
        accounting.entries,
        redis_state.pending,
        accounting.decisions,
        accounting.drawn,
        redis_state.result_stream,
        records.known,
        seal.unsealed,
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


COLLECTORS: dict[str, Callable[[Subject], list[Collector]]] = {
    "A": _stack,
    "B": _image,
    "C": _cutover,
    "D": _container,
    "E": _operation,
}
