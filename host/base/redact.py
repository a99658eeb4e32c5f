"""Log lines without secrets: what is known to be one, and what looks like one."""

from __future__ import annotations

import re

MASK = "<masked>"
_SHORTEST_SECRET = 4
_NAMED = re.compile(
    r"""(?i)((?:password|passwd|secret|api_?key|token|authorization)["']?\s*[=:]\s*["']?)[^\s"',}]+"""
)
_IN_ADDRESS = re.compile(r"(?<=://)[^/\s@]+(?=@)")


def redact(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Return `text` with every given secret, named value and login inside an address masked."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, MASK)
    return _NAMED.sub(rf"\g<1>{MASK}", _IN_ADDRESS.sub(MASK, text))
