"""What must not be sent, whoever asks. These checks need no account; the others are not evaluated."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from consumer.intents.filters import Filters
    from consumer.intents.grid import Ratio
    from consumer.intents.levels import Levels
    from consumer.intents.plan import Triggers

STATUS = "rejected_risk"
#: The checks that only an account can answer; a rehearsal has none.
NEEDS_ACCOUNT = ("RISK_POSITION_OPEN", "RISK_MARGIN", "RISK_EXPOSURE", "RISK_DAILY_LOSS")

_TARGET_CEILING = Decimal("0.2")
#: The stop lies within this share of the naive liquidation distance, 1 / leverage.
LIQUIDATION_SHARE = Decimal("0.8")


def levels_fault(levels: Levels, leverage: Decimal) -> str:
    """Say which rule the levels break, or nothing: 0 < SL < TP1 < TP2 < TP3 < 0.2 and SL ≤ 0.8 / leverage."""
    if not 0 < levels.sl < levels.tp1 < levels.tp2 < levels.tp3 < _TARGET_CEILING:
        shown = " < ".join(map(str, (levels.sl, levels.tp1, levels.tp2, levels.tp3)))
        return f"RISK_LEVELS:0 < {shown} < {_TARGET_CEILING} does not hold"
    if levels.sl * leverage > LIQUIDATION_SHARE:
        return f"RISK_LEVELS:stop {levels.sl} is beyond {LIQUIDATION_SHARE} / leverage {leverage}"
    return ""


def is_apart(price: Ratio, standing: Triggers, tick: Ratio, *, is_long: bool) -> bool:
    """Whether rounding to the tick left stop and targets on their sides of the entry, and above zero."""
    # Each is compared as a multiple of the two denominators, so that all stay whole numbers.
    entry, unit = price[0] * tick[1], price[1] * tick[0]
    stop, nearest, _, farthest = standing
    if is_long:
        return 0 < stop * unit < entry < nearest * unit
    return farthest > 0 and nearest * unit < entry < stop * unit


def size_fault(steps: int, least: int, price: Decimal, filters: Filters) -> str:
    """Say which limit of the exchange an entry of so many steps breaks, or nothing.

    `least` is of how many steps an order must be at the entry and at every target: what no take profit could
    close is not entered.
    """
    if steps < filters.min_steps:
        return f"RISK_MIN_QUANTITY:{steps * filters.step} is below {filters.min_quantity}"
    if steps > filters.max_steps:
        return f"RISK_MAX_QUANTITY:{steps * filters.step} is above {filters.max_quantity}"
    if steps >= least:
        return ""
    worth = steps * price * filters.step
    if worth < filters.min_notional:
        return f"RISK_MIN_NOTIONAL:{worth:f} is below {filters.min_notional}"
    return f"RISK_MIN_NOTIONAL:{steps * filters.step:f} is too little for a take profit"


def above(worth: Decimal, most: Decimal) -> str:
    """Say that an amount is above the most that it may be, or nothing."""
    return f"{worth:f} is above {most:f}" if worth > most else ""


def not_allowed(symbol: str) -> str:
    """Return the reason against a symbol that nobody signed off."""
    return f"RISK_SYMBOL_NOT_ALLOWED:{symbol} is not in the limits file"
