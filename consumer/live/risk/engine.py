"""Whether an intent may become orders, and which: what the account says is asked for, the guard decides."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from consumer.base import stream_id
from consumer.intents import gates, risk
from consumer.intents.plan_json import document as described
from consumer.intents.planner import Incomplete, Planned, Sourced, Terms, Unplanned, plan
from consumer.intents.wire import also_said
from consumer.live.exchange import errors
from consumer.live.exchange.door import urgent
from consumer.live.journal.journaled_plan import Closing, JournaledPlan
from consumer.live.orders import execution_report
from consumer.live.orders.sender import NotNowError
from consumer.live.risk import rules
from consumer.live.risk.openings import Openings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from consumer.intents.filters import Filters, Snapshot
    from consumer.intents.limits import Limits
    from consumer.intents.plan import Plan
    from consumer.intents.wire import Intent
    from consumer.live.exchange.port import Exchange, ExchangeClock, Position
    from consumer.live.journal import IntentRow, Journal
    from consumer.live.promotion import Promotion
    from consumer.live.risk.account_picture import AccountFacts, AccountPicture
    from consumer.live.risk.rules import Reservation

NOTHING_OPEN = ("skipped_hold", "CLOSE_NOTHING_OPEN")
#: How old, in seconds, the facts may be that an entry is sent on.
FRESH_S = 2.0
#: An entry, a stop and at most three targets.
LEGS = 5
_POSITION_SIDES = {"LONG": ("LONG",), "SHORT": ("SHORT",)}


class EntryRequest(NamedTuple):
    """An intent that has passed the gates, as it was read: `fields` as text, `origin_id` its name."""

    entry_id: str
    origin_id: str
    body_sha256: str
    fields: Mapping[str, str]
    intent: Intent


class Ready(NamedTuple):
    """What would be journaled, done, and shown in the decision."""

    planned: JournaledPlan


class No(NamedTuple):
    """Why nothing is done: a decision's status, reason and plan. `halts` when the state is at fault."""

    status: str
    reason: str
    shown: dict[str, Any]
    halts: rules.Halt | None = None


