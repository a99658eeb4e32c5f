"""What may go wrong between a client and the exchange, on demand and counted."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from sandbox.exchange.core.errors import ExchangeError, RefusalCode

if TYPE_CHECKING:
    from collections.abc import Mapping


class FaultKind(StrEnum):
    """How a request goes wrong.

    DROP_BEFORE_COMMIT: the connection ends, nothing was done.
    COMMIT_THEN_DROP: it is done, the connection ends without an answer.
    COMMIT_THEN_HANG: it is done, no answer comes and the connection stays.
    DROP_THEN_COMMIT: the connection ends at once, it is done `delay_ms` later.
    DELAY: it is done `delay_ms` later, and answered.
    HTTP: this status, body and headers are the answer; nothing was done unless `commit` says so.
    """

    DROP_BEFORE_COMMIT = "drop_before_commit"
    COMMIT_THEN_DROP = "commit_then_drop"
    COMMIT_THEN_HANG = "commit_then_hang"
    DROP_THEN_COMMIT = "drop_then_commit"
    DELAY = "delay"
    HTTP = "http"


class FaultError(ValueError):
    """Raised for a fault that cannot be read."""


@dataclass(frozen=True)
class InjectedFault:
    """A fault for the next `times` requests of a route whose parameters match; times -1: for all of them.

    route: method and path, as in "POST /fapi/v1/order"; match: parameter → value; both with * and ?.
    status, code, body, headers: the answer of an HTTP fault. A code alone brings its own status and words.
    A body that is a text is sent as it is, anything else as JSON. delay_ms: time before it is done.
    """

    route: str
    kind: FaultKind
    status: int = 0
    code: int = 0
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1
    delay_ms: int = 0
    match: dict[str, str] = field(default_factory=dict)
    commit: bool = False

    @classmethod
    def of(cls, description: dict[str, Any]) -> InjectedFault:
        """Read a fault. Raises FaultError."""
        unknown = set(description) - {field.name for field in fields(cls)}
        if unknown:
            raise FaultError(f"a fault has no {', '.join(sorted(unknown))}")
        try:
            return _complete(cls(**description | {"kind": FaultKind(description["kind"])}))
        except (KeyError, TypeError, ValueError) as error:
            raise FaultError(f"this is no fault: {error!r}") from error

    def meets(self, method: str, path: str, parameters: Mapping[str, str]) -> bool:
        """Return whether a request is one of those that go wrong."""
        return fnmatchcase(f"{method} {path}", self.route) and all(
            name in parameters and fnmatchcase(parameters[name], wanted)
            for name, wanted in self.match.items()
        )


class InjectedFaults:
    """The faults that are still to come, oldest first."""

    def __init__(self) -> None:
        self._waiting: list[InjectedFault] = []

    def add(self, fault: InjectedFault) -> None:
        """Let it happen."""
        self._waiting.append(fault)

    def clear(self) -> None:
        """Let nothing more happen."""
        self._waiting.clear()

    def take(self, method: str, path: str, parameters: Mapping[str, str]) -> InjectedFault | None:
        """Return the fault that meets this request, used up by one."""
        for place, fault in enumerate(self._waiting):
            if fault.meets(method, path, parameters):
                self._use(place, fault)
                return fault
        return None

    def as_json(self) -> list[dict[str, Any]]:
        """Return what is still to come."""
        return [asdict(fault) for fault in self._waiting]

    def _use(self, place: int, fault: InjectedFault) -> None:
        if fault.times == 1:
            del self._waiting[place]
        elif fault.times > 1:
            self._waiting[place] = replace(fault, times=fault.times - 1)


def _complete(fault: InjectedFault) -> InjectedFault:
    """Add what a bare code leaves open, in the exchange's own words."""
    if fault.kind is not FaultKind.HTTP:
        return fault
    refusal = RefusalCode.of_code(fault.code)
    words = refusal.value[2] if refusal else ""
    status = fault.status or (refusal.value[1] if refusal else 0)
    if not status:
        raise ValueError("an http fault needs a status, or a code that has one")
    body = fault.body
    if body is None and fault.code:
        body = ExchangeError.body_of(fault.code, words)
    return replace(fault, status=status, body={} if body is None else body)
