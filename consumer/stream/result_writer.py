"""Writing decisions: one script per batch, which knows, while nothing can change, what is still to decide."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from redis.exceptions import NoScriptError

from consumer.base.settings import DEAD_LETTER_STREAM, HALT_KEY, RESULT_STREAM
from consumer.intents import gates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from consumer.intents.context import Context
    from consumer.intents.decide import Decision
    from consumer.stream.connection import Connection

#: The orders of a decision that sent none, as JSON.
NO_ORDERS = "[]"
SCRIPT = Path(__file__).with_suffix(".lua").read_text()


class Settled(NamedTuple):
    """What became of a batch. `elsewhere` counts what others had settled; `halt` is the halt key's value."""

    counts: Mapping[str, int]
    elsewhere: int
    put_off: int
    dead_letters: Sequence[tuple[str, str]]
    halt: str | None


class Also(NamedTuple):
    """What a live decision brings with it: its orders as JSON, and commands that write what others read.

    Each command is a list of texts.
    """

    orders: str = NO_ORDERS
    commands: Sequence[Sequence[str]] = ()


NOTHING_ELSE = Also()


class ResultWriter:
    """Settles batches over one connection, which must be its own. `stage` is the promotion's, in live."""

    def __init__(self, context: Context, stage: str = "") -> None:
        settings = context.settings
        self._keys = (settings.stream, RESULT_STREAM, DEAD_LETTER_STREAM, HALT_KEY)
        fields = shared_fields(context)
        self._shared = (
            settings.group,
            settings.result_maxlen,
            settings.duplicate_window_ms,
            gates.lifetime_ms(context.max_age_ms, settings.duplicate_window_ms),
            *{**fields, "stage": stage or fields["stage"]}.values(),
        )
        self._drained = self._head(NOTHING_ELSE)
        self._script = ""

    async def settle(
        self, connection: Connection, decisions: Sequence[Decision], also: Also = NOTHING_ELSE
    ) -> Settled:
        """Write and acknowledge what is still pending; the rest is left as it is.

        `also` is of the one decision that it stands beside, and written only if that is.
        """
        arguments = [*(self._drained if also is NOTHING_ELSE else self._head(also))]
        for decision in decisions:
            arguments += decision
            arguments[-3] = "1" if decision.stops_at_halt else ""
        reply = await self._run(connection, arguments)
        return _settled(reply)

    async def load(self, connection: Connection) -> None:
        """Give Redis the script."""
        self._script = (await connection.ask("SCRIPT", "LOAD", SCRIPT)).decode()

    def _head(self, also: Also) -> list[Any]:
        """Return the keys, and the arguments before those of the entries."""
        commands = json.dumps(also.commands) if also.commands else ""
        return [len(self._keys), *self._keys, *self._shared[:-1], also.orders, commands]

    async def _run(self, connection: Connection, arguments: list[Any]) -> Any:
        try:
            return await connection.ask("EVALSHA", self._script, *arguments)
        except NoScriptError:
            # Redis forgets scripts at a restart; it has done nothing, so asking again is safe.
            await self.load(connection)
            return await connection.ask("EVALSHA", self._script, *arguments)


def shared_fields(context: Context) -> dict[str, str]:
    """Return the fields that all decisions of a run have in common, in the script's order."""
    settings = context.settings
    return {
        "mode": settings.mode,
        "venue": settings.venue,
        "stage": settings.stage,
        "replica": str(settings.replica),
        "config_digest": context.config_digest,
        "orders": NO_ORDERS,
    }


def _settled(reply: Any) -> Settled:
    elsewhere, put_off, halt, counts, dead = reply
    return Settled(
        {name.decode(): count for name, count in zip(counts[::2], counts[1::2], strict=True)},
        elsewhere,
        put_off,
        [(id_.decode(), reason.decode()) for id_, reason in zip(dead[::2], dead[1::2], strict=True)],
        None if halt is None else halt.decode("utf-8", "replace"),
    )
