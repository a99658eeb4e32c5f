"""The exchange as a plain object: questions in, bodies or refusals out; no wire, no signatures.

A simulation that brings its own clock talks to this one; so does the HTTP edge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.exchange.core import account
from sandbox.exchange.core.errors import ExchangeError, RefusalCode
from sandbox.exchange.core.movement import advance, set_price
from sandbox.exchange.core.parameters import Parameters
from sandbox.exchange.core.symbols import listed
from sandbox.exchange.oracle import report
from sandbox.exchange.routes import ROUTES, Route
from sandbox.exchange.signing import DEFAULT_RECV_WINDOW_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal

    from sandbox.exchange.core.ledger import Ledger

_ROUTES = {(route.method, route.path): route for route in ROUTES}


class Model:
    """A ledger in time. `clock_ms` returns Unix milliseconds, which the exchange's own clock may be off."""

    def __init__(self, ledger: Ledger, clock_ms: Callable[[], int]) -> None:
        self.ledger = ledger
        self._clock_ms = clock_ms

    @property
    def now_ms(self) -> int:
        """The exchange's time."""
        return self._clock_ms() + self.ledger.switches.time_skew_ms

    def ask(self, method: str, path: str, parameters: Mapping[str, str]) -> Any:
        """Answer a request that was let in. Raises ExchangeError when it is refused."""
        return self.answer(_ROUTES[method, path], Parameters(parameters))

    def answer(self, route: Route, parameters: Parameters) -> Any:
        """Answer, once all that has come due is done. A late order meets the matching engine's own check."""
        now_ms = self.now_ms
        advance(self.ledger, now_ms)
        if route.matched:
            _check_lateness(parameters, now_ms)
        return route.handler(self.ledger, parameters, now_ms)

    def set_price(self, symbol: str, price: Decimal) -> None:
        """Move a symbol's mark and last price, in USDT."""
        advance(self.ledger, self.now_ms)
        set_price(self.ledger, symbol, price, self.now_ms)

    def set_account(
        self,
        *,
        hedge: bool | None = None,
        multi_assets: bool | None = None,
        leverage: Mapping[str, int] | None = None,
        margin_type: Mapping[str, str] | None = None,
        balance: Decimal | None = None,
        **switches: Any,
    ) -> None:
        """Set the account as no client could, and the switches. Raises SwitchError, ExchangeError."""
        changed = self.ledger.switches.changed(switches)
        records = [
            *(
                account.leverage_setting(listed(name).name, int(value))
                for name, value in (leverage or {}).items()
            ),
            *(
                account.margin_type_setting(listed(name).name, value)
                for name, value in (margin_type or {}).items()
            ),
        ]
        if hedge is not None:
            records.append(account.hedged_setting(wanted=hedge))
        if multi_assets is not None:
            records.append(account.multi_assets_setting(wanted=multi_assets))
        if balance is not None:
            records.append(account.wallet_setting(self.ledger, balance))
        if records:
            self.ledger.put(*records)
        self.ledger.set_switches(changed)

    def report(self) -> dict[str, Any]:
        """Return all that the exchange knows."""
        advance(self.ledger, self.now_ms)
        return report(self.ledger, self.now_ms)


def _check_lateness(parameters: Parameters, now_ms: int) -> None:
    sent_ms = parameters.integer("timestamp")
    window_ms = parameters.integer("recvWindow")
    if sent_ms is not None and now_ms - sent_ms > (
        DEFAULT_RECV_WINDOW_MS if window_ms is None else window_ms
    ):
        raise ExchangeError(RefusalCode.TOO_LATE)
