"""What the controller asks for, read from stdin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from host.base.errors import BadRequestError
from host.base.login import Login
from host.base.request import document_of
from host.observe.errors import NotDesiredError

PHASES = ("A", "B", "C", "D", "E")


@dataclass(frozen=True)
class ApiKey:
    """The exchange key that may read and nothing else."""

    key: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True)
class PhaseRequest:
    """One run of one phase: what is desired, who may look, and how long.

    `desired` is the release document or a part of it; `options` are plain numbers and switches.
    """

    run_id: str
    phase: str
    desired: dict[str, Any]
    redis: Login | None = None
    redis_deploy: Login | None = None
    exchange: ApiKey | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def wanted(self, *path: str) -> Any:
        """Return `desired[path[0]][path[1]]…`; raise NotDesiredError when the request does not say."""
        value: Any = self.desired
        for step in path:
            if not isinstance(value, dict) or value.get(step) is None:
                raise NotDesiredError(
                    f"the request does not say desired.{'.'.join(path)}; give it and look again"
                )
            value = value[step]
        return value

    def secrets(self) -> list[str]:
        """Return every secret that the request carries, so that none of them leaves again."""
        given = (login.password for login in (self.redis, self.redis_deploy) if login)
        passwords = [password for password in given if password is not None]
        return passwords + ([self.exchange.key, self.exchange.secret] if self.exchange else [])


def parse(text: str, phase: str) -> PhaseRequest:
    """Read the request of `phase`; raise BadRequestError in one sentence when it is not one."""
    document = document_of(text)
    if phase not in PHASES:
        raise BadRequestError(f"there is no phase {phase!r}; the phases are {', '.join(PHASES)}")
    if document.get("phase", phase) != phase:
        raise BadRequestError(f"the request is for phase {document['phase']!r}, the command for {phase!r}")
    exchange = _part(document, "exchange", ("api_key", "api_secret"))
    return PhaseRequest(
        run_id=str(document.get("run_id", "")),
        phase=phase,
        desired=_object(document, "desired"),
        redis=_login(document, "redis"),
        redis_deploy=_login(document, "redis_deploy"),
        exchange=ApiKey(exchange["api_key"], exchange["api_secret"]) if exchange else None,
        options=_object(document, "options"),
    )


def _object(document: dict[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name) or {}
    if not isinstance(value, dict):
        raise BadRequestError(f"the request's {name} is not a JSON object")
    return value


def _part(document: dict[str, Any], name: str, keys: tuple[str, ...]) -> dict[str, str] | None:
    value = _object(document, name)
    if value and not all(isinstance(value.get(key), str) for key in keys):
        raise BadRequestError(f"the request's {name} needs the texts {' and '.join(keys)}")
    return value or None


def _login(document: dict[str, Any], name: str) -> Login | None:
    value = _part(document, name, ("user", "password"))
    return Login(value["user"], value["password"]) if value else None
