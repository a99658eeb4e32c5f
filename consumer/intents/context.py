"""What every decision of one run has in common."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from consumer.base import digests, stream_id
from consumer.base.errors import RefusedError
from consumer.intents import filters
from consumer.intents.rehearsal import Rehearsal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.base.settings import Settings
    from consumer.base.stream_id import StreamId
    from consumer.intents.allowance import Allowance


@dataclass(frozen=True, slots=True)
class Context:
    """The inputs of a decision that are not the entry. `max_age_ms` in milliseconds."""

    settings: Settings
    config_digest: str
    cutover: StreamId
    max_age_ms: int
    rehearsal: Rehearsal


def context_for(settings: Settings) -> Context:
    """Prepare deciding with these settings. Raises RefusedError without a cutover or usable filters."""
    snapshot = filters.load(Path(settings.filters_file)) if settings.filters_file else filters.load()
    return Context(
        settings=settings,
        config_digest=digests.config_digest(settings.document()),
        cutover=stream_id.parse(cutover_id(settings)),
        max_age_ms=settings.max_age_ms,
        rehearsal=Rehearsal(
            snapshot, settings.leverage, settings.reference_balance_usd, _allowances(settings)
        ),
    )


def _allowances(settings: Settings) -> Mapping[str, Allowance] | None:
    """Return what the limits file allows each symbol, or None without one. Live judges by its own guard."""
    if not settings.limits_file or settings.mode != "safe_drain":
        return None
    from consumer.intents import limits  # noqa: PLC0415 - only with a limits file: its library makes a start slower

    return limits.load(settings.limits_file).limits.allowances()


def cutover_id(settings: Settings) -> str:
    """Return the id up to which nothing is decided. Raises RefusedError without one."""
    if settings.cutover_id:
        return settings.cutover_id
    try:
        text = Path(settings.cutover_file).read_text().strip()
        stream_id.parse(text)
    except (OSError, ValueError) as error:
        raise RefusedError(
            f"No cutover id: TRADE_INTENT_CUTOVER_ID is not set and {settings.cutover_file} holds none.",
            "The deploy records one; without it old intents could be taken for new.",
        ) from error
    return text
