"""What live mode trades with, read and checked before anything is connected; without all of it, no start."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from consumer.base import digests, secret_files
from consumer.base.errors import RefusedError
from consumer.base.settings import JOURNAL_URL, PREFIX
from consumer.intents import limits
from consumer.live import promotion
from consumer.live.journal import Journal, JournalError

if TYPE_CHECKING:
    from pathlib import Path

    from consumer.base.settings import Settings
    from consumer.intents.limits import Limits
    from consumer.live.promotion import Promotion

#: Where each venue's futures live. The simulator is wherever VENUE_URL says.
URLS = {"demo": "https://demo-fapi.binance.com/fapi", "mainnet": "https://fapi.binance.com/fapi"}
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

    @property
    def stage(self) -> str:
        """The step of promotion."""
        return self.promotion.stage if self.promotion else "live"


def live_config_for(settings: Settings, secrets_folder: Path) -> LiveConfig:
    """Return what these settings trade with. Raises RefusedError for whatever is missing or does not fit."""
    _refuse_what_is_missing(settings, secrets_folder)
    limits_file = limits.load(settings.limits_file)
    running = promotion.RunningCode(
        code_digest=digests.code_digest(),
        config_digest=digests.config_digest(settings.document()),
        limits_digest=limits_file.digest,
    )
    record = promotion.load(settings.promotion_file, settings.venue, running, time.time_ns() // 1_000_000)
    api_key, api_secret = secret_files.exchange_secrets(secrets_folder)
    return LiveConfig(
        journal=open_journal(settings),
        limits=limits_file.limits,
        promotion=record,
        url=URLS.get(settings.venue, settings.venue_url),
        api_key=api_key,
        api_secret=api_secret,
    )


def open_journal(settings: Settings) -> Journal:
    """Open the journal; unless the settings name one, that of the volume. Raises RefusedError without one."""
    try:
        return Journal.open(settings.journal_url or JOURNAL_URL)
    except JournalError as error:
        raise RefusedError(
            f"The journal cannot be used: {error}", f"Correct {PREFIX}JOURNAL_URL, or its volume."
        ) from error


def _refuse_what_is_missing(settings: Settings, secrets_folder: Path) -> None:
    is_simulated = settings.venue == SIMULATOR
    needed = {
        "a venue (VENUE)": settings.venue != "none",
        "the simulator's address (VENUE_URL)": settings.venue_url or not is_simulated,
        "a promotion record (PROMOTION_FILE)": settings.promotion_file or is_simulated,
        "a limits file (LIMITS_FILE)": settings.limits_file,
        "the exchange's secrets": secret_files.has_exchange_secrets(secrets_folder),
    }
    missing = [name for name, is_there in needed.items() if not is_there]
    if missing:
        raise RefusedError(
            f"Live mode needs {', '.join(missing)}, and that is missing.",
            f"Promote a release, which brings all of it; to drain, set {PREFIX}MODE=safe_drain.",
        )
    if settings.venue_url and not is_simulated:
        raise RefusedError(
            f"{PREFIX}VENUE_URL is set, and the address of {settings.venue} is not a setting.",
            "Leave it out.",
        )
