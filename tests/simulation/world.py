"""One seed's world: an exchange, a Redis, a disk, one or two consumers, and what goes wrong between them.

First there is trouble for `TROUBLE_S`, then peace until everything is settled; then comes the judgement.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import random
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from consumer.live.journal import Journal
from sandbox.exchange.core.account import hedged_setting, leverage_setting
from sandbox.exchange.core.parameters import Parameters
from sandbox.exchange.core.prices import mark
from sandbox.exchange.core.symbols import SYMBOLS
from tests.simulation import invariants
from tests.simulation.bus import Bus
from tests.simulation.disk import Disk, DiskStore
from tests.simulation.loop import CrashError, Process, VirtualLoop
from tests.simulation.record import PublishedIntent, Record
from tests.simulation.venue import Venue, Weather, Wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

#: Seconds of trouble, and the longest peace that settling everything may take.
TROUBLE_S, PEACE_S = 60.0, 240.0
LEVERAGE = 5
#: In so many worlds symbols have trouble of their own, and there is no other.
_APART = 0.15
_BOOT_S = 0.8
_OPERATOR_S = 6.0
#: After the last decision, long enough to look at every position twice.
_QUIET_S = 25.0
#: For so long after it was sent an order's absence may be the lag of an answer.
_YOUNG_MS = 8_000


@dataclass
class Hazards:
    """What may happen inside a process: chances per commit, per named point, per Redis command."""

    crash_at_commit: float = 0.0
    crash_at_point: float = 0.0
    disk_full: float = 0.0
    link_loss: float = 0.0
    kills: float = 0.0
    partitions: float = 0.0
    freezes: float = 0.0
    freeze_at_send: float = 0.0
    disk_hangs: float = 0.0
    terms: float = 0.0
    hands: float = 0.0
    jumps: float = 0.0
    deafness: float = 0.0

    def calm(self) -> None:
        """Let there be peace."""
        for name in vars(self):
            setattr(self, name, 0.0)


@dataclass
class SeedOutcome:
    """What a seed came to: what is broken, and what was injected how often."""

    seed: int
    broken: list[str]
    fired: Counter[str]
    entries: int
    decisions: Counter[str] = field(default_factory=Counter)
    #: Of each entry, for how long, in ms, it was bare while a stop could have been sent.
    unprotected_ms: list[int] = field(default_factory=list)


class SeedWorld:
    """Everything that a seed decides."""

    def __init__(
        self,
        seed: int,
        program: Callable[[SeedWorld, Process, int], Awaitable[None]],
        *,
        lying_disk: bool = False,
    ) -> None:
        self.seed = seed
        self.fired: Counter[str] = Counter()
        self.record = Record()
        self.hazards = _hazards(self._chance("hazards"))
        self._schedule = self._chance("schedule")
        weather = _weather(self._chance("weather"))
        self._is_apart = self._chance("apart").random() < _APART
        if self._is_apart:
            # Nothing is wrong but with single symbols, so that nothing else excuses what others suffer.
            self.hazards, weather = Hazards(deafness=0.9, hands=0.9), Weather()
        self.venue = Venue(self._chance("venue"), self.fired, weather)
        self.disk = Disk(self._chance("disk"), self.fired, lying=lying_disk)
        self.bus = Bus(self._chance("bus"), self.fired, self.venue.now_ms, self._settled)
        self.points = self._chance("points")
        self._freezes = self._chance("freezes")
        self._hangs, self._hands = self._chance("hangs"), self._chance("hands")
        self.replicas = 2 if self._schedule.random() < 0.4 else 1
        self.fired["two instances"] += self.replicas - 1
        self._bodies: dict[str, dict[str, str]] = {}
        self.processes: dict[int, Process] = {}
        self.wires: dict[Process, Wire] = {}
        self._program = program
        self._peace = False
        self._started = 0
        self._first_prices = {symbol: mark(self.venue.ledger, symbol) for symbol in SYMBOLS}
        self._set_account()

    def run(self) -> SeedOutcome:
        """Live through it all and judge."""
        loop = VirtualLoop(self.seed)
        gc.freeze()
        gc.disable()
        try:
            loop.run_until_complete(self._live(loop))
            self._note_halts()
            broken = invariants.broken(self.venue, self.record)
        finally:
            # Whatever the dead left unfinished is unwound here, and not inside of somebody else's step.
            loop.graveyard.clear()
            gc.collect()
            gc.enable()
            loop.close()
        decisions = Counter(decision["status"] for decision in self.record.decisions)
        entered = sum(
            order.type == "MARKET" and not order.closes and not order.algo_id
            for order in self.venue.ledger.orders.values()
        )
        bare_ms = invariants.unprotected_ms(self.venue, self.record)
        return SeedOutcome(self.seed, broken, self.fired, entered, decisions, bare_ms)

    def store(self, process: Process) -> DiskStore:
        """Open the journal's store for a process."""
        return DiskStore(self.disk, process, self.hazards)

    def wire(self, process: Process) -> Wire:
        """Connect a process to the exchange."""
        self.wires[process] = Wire(self.venue, process)
        return self.wires[process]

    def disk_hangs_s(self) -> float:
        """Return for how long the disk takes over a write; mostly it takes no time."""
        if self._hangs.random() >= self.hazards.disk_hangs:
            return 0.0
        self.fired["disk hung"] += 1
        return self._hangs.choice([0.3, 0.7, 2.0, 8.0])

    async def perhaps_freeze(self, process: Process) -> None:
        """Freeze a process, perhaps, where an order was written down and has not left."""
        if self._freezes.random() < self.hazards.freeze_at_send:
            self.fired["frozen before sending"] += 1
            self._freeze(process)
            await asyncio.sleep(0)

    def _chance(self, name: str) -> random.Random:
        return random.Random(f"{self.seed} {name}")  # noqa: S311 - a seed is what it is for

    def _set_account(self) -> None:
        ledger = self.venue.ledger
        ledger.put(*(leverage_setting(symbol, LEVERAGE) for symbol in SYMBOLS))
        switches = self._chance("switches")
        ledger.put(hedged_setting(wanted=switches.random() < 0.3))
        self.venue.fill_fraction = switches.choice(["1", "1", "1", "0.6"])
        ledger.set_switches(
            ledger.switches.changed(
                {
                    "ack_mode": switches.choice(["asked", "asked", "ack"]),
                    "avg_price_in_post": switches.random() < 0.5,
                    "fill_fraction": self.venue.fill_fraction,
                    "read_lag_ms": switches.choice([0, 0, 0, 200, 700]),
                    # Not known of the real one; without it hedge mode cannot close less than the minimum.
                    "hedge_close_exempt_from_notional": True,
                }
            )
        )

    async def _live(self, loop: VirtualLoop) -> None:
        helpers = [
            loop.create_task(helper)
            for helper in (
                *(self._supervise(loop, number) for number in range(self.replicas)),
                self._publish(),
                self._move_prices(),
                self._partition(),
                self._kill(),
                self._freeze_some(),
                self._take_stops_away(),
                self._deafen(),
                self._fail_over(),
                self._operate(),
            )
        ]
        await asyncio.sleep(TROUBLE_S)
        self._peace = True
        self.hazards.calm()
        self.venue.weather = Weather()
        self.venue.fill_fraction = "1"
        self.venue.deaf.clear()
        if not await self._settle():
            self.record.hollow.append(
                f"{len(self.bus.memory.pending)} entries are still pending after {PEACE_S:.0f} s of peace"
            )
        await asyncio.sleep(_QUIET_S)
        for process in self.processes.values():
            self._ended(process)
            process.die()
        for helper in helpers:
            helper.cancel()
        self.record.decisions += self.bus.memory.results
        self.record.ended_ms = self.venue.now_ms()

    async def _settle(self) -> bool:
        for _ in range(int(PEACE_S)):
            await asyncio.sleep(1.0)
            memory = self.bus.memory
            if not memory.pending and max(memory.entries, default=(0, 0)) <= memory.last_delivered:
                return True
        return False

    async def _supervise(self, loop: VirtualLoop, number: int) -> None:
        """Start a consumer, and start it again whenever it ends."""
        await asyncio.sleep(number * self._schedule.uniform(0.0, 3.0))
        while True:
            self._started += 1
            process = Process(f"consumer {number}", self, self._started)
            await asyncio.sleep(_BOOT_S)
            self.processes[number] = process
            process.began_ms = self.venue.now_ms()
            task = loop.start(process, self._main(process, number))
            while process.is_alive and not task.done():  # noqa: ASYNC110 - the dead set no event
                await asyncio.sleep(0.05)
            if process.is_alive:
                self.fired["process ended by itself"] += 1
            else:
                self.fired["process died"] += 1
            self._ended(process)
            process.die()
            self.disk.power_cut()
            await asyncio.sleep(self._schedule.uniform(0.1, 4.0))

    async def _main(self, process: Process, number: int) -> None:
        try:
            await self._program(self, process, number)
        except CrashError:
            process.die()

    def _ended(self, process: Process) -> None:
        if process.began_ms:
            self.record.running.append((process.began_ms, self.venue.now_ms()))
            process.began_ms = 0

    async def _publish(self) -> None:
        """Publish intents of different symbols, some with a twin 2 ms later."""
        counts: Counter[str] = Counter()
        count, pause_s = (20, 3.0) if self._is_apart else (self._schedule.randint(2, 7), 6.0)
        for number in range(count):
            await asyncio.sleep(self._schedule.uniform(0.2, pause_s))
            symbol = self._schedule.choice(sorted(SYMBOLS))
            side = self._schedule.choice(["BUY", "SELL"])
            counts[symbol] += 1
            first = self._publish_one(symbol, side, counts[symbol], "")
            if self._schedule.random() < 0.3:
                await asyncio.sleep(0.002)
                counts[symbol] += 1
                self._publish_one(symbol, side, counts[symbol], first)
            await self._publish_more(symbol, first)
            if number % 3 == 2:
                self.bus.replicate()

    async def _publish_more(self, symbol: str, entry_id: str) -> None:
        """Replay an intent, perhaps, and perhaps ask for its position to be closed."""
        if self._schedule.random() < 0.15:
            await asyncio.sleep(self._schedule.uniform(0.0, 4.0))
            self.fired["replay"] += 1
            body = self._bodies[entry_id]
            replay = self.bus.add({**body, "origin_id": entry_id})
            self._bodies[replay] = body
        if self._schedule.random() < 0.2:
            await asyncio.sleep(self._schedule.uniform(0.0, 6.0))
            self.fired["CLOSE"] += 1
            side = self._schedule.choice(["LONG", "SHORT"])
            self.bus.add({"symbol": symbol, "side": "CLOSE", "position_side": side})

    def _publish_one(self, symbol: str, side: str, number: int, twin_of: str) -> str:
        price, step = mark(self.venue.ledger, symbol), SYMBOLS[symbol].step
        least = max(SYMBOLS[symbol].min_notional * 3, Decimal(300))
        steps = int(least / (self._first_prices[symbol] * step)) + number
        size = (steps + Decimal("0.3")) * step * price
        body = {
            "symbol": symbol,
            "side": side,
            "position_size_usd": f"{size:f}",
            "entry_price": f"{price:f}",
            "confidence": "0.8",
        }
        entry_id = self.bus.add(body)
        self._bodies[entry_id] = body
        self.record.intents.append(PublishedIntent(entry_id, symbol, side, steps * step, price, twin_of))
        return entry_id

    async def _move_prices(self) -> None:
        moves = self._schedule.choice([0.0, 0.0005, 0.002])
        while True:
            await asyncio.sleep(1.0)
            for symbol, known in SYMBOLS.items():
                move = self._schedule.gauss(0, moves)
                if self._hands.random() < self.hazards.jumps:
                    self.fired["price jumped"] += 1
                    move = self._hands.choice([-0.22, 0.3])
                price = mark(self.venue.ledger, symbol) * (1 + Decimal(f"{move:.6f}"))
                self.venue.move(symbol, price.quantize(known.tick))

    async def _partition(self) -> None:
        while not self._peace:
            await asyncio.sleep(self._schedule.uniform(1.0, 8.0))
            if self._schedule.random() < self.hazards.partitions and self.processes:
                process = self.processes[self._schedule.choice(sorted(self.processes))]
                seconds = self._schedule.uniform(0.5, 9.0)
                if process in self.wires:
                    self.wires[process].partitioned_until = asyncio.get_running_loop().time() + seconds
                    now_ms = self.venue.now_ms()
                    self.record.partitions.append((now_ms, now_ms + int(seconds * 1000)))
                    self.fired["partition"] += 1

    async def _kill(self) -> None:
        while not self._peace:
            await asyncio.sleep(self._schedule.uniform(2.0, 10.0))
            if self._schedule.random() < self.hazards.kills and self.processes:
                self.fired["killed at any moment"] += 1
                self.processes[self._schedule.choice(sorted(self.processes))].die()
            elif self._hands.random() < self.hazards.terms and self.processes:
                self.fired["asked to stop"] += 1
                self.processes[self._hands.choice(sorted(self.processes))].ask_to_stop()

    async def _take_stops_away(self) -> None:
        """Cancel a stop now and then, as a person would at the exchange's own page."""
        while not self._peace:
            await asyncio.sleep(self._hands.uniform(4.0, 12.0))
            standing = self.venue.ledger.open_algo_orders
            # One that was just sent may be asked for in vain, and is not believed to be gone yet.
            old = [
                stop
                for stop in standing
                if self.venue.now_ms() - stop.created_ms > _YOUNG_MS
                and self.venue.ledger.position(stop.symbol, stop.position_side).amount
            ]
            if old and self._hands.random() < self.hazards.hands:
                stop = self._hands.choice(sorted(old, key=lambda stop: stop.algo_id))
                self.fired["stop taken away by hand"] += 1
                self.venue.carry_out(
                    "DELETE", "/fapi/v1/algoOrder", Parameters({"algoId": str(stop.algo_id)})
                )
                self.record.taken.append((self.venue.now_ms(), stop.symbol))

    async def _deafen(self) -> None:
        """Let the orders of one symbol not be asked about for a while."""
        while not self._peace:
            await asyncio.sleep(self._hands.uniform(3.0, 10.0))
            if self._hands.random() < self.hazards.deafness:
                until_ms = self.venue.now_ms() + self._hands.randint(5_000, 30_000)
                self.venue.deaf[self._hands.choice(sorted(SYMBOLS))] = until_ms

    async def _freeze_some(self) -> None:
        while not self._peace:
            await asyncio.sleep(self._freezes.uniform(2.0, 10.0))
            if self._freezes.random() < self.hazards.freezes and self.processes:
                self.fired["frozen at any moment"] += 1
                self._freeze(self.processes[self._freezes.choice(sorted(self.processes))])

    def _freeze(self, process: Process) -> None:
        """Stop a process for longer than a request may be late; leases run out over the longer ones."""
        loop = asyncio.get_running_loop()
        if not process.is_alive or loop.time() < process.frozen_until:
            return
        seconds = self._freezes.uniform(0.6, 14.0)
        process.frozen_until = loop.time() + seconds
        self._ended(process)
        loop.call_later(seconds, self._thaw, process, context=contextvars.Context())

    def _thaw(self, process: Process) -> None:
        if process.is_alive:
            process.began_ms = self.venue.now_ms()

    async def _fail_over(self) -> None:
        if self._schedule.random() < 0.3:
            await asyncio.sleep(self._schedule.uniform(5.0, TROUBLE_S - 5.0))
            self.bus.fail_over()

    async def _operate(self) -> None:
        """Resume whatever halts, after a while, as a person would who found nothing wrong."""
        journal = Journal(DiskStore(self.disk, Process("operator"), Hazards()))
        while True:
            await asyncio.sleep(_OPERATOR_S)
            if journal.halt():
                for halt in journal.halts():
                    self.fired[f"halt {halt.code}"] += 1
                journal.lift_halt("looked at it", self.venue.now_ms())
                journal.set_meta("redis", "")

    def _settled(self, decision: dict[str, str]) -> None:
        """Look, at the moment of an acknowledgement, whether what it tells is on the disk."""
        row = self.disk.connection.execute(
            "SELECT outcome FROM intents WHERE origin_id = ?", (decision["origin_id"],)
        ).fetchone()
        if row and row[0] is None:
            self.record.hollow.append(f"{decision['origin_id']} was acknowledged without an outcome")

    def _note_halts(self) -> None:
        rows = self.disk.connection.execute("SELECT set_ms, lifted_ms FROM halts").fetchall()
        self.record.halts += [(begin, end or 0) for begin, end in rows]
        self.record.faults += self.venue.faults
        self.record.quiet += self.venue.quiet
        self.record.noise += self.venue.noise


