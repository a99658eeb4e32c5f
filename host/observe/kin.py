"""Who else on the host could act as our consumer, or at an exchange: every container, running or not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import docker

from host.observe.observation import collector
from host.observe.secrets import holds, known_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from host.observe.subject import Subject

CODE_LABEL = "trade_intent.code_digest"
USER_SETTING = "TRADE_INTENT_REDIS_URL"
_EXCHANGE_KEY = re.compile(r"(BINANCE|BYBIT|OKX|EXCHANGE|FUTURES).*(KEY|SECRET)", re.IGNORECASE)


@collector("docker.kin", "GET /containers/json?all=1, then GET /containers/ID/json of each")
def kin(subject: Subject) -> dict[str, Any]:
    """Return how many containers were looked at, and those that share something with ours or hold a key.

    Of each: `ours`, what it shares by word, and `exchange_keys`, where it has one; never a value.
    """
    listed = [summary["Id"] for summary in subject.engine.containers(all=True)]
    details = list(_inspected(subject, listed))
    described = (_described(subject, container) for container in details)
    return {
        "looked_at": len(details),
        "containers": [
            container for container in described if container["ours"] or container["exchange_keys"]
        ],
    }


def _described(subject: Subject, details: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": details["Name"].lstrip("/"),
        "id": details["Id"],
        "state": details["State"]["Status"],
        "ours": sorted(_shared(subject, details)),
        "exchange_keys": sorted(set(_exchange_keys(details))),
    }


def _shared(subject: Subject, details: dict[str, Any]) -> Iterator[str]:
    desired, config = subject.request.desired, details["Config"]
    if details["Image"] == desired["image"]["id"]:
        yield "image"
    if (config.get("Labels") or {}).get(CODE_LABEL) == desired["image"]["code_digest"]:
        yield "code"
    words = [*(config.get("Env") or []), *(config.get("Entrypoint") or []), *(config.get("Cmd") or [])]
    user = str((desired.get("settings") or {}).get(USER_SETTING, "")).partition("://")[2].partition("@")[0]
    if user and any(f"//{user}@" in word or f"//{user}:" in word for word in words):
        yield "Redis user"
    if any(desired["group"] in word for word in words):
        yield "group"
    if any(holds(word, known_secrets(subject)) for word in words) or _mounts_ours(subject, details):
        yield "secrets"


def _mounts_ours(subject: Subject, details: dict[str, Any]) -> bool:
    folder = str(subject.state.secrets)
    sources = (str(mount.get("Source") or "") for mount in details.get("Mounts") or [])
    return any(f"{source}/".startswith(f"{folder}/") for source in sources)


def _exchange_keys(details: dict[str, Any]) -> Iterator[str]:
    for variable in details["Config"].get("Env") or []:
        name, _, value = variable.partition("=")
        if value and _EXCHANGE_KEY.search(name):
            yield f"variable {name}"
    for mount in details.get("Mounts") or []:
        if _EXCHANGE_KEY.search(str(mount.get("Destination"))):
            yield f"mount {mount['Destination']}"


def _inspected(subject: Subject, ids: list[str]) -> Iterator[dict[str, Any]]:
    """Describe each; one that goes away meanwhile is not there any more."""
    for container_id in ids:
        try:
            yield dict(subject.engine.inspect_container(container_id))
        except docker.errors.NotFound:
            continue
