"""What a run saw, by name; and the part of it that one check may look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.model import Observation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class UnseenError(Exception):
    """Raised when a check lacks what it needs to judge: its finding is inconclusive, never a pass."""


class NotAskedError(Exception):
    """Raised when what was desired leaves nothing to check: the finding is inconclusive and does not gate."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All observations of a run by their refs, for example `A:redis.groups`."""

    by_ref: Mapping[str, Observation]

    @classmethod
    def of(cls, observations: Iterable[Observation]) -> Evidence:
        """Index observations; a ref seen twice becomes a failed one, since nobody knows which holds."""
        by_ref: dict[str, Observation] = {}
        for observation in observations:
            ref = observation.ref
            by_ref[ref] = (
                observation
                if ref not in by_ref
                else _failed(ref, "Ambiguous", "it was observed more than once")
            )
        return cls(by_ref)

    def get(self, ref: str) -> Observation:
        """Return the observation, or a failed one that says it was never made."""
        return self.by_ref.get(ref) or _failed(ref, "Missing", "it was not observed in this run")


@dataclass(frozen=True, slots=True)
class Facts:
    """What one check sees: the values of the observations it declared, and what was desired."""

    observations: Mapping[str, Observation]
    desired: Mapping[str, Any]

    @classmethod
    def of(cls, needs: Iterable[str], evidence: Evidence, desired: Mapping[str, Any]) -> Facts:
        """Narrow the evidence to the declared refs. Raises UnseenError for one that is missing or failed."""
        observations = {ref: evidence.get(ref) for ref in needs}
        for ref, observation in observations.items():
            if not observation.ok:
                raise UnseenError(f"{ref} could not be observed: {_why(observation)}")
        return cls(observations, desired)

    def __getitem__(self, ref: str) -> Any:
        return self.observations[ref].value

    def at(self, ref: str) -> str:
        """Return when the observation was made, UTC with Z."""
        return self.observations[ref].at


def need(value: Any, what: str) -> Any:
    """Return the value unless it is None or empty: nothing seen proves nothing. Raises UnseenError."""
    if value is None or (isinstance(value, str | list | tuple | dict | set) and not value):
        raise UnseenError(f"the evidence holds no {what}")
    return value


def _failed(ref: str, kind: str, message: str) -> Observation:
    phase, _, name = ref.partition(":")
    return Observation(
        phase, name, how="", at="", duration_ms=0.0, ok=False, error={"type": kind, "message": message}
    )


def _why(observation: Observation) -> str:
    error = observation.error or {}
    return f"{error.get('type', 'Error')}: {error.get('message', 'no reason was given')}"