class RiskEngine:
    """Asks exchange and journal what the guard has to know. `rules` are the exchange's present ones."""

    def __init__(
        self,
        exchange: Exchange,
        picture: AccountPicture,
        journal: Journal,
        clock: ExchangeClock,
        limits: Limits,
        *,
        promotion: Promotion | None,
        rules: Callable[[], Snapshot],
    ) -> None:
        self._exchange = exchange
        self._picture = picture
        self._journal = journal
        self._clock = clock
        self._limits = limits
        self._promotion = promotion
        self._rules = rules
        #: By origin id, when the facts were asked for that an opening was allowed on, until it is acted on.
        self._judged: dict[str, float] = {}
        #: By origin id, the symbol of each, and what it takes of the limits, until the journal has it.
        self._reserving: dict[str, tuple[str, Reservation]] = {}

    async def judge(self, request: EntryRequest) -> Ready | No:
        """Say what an intent becomes. Raises NotNowError when the exchange does not answer."""
        if request.intent.symbol == rules.PROOF_SYMBOL or "proof" in request.fields:
            return _rejected(request, "RISK_PROOF_EVENT:a proof event never trades")
        try:
            if request.intent.direction == "close":
                with urgent():
                    return await self._closing(request)
            return await self._opening(request)
        except errors.OutcomeError as error:
            if error.code == errors.NO_SUCH_SYMBOL:
                return _not_listed(request, error)
            raise NotNowError(f"the exchange cannot be asked: {error}") from error

    def was_journaled(self, origin_id: str) -> None:
        """Take note that the journal has an opening that was allowed, and says from now on what it takes."""
        self._reserving.pop(origin_id, None)

    def forget(self, origin_id: str) -> None:
        """Take note that what was judged of an intent counts no more."""
        self._reserving.pop(origin_id, None)
        self._judged.pop(origin_id, None)

    async def judge_again(self, intent: IntentRow) -> gates.Objection | rules.Halt | None:
        """Say what speaks against a journaled opening at the moment of sending it; None where nothing does.

        What was judged just now is not judged twice; all else is judged on fresh facts: a retry, what waited,
        what a restart carries on. Raises NotNowError when the exchange does not answer.
        """
        if self._clock.monotonic() - self._judged.pop(intent.origin_id, float("-inf")) <= FRESH_S:
            return None
        try:
            return await self._changed(intent)
        except errors.OutcomeError as error:
            raise NotNowError(f"the exchange cannot be asked: {error}") from error

    async def _changed(self, intent: IntentRow) -> gates.Objection | rules.Halt | None:
        symbol, filters = intent.symbol, self._rules().symbols.get(intent.symbol)
        if filters is None:
            raise NotNowError(f"the exchange's rules for {symbol} are not known")
        facts = await self._picture.fresh(symbol, _midnight_ms(self._clock.now_ms()))
        planned = intent.planned
        judgement = self._judgement(
            _proposal(intent.origin_id, planned.plan, _asked_usd(planned.shown), facts.mark, filters),
            facts,
            but_for=intent.origin_id,
        )
        if isinstance(judgement, rules.Halt):
            return judgement
        if not isinstance(judgement, rules.Rejected):
            return None
        if judgement.code == rules.POSITION_OPEN and self._is_strange(intent, facts):
            return rules.Halt(
                "HALT_STATE_DIFFERS", f"{judgement.detail} that {intent.origin_id} did not bring"
            )
        return risk.STATUS, f"{judgement.code}:{judgement.detail}, judged again"

    def _is_strange(self, intent: IntentRow, facts: AccountFacts) -> bool:
        """Tell whether what keeps an intent out is at the exchange, and of nobody here."""
        shown = {position.symbol for position in facts.positions} | facts.busy
        ours = Openings(self._journal, intent.origin_id).may_have_brought(intent.symbol)
        return intent.symbol in shown and not ours

    async def _opening(self, request: EntryRequest) -> Ready | No:
        """Judge on what is known of the last seconds; where that does not end it, on what is so now."""
        symbol, snapshot = request.intent.symbol, self._rules()
        if symbol not in self._limits.symbols:
            return _rejected(request, risk.not_allowed(symbol))
        if symbol not in snapshot.symbols:
            return _rejected(request, f"RISK_SYMBOL_NOT_ALLOWED:{symbol} is not listed")
        day_ms = _midnight_ms(self._clock.now_ms())
        recent = await self._picture.recent(symbol, day_ms)
        if recent:
            judged = self._judged_on(recent, request, snapshot)
            if isinstance(judged, No) and not judged.halts:
                return judged
        fresh = await self._picture.fresh(symbol, day_ms)
        judged = self._judged_on(fresh, request, snapshot)
        if isinstance(judged, Ready):
            self._judged[request.origin_id] = fresh.asked_s
            reserved = _reservation(judged.planned)
            self._reserving[request.origin_id] = (request.intent.symbol, reserved)
        return judged

    def _judged_on(self, facts: AccountFacts, request: EntryRequest, snapshot: Snapshot) -> Ready | No:
        """Plan an intent on what the account says, and put the plan to the rules."""
        terms = self._terms(facts, request.intent, snapshot)
        planned = plan(request.intent, terms)
        if isinstance(planned, Incomplete):
            return _rejected(request, f"RISK_INPUT:{','.join(planned.missing)} is not above 0")
        shown = described(request.intent, terms, planned if isinstance(planned, Planned) else None)
        if isinstance(planned, Unplanned):
            return _rejected(request, planned.reason, shown)
        judgement = self._judgement(
            _proposal(request.origin_id, planned.plan, planned.asked_usd, facts.mark, planned.filters), facts
        )
        if isinstance(judgement, rules.Halt):
            reason = f"HALTED:{judgement.code}: {judgement.detail}"
            return No(gates.HALTED, reason, {"intent": shown["intent"]}, judgement)
        if isinstance(judgement, rules.Rejected):
            return _rejected(request, f"{judgement.code}:{judgement.detail}", shown)
        return Ready(_journaled(request, planned.plan, shown))

    def _terms(self, facts: AccountFacts, intent: Intent, snapshot: Snapshot) -> Terms:
        has_size = intent.position_size_usd is not None
        return Terms(
            price=_price(intent, facts.mark),
            leverage=Sourced(Decimal(self._limits.symbols[intent.symbol].leverage), "limits"),
            balance=None if has_size else Sourced(facts.account.available_usd, "exchange"),
            filters=snapshot.symbols[intent.symbol],
            filters_source=snapshot.source,
            is_hedged=facts.account.hedge,
        )

    def _judgement(self, proposal: rules.Proposal, facts: AccountFacts, but_for: str = "") -> rules.Judgement:
        """Put a proposal to the rules; `but_for` is the intent that is judged, if it was begun."""
        now_ms, openings = self._clock.now_ms(), Openings(self._journal, but_for)
        return rules.judge_intent(
            proposal,
            self._account_state(proposal.symbol, facts, openings, now_ms),
            self._limits,
            self._counters(proposal.symbol, openings, now_ms),
            now_ms,
            promotion=self._promotion,
        )

    def _account_state(
        self, symbol: str, facts: AccountFacts, openings: Openings, now_ms: int
    ) -> rules.AccountState:
        begun = openings.begun
        reserved = dict(self._reserving.values())
        reserved |= {
            intent.symbol: _reservation(intent.planned) for intent in (*openings.entered(now_ms), *begun)
        }
        reserved.pop(symbol, None)
        busy = {intent.symbol for intent in begun}
        entered = {symbol} if openings.was_just_entered(symbol, now_ms) else frozenset()
        return rules.AccountState(
            positions=facts.positions,
            busy=frozenset(facts.busy | busy | entered),
            leverage=facts.config.leverage,
            margin_type=facts.config.margin_type,
            available_usd=facts.account.available_usd,
            income_usd=facts.income.usd,
            unvalued=facts.income.unvalued,
            reserved=reserved,
        )

    def _counters(self, symbol: str, openings: Openings, now_ms: int) -> rules.Counters:
        journal, throttle = self._journal, self._limits.max_executions_per_symbol
        unsent = openings.unsent + len(self._reserving)
        return rules.Counters(
            entries=journal.entries_sent(self._promotion.nonce) + unsent if self._promotion else 0,
            orders_last_minute=journal.orders_sent(now_ms - 60_000) + LEGS * unsent,
            executions=journal.executions(symbol, now_ms - throttle.window_s * 1000),
            orders_out=openings.orders_out,
            legs_allowed=LEGS * openings.count,
        )

    async def _closing(self, request: EntryRequest) -> Ready | No:
        intent = request.intent
        shown = described(intent, None, None)
        account, positions = await asyncio.gather(
            self._exchange.account(), self._exchange.positions(intent.symbol)
        )
        said = also_said(request.fields, "position_side")["position_side"]
        sides = ("BOTH",) if not account.hedge else _POSITION_SIDES.get((said or "").upper())
        if sides is None:
            return _rejected(request, "RISK_POSITION_SIDE:hedge mode needs position_side LONG or SHORT")
        held = next((position for position in positions if position.side in sides), None)
        if held is None:
            return No(*NOTHING_OPEN, shown)
        closing = _closing_of(held)
        return Ready(_journaled(request, closing, {**shown, "exit": closing.document()}))


