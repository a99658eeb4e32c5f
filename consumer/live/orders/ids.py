"""Client ids: derived from the intent and the leg alone, so that who restarts asks for the same order.

`ti`, 24 characters for origin id and body, one letter for the leg, and the attempt: at most 36 characters of
[a-z0-9], within the exchange's 36. The exchange refuses a repeated id only while the first order is open; the
journal is what makes ids unique.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Literal, NamedTuple, get_args

PREFIX = "ti"
#: Entry, stop loss, the three take profits, exit.
type Leg = Literal["e", "s", "1", "2", "3", "x"]
ENTRY: Leg = "e"
STOP: Leg = "s"
TARGETS: tuple[Leg, ...] = ("1", "2", "3")
EXIT: Leg = "x"
LEGS: tuple[Leg, ...] = get_args(Leg.__value__)
#: More than can be made in the life of a position, at one every 30 seconds.
MAX_ATTEMPT = 999_999_999
#: What goes out while the journal fails has an attempt of its own, that no other comes near.
EMERGENCY_ATTEMPT = 900_000_000
_STEM_LENGTH = 24
_OURS = re.compile(
    rf"{PREFIX}(?P<stem>[a-z2-7]{{{_STEM_LENGTH}}})(?P<leg>[es123x])(?P<attempt>\d{{1,9}})", re.ASCII
)


class OwnId(NamedTuple):
    """A client id of ours, taken apart."""

    stem: str
    leg: Leg
    attempt: int


def client_id(origin_id: str, body_sha256: str, leg: Leg, attempt: int = 0) -> str:
    """Return the client id of an intent's leg. Raises ValueError for a leg or attempt that there is not."""
    if leg not in LEGS or not 0 <= attempt <= MAX_ATTEMPT:
        raise ValueError(f"there is no leg {leg!r} with attempt {attempt}")
    return of_stem(stem(origin_id, body_sha256), leg, attempt)


def stem(origin_id: str, body_sha256: str) -> str:
    """Return what the client ids of one intent begin with, and no other intent's."""
    digest = hashlib.sha256(f"{origin_id}\0{body_sha256}".encode()).digest()
    return PREFIX + base64.b32encode(digest).decode().lower()[:_STEM_LENGTH]


def of_stem(stem: str, leg: Leg, attempt: int) -> str:
    """Return the client id of a leg of the intent whose ids begin with `stem`."""
    return f"{stem}{leg}{attempt}"


def own(text: str) -> OwnId | None:
    """Take a client id apart, or return None when it is not one of ours."""
    parts = _OURS.fullmatch(text)
    if not parts:
        return None
    leg = next(letter for letter in LEGS if letter == parts["leg"])
    return OwnId(PREFIX + parts["stem"], leg, int(parts["attempt"]))
