"""The last wall between a secret and the evidence: what looks like one is masked before it is judged.

Collectors never report secrets. This is for the day one of them does: a value under a telling name, a
password in an address, an assignment in a log line, a signed query, a private key.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

MASK = "<masked>"

_NAME = (
    r"(?:[a-z0-9]{1,40}[_-]){0,6}(?:password|passwd|passphrase|requirepass|api[_-]?key|(?:api|client)[_-]?secret"
    r"|secret[_-]?key|private[_-]?key|(?:access|auth)[_-]?token)"
)
# A colon alone assigns nothing: `secrets/redis_password:/run/secrets/redis_password:ro` is a mount.
_ASSIGNS = r"\s*=\s*|[\"']\s*:\s*|:\s+"
_ASSIGNED = r"\"[^\"]+\"|'[^']+'|[^\s,;&\"'}]+"
# Most texts hold nothing of this kind, and are left alone for the price of one look.
_HINTS = ("pass", "key", "secret", "token", "signature", "://")
_TELLING_NAME = re.compile(_NAME, re.IGNORECASE)
_IN_TEXT = (
    (re.compile(r"(://[^\s/:@]*:)[^\s/@]+(@)"), rf"\1{MASK}\2"),
    (re.compile(rf"\b({_NAME})({_ASSIGNS})({_ASSIGNED})", re.IGNORECASE), rf"\1\2{MASK}"),
    (re.compile(r"(signature=)[0-9a-f]{32,}", re.IGNORECASE), rf"\1{MASK}"),
    (
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
        ),
        MASK,
    ),
)


def masked(value: Any) -> Any:
    """Give back the same JSON with everything that looks like a secret replaced by `<masked>`.

    Names come in order, as in the bundle's file: what is judged from it again reads the same.
    """
    if isinstance(value, dict):
        return {_masked_name(name): _masked_entry(name, value[name]) for name in sorted(value)}
    if isinstance(value, list | tuple):
        return [masked(entry) for entry in value]
    return _masked_text(value) if isinstance(value, str) else value


def _masked_entry(name: str, entry: Any) -> Any:
    if isinstance(entry, str):
        return MASK if entry and _is_telling(name) else _masked_text(entry)
    return masked(entry)


@lru_cache(maxsize=1024)
def _is_telling(name: str) -> bool:
    return _TELLING_NAME.fullmatch(name) is not None


def _masked_text(text: str) -> str:
    lower = text.lower()
    if any(hint in lower for hint in _HINTS):
        for pattern, replacement in _IN_TEXT:
            text = pattern.sub(replacement, text)
    return text


#: The same few names stand in every entry.
_masked_name = lru_cache(maxsize=1024)(_masked_text)
