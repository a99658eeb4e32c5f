"""What the journal keeps of an intent: all that carrying it out, and telling of it, will need."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from consumer.intents.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping


class Closing(NamedTuple):
    """A position to be closed: which, by what side, and how much of it is known to be there."""

    symbol: str
    side: str
    position_side: str
    quantity: Decimal

    def document(self) -> dict[str, str]:
        """Return it as JSON values."""
        return {**self._asdict(), "quantity": f"{self.quantity:f}"}


class JournaledPlan(NamedTuple):
    """The orders of an intent, what its decision shows of them, what else it said, and its earliest time."""

    orders: Plan | Closing
    shown: Mapping[str, Any]
    said: Mapping[str, str | None]
    earliest_ms: int

    @property
    def plan(self) -> Plan:
        """The plan of an intent that opens."""
        if not isinstance(self.orders, Plan):
            raise AssertionError(  # noqa: TRY004 - our own code is at fault, not a type
                f"{self.orders.symbol} is closed, and has no plan"
            )
        return self.orders

    @property
    def closing(self) -> Closing:
        """The closing of an intent that closes."""
        if not isinstance(self.orders, Closing):
            raise AssertionError(  # noqa: TRY004 - likewise
                f"{self.orders.symbol} is opened, and closes nothing"
            )
        return self.orders

    @property
    def text(self) -> str:
        """The plan as JSON, to be journaled."""
        return json.dumps({**self._asdict(), "orders": self.orders.document()})


@lru_cache(maxsize=1024)
def read_plan(text: str) -> JournaledPlan:
    """Return the plan that a journal's row holds. A row's plan never changes, so it is parsed once."""
    document = json.loads(text)
    orders = document["orders"]
    return JournaledPlan(
        Plan.read(orders) if "levels" in orders else _read_closing(orders),
        document.get("shown", {}),
        document.get("said", {}),
        document.get("earliest_ms", 0),
    )


def _read_closing(document: Mapping[str, str]) -> Closing:
    return Closing(
        document["symbol"], document["side"], document["position_side"], Decimal(document["quantity"])
    )
