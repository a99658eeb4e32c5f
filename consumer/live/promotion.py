"""The promotion record: which image, configuration and limits may trade, from which intent on, until when.

Written by the promotion from evidence, read at the start, and judged again before every order. Anything in
it that is not so means no start.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, Self

from pydantic import AwareDatetime, Field, StringConstraints, field_validator, model_validator

from consumer.base import exact_json, stream_id
from consumer.base.errors import RefusedError
from consumer.intents.limits import Count, Symbol, Usd  # noqa: TC001 - pydantic reads annotations at run time

if TYPE_CHECKING:
    from consumer.base.stream_id import StreamId

type Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

REMEDY = (
    "Promote again: TRADE_INTENT_PROMOTION_FILE must name a record that was made for exactly this release."
)
#: Venues at which nothing is traded for money.
WITHOUT_RECORD = frozenset({"simulator"})


class Caps(exact_json.Strict):
    """What the canary may do at most: they reject, and never make an order smaller."""

    max_entries: Count
    max_notional_usd: Usd
    symbols: Annotated[list[Symbol], Field(min_length=1)]


class Promotion(exact_json.Strict):
    """A permission to trade. `nonce` is what the journal counts its entries under.

    Intents up to and including `live_from_id` never trade.
    """

    stage: Literal["canary", "live"]
    nonce: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
    image_id: Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
    code_digest: Sha256
    config_digest: Sha256
    limits_digest: Sha256
    live_from_id: str
    not_after: AwareDatetime
    caps: Caps | None

    @field_validator("live_from_id")
    @classmethod
    def _is_an_id(cls, value: str) -> str:
        stream_id.parse(value)
        return value

    @model_validator(mode="after")
    def _caps_fit_the_stage(self) -> Self:
        if (self.stage == "canary") != (self.caps is not None):
            raise ValueError("a canary has caps, and live has none (null)")
        return self

    @property
    def live_from(self) -> StreamId:
        """The last id that never trades."""
        return stream_id.parse(self.live_from_id)

    @property
    def not_after_ms(self) -> int:
        """The last moment at which anything may be opened, in ms since 1970."""
        return int(self.not_after.timestamp() * 1000)


class RunningCode(NamedTuple):
    """What runs. `image_id` is None inside the container, where only the code's digest can be known."""

    code_digest: str
    config_digest: str
    limits_digest: str
    image_id: str | None = None


def load(path: str, venue: str, running: RunningCode, now_ms: int) -> Promotion | None:
    """Return the record, or None at the simulator without one. Raises RefusedError unless all of it is so."""
    if not path and venue in WITHOUT_RECORD:
        return None
    if not path:
        raise RefusedError(f"There is no promotion record, and {venue} needs one.", REMEDY)
    record, _ = exact_json.load(Path(path), Promotion, REMEDY)
    bind(record, running, now_ms)
    return record


def bind(record: Promotion, running: RunningCode, now_ms: int) -> None:
    """Raise RefusedError unless the record was made for what runs, and still holds."""
    for name, actual in running._asdict().items():
        desired = getattr(record, name)
        if actual is not None and actual != desired:
            raise RefusedError(f"The promotion record is for {name} {desired}, and {actual} runs.", REMEDY)
    if now_ms > record.not_after_ms:
        raise RefusedError(f"The promotion record was good until {record.not_after.isoformat()}.", REMEDY)
