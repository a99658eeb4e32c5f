"""What live mode does at the exchange, and all of it without Redis: a worker per symbol carries it out.

An intent that was begun is carried to its stop or its exit whatever becomes of the connection that brought
it, and positions are looked after while there is none.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from consumer.base.errors import RefusedError
from consumer.base.log import logger
from consumer.intents import filters
from consumer.intents.decide import FAILED_DELIVERIES, failed
from consumer.live.exchange import errors
from consumer.live.exchange.client import BinanceExchange, Observer
from consumer.live.exchange.standing import ExchangeStanding
from consumer.live.exchange.user_stream import UserStream
from consumer.live.intent_handler import IntentHandler, PreTradeCheck, Settlement
from consumer.live.journal import JournalError
from consumer.live.journal.lease import Lease
from consumer.live.journal.thread import CHECK_S
from consumer.live.journal_memory import LOST
from consumer.live.lease_keeper import CLAIM_S, LeaseKeeper
from consumer.live.orders.account_settings import REMEDY, AccountSettings
from consumer.live.orders.executor import Executor
from consumer.live.orders.position_watch import PositionWatch
from consumer.live.orders.reconciliation import Keeper
from consumer.live.orders.sender import NotNowError, OrderSender, StillUnknownError
from consumer.live.risk.account_picture import AccountPicture
from consumer.live.risk.engine import RiskEngine
from consumer.live.upkeep import Upkeep
from consumer.live.workers import PATIENCE_S, SymbolWorkers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from consumer.base import clock
    from consumer.intents.context import Context
    from consumer.intents.entry import Entry
    from consumer.live.config import LiveConfig
    from consumer.live.halt import Halts
    from consumer.live.journal.thread import JournalThread
    from consumer.serve.state import ServiceState
    from consumer.stream.session import Stopping

#: How often, in seconds, the exchange's rules are fetched, and how soon again when they could not be.
RULES_S, RULES_AGAIN_S = 600.0, 10.0
#: How old, in seconds, the rules may be that an entry rests on.
RULES_MOST_S = 2 * RULES_S
#: How often, in seconds, it is looked whether the user data stream is to be connected.
STREAM_S = 0.5
#: For so long after SIGTERM what is in hand may go on to its stop or exit.
FINISH_S = 8.0
#: What is over once the exchange answers, a rate limit lets go or another instance has done its part.
_PASSES = (NotNowError, StillUnknownError, errors.OutcomeError)


class RedisClock:
    """Implements consumer.live.exchange.port.Clock on Redis's time."""

    def __init__(self, measured: clock.Clock) -> None:
        self._measured = measured

    def now_ms(self) -> int:
        """Return Redis's time."""
        return self._measured.now_ms()

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let others run for so long."""
        await asyncio.sleep(seconds)


class ExecutionEngine:
    """One instance at the exchange. It must be made while an event loop runs."""

    def __init__(
        self,
        context: Context,
        config: LiveConfig,
        state: ServiceState,
        halts: Halts,
        stopping: Stopping,
        *,
        thread: JournalThread,
    ) -> None:
        self._context = context
        self._config = config
        self._state = state
        self._halts = halts
        self._stopping = stopping
        self._log = logger()
        self.journal = config.journal
        self._clock = RedisClock(state.clock)
        holder = f"{context.settings.consumer_name}@{socket.gethostname()}:{os.getpid()}"
        self.lease = Lease(self.journal.store, holder)
        self.thread = thread
        self.lease_keeper = LeaseKeeper(self.lease, thread, self._clock)
        self.workers = SymbolWorkers(self._came_to_nothing)
        self.standing = ExchangeStanding(
            lambda: time.time_ns() // 1_000_000 + self._exchange.offset_ms, halts.set
        )
        self._rules = filters.Snapshot("none", {})
        self._rules_at = float("-inf")
        self._ready_for: int | None = None
        self._guards_because = config.guards_because
        self._own_faults: Counter[str] = Counter()
        self._taken: set[str] = set()
        self._assemble()

    def _assemble(self) -> None:
        """Put the parts together; the exchange's client needs a running loop."""
        config, halts = self._config, self._halts
        self._exchange = BinanceExchange(
            config.url,
            config.api_key,
            config.api_secret,
            self._clock.now_ms,
            Observer(self.standing.answered, self.standing.ended, self.standing.door),
        )
        sender = OrderSender(
            self._exchange,
            self.journal,
            self.thread,
            self.lease,
            self._clock,
            halts=halts,
            rules_of=self._rules_of,
        )
        picture = AccountPicture(self._exchange, self._clock, sender)
        judge = RiskEngine(
            self._exchange,
            picture,
            self.journal,
            self._clock,
            config.limits,
            promotion=config.promotion,
            rules=lambda: self._rules,
        )
        permission = PreTradeCheck(
            sender, judge, halts, self._context.max_age_ms, (self._not_now, self.guards_because)
        )
        executor = Executor(sender, permission)
        nonce = config.promotion.nonce if config.promotion else ""
        self._handler = IntentHandler(
            self._context, sender, judge, executor, halts, permission=permission, promotion=nonce
        )
        self._account = AccountSettings(self._exchange, config.limits)
        self._keeper = Keeper(sender, executor, picture)
        self._sender = sender
        self.upkeep = Upkeep(
            self.journal,
            self.workers,
            halts,
            exchange=self._exchange,
            watchers=(self._keeper, PositionWatch(sender, picture), picture),
            watch_account=self._watch_account,
            is_ready=lambda: self.is_ready,
        )

        self._stream = UserStream(
            config.stream_url,
            self._exchange,
            self.upkeep.wake,
            lambda: self.is_ready and not self._stopping.has_begun,
        )

    def tasks(self) -> list[tuple[float, Callable[[], Awaitable[None]]]]:
        """Return what is to be done again and again, and every how many seconds."""
        return [
            (CLAIM_S, self._keep_lease),
            (RULES_AGAIN_S, self._keep_rules),
            (CHECK_S, self.thread.check),
            (STREAM_S, self._stream.listen),
            *self.upkeep.tasks(),
        ]

    async def close(self) -> None:
        """Let what is in hand go on for a while, then let go of everything."""
        await self.workers.finish(FINISH_S - self._stopping.since_s)
        await self.lease_keeper.let_go()
        await self._exchange.close()
        await self.thread.close()

    @property
    def is_ready(self) -> bool:
        """Whether this instance takes intents: the lease is its own, and all was compared under it."""
        held = self.lease.held
        return held is not None and self._ready_for == held.fencing

    @property
    def may_go_on(self) -> bool:
        """Whether the next entry may be taken."""
        return self.is_ready and self.standing.breaker.is_closed and not self._stopping.has_begun

    async def reconcile(self) -> bool:
        """Compare journal and exchange, before the first entry under a lease. Raises RefusedError.

        What was begun before is carried on beside that, each symbol by its worker.
        """
        held = self.lease.held
        if held is None:
            return False
        self.upkeep.carry_on()
        try:
            strange = await self._compared()
        except errors.OutcomeError as error:
            self._log.warning("not_ready", why=str(error))
            return False
        if strange:
            self._halts.set("HALT_STATE_DIFFERS", f"not in the journal: {'; '.join(strange)}"[:500])
        self._ready_for = held.fencing
        self._log.info("reconciled", differences=strange)
        return True

    async def take(self, entry: Entry) -> Settlement | None:
        """Decide about an entry and act on it, when its symbol's turn comes; None leaves it pending."""
        place = self._handler.place_of(entry)
        patience_s = None if place.is_closing else PATIENCE_S
        try:
            return await self.workers.do(
                place.symbol, partial(self._take, entry, place.origin_id), patience_s
            )
        except (NotNowError, errors.OutcomeError) as error:
            self._log.warning("put_off", entry=entry.id, why=str(error))
            self._state.counters["not_now"] += 1
            return None

    async def probe(self) -> None:
        """Ask the exchange anything, once its pause is over: an answer closes the breaker."""
        if self.standing.breaker.pause_s(time.monotonic()) > 0:
            return
        try:
            await self._exchange.time_ms()
        except errors.OutcomeError:
            return

    def guards_because(self) -> str:
        """Say why this instance only protects and closes what is its own; nothing where it trades."""
        promotion = self._config.promotion
        if promotion and self._clock.now_ms() > promotion.not_after_ms:
            return f"the promotion ended at {promotion.not_after.isoformat()}"
        return self._guards_because

    def view(self) -> dict[str, Any]:
        """Return what /state says of it."""
        guards_because = self.guards_because()
        return {
            "stage": "guard" if guards_because else self._config.stage,
            "guards_because": guards_because or None,
            "lease": self.lease_keeper.view(),
            "ready": self.is_ready,
            "breaker": "closed" if self.standing.breaker.is_closed else "open",
            "journal": self.thread.fault or "ok",
            "exchange_offset_ms": self._exchange.offset_ms,
            "in_hand": {symbol: round(seconds, 1) for symbol, seconds in self.workers.in_hand.items()},
            "unprotected": dict(self._sender.troubles.present),
            "refused_targets": dict(self._sender.refused_targets.present),
            "user_stream": "connected" if self._stream.is_connected else "away",
            "quiet_s": round(self.standing.quiet_s, 1),
        }

    def complaints(self) -> list[str]:
        """Say what keeps this instance from trading that waiting for the lease does not explain."""
        told = [
            f"{symbol} is open and {why}" for symbol, why in sorted(self._sender.troubles.present.items())
        ]
        if self.standing.quiet_s > 0:
            told.append(f"the exchange wants to be left alone for {self.standing.quiet_s:.0f} s more")
        if self.standing.key_refused:
            told.append(f"KEY_REFUSED: {self.standing.key_refused}")
        guards_because = self.guards_because()
        if guards_because:
            told.append(f"GUARD: it only protects and closes: {guards_because}")
        journal_fault = self.thread.fault
        if journal_fault:
            return [*told, journal_fault]
        if not self.standing.breaker.is_closed:
            return [*told, "the exchange fails: reading pauses"]
        is_waiting = self.is_ready or not self.lease.held
        return told if is_waiting else [*told, "journal and exchange are not reconciled"]

    async def _compared(self) -> list[str]:
        """Compare account and journal with the exchange; say what the journal does not know."""
        await self._exchange.time_ms()
        await self._refresh_rules()
        wrong = await self._account.differences(self._rules.symbols)
        if wrong and not self._config.guards_because:
            why = f"The account is not set as the limits file says: {'; '.join(wrong)}."
            if not self.journal.open_intents():
                raise RefusedError(why, REMEDY)
            self._guards_because = why
        lost = await self._keeper.forgotten(
            symbol for symbol in self._config.limits.symbols if symbol in self._rules.symbols
        )
        if lost:
            self._halts.set(LOST, lost)
        return await self._keeper.differences()

    async def _watch_account(self) -> None:
        """Halt when the account is set otherwise; trade once what was wrong from the start is right."""
        wrong = await self._account.differences(self._rules.symbols if self._guards_because else None)
        if self._guards_because:
            self._guards_because = self._config.guards_because or "; ".join(wrong)
        elif wrong:
            self._halts.set("HALT_ACCOUNT_CHANGED", "; ".join(wrong)[:500])

    async def _keep_lease(self) -> None:
        if self.lease.held or self._state.clock.offset_ms is not None:  # the lease is told in Redis's time
            await self.lease_keeper.keep()

    def _rules_of(self, symbol: str) -> filters.Filters | None:
        return self._rules.symbols.get(symbol)

    async def _keep_rules(self) -> None:
        if not self.is_ready or time.monotonic() - self._rules_at < RULES_S:
            return
        try:
            await self._refresh_rules()
        except errors.OutcomeError as error:
            self._log.debug("rules_not_fetched", why=str(error))

    async def _refresh_rules(self) -> None:
        rules = await self._exchange.exchange_info()
        self._rules = filters.Snapshot(f"exchangeInfo@{self._clock.now_ms()}", rules)
        self._rules_at = time.monotonic()
        pinned = filters.load().symbols
        differ = [
            name
            for name in self._config.limits.symbols
            if name not in rules or name not in pinned or not rules[name].plans_like(pinned[name])
        ]
        self._log.info("rules_fetched", symbols=len(rules), other_than_rehearsed=differ)

    async def _take(self, entry: Entry, origin_id: str) -> Settlement | None:
        """Decide and act; None leaves the entry pending."""
        if not self.may_go_on:  # it may have waited for its turn
            raise NotNowError("this instance does not go on")
        if origin_id in self._taken:
            raise NotNowError("a session that has ended has left it in hand")
        self._taken.add(origin_id)
        try:
            return await self._handler.take(entry)
        except (JournalError, NotNowError, errors.OutcomeError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever our own code does wrong must not stop the others
            return self._own_fault(entry, error)
        finally:
            self._taken.discard(origin_id)

    def _own_fault(self, entry: Entry, error: Exception) -> Settlement | None:
        """Give up on an entry that our own code fails on; never once it may have become an order."""
        self._state.counters["consumer_errors"] += 1
        self._log.exception("consumer_error", entry=entry.id)
        fields = entry.fields or {}
        origin_id = fields.get(b"origin_id", entry.id.encode()).decode("utf-8", "replace")
        if self.journal.intent(origin_id) is None:
            self._own_faults[entry.id] += 1
            is_final = self._own_faults[entry.id] >= FAILED_DELIVERIES
            decision = failed(entry.id, fields, error)
            return Settlement(decision._replace(deliveries=1) if is_final else decision)
        self._halts.set("HALT_CONSUMER_ERROR", f"{entry.id}: {type(error).__name__}")
        return None

    def _came_to_nothing(self, what: str, error: Exception) -> None:
        """Take note of what a worker could not do now; it is tried again."""
        if isinstance(error, _PASSES):
            self._log.debug(f"not_{what}", why=str(error))
        elif not isinstance(error, JournalError):  # the thread tells of the journal's faults itself
            self._state.counters["consumer_errors"] += 1
            self._log.error("consumer_error", what=what, exc_info=error)
            self._halts.set("HALT_CONSUMER_ERROR", f"{what}: {type(error).__name__}")

    def _not_now(self) -> str | None:
        """Say why nothing may be opened at this moment, though it may be in a later one."""
        if self._stopping.has_begun:
            return "stopping"
        if not self.lease.held:
            return "this instance does not hold the lease"
        journal_fault = self.thread.fault
        if journal_fault:
            return journal_fault
        if time.monotonic() - self._rules_at > RULES_MOST_S:
            return "the exchange's rules are too old"
        return self.standing.not_now()
