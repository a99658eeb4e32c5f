"""Keys of the user data stream: they live for an hour, are prolonged, and expire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.exchange.core.errors import ExchangeError, RefusalCode
from sandbox.exchange.core.records import AccountSetting

if TYPE_CHECKING:
    from sandbox.exchange.core.ledger import Ledger
    from sandbox.exchange.core.parameters import Parameters
    from sandbox.exchange.shapes import Body

_LIVES_MS = 3_600_000
_UNTIL = "listen_key_until"
_KEY = "listen_key"


def create(ledger: Ledger, _parameters: Parameters, now_ms: int) -> Body:
    """POST /listenKey: a key for an hour; the one that there is, prolonged, while it lives."""
    if not is_alive(ledger, now_ms):
        ledger.put(AccountSetting(_KEY, f"{ledger.next_id():064x}"))
    return _prolonged(ledger, now_ms)


def prolong(ledger: Ledger, _parameters: Parameters, now_ms: int) -> Body:
    """PUT /listenKey."""
    if not is_alive(ledger, now_ms):
        raise ExchangeError(RefusalCode.NO_LISTEN_KEY)
    return _prolonged(ledger, now_ms)


def close(ledger: Ledger, _parameters: Parameters, _now_ms: int) -> Body:
    """DELETE /listenKey."""
    ledger.put(AccountSetting(_UNTIL, "0"))
    return {}


def is_alive(ledger: Ledger, now_ms: int, key: str | None = None) -> bool:
    """Tell whether there is a key, or whether this is the one that there is."""
    is_it = key in (None, ledger.settings.get(_KEY))
    return is_it and now_ms < int(ledger.settings.get(_UNTIL, "0"))


def _prolonged(ledger: Ledger, now_ms: int) -> Body:
    ledger.put(AccountSetting(_UNTIL, str(now_ms + _LIVES_MS)))
    return {"listenKey": ledger.settings[_KEY]}
