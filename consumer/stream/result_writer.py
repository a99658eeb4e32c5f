"""Writing decisions: one script per batch, which knows, while nothing can change, what is still to decide."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from redis.exceptions import NoScriptError

from consumer.base import stream_id
from consumer.base.settings import DEAD_LETTER_STREAM, HALT_KEY, RESULT_STREAM
from consumer.intents import gates
from consumer.stream.seal import Seal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from consumer.intents.context import Context
    from consumer.intents.decide import Decision
    from consumer.stream.connection import Connection

#: The orders of a decision that sent none, as JSON.
NO_ORDERS = "[]"
SCRIPT = Path(__file__).with_suffix(".lua").read_text()


#: Before the name of the group: the hash of what is known to be decided.
PROGRESS_PREFIX = "quantum:trade_intent:progress:"
#: How many bytes of dead letters are written at once.
MOST_LETTER_BYTES = 1_048_576


class Settled(NamedTuple):
    """What became of a batch; entries by their ids.

    `elsewhere` had been settled by others, `again` was decided before and given a second time, `taken_off`
    the group while it was in hand, and decided all the same. `held_up` cannot be written yet, each with what
    Redis says. `reached` is the id up to which all is decided; `remembered_less` that Redis knew less than
    this process. `fault` ended the batch. `halt` is the halt key's value.
    """

    counts: Mapping[str, int]
    elsewhere: Sequence[str] = ()
    put_off: int = 0
    dead_letters: Sequence[tuple[str, str]] = ()
    halt: str | None = None
    again: Sequence[str] = ()
    taken_off: Sequence[str] = ()
    held_up: Sequence[tuple[str, str]] = ()
    reached: str = ""
    remembered_less: bool = False
    fault: str = ""

    @property
    def went_back(self) -> str:
        """What shows that Redis went back in time, or nothing."""
        if self.remembered_less:
            return f"Redis forgot decisions up to {self.reached}"
        return "entries that were decided were given again" if self.again else ""


class Also(NamedTuple):
    """What a live decision brings with it: its orders as JSON, and commands that write what others read.

    Each command is a list of texts.
    """

    orders: str = NO_ORDERS
    commands: Sequence[Sequence[str]] = ()


NOTHING_ELSE = Also()


class ResultWriter:
    """Settles batches over one connection, which must be its own. `stage` is the promotion's, in live."""

    def __init__(self, context: Context, stage: str = "", key: str | None = None) -> None:
        """Write in the name of these settings; `key` seals the decisions."""
        settings = context.settings
        self._keys = (settings.stream, RESULT_STREAM, DEAD_LETTER_STREAM, HALT_KEY)
        fields = shared_fields(context)
        fields["stage"] = stage or fields["stage"]
        self._shared = (
            settings.group,
            settings.result_maxlen,
            settings.duplicate_window_ms,
            gates.lifetime_ms(context.max_age_ms, settings.duplicate_window_ms),
            *fields.values(),
        )
        self._consumer = (settings.consumer_name, "-".join(map(str, context.cutover)))
        self._progress = PROGRESS_PREFIX + settings.group
        self._seal = Seal(key, fields)
        self._drained = self._head(NOTHING_ELSE)
        self._script = ""
        self._run_id, self._batches, self._unsure = uuid.uuid4().hex, 0, ""
        #: The highest id up to which this process knows all to be decided.
        self.reached = ""

    async def settle(
        self, connection: Connection, decisions: Sequence[Decision], also: Also = NOTHING_ELSE
    ) -> Settled:
        """Write and acknowledge what is still pending; the rest is left as it is.

        `also` is of the one decision that it stands beside, and written only if that is.
        """
        self._batches += 1
        serial = self._unsure = f"{self._run_id}:{self._batches}"
        arguments = [*(self._drained if also is NOTHING_ELSE else self._head(also)), self.reached, serial]
        for decision in decisions:
            arguments += decision
            arguments[-3] = "1" if decision.stops_at_halt else ""
            arguments.append(self._seal.of(decision, also.orders))
        return self._known(await self._run(connection, arguments))

    async def recall(self, connection: Connection) -> Settled | None:
        """Return what became of the last batch when its reply was lost; None when nothing is unsure."""
        if not self._unsure:
            return None
        kept = await connection.ask("HGET", self._progress, f"reply:{self._consumer[0]}")
        serial, _, reply = (kept or b"").decode().partition(" ")
        is_of_last, self._unsure = serial == self._unsure, ""
        return self._known(reply) if is_of_last else None

    async def knows_less(self, connection: Connection) -> str:
        """Say up to where Redis knows all to be decided, if this process knows better; else nothing."""
        known = await connection.ask("HGET", self._progress, "to") if self.reached else None
        said = (known or b"").decode()
        return said if said and stream_id.parse(said) < stream_id.parse(self.reached) else ""

    def _known(self, reply: str | bytes) -> Settled:
        """Read a reply, after which nothing is unsure."""
        settled = _settled(reply)
        self._unsure = ""
        self.reached = settled.reached or self.reached
        return settled

    async def load(self, connection: Connection) -> None:
        """Give Redis the script."""
        self._script = (await connection.ask("SCRIPT", "LOAD", SCRIPT)).decode()

    def _head(self, also: Also) -> list[Any]:
        """Return the number of keys, and the arguments before those of the entries."""
        commands = json.dumps(also.commands) if also.commands else ""
        return [0, *self._keys, *self._shared[:-1], also.orders, commands, *self._consumer]

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


def portions(decisions: Sequence[Decision]) -> Iterator[Sequence[Decision]]:
    """Cut a batch where its dead letters are too large to be written at once."""
    begin = size = 0
    for end, decision in enumerate(decisions):
        size += len(decision.letter)
        if size > MOST_LETTER_BYTES and end > begin:
            yield decisions[begin:end]
            begin, size = end, len(decision.letter)
    yield decisions[begin:] if begin else decisions


def _settled(reply: str | bytes) -> Settled:
    """Read the script's reply. An empty list comes as an empty object: Lua knows no difference."""
    said = json.loads(reply)
    halt = said.get("halt", False)
    return Settled(
        said.get("counts") or {},
        [*said.get("elsewhere", ())],
        said.get("put_off", 0),
        _pairs(said.get("dead_letters", ())),
        None if halt is False else halt,
        [*said.get("again", ())],
        [*said.get("taken_off", ())],
        _pairs(said.get("held_up", ())),
        said.get("to", ""),
        said.get("remembered_less", False),
        said.get("fault", ""),
    )


def _pairs(flat: Sequence[str]) -> list[tuple[str, str]]:
    return list(zip([*flat][::2], [*flat][1::2], strict=True))
