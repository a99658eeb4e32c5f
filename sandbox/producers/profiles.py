"""Each producer as it writes: its shape, its words for a side, its way to write a time, whether it trims.

A profile takes a market and the time (Unix milliseconds) and returns the entries of one turn: one, or two
where a second producer publishes the same intent again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sandbox.names import STREAM_MAXLEN
from sandbox.producers import times
from sandbox.producers.entry import Fields, PublishedEntry, as_flat_fields, as_json_text, expected

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.producers.market import Opinion, OpinionSource

AI_ENGINE = "ai-engine"
TRADING_BOT = "trading-bot"
RL_ORCHESTRATOR = "rl_v3"
OLD_AI_ENGINE = "old-ai-engine"
MANUAL = "manual"

_TWIN_PAUSE_MS = 2
_TWIN_SHARE = 0.1
_LATE_SHARE = 0.03
_LATE_BY_MS = 25 * 60 * 1000
_EVENT = "trade.intent"


def ai_engine(market: OpinionSource, now_ms: int) -> list[PublishedEntry]:
    """Write wrapped in `payload`, BUY/SELL, ISO with offset; trim."""
    return [_ai_engine_entry(market, market.opinion(), now_ms)]


def trading_bot(market: OpinionSource, now_ms: int) -> list[PublishedEntry]:
    """Write wrapped in `payload` without a trace id, BUY/SELL, naive ISO; never trim.

    At times it asks the ai-engine first, which publishes the same intent 2 ms before the bot does.
    """
    opinion = market.opinion()
    if market.happens(_TWIN_SHARE):
        return twins(market, opinion, now_ms)
    return [_trading_bot_entry(market, opinion, now_ms)]


def twins(market: OpinionSource, opinion: Opinion, now_ms: int) -> list[PublishedEntry]:
    """Return the same intent twice: from the ai-engine, and 2 ms later from the bot that asked it."""
    second = _trading_bot_entry(market, opinion, now_ms)
    return [_ai_engine_entry(market, opinion, now_ms), replace(second, pause_ms=_TWIN_PAUSE_MS)]


def rl_orchestrator(market: OpinionSource, now_ms: int) -> list[PublishedEntry]:
    """Write wrapped in `payload`, LONG/SHORT/FLAT, the size a fraction of the balance, no own time; trim."""
    opinion = market.opinion()
    trace_id = market.trace_id()
    source = "rl_v3_live_orchestrator"
    intent = {
        "symbol": opinion.symbol,
        "side": _long_short_flat(market, opinion),
        "size_pct": market.dice.choice([0.1, 0.2]),
        "source": source,
        "confidence": opinion.confidence,
        "leverage": market.dice.choice([5, 10, 20]),
        "trace_id": trace_id,
    }
    fields = _envelope(source, now_ms, trace_id) | {"payload": as_json_text(intent)}
    meaning = expected("payload", intent, timestamp_ms=now_ms, source=source, trace_id=trace_id)
    return [PublishedEntry(RL_ORCHESTRATOR, fields, meaning, maxlen=STREAM_MAXLEN)]


def old_ai_engine(market: OpinionSource, now_ms: int) -> list[PublishedEntry]:
    """Write wrapped in `data`, `direction` instead of a side, a time in one of three ways; trim."""
    opinion = market.opinion()
    trace_id = market.trace_id()
    write_time = market.dice.choice([times.epoch_ms, times.epoch_s, times.iso_z])
    intent = _full_intent(opinion, "direction", _long_short_flat(market, opinion))
    intent["timestamp"] = write_time(now_ms)
    fields = _envelope(AI_ENGINE, now_ms, trace_id) | {"data": as_json_text(intent)}
    meaning = expected("data", intent, timestamp_ms=now_ms, source=AI_ENGINE, trace_id=trace_id)
    return [PublishedEntry(OLD_AI_ENGINE, fields, meaning, maxlen=STREAM_MAXLEN)]


def manual(market: OpinionSource, now_ms: int) -> list[PublishedEntry]:
    """Write flat fields, as a person types them: any side, any time or none, at times an old one."""
    opinion = market.opinion()
    own_time_ms = now_ms - _LATE_BY_MS if market.happens(_LATE_SHARE) else now_ms
    intent: dict[str, Any] = {
        "symbol": opinion.symbol,
        market.dice.choice(["side", "action"]): _typed_side(market, opinion),
        "source": "manual_test",
        "confidence": opinion.confidence,
        "entry_price": opinion.price,
        "position_size_usd": market.dice.choice([5, 25, 200]),
        "leverage": 1,
    }
    write_time = market.dice.choice([*_TYPED_TIMES, None])
    if write_time is not None:
        intent["timestamp"] = write_time(own_time_ms)
    meaning = expected(
        "flat", intent, timestamp_ms=own_time_ms if write_time else None, source=intent["source"]
    )
    return [PublishedEntry(MANUAL, as_flat_fields(intent), meaning)]


_TYPED_TIMES: tuple[Callable[[int], object], ...] = (
    times.epoch_ms,
    times.iso_naive,
    times.iso_z,
    times.iso_offset,
    times.epoch_s,
)

PROFILES: dict[str, Callable[[OpinionSource, int], list[PublishedEntry]]] = {
    AI_ENGINE: ai_engine,
    TRADING_BOT: trading_bot,
    RL_ORCHESTRATOR: rl_orchestrator,
    OLD_AI_ENGINE: old_ai_engine,
    MANUAL: manual,
}


def _ai_engine_entry(market: OpinionSource, opinion: Opinion, now_ms: int) -> PublishedEntry:
    trace_id = market.trace_id()
    intent = _full_intent(opinion, "side", _buy_sell(opinion))
    intent |= {"timestamp": times.iso_offset(now_ms), "meta_strategy": "trend_following"}
    fields = _envelope(AI_ENGINE, now_ms, trace_id) | {"payload": as_json_text(intent)}
    meaning = expected("payload", intent, timestamp_ms=now_ms, source=AI_ENGINE, trace_id=trace_id)
    return PublishedEntry(AI_ENGINE, fields, meaning, maxlen=STREAM_MAXLEN)


def _trading_bot_entry(market: OpinionSource, opinion: Opinion, now_ms: int) -> PublishedEntry:
    intent = _full_intent(opinion, "side", _buy_sell(opinion))
    intent |= {
        "position_size_usd": market.dice.choice([150.0, 175.0, 200.0]),
        "timestamp": times.iso_naive(now_ms),
        "reason": f"24h change {opinion.change:+.2%}",
    }
    fields = _envelope(TRADING_BOT, now_ms, None) | {"payload": as_json_text(intent)}
    meaning = expected("payload", intent, timestamp_ms=now_ms, source=TRADING_BOT)
    return PublishedEntry(TRADING_BOT, fields, meaning)


def _envelope(source: str, now_ms: int, trace_id: str | None) -> Fields:
    fields: Fields = {"event_type": _EVENT, "timestamp": times.iso_naive(now_ms), "source": source}
    return fields if trace_id is None else fields | {"trace_id": trace_id}


def _full_intent(opinion: Opinion, side_key: str, side: str) -> dict[str, Any]:
    return {
        "symbol": opinion.symbol,
        side_key: side,
        "position_size_usd": 200.0,
        "leverage": 1,
        "entry_price": opinion.price,
        "stop_loss": opinion.stop_loss,
        "take_profit": opinion.take_profit,
        "confidence": opinion.confidence,
        "model": "ai-engine-ensemble",
        "atr_value": min(max(abs(opinion.change), 0.02), 0.10),
        "volatility_factor": opinion.volatility,
        "exchange_divergence": 0.0,
        "funding_rate": 0.0,
        "regime": "unknown",
    }


def _buy_sell(opinion: Opinion) -> str:
    return "BUY" if opinion.is_long else "SELL"


def _long_short_flat(market: OpinionSource, opinion: Opinion) -> str:
    if market.happens(0.15):
        return "FLAT"
    return "LONG" if opinion.is_long else "SHORT"


def _typed_side(market: OpinionSource, opinion: Opinion) -> str:
    word = "BUY" if opinion.is_long else "SELL"
    return str(market.dice.choice([word, word, word.lower(), "CLOSE", "HOLD"]))
