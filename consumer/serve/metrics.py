"""The counters and problems as Prometheus reads them (text exposition format 0.0.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.serve.state import COUNTERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.serve.state import ServiceState

CONTENT_TYPE = "text/plain; version=0.0.4"
_PREFIX = "trade_intent_"


def rendered(state: ServiceState) -> str:
    """Return one page of metrics."""
    return "\n".join(_lines(state)) + "\n"


def _lines(state: ServiceState) -> Iterator[str]:
    yield f"# TYPE {_PREFIX}decisions_total counter"
    for status, count in sorted(state.counters.items()):
        if status not in COUNTERS:
            yield f'{_PREFIX}decisions_total{{status="{status}"}} {count}'
    for name in COUNTERS:
        yield f"# TYPE {_PREFIX}{name}_total counter"
        yield f"{_PREFIX}{name}_total {state.counters[name]}"
    yield f"# TYPE {_PREFIX}healthy gauge"
    yield f"{_PREFIX}healthy {int(not state.complaints())}"
    yield f"# TYPE {_PREFIX}halted gauge"
    yield f"{_PREFIX}halted {int(state.halt is not None)}"
    yield f"# TYPE {_PREFIX}problem gauge"
    for code in sorted({problem["code"] for problem in state.problems()}):
        yield f'{_PREFIX}problem{{code="{code}"}} 1'
