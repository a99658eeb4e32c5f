"""The risk guard: whether an order may be sent, asked right before it is. Pure, and no to whatever it doubts.

An intent over a limit is rejected. A state over a limit halts, because it should not have come about. What
lies exactly at a limit passes. Money in USDT, quantities in the base asset, times in ms; every limit is one
of the limits file or of the promotion record, and none has a default.
"""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from consumer.intents.risk import LIQUIDATION_SHARE, above

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from consumer.base.stream_id import StreamId
    from consumer.intents.filters import Filters
    from consumer.intents.limits import Limits, SymbolLimits
    from consumer.live.exchange.port import Position
    from consumer.live.promotion import Promotion

PROOF_SYMBOL = "HARNESSUSDT"
POSITION_OPEN = "RISK_POSITION_OPEN"
_ZERO = Decimal(0)


class Proposal(NamedTuple):
    """An opening as it would be sent: one entry and its stop.

    `asked_usd` is the notional that the intent asked for, `price` the one that the quantity was made from,
    `orders` how many requests the intent takes with stop and targets. `origin` is the intent's origin id.
    """

    origin: StreamId
    symbol: str
    is_long: bool
    quantity: Decimal
    price: Decimal
    mark_price: Decimal
    stop_price: Decimal
    asked_usd: Decimal
    orders: int
    filters: Filters
    is_proof: bool


class Reservation(NamedTuple):
    """What an opening that was begun will be worth, and the margin that it takes."""

    usd: Decimal
    margin_usd: Decimal


class AccountState(NamedTuple):
    """What the exchange says of the account.

    `positions` that are not flat, `busy` the symbols with a resting or conditional order, `leverage` and
    `margin_type` of the proposal's symbol, `income_usd` what was earned today, negative for a loss, and
    `unvalued` the assets that a part of it was booked in and that have no price. `reserved` are the openings
    of other symbols that were begun and may not show yet.
    """

    positions: Sequence[Position]
    busy: frozenset[str]
    leverage: int
    margin_type: str
    available_usd: Decimal
    income_usd: Decimal
    unvalued: tuple[str, ...] = ()
    reserved: Mapping[str, Reservation] = MappingProxyType({})

    @property
    def open_symbols(self) -> set[str]:
        """The symbols that have a position, or may have one in a moment."""
        return {*_by_symbol(self.positions), *self.reserved}

    @property
    def gross_usd(self) -> Decimal:
        """What all positions are worth, those included that may be there in a moment."""
        shown = _by_symbol(self.positions)
        return sum(shown.values(), _ZERO) + sum(
            (max(begun.usd - shown.get(symbol, _ZERO), _ZERO) for symbol, begun in self.reserved.items()),
            _ZERO,
        )

    @property
    def free_usd(self) -> Decimal:
        """What is available once the openings that were begun have taken their margin."""
        shown = _by_symbol(self.positions)
        taken = (begun.margin_usd for symbol, begun in self.reserved.items() if symbol not in shown)
        return self.available_usd - sum(taken, _ZERO)


class Counters(NamedTuple):
    """What the journal counts.

    `entries` under this promotion, `executions` of the symbol within the throttle's window; `orders_out` are
    the orders sent for all intents that are open, `legs_allowed` how many those intents may send.
    """

    entries: int
    orders_last_minute: int
    executions: int
    orders_out: int
    legs_allowed: int


class Allowed(NamedTuple):
    """The proposal, which may be sent now, and only as it is."""

    proposal: Proposal


class Rejected(NamedTuple):
    """The intent must not be sent; `code` and `detail` are the decision's reason."""

    code: str
    detail: str


class Halt(NamedTuple):
    """Nothing may be opened until a person has looked."""

    code: str
    detail: str


type Judgement = Allowed | Rejected | Halt


class _State(NamedTuple):
    """All that a rule about the state may look at."""

    account: AccountState
    limits: Limits
    counters: Counters
    now_ms: int
    promotion: Promotion | None


class _Case(NamedTuple):
    """All that a rule about an opening may look at."""

    order: Proposal
    account: AccountState
    limits: Limits
    counters: Counters
    promotion: Promotion | None
    symbol: SymbolLimits

    @property
    def notional(self) -> Decimal:
        """What the entry is worth, at the price that makes it dearer."""
        return self.order.quantity * max(self.order.price, self.order.mark_price)