def _rejected(request: EntryRequest, reason: str, shown: dict[str, Any] | None = None) -> No:
    return No(risk.STATUS, reason, shown or described(request.intent, None, None))


def _not_listed(request: EntryRequest, error: errors.OutcomeError) -> No:
    """Decide about an intent whose symbol the exchange does not list; to wait would be to wait for ever."""
    shown = described(request.intent, None, None)
    if request.intent.direction == "close":
        return No(*NOTHING_OPEN, shown)
    return No(execution_report.REJECTED, f"VENUE_SYMBOL:{error}", shown)


def _price(intent: Intent, mark: Decimal) -> Sourced:
    """Return the price that quantities are made from: the intent's, and where it names none the mark."""
    if intent.entry_price is not None and intent.entry_price > 0:
        return Sourced(intent.entry_price, "entry_price")
    return Sourced(mark, "mark_price")


def _proposal(
    origin_id: str, drafted: Plan, asked_usd: Decimal, mark: Decimal, filters: Filters
) -> rules.Proposal:
    return rules.Proposal(
        origin=stream_id.parse(origin_id),
        symbol=drafted.symbol,
        is_long=drafted.is_long,
        quantity=drafted.quantity,
        price=drafted.price,
        mark_price=mark,
        stop_price=drafted.stop_price(drafted.price),
        asked_usd=asked_usd,
        orders=2 + len(drafted.legs(drafted.quantity, drafted.price)),
        filters=filters,
        is_proof=False,
    )


def _reservation(planned: JournaledPlan) -> rules.Reservation:
    """Return what an opening takes of the account's limits before the exchange shows it."""
    usd = planned.plan.quantity * planned.plan.price
    return rules.Reservation(usd, usd / Decimal(planned.shown["leverage"]["value"]))


def _asked_usd(shown: Mapping[str, Any]) -> Decimal:
    """Return the notional that a journaled intent asked for, as it was planned then."""
    usd = shown["intent"]["position_size_usd"]
    if usd is not None:
        return Decimal(usd)
    return Decimal(shown["intent"]["size_pct"]) * Decimal(shown["balance"]["value"])


def _closing_of(held: Position) -> Closing:
    return Closing(held.symbol, "SELL" if held.amount > 0 else "BUY", held.side, abs(held.amount))


def _journaled(request: EntryRequest, orders: Plan | Closing, shown: dict[str, Any]) -> JournaledPlan:
    times = (stream_id.parse(request.origin_id)[0], request.intent.timestamp_ms)
    return JournaledPlan(
        orders,
        shown,
        also_said(request.fields, "atr_value", "regime"),
        min(time_ms for time_ms in times if time_ms is not None),
    )


def _midnight_ms(now_ms: int) -> int:
    day = datetime.fromtimestamp(now_ms / 1000, UTC).date()
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
