"""How a look gets its id: one small function, registered where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from host.observe.observation import Observation, observe

if TYPE_CHECKING:
    from collections.abc import Callable

    from host.observe.subject import Subject


@dataclass(frozen=True)
class Collector:
    """A look with a name. `how` may name parts of what is desired: `XINFO GROUPS {stream}`."""

    id: str
    how: str
    look: Callable[[Subject], Any]

    def run(self, subject: Subject) -> Observation:
        """Look at the subject, and let later looks of the same run see what was found."""
        how = self.how.format_map(_Names(subject.request.desired))
        observation = observe(self.id, how, lambda: self.look(subject))
        if observation.ok:
            subject.seen[self.id] = observation.value
        return observation


class _Names(dict[str, Any]):
    """What is desired, for a sentence: a name that is not given stays as it stands."""

    def __missing__(self, name: str) -> str:
        return "{" + name + "}"


def collector(name: str, how: str) -> Callable[[Callable[[Subject], Any]], Collector]:
    """Register the function below as the look called `name`."""

    def register(look: Callable[[Subject], Any]) -> Collector:
        return Collector(name, how, look)

    return register
