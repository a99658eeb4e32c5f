"""What live mode trades with, read and checked before anything is connected; without all of it, no start."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from consumer.base import digests, secret_files
from consumer.base.errors import RefusedError
from consumer.base.settings import JOURNAL_URL, PREFIX
from consumer.intents import limits
from consumer.live import promotion
from consumer.live.journal import Journal, JournalError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from consumer.base.settings import Settings
    from consumer.intents.limits import Limits
    from consumer.live.promotion import Promotion

#: Where each venue's futures and its user data stream live. The simulator is wherever VENUE_URL says.
URLS = {"demo": "https://demo-fapi.binance.com/fapi", "mainnet": "https://fapi.binance.com/fapi"}
STREAM_URLS = {
    "demo": "wss://fstream.binancefuture.com/private/ws",
    "mainnet": "wss://fstream.binance.com/private/ws",
}
SIMULATOR = "simulator"


@dataclass(frozen=True, slots=True)
class LiveConfig:
    """Journal, limits, permission, and an account at an exchange."""

    journal: Journal
    limits: Limits
    promotion: Promotion | None
    url: str
    api_key: str
    api_secret: str
    stream_url: str
    #: Why it only protects and closes what is its own, until a restart; empty where it may trade.
    guards_because: str = ""

    @property
    def stage(self) -> str:
        """The step of promotion, or `guard`."""
        if self.guards_because:
            return "guard"
        return self.promotion.stage if self.promotion else "live"


def live_config_for(settings: Settings, secrets_folder: Path) -> LiveConfig:
    """Return what these settings trade with. Raises RefusedError for whatever is missing or does not fit.

    What only forbids to trade refuses nothing while the journal has something open: that is guarded.
    """
    _refuse_without_an_account(settings, secrets_folder)
    api_key, api_secret = secret_files.exchange_secrets(secrets_folder)
    journal = open_journal(settings)
    allowed, record, guards_because = limits.NOTHING, None, ""
    try:
        allowed, record = _permission(settings)
    except RefusedError as refusal:
        if not journal.open_intents():
            journal.close()
            raise
        guards_because = refusal.reason
    return LiveConfig(
        journal=journal,
        limits=allowed,
        promotion=record,
        url=URLS.get(settings.venue, settings.venue_url),
        api_key=api_key,
        api_secret=api_secret,
        stream_url=STREAM_URLS.get(settings.venue) or _beside(settings.venue_url),
        guards_because=guards_because,
    )


def _beside(venue_url: str) -> str:
    """Return where the simulator's user data stream is."""
    parts = urlsplit(venue_url)
    return f"{parts.scheme.replace('http', 'ws')}://{parts.netloc}/private/ws"


def _permission(settings: Settings) -> tuple[Limits, Promotion | None]:
    """Return what may be traded, and by whose permission. Raises RefusedError."""
    _refuse_what_is_missing(_missing_permission(settings))
    limits_file = limits.load(settings.limits_file)
    running = promotion.RunningCode(
        code_digest=digests.code_digest(),
        config_digest=digests.config_digest(settings.document()),
        limits_digest=limits_file.digest,
    )
    now_ms = time.time_ns() // 1_000_000
    return limits_file.limits, promotion.load(settings.promotion_file, settings.venue, running, now_ms)


def open_journal(settings: Settings) -> Journal:
    """Open the journal; unless the settings name one, that of the volume. Raises RefusedError without one."""
    try:
        return Journal.open(settings.journal_url or JOURNAL_URL)
    except JournalError as error:
        raise RefusedError(
            f"The journal cannot be used: {error}", f"Correct {PREFIX}JOURNAL_URL, or its volume."
        ) from error


def _missing_permission(settings: Settings) -> list[str]:
    return _absent(
        {
            "a promotion record (PROMOTION_FILE)": settings.promotion_file or settings.venue == SIMULATOR,
            "a limits file (LIMITS_FILE)": settings.limits_file,
        }
    )


def _absent(needed: Mapping[str, object]) -> list[str]:
    return [name for name, is_there in needed.items() if not is_there]


def _refuse_what_is_missing(missing: list[str]) -> None:
    if missing:
        raise RefusedError(
            f"Live mode needs {', '.join(missing)}, and that is missing.",
            f"Promote a release, which brings all of it; to drain, set {PREFIX}MODE=safe_drain.",
        )


def _refuse_without_an_account(settings: Settings, secrets_folder: Path) -> None:
    is_simulated = settings.venue == SIMULATOR
    missing = _absent(
        {
            "a venue (VENUE)": settings.venue != "none",
            "the simulator's address (VENUE_URL)": settings.venue_url or not is_simulated,
            "the exchange's secrets": secret_files.has_exchange_secrets(secrets_folder),
        }
    )
    if missing:
        _refuse_what_is_missing(missing + _missing_permission(settings))
    if settings.venue_url and not is_simulated:
        raise RefusedError(
            f"{PREFIX}VENUE_URL is set, and the address of {settings.venue} is not a setting.",
            "Leave it out.",
        )
