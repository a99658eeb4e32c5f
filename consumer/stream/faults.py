"""Faults that a person must see: kept in Redis beside the group, so that no restart makes them go away.

A fault is a field of one hash, as JSON: code, detail, at, and where entries are concerned `first` and `last`
id and their `number`. Who acknowledges it adds `seen`; what happens afterwards is a new fault.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from consumer.base.log import logger
from consumer.base.stream_id import parse
from consumer.base.times import utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.base.settings import Settings
    from consumer.stream.connection import Connection

KEY_PREFIX = "quantum:trade_intent:faults:"
#: Where each acknowledgement is kept for good: a stream of code, detail, reason.
AUDIT_STREAM = "quantum:trade_intent:acknowledged"
#: Faults of one process's life: a new one has not seen what they are about.
OF_A_PROCESS = frozenset({"REDIS_CHANGED"})

#: The faults of this process cannot be kept in Redis; nothing else waits for that.
UNKEPT = "FAULTS_UNKEPT"

type Fault = dict[str, Any]


class Faults:
    """The faults of one process, kept in step with those in Redis."""

    def __init__(self, settings: Settings) -> None:
        self._key = KEY_PREFIX + settings.group
        self._unsaved: set[str] = set()
        self._is_first_look = True
        self.present: dict[str, Fault] = {}

    def add(self, code: str, detail: str, ids: Sequence[str] = ()) -> bool:
        """Keep a fault, with the entries that it is about; False when it was there and only counts up."""
        known = self.present.get(code)
        fault = known or {"code": code, "detail": detail, "at": utc_now()}
        if ids:
            every = [*(fault[end] for end in ("first", "last") if end in fault), *ids]
            fault["first"], fault["last"] = min(every, key=parse), max(every, key=parse)
            fault["number"] = fault.get("number", 0) + len(ids)
        self.present[code] = fault
        if not known or ids:
            self._unsaved.add(code)
        return not known

    async def keep_in_step(self, connection: Connection) -> None:
        """Write what is new here, take in what others wrote, and drop what a person has seen."""
        self.present.pop(UNKEPT, None)
        try:
            await self._keep(connection)
        except ResponseError as error:
            self.present[UNKEPT] = {"code": UNKEPT, "detail": f"{self._key}: {error}", "at": utc_now()}

    async def _keep(self, connection: Connection) -> None:
        flat = await connection.ask("HGETALL", self._key)
        there = {code.decode(): json.loads(fault) for code, fault in zip(flat[::2], flat[1::2], strict=True)}
        for code, fault in there.items():
            if code not in self.present and not fault.get("seen") and not self._is_old(code):
                self.present[code] = fault
        for code in [*self.present]:
            await self._save_or_drop(connection, code, there.get(code))
        self._is_first_look = False

    def _is_old(self, code: str) -> bool:
        return self._is_first_look and code in OF_A_PROCESS

    async def _save_or_drop(self, connection: Connection, code: str, there: Fault | None) -> None:
        own = self.present[code]
        if code in self._unsaved or there is None:
            await connection.ask("HSET", self._key, code, json.dumps(own))
            self._unsaved.discard(code)
        elif there.get("seen"):
            del self.present[code]
            logger().warning("fault_seen", code=code, reason=there["seen"]["reason"])


async def acknowledge(connection: Connection, settings: Settings, reason: str, code: str = "") -> list[Fault]:
    """Mark the faults that stand, or the one of this code, as seen by a person; return them."""
    key = KEY_PREFIX + settings.group
    flat = await connection.ask("HGETALL", key)
    standing = [json.loads(fault) for fault in flat[1::2]]
    standing = [fault for fault in standing if not fault.get("seen") and code in ("", fault["code"])]
    for fault in standing:
        await connection.ask(
            "XADD", AUDIT_STREAM, "*", "code", fault["code"], "fault", json.dumps(fault), "reason", reason,
            "group", settings.group,
        )  # fmt: skip # a table, or a call that is read as one
        seen = {**fault, "seen": {"at": utc_now(), "reason": reason}}
        await connection.ask("HSET", key, fault["code"], json.dumps(seen))
    return standing


def described(fault: Fault) -> str:
    """Say a fault in one line, with the entries that it is about."""
    if "number" not in fault:
        return str(fault["detail"])
    return f"{fault['detail']} ({fault['number']}: {fault['first']} to {fault['last']})"
