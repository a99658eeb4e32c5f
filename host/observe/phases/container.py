"""Phase D: what was created and started, against what was desired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host.observe import consumer_http, container, log, secrets

if TYPE_CHECKING:
    from host.observe.collector import Collector
    from host.observe.subject import Subject


def collectors(_subject: Subject) -> list[Collector]:
    """Return phase D's looks."""
    return [
        container.inspected,
        container.files,
        container.changes,
        container.processes,
        log.log,
        consumer_http.state,
        consumer_http.health,
        secrets.secrets,
        secrets.leaks,
    ]
