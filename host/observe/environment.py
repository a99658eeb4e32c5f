"""A container's environment, told without telling its secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK = "<masked>"
_SHOWN = re.compile(r"^(TRADE_INTENT_.*|PATH|PYTHON.*|LANG|LC_.*)$")
_SECRET_NAME = re.compile(r"SECRET|PASSWORD|PASSWD|TOKEN|CREDENTIAL|API_?KEY|PRIVATE", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@/\s]+@")


def shown(variables: Iterable[str]) -> dict[str, str]:
    """Return `NAME=value` lines as a table in which only known, harmless values can be read."""
    return {name: _value(name, value) for name, value in _pairs(variables)}


def suspects(variables: Iterable[str], secrets: Iterable[str]) -> list[str]:
    """Return the names that look like secrets, or whose value holds a password or one of `secrets`."""
    known = [secret for secret in secrets if secret]
    return sorted(
        name
        for name, value in _pairs(variables)
        if value
        and (
            _SECRET_NAME.search(name)
            or _URL_PASSWORD.search(value)
            or any(secret in value for secret in known)
        )
    )


def _value(name: str, value: str) -> str:
    if not _SHOWN.match(name) or _SECRET_NAME.search(name):
        return MASK
    return _URL_PASSWORD.sub(rf"\g<1>{MASK}@", value)


def _pairs(variables: Iterable[str]) -> list[tuple[str, str]]:
    split = (variable.partition("=") for variable in variables)
    return [(name, value) for name, _, value in split]