def _hazards(chance: random.Random) -> Hazards:
    """Choose a climate: each hazard is absent in some worlds, and strong in a few."""

    def some(*rates: float) -> float:
        return chance.choice(rates)

    return Hazards(
        crash_at_commit=some(0.0, 0.0, 0.004, 0.015),
        crash_at_point=some(0.0, 0.02, 0.06),
        disk_full=some(0.0, 0.0, 0.01),
        link_loss=some(0.0, 0.0, 0.003),
        kills=some(0.0, 0.0, 0.2, 0.5),
        partitions=some(0.0, 0.0, 0.2, 0.5),
        freezes=some(0.0, 0.0, 0.2, 0.5),
        freeze_at_send=some(0.0, 0.0, 0.02),
        disk_hangs=some(0.0, 0.0, 0.003, 0.02),
        terms=some(0.0, 0.0, 0.2),
        hands=some(0.0, 0.3, 0.6),
        jumps=some(0.0, 0.0, 0.004, 0.02),
        deafness=some(0.0, 0.0, 0.3, 0.7),
    )


def _weather(chance: random.Random) -> Weather:
    def some(*rates: float) -> float:
        return chance.choice(rates)

    return Weather(
        lost_request=some(0.0, 0.02, 0.08),
        lost_reply=some(0.0, 0.05, 0.2),
        late=some(0.0, 0.1, 0.3),
        refused=some(0.0, 0.02, 0.06),
        stop_refused=some(0.0, 0.0, 0.05),
        doubt=some(0.0, 0.05, 0.15),
    )
