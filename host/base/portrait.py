"""Everything that the engine says of a container, in a form that two looks at it can be compared in."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: What may differ between two looks at the same container. All else is as it was made.
MAY_DIFFER = re.compile(
    r"""
    State\..*                # whether it runs, since when, and what its health check said
    | RestartCount           # judged by itself
    | ExecIDs                # a health check under way; what runs inside is judged by itself
    | GraphDriver\..*        # where the engine keeps the layers; what is in them is judged by itself
    | LogPath                # known only after the first start
    | NetworkSettings\.(?!Networks\.|Ports).*  # of the default bridge, and given anew at each start
    | NetworkSettings\.Networks\.[^.]+\.
      (EndpointID|Gateway|IPAddress|IPPrefixLen|IPv6Gateway|GlobalIPv6.*|MacAddress|DNSNames)  # likewise
    """,
    re.VERBOSE,
)


def portrait(details: Mapping[str, Any]) -> dict[str, str]:
    """Return the engine's description as {path: JSON text} without what may differ, and without empty values.

    Empty, false and absent are one: a newer engine names settings that an older one did not know. Of the
    environment only digests are kept, since a value in it may be a secret.
    """
    mounts = {mount["Destination"]: mount for mount in details.get("Mounts") or []}  # in no order that lasts
    whole = {**details, "Config": _without_values(details["Config"]), "Mounts": mounts}
    paths = dict(_flat("", whole))
    return {path: text for path, text in sorted(paths.items()) if not MAY_DIFFER.fullmatch(path)}


def differences(made: Mapping[str, str], now: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return {path: (as made, as it is)} for every path that differs; what is not there is `nothing`."""
    paths = sorted(made.keys() | now.keys())
    pairs = {path: (made.get(path, "nothing"), now.get(path, "nothing")) for path in paths}
    return {path: pair for path, pair in pairs.items() if pair[0] != pair[1]}


def _without_values(config: Mapping[str, Any]) -> dict[str, Any]:
    pairs = (variable.partition("=") for variable in config.get("Env") or [])
    return {**config, "Env": {name: _digest(value) for name, _, value in pairs}}


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:16]


def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _flat(f"{path}.{name}" if path else str(name), member)
    elif value:
        yield path, json.dumps(value, sort_keys=True)