def judge_intent(
    order: Proposal,
    account: AccountState,
    limits: Limits,
    counters: Counters,
    now_ms: int,
    *,
    promotion: Promotion | None = None,
) -> Judgement:
    """Judge an opening. A state over a limit goes before the rules, of which the first that objects is named.

    `promotion` is None only at the simulator, which needs none.
    """
    if order.is_proof or order.symbol == PROOF_SYMBOL:
        return Rejected("RISK_PROOF_EVENT", "a proof event never trades")
    halted = judge_state(account, limits, counters, now_ms, promotion=promotion)
    if halted:
        return halted
    symbol = limits.symbols.get(order.symbol)
    if symbol is None:
        return Rejected("RISK_SYMBOL_NOT_ALLOWED", f"{order.symbol} is not in the limits file")
    case = _Case(order, account, limits, counters, promotion, symbol)
    for code, objects in _RULES:
        detail = objects(case)
        if detail:
            return Rejected(code, detail)
    if counters.executions >= limits.max_executions_per_symbol.count:
        return Halt("HALT_THROTTLE", f"{order.symbol} was entered {counters.executions} times in the window")
    return Allowed(order)


def judge_state(
    account: AccountState,
    limits: Limits,
    counters: Counters,
    now_ms: int,
    *,
    promotion: Promotion | None = None,
) -> Halt | None:
    """Judge what is, whoever brought it about."""
    state = _State(account, limits, counters, now_ms, promotion)
    for code, objects in _STATE_RULES:
        detail = objects(state)
        if detail:
            return Halt(code, detail)
    return None


def _numbers(state: _State) -> str:
    account = state.account
    held = [number for position in account.positions for number in (position.amount, position.notional)]
    if all(number.is_finite() for number in (account.available_usd, account.income_usd, *held)):
        return ""
    return "the exchange gave a number that is none"


def _expired(state: _State) -> str:
    promotion = state.promotion
    if promotion is None or state.now_ms <= promotion.not_after_ms:
        return ""
    return f"the promotion ended {state.now_ms - promotion.not_after_ms} ms ago"


def _position_over_limit(state: _State) -> str:
    for symbol, notional in _by_symbol(state.account.positions).items():
        known = state.limits.symbols.get(symbol)
        detail = above(notional, known.max_position_usd if known else _ZERO)
        if detail:
            return f"{symbol} {detail}"
    return ""


def _gross_over_limit(state: _State) -> str:
    return above(_gross(state.account.positions), state.limits.max_gross_usd)


def _too_many_positions(state: _State) -> str:
    return _more(len(_by_symbol(state.account.positions)), state.limits.max_open_positions)


def _daily_loss(state: _State) -> str:
    return above(-state.account.income_usd, state.limits.max_daily_loss_usd)


def _unvalued_income(state: _State) -> str:
    assets = ", ".join(state.account.unvalued)
    return f"income in {assets} has no price, so the day's loss is not known" if assets else ""


def _orders_out(state: _State) -> str:
    return _more(state.counters.orders_out, state.counters.legs_allowed)


#: In this order. Each says what it objects to, or nothing.
_STATE_RULES: tuple[tuple[str, Callable[[_State], str]], ...] = (
    ("HALT_INPUT", _numbers),
    ("HALT_PROMOTION_EXPIRED", _expired),
    ("HALT_POSITION_OVER_LIMIT", _position_over_limit),
    ("HALT_GROSS_OVER_LIMIT", _gross_over_limit),
    ("HALT_OPEN_POSITIONS", _too_many_positions),
    ("HALT_DAILY_LOSS", _daily_loss),
    ("HALT_INCOME_UNVALUED", _unvalued_income),
    ("HALT_ORDERS_OUT", _orders_out),
)


def _input(case: _Case) -> str:
    order = case.order
    above = (order.quantity, order.price, order.mark_price, order.stop_price, order.asked_usd)
    if all(number.is_finite() and number > _ZERO for number in above) and order.orders > 0:
        return ""
    return "a price or quantity is not above 0"


def _before_live(case: _Case) -> str:
    promotion = case.promotion
    if promotion is None or case.order.origin > promotion.live_from:
        return ""
    return f"at or before {promotion.live_from_id}"


def _canary(case: _Case) -> str:
    caps = case.promotion.caps if case.promotion else None
    if caps is None:
        return ""
    if case.order.symbol not in caps.symbols:
        return f"{case.order.symbol} is no canary symbol"
    if case.notional > caps.max_notional_usd:
        return f"{case.notional:f} is above {caps.max_notional_usd:f}"
    if case.counters.entries >= caps.max_entries:
        return f"{case.counters.entries} entries of {caps.max_entries} are used"
    return ""


def _position_open(case: _Case) -> str:
    symbol = case.order.symbol
    if symbol in _by_symbol(case.account.positions):
        return f"{symbol} has a position"
    return f"{symbol} has an open order" if symbol in case.account.busy else ""


