"""The settings, all read from variables named TRADE_INTENT_*; one that nothing reads is an error."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, fields
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from consumer.base import stream_id
from consumer.base.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PREFIX = "TRADE_INTENT_"
#: Where a decision goes, and what could not become an intent; fixed, because others read them.
RESULT_STREAM = "quantum:stream:execution.result"
DEAD_LETTER_STREAM = "quantum:dlq:trade.intent"
HALT_KEY = "quantum:trade_intent:halt"
#: Where live mode keeps its journal unless told otherwise: on a volume, which outlives the container.
JOURNAL_URL = "sqlite:////journal/journal.sqlite"
MODES = ("safe_drain", "live")
VENUES = ("none", "simulator", "demo", "mainnet")
LEVELS = ("debug", "info", "warning", "error")

#: Who and where, not how: two containers that differ only in these run the same configuration.
_NOT_DIGESTED = {"replica", "cutover_id", "cutover_file"}


def _text(value: str) -> str:
    return value


def _one_of(*known: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in known:
            raise ValueError(f"it must be one of {', '.join(known)}")
        return value

    return read


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
            raise ValueError(f"it must be a whole number from {low} to {high}")
        return int(value)

    return read


def _number(low: str, high: str) -> Callable[[str], Decimal]:
    def read(value: str) -> Decimal:
        try:
            number = Decimal(value)
            fits = Decimal(low) <= number <= Decimal(high)
        except InvalidOperation:
            fits = False
        if not fits:
            raise ValueError(f"it must be a number from {low} to {high}")
        return number

    return read


def _entry_id(value: str) -> str:
    stream_id.parse(value)
    return value


def _redis_url(value: str) -> str:
    if urlsplit(value).scheme not in ("redis", "rediss", "unix"):
        raise ValueError("it must begin with redis://, rediss:// or unix://")
    return value


# ruff: noqa: RUF009 - a call as a default is no trap here: it describes the field, once, as `field` itself does
def _setting(default: Any, read: Callable[[str], Any]) -> Any:
    return field(default=default, metadata={"read": read})


@dataclass(frozen=True, slots=True)
class Settings:
    """The effective settings. Ages and windows say their unit; an empty text or None means not given."""

    redis_url: str = _setting("redis://quantum_redis:6379/0", _redis_url)
    stream: str = _setting("quantum:stream:trade.intent", _text)
    group: str = _setting("quantum:group:trade_intent_consumer:trade.intent", _text)
    replica: int = _setting(0, _whole(0, 999))
    max_age_minutes: Decimal = _setting(Decimal(10), _number("0.001", "1000000"))
    batch: int = _setting(200, _whole(1, 1000))
    #: Bytes of one entry, and of what is taken from Redis at once; both hold in a container of 128 MiB.
    entry_max_bytes: int = _setting(131_072, _whole(1024, 16_777_216))
    read_max_bytes: int = _setting(1_048_576, _whole(65_536, 67_108_864))
    block_ms: int = _setting(1000, _whole(1, 2000))
    duplicate_window_ms: int = _setting(5000, _whole(0, 3_600_000))
    claim_idle_ms: int = _setting(10_000, _whole(1, 3_600_000))
    http_port: int = _setting(9108, _whole(1, 65_535))
    mode: str = _setting("safe_drain", _one_of(*MODES))
    venue: str = _setting("none", _one_of(*VENUES))
    venue_url: str = _setting("", _text)
    journal_url: str = _setting("", _text)
    limits_file: str = _setting("", _text)
    filters_file: str = _setting("", _text)
    promotion_file: str = _setting("", _text)
    reference_balance_usd: Decimal | None = _setting(None, _number("0.01", "1000000000"))
    leverage: Decimal = _setting(Decimal(1), _number("1", "125"))
    cutover_id: str = _setting("", _entry_id)
    cutover_file: str = _setting("/run/trade_intent/cutover_id", _text)
    result_maxlen: int = _setting(100_000, _whole(1, 100_000_000))
    log_level: str = _setting("info", _one_of(*LEVELS))

    @property
    def consumer_name(self) -> str:
        """The name under which this replica holds pending entries: the same after every restart."""
        return f"trade_intent_consumer_{self.replica}"

    @property
    def stage(self) -> str:
        """The step of promotion that these settings stand for."""
        return "safe_drain" if self.mode == "safe_drain" else "live"

    @property
    def max_age_ms(self) -> int:
        """The age in milliseconds above which an intent is stale."""
        return int(self.max_age_minutes * 60_000)

    def document(self) -> dict[str, str]:
        """Return variable → value as text, defaults included: what the configuration digest is made of."""
        named = (setting.name for setting in fields(self) if setting.name not in _NOT_DIGESTED)
        document = {_variable(name): _shown(getattr(self, name)) for name in named}
        return {**document, _variable("redis_url"): without_password(self.redis_url)}


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read the settings from `environment`; an empty value means the default.

    Raises RefusedError for a variable that nothing reads and for a value that cannot be.
    """
    given = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    known = {_variable(field.name): field for field in fields(Settings)}
    for name in sorted(given.keys() - known.keys()):
        raise _unknown(name, list(known))
    values = {
        known[name].name: _read(name, value, known[name].metadata["read"])
        for name, value in given.items()
        if value
    }
    return Settings(**values)


def without_password(url: str) -> str:
    """Return `url` without the password that may stand in it."""
    password = urlsplit(url).password
    return url if password is None else url.replace(f":{password}@", "@", 1).replace("//@", "//", 1)


def _variable(name: str) -> str:
    return PREFIX + name.upper()


def _shown(value: object) -> str:
    return "" if value is None else format(value, "f") if isinstance(value, Decimal) else str(value)


def _read(name: str, value: str, read: Callable[[str], Any]) -> Any:
    try:
        return read(value)
    except ValueError as error:
        raise RefusedError(
            f"{name} is {value[:60]!r}: {error}.", f"Correct {name}, or leave it out."
        ) from error


def _unknown(name: str, known: list[str]) -> RefusedError:
    if name == f"{PREFIX}SAFE_DRAIN":
        return RefusedError(
            f"{name} is not a setting: nothing reads it.", f"Set {PREFIX}MODE=safe_drain instead."
        )
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
    return RefusedError(f"{name} is not a setting: nothing reads it.", f"The nearest known one is {nearest}.")
