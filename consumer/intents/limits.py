"""The limits file: what may be risked at most, signed off by a person. A missing value means no start.

JSON; amounts in USDT, `price_collar` a fraction of the mark price. There are no defaults, on purpose.
`docs/limits.example.json` shows one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from consumer.base import exact_json
from consumer.base.errors import RefusedError
from consumer.intents.allowance import Allowance, Ceiling

#: No account is larger: what is above it is a slip of the pen, such as a price in another currency, or 1e99.
MOST_USD = 10**9

type Usd = Annotated[Decimal, Field(gt=0, le=MOST_USD)]
type Count = Annotated[int, Field(ge=1)]
type Leverage = Annotated[int, Field(ge=1, le=125)]
type Symbol = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,20}USDT$")]

REMEDY = "TRADE_INTENT_LIMITS_FILE must name a signed-off limits file; docs/limits.example.json shows one."


class SymbolLimits(exact_json.Strict):
    """One symbol that may be traded. Leverage and margin type are what the account must already have."""

    max_notional_usd: Usd
    max_position_usd: Usd
    leverage: Leverage
    margin_type: Literal["ISOLATED", "CROSSED"]

    @model_validator(mode="after")
    def _leaves_room(self) -> Self:
        if self.max_position_usd < self.max_notional_usd:
            raise ValueError("max_position_usd is below max_notional_usd: the first entry would halt")
        return self


class Throttle(exact_json.Strict):
    """At most `count` entries of a symbol within `window_s` seconds; one more halts."""

    count: Count
    window_s: Count


class Limits(exact_json.Strict):
    """All limits. A symbol that is not named may not be traded."""

    symbols: Annotated[dict[Symbol, SymbolLimits], Field(min_length=1)]
    max_order_notional_usd: Usd
    max_intent_notional_usd: Usd
    max_gross_usd: Usd
    orders_per_minute: Count
    price_collar: Annotated[Decimal, Field(gt=0, lt=1)]
    leverage_cap: Leverage
    max_open_positions: Count
    max_daily_loss_usd: Usd
    max_executions_per_symbol: Throttle
    signed_off_by: Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
    signed_off_at: AwareDatetime

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for name, symbol in self.symbols.items():
            if symbol.leverage > self.leverage_cap:
                raise ValueError(
                    f"{name} has leverage {symbol.leverage}, and leverage_cap is {self.leverage_cap}"
                )
        return self

    def ceilings(self, symbol: SymbolLimits) -> tuple[Ceiling, ...]:
        """Return what an entry of this symbol may be worth at most, in the order of judging."""
        return (
            Ceiling("RISK_NOTIONAL_ORDER", self.max_order_notional_usd),
            Ceiling("RISK_NOTIONAL_INTENT", self.max_intent_notional_usd, is_of_asked=True),
            Ceiling("RISK_NOTIONAL_SYMBOL", symbol.max_notional_usd),
        )

    def allowances(self) -> dict[str, Allowance]:
        """Return of each symbol what can be judged without an account."""
        return {
            name: Allowance(Decimal(symbol.leverage), "limits", self.ceilings(symbol))
            for name, symbol in self.symbols.items()
        }


#: What may be traded where no limits file says it.
NOTHING = Limits.model_construct(
    symbols={},
    max_order_notional_usd=Decimal(0),
    max_intent_notional_usd=Decimal(0),
    max_gross_usd=Decimal(0),
    orders_per_minute=0,
    price_collar=Decimal(0),
    leverage_cap=0,
    max_open_positions=0,
    max_daily_loss_usd=Decimal(0),
    max_executions_per_symbol=Throttle.model_construct(count=0, window_s=0),
    signed_off_by="nobody",
    signed_off_at=datetime.min.replace(tzinfo=UTC),
)


class LimitsFile(NamedTuple):
    """The limits, and the sha256 of the file that says them."""

    limits: Limits
    digest: str


def load(path: str) -> LimitsFile:
    """Read the limits file. Raises RefusedError without one, and for anything in it that is not right."""
    if not path:
        raise RefusedError("There are no limits: TRADE_INTENT_LIMITS_FILE is not set.", REMEDY)
    return LimitsFile(*exact_json.load(Path(path), Limits, REMEDY))
