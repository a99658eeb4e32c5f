"""Which journal Redis has seen last, and how far: a lost one, an older copy or another one is noticed.

What was begun is known to the journal alone. Without it a second entry would look like the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from consumer.live.journal import Journal
    from consumer.stream.connection import Connection

KEY = "quantum:trade_intent:journal"
#: The halt of a journal that does not know what was entered.
LOST = "HALT_JOURNAL_LOST"


class JournalSeen(NamedTuple):
    """A journal by its identity, and how many intents it has begun."""

    identity: str
    intents: int


def seen_of(journal: Journal) -> JournalSeen:
    """Return the journal that is here."""
    return JournalSeen(journal.identity(), journal.intents_begun())


def lost(known: JournalSeen | None, here: JournalSeen) -> str:
    """Say what the journal that is here has lost beside the one that is known; nothing where it has not."""
    if known is None:
        return ""
    if known.identity != here.identity:
        return (
            f"Redis knows journal {known.identity} with {known.intents} intents,"
            f" and here is {here.identity} with {here.intents}"
        )
    if known.intents > here.intents:
        return f"Redis knows {known.intents} intents of journal {here.identity}, and here are {here.intents}"
    return ""


async def recall(connection: Connection) -> JournalSeen | None:
    """Return the journal that Redis has seen last, or None."""
    flat = await connection.ask("HGETALL", KEY)
    named = dict(zip(flat[::2], flat[1::2], strict=True))
    if b"identity" not in named:
        return None
    return JournalSeen(named[b"identity"].decode("utf-8", "replace"), int(named.get(b"intents", 0)))


async def remember(connection: Connection, seen: JournalSeen) -> None:
    """Have Redis know the journal that is here."""
    await connection.ask("HSET", KEY, "identity", seen.identity, "intents", str(seen.intents))