def _price_collar(case: _Case) -> str:
    order, collar = case.order, case.limits.price_collar
    away = abs(order.price - order.mark_price)
    if away <= collar * order.mark_price:
        return ""
    return f"{order.price:f} is further than {collar:f} from mark {order.mark_price:f}"


def _quantity(case: _Case) -> str:
    quantity, filters = case.order.quantity, case.order.filters
    if quantity % filters.step:
        return f"{quantity:f} is no multiple of {filters.step:f}"
    if quantity < filters.min_quantity:
        return f"{quantity:f} is below {filters.min_quantity:f}"
    if quantity > filters.max_quantity:
        return f"{quantity:f} is above {filters.max_quantity:f}"
    return ""


def _min_notional(case: _Case) -> str:
    order = case.order
    worth = order.quantity * min(order.price, order.mark_price)
    return _below(worth, order.filters.min_notional)


def _ceiling(which: int) -> Callable[[_Case], str]:
    """Return the rule of one of the limits file's ceilings, the same that a rehearsal is judged by."""

    def over(case: _Case) -> str:
        ceiling = case.limits.ceilings(case.symbol)[which]
        return ceiling.detail(case.notional, case.order.asked_usd)

    return over


def _position_limit(case: _Case) -> str:
    return above(case.notional, case.symbol.max_position_usd)


def _gross_limit(case: _Case) -> str:
    return above(case.account.gross_usd + case.notional, case.limits.max_gross_usd)


def _open_positions(case: _Case) -> str:
    return _more(len(case.account.open_symbols) + 1, case.limits.max_open_positions)


def _leverage_cap(case: _Case) -> str:
    return _more(case.account.leverage, case.limits.leverage_cap)


def _leverage(case: _Case) -> str:
    actual, desired = case.account.leverage, case.symbol.leverage
    return "" if actual == desired else f"{actual} is not {desired}"


def _margin_type(case: _Case) -> str:
    actual, desired = case.account.margin_type, case.symbol.margin_type
    return "" if actual == desired else f"{actual} is not {desired}"


def _levels(case: _Case) -> str:
    order = case.order
    away = order.mark_price - order.stop_price if order.is_long else order.stop_price - order.mark_price
    if away <= _ZERO:
        return f"stop {order.stop_price:f} would trigger at mark {order.mark_price:f}"
    if away * case.account.leverage > LIQUIDATION_SHARE * order.mark_price:
        return f"stop {order.stop_price:f} is beyond {LIQUIDATION_SHARE} / leverage {case.account.leverage}"
    return ""


def _margin(case: _Case) -> str:
    return above(case.notional, case.account.free_usd * case.account.leverage)


def _order_rate(case: _Case) -> str:
    return _more(case.counters.orders_last_minute + case.order.orders, case.limits.orders_per_minute)


#: In this order. Each says what it objects to, or nothing.
_RULES: tuple[tuple[str, Callable[[_Case], str]], ...] = (
    ("RISK_INPUT", _input),
    ("RISK_BEFORE_LIVE", _before_live),
    ("RISK_CANARY_CAP", _canary),
    (POSITION_OPEN, _position_open),
    ("RISK_LEVERAGE_CAP", _leverage_cap),
    ("RISK_LEVERAGE", _leverage),
    ("RISK_MARGIN_TYPE", _margin_type),
    ("RISK_PRICE_COLLAR", _price_collar),
    ("RISK_QUANTITY", _quantity),
    ("RISK_MIN_NOTIONAL", _min_notional),
    ("RISK_NOTIONAL_ORDER", _ceiling(0)),
    ("RISK_NOTIONAL_INTENT", _ceiling(1)),
    ("RISK_NOTIONAL_SYMBOL", _ceiling(2)),
    ("RISK_POSITION_LIMIT", _position_limit),
    ("RISK_GROSS_LIMIT", _gross_limit),
    ("RISK_OPEN_POSITIONS", _open_positions),
    ("RISK_LEVELS", _levels),
    ("RISK_MARGIN", _margin),
    ("RISK_ORDER_RATE", _order_rate),
)


def _by_symbol(positions: Sequence[Position]) -> dict[str, Decimal]:
    """Return the notional of each symbol that is not flat; in hedge mode both sides count in full."""
    notionals: dict[str, Decimal] = {}
    for position in positions:
        if position.amount:
            notionals[position.symbol] = notionals.get(position.symbol, _ZERO) + abs(position.notional)
    return notionals


def _gross(positions: Sequence[Position]) -> Decimal:
    return sum(_by_symbol(positions).values(), _ZERO)


def _more(count: int, most: int) -> str:
    return f"{count} is more than {most}" if count > most else ""


def _below(value: Decimal, least: Decimal) -> str:
    return f"{value:f} is below {least:f}" if value < least else ""
