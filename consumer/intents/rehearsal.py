"""What safe drain decides about an intent that passed the gates: the plan that live mode would carry out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from consumer.intents import risk
from consumer.intents.allowance import Allowance
from consumer.intents.plan_json import NO_ORDERS, orders_members, sourced, unpriced_members
from consumer.intents.planner import Incomplete, Planned, Sourced, Terms, Unplanned, plan

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from consumer.intents.filters import Snapshot
    from consumer.intents.wire import Intent

DRAINED = "skipped_drain"
_NOT_EVALUATED = f'"not_evaluated":{json.dumps(risk.NEEDS_ACCOUNT, separators=(",", ":"))}'


class Rehearsed(NamedTuple):
    """What a rehearsal came to: status and reason, if no later gate objects, and the plan as JSON members."""

    status: str
    reason: str
    members: str


class Rehearsal:
    """Plans with what is known without an account: filters and, perhaps, limits and a reference balance."""

    def __init__(
        self,
        snapshot: Snapshot,
        leverage: Decimal,
        balance: Decimal | None,
        allowances: Mapping[str, Allowance] | None = None,
    ) -> None:
        """Plan with one leverage for all symbols or, where limits were signed off, only what they allow."""
        self._filters = snapshot.symbols
        self._source = snapshot.source
        self._otherwise = Allowance(leverage) if allowances is None else None
        self._usual = Sourced(leverage, "LEVERAGE")
        self._allowances = allowances or {}
        self._shown: dict[tuple[str, bool], str] = {}
        self._balance = None if balance is None else Sourced(balance, "REFERENCE_BALANCE_USD")

    def plan(self, intent: Intent) -> Rehearsed:
        """Plan an intent that asks for an order."""
        if intent.direction == "close":
            return Rehearsed(DRAINED, "PLAN_INCOMPLETE:position", _NOT_EVALUATED)
        allowance = self._allowances.get(intent.symbol, self._otherwise)
        if allowance is None:
            return Rehearsed(risk.STATUS, risk.not_allowed(intent.symbol), _NOT_EVALUATED)
        terms = self._terms(intent, allowance)
        planned = plan(intent, terms)
        fault = ""
        if allowance.ceilings and isinstance(planned, Planned):
            fault = allowance.fault(planned.quantity * planned.price, planned.asked_usd)
        return self._rehearsed(intent, terms, Unplanned(fault, planned.levels) if fault else planned)

    def _terms(self, intent: Intent, allowance: Allowance) -> Terms:
        return Terms(
            None if intent.entry_price is None else Sourced(intent.entry_price, "entry_price"),
            self._leverage(allowance),
            self._balance if intent.position_size_usd is None else None,
            self._filters.get(intent.symbol),
            self._source,
        )

    def _leverage(self, allowance: Allowance) -> Sourced:
        if allowance is self._otherwise:
            return self._usual
        return Sourced(allowance.leverage, allowance.source)

    def _rehearsed(
        self, intent: Intent, terms: Terms, planned: Planned | Unplanned | Incomplete
    ) -> Rehearsed:
        if isinstance(planned, Planned):
            status, reason = DRAINED, "DRAIN"
            orders = orders_members(planned)
        else:
            status, reason = _against(planned)
            orders = NO_ORDERS
        price, unpriced = sourced(terms.price), self._unpriced(intent.symbol, terms)
        members = f'"price":{price},{unpriced},"levels":{planned.levels.shown},{orders},{_NOT_EVALUATED}'
        return Rehearsed(status, reason, members)

    def _unpriced(self, symbol: str, terms: Terms) -> str:
        """Render once what all intents of a symbol share; a share of the balance shows the balance, too."""
        kind = (symbol, terms.balance is None)
        shown = self._shown.get(kind)
        if shown is None:
            shown = unpriced_members(terms)
            if terms.filters is not None:
                self._shown[kind] = shown
        return shown


def _against(planned: Unplanned | Incomplete) -> tuple[str, str]:
    """Return status and reason of an intent without a plan; what a plan lacks is no fault of the intent."""
    if isinstance(planned, Incomplete):
        return DRAINED, f"PLAN_INCOMPLETE:{','.join(planned.missing)}"
    return risk.STATUS, planned.reason
