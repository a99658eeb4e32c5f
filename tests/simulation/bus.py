"""A Redis of one stream and one group, which can fail over to a replica that has seen less.

It answers the commands that the consumer sends, by the rules that the real one has; the settle script is a
function here. Whatever it does is done at one moment, as in the real one.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from redis.exceptions import ConnectionError as LinkDownError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as LinkSilentError

from consumer.stream import reader

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from tests.simulation.loop import Process
    from tests.simulation.world import Hazards

type StreamId = tuple[int, int]
#: Of result_writer.lua: fields that all decisions of a call share, and fields of each; and which of the
#: shared ones hold the orders, the consumer and the serial.
_SHARED, _FIELDS_PER_DECISION = 19, 14
_ORDERS, _CONSUMER, _SERIAL = 13, 15, 18
#: How soon a blocked reader sees a new entry, in ms.
_POLL_MS = 50


@dataclass
class Pending:
    """One delivered entry that nobody has acknowledged."""

    consumer: str
    delivered_ms: int
    deliveries: int = 1


@dataclass
class BusMemory:
    """All that a failover may take back."""

    entries: dict[StreamId, dict[bytes, bytes]] = field(default_factory=dict)
    last_delivered: StreamId = (0, 0)
    pending: dict[StreamId, Pending] = field(default_factory=dict)
    decided: set[StreamId] = field(default_factory=set)
    results: list[dict[str, str]] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)


class Bus:
    """The server. `settled` is told of each decision at the moment in which its entry is acknowledged."""

    def __init__(
        self,
        chance: random.Random,
        fired: Counter[str],
        now_ms: Callable[[], int],
        settled: Callable[[dict[str, str]], None],
    ) -> None:
        self.chance = chance
        self.fired = fired
        self.now_ms = now_ms
        self.memory = BusMemory()
        self.run = 1
        self.settled = settled
        self._replica = copy.deepcopy(self.memory)

    def add(self, fields: Mapping[str, str]) -> str:
        """Publish an entry and return its id."""
        now_ms, last = self.now_ms(), max(self.memory.entries, default=(0, 0))
        new = (now_ms, 0) if now_ms > last[0] else (last[0], last[1] + 1)
        self.memory.entries[new] = {name.encode(): value.encode() for name, value in fields.items()}
        return f"{new[0]}-{new[1]}"

    def replicate(self) -> None:
        """Let the replica catch up."""
        self._replica = copy.deepcopy(self.memory)

    def fail_over(self) -> None:
        """Go on as the replica: what it had not seen has never happened."""
        self.memory = copy.deepcopy(self._replica)
        self.run += 1
        self.fired["Redis went back in time"] += 1

    def settle(self, decision: dict[str, str]) -> None:
        """Write a decision and take its entry off the group."""
        self.memory.results.append(decision)
        self.memory.decided.add(_id(decision["intent_id"]))
        self.memory.pending.pop(_id(decision["intent_id"]), None)
        self.settled(decision)


class BusLink:
    """Stands in for consumer.stream.connection.Connection."""

    def __init__(self, bus: Bus, process: Process, hazards: Hazards) -> None:
        self._bus = bus
        self._process = process
        self._hazards = hazards
        self._run = bus.run

    async def __aenter__(self) -> Self:
        await asyncio.sleep(0.001)
        self._process.require_life()
        self._run = self._bus.run
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Close nothing."""

    async def ask(self, *command: Any, most_bytes: int | None = None) -> Any:  # noqa: ARG002 - nothing here is so large
        """Do one command; the connection may drop before it, or before its reply."""
        self._process.require_life()
        await asyncio.sleep(self._bus.chance.uniform(0.0002, 0.003))
        if self._run != self._bus.run:
            raise LinkDownError("the server failed over")
        if self._bus.chance.random() < self._hazards.link_loss:
            self._bus.fired["Redis command lost"] += 1
            raise LinkDownError("connection lost")
        words = [word.decode() if isinstance(word, bytes) else str(word) for word in command]
        answer = await self._do(words)
        if self._bus.chance.random() < self._hazards.link_loss:
            self._bus.fired["Redis reply lost"] += 1
            raise LinkSilentError("no reply")
        await asyncio.sleep(self._bus.chance.uniform(0.0002, 0.003))
        self._process.require_life()
        return answer

    async def _do(self, words: list[str]) -> Any:  # noqa: PLR0911 - a command each
        name, bus = words[0].upper(), self._bus
        match name:
            case "INFO":
                return f"run_id:run{bus.run}\r\nmaster_replid:repl{bus.run}\r\n".encode()
            case "TIME":
                now_ms = bus.now_ms()
                return [str(now_ms // 1000).encode(), str(now_ms % 1000 * 1000).encode()]
            case "SCRIPT":
                return b"delivery" if words[2] == reader.SCRIPT else b"settle"
            case "GET" | "HGET":
                value = bus.memory.keys.get(words[-1])
                return None if value is None else value.encode()
            case "XPENDING":
                return [len(bus.memory.pending), None, None, None]
            case "XREADGROUP":
                return await self._read(words)
            case "HGETALL" | "HSET":  # of faults, which nobody here acknowledges
                return [] if name == "HGETALL" else 1
            case "EVALSHA":
                return self._delivered(words[4:]) if words[1] == "delivery" else self._settle(words[3:])
            case _:
                raise ResponseError(f"unknown command {name}")

    async def _read(self, words: list[str]) -> Any:
        consumer, count = words[3], int(words[words.index("COUNT") + 1])
        patience_ms, waited = int(words[words.index("BLOCK") + 1]), 0
        while True:
            entries = self._new(consumer, count)
            if entries or waited >= patience_ms:
                return [[b"stream", entries]] if entries else None
            await asyncio.sleep(_POLL_MS / 1000)
            waited += _POLL_MS
            self._process.require_life()
            if self._run != self._bus.run:
                raise LinkDownError("the server failed over")

    def _new(self, consumer: str, count: int) -> list[Any]:
        memory = self._bus.memory
        entries = sorted(entry for entry in memory.entries if entry > memory.last_delivered)[:count]
        for entry in entries:
            memory.pending[entry] = Pending(consumer, self._bus.now_ms())
            memory.last_delivered = entry
        return [_shown(entry, memory.entries[entry]) for entry in entries]

    def _delivered(self, words: list[str]) -> Any:
        """Do what delivery.lua does; nothing here is too large."""
        _group, consumer, owner, idle_ms, after, count, _entry, _all, added, excepted = words
        memory, now_ms = self._bus.memory, self._bus.now_ms()
        entries = [
            entry
            for entry in sorted(memory.pending)
            if entry > _id(after)
            and memory.pending[entry].consumer == (owner or memory.pending[entry].consumer)
            and (owner or now_ms - memory.pending[entry].delivered_ms >= int(idle_ms))
        ][: int(count)]
        rows = []
        for entry in entries:
            pending = memory.pending[entry]
            if entry in memory.entries:
                is_excepted = excepted == consumer == pending.consumer
                deliveries = pending.deliveries + (0 if is_excepted else int(added))
                pending.consumer, pending.delivered_ms, pending.deliveries = consumer, now_ms, deliveries
            id_, flat = _shown(entry, memory.entries.get(entry))
            rows.append([id_, pending.deliveries, b"gone" if flat is None else b"whole", flat or []])
        return [rows[-1][0] if rows else b"", rows]

    def _settle(self, arguments: list[str]) -> Any:
        """Do what result_writer.lua does in live, where the journal and not Redis remembers twins."""
        shared, each = arguments[:_SHARED], arguments[_SHARED:]
        memory = self._bus.memory
        counts, lists = Counter[str](), {"elsewhere": [], "again": [], "taken_off": [], "dead_letters": []}
        for at in range(0, len(each), _FIELDS_PER_DECISION):
            self._settle_one(each[at : at + _FIELDS_PER_DECISION], shared[_ORDERS], counts, lists)
        halt = memory.keys.get("quantum:trade_intent:halt") or False
        reply = json.dumps({"counts": counts, "put_off": 0, "halt": halt, **lists})
        memory.keys[f"reply:{shared[_CONSUMER]}"] = f"{shared[_SERIAL]} {reply}"
        return reply.encode()

    def _settle_one(
        self, fields: list[str], orders: str, counts: Counter[str], lists: dict[str, list[str]]
    ) -> None:
        entry_id, status, reason, origin_id, symbol, *_, letter, _deliveries, _seal = fields
        memory, position = self._bus.memory, _id(entry_id)
        if position in memory.decided:
            lists["again" if memory.pending.pop(position, None) else "elsewhere"].append(entry_id)
            return
        if position not in memory.pending:
            lists["taken_off"].append(entry_id)
        self._bus.settle(
            {
                "intent_id": entry_id,
                "origin_id": origin_id,
                "symbol": symbol,
                "status": status,
                "reason": reason,
                "orders": orders,
            }
        )
        counts[status] += 1
        lists["dead_letters"] += [entry_id, reason] if letter else []


def _shown(entry: StreamId, fields: Mapping[bytes, bytes] | None) -> Any:
    flat = None if fields is None else [part for pair in fields.items() for part in pair]
    return [f"{entry[0]}-{entry[1]}".encode(), flat]


def _id(text: str) -> StreamId:
    milliseconds, _, number = text.partition("-")
    return int(milliseconds), int(number or 0)
