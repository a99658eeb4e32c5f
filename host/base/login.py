"""Who speaks to Redis."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Login:
    """A Redis user; without a name nobody logs in."""

    user: str | None = None
    password: str | None = field(default=None, repr=False)
