"""The run's observations by name, for a report that must be readable whatever is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from checks.model import Observation


@dataclass(frozen=True, slots=True)
class Seen:
    """Values by ref, for example `A:redis.groups`. What was not seen is None, and never shown as 0."""

    values: Mapping[str, Any]

    @classmethod
    def of(cls, observations: Iterable[Observation]) -> Seen:
        """Keep what could be observed."""
        return cls({observation.ref: observation.value for observation in observations if observation.ok})

    def __call__(self, ref: str, *path: str | int) -> Any:
        """Follow a path into an observed value; None as soon as there is nothing."""
        value = self.values.get(ref)
        for step in path:
            value = _step(value, step)
        return value

    def last(self, id_: str, phases: str = "EDCA") -> Any:
        """Give an observation as the latest phase has it."""
        return next(
            (self.values[f"{phase}:{id_}"] for phase in phases if f"{phase}:{id_}" in self.values), None
        )


def _step(value: Any, step: str | int) -> Any:
    try:
        return value[step]
    except (KeyError, IndexError, TypeError):
        return None
