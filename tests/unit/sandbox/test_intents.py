"""What the producers publish, over enough entries that each kind must show up."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import islice, pairwise

import pytest

from sandbox.producers.entry import PublishedEntry
from sandbox.producers.intents import intents
from sandbox.producers.profiles import PROFILES

NOW_MS = 1_795_365_426_968
MANY = 4_000


def some(seed: int = 7, producers: tuple[str, ...] = tuple(PROFILES)) -> Iterator[PublishedEntry]:
    return islice(intents(seed, lambda: NOW_MS, producers), MANY)


@cache
def published_by(producer: str) -> tuple[PublishedEntry, ...]:
    return tuple(entry for entry in some(producers=(producer,)) if entry.expected)


def bodies(producer: str, key: str) -> list[dict[str, object]]:
    return [json.loads(entry.fields[key]) for entry in published_by(producer)]


def test_the_same_seed_gives_the_same_entries() -> None:
    assert list(some(3)) == list(some(3))
    assert list(some(3)) != list(some(4))


def test_every_producer_shape_side_and_direction_shows_up() -> None:
    meanings = [entry.expected for entry in some() if entry.expected]
    assert {meaning.shape for meaning in meanings} == {"payload", "data", "flat"}
    assert {meaning.side for meaning in meanings} == {"BUY", "SELL", "LONG", "SHORT", "FLAT", "HOLD", "CLOSE"}
    assert {meaning.direction for meaning in meanings} == {"long", "short", "close", "hold"}
    assert {entry.producer for entry in some()} == set(PROFILES)


def test_junk_is_there_in_every_kind_but_rare() -> None:
    flaws = Counter(entry.flaw for entry in some() if entry.flaw)
    assert set(flaws) == {
        "bad_json",
        "empty_payload",
        "not_a_number",
        "unknown_symbol",
        "no_symbol",
        "not_text",
    }
    assert 0 < flaws.total() / MANY <= 0.02


def test_the_bot_publishes_again_what_the_ai_engine_published_two_milliseconds_before() -> None:
    twins = [pair for pair in pairwise(published_by("trading-bot")) if pair[1].pause_ms]
    assert twins
    for first, second in twins:
        assert (first.producer, second.producer, second.pause_ms) == ("ai-engine", "trading-bot", 2)
        assert first.expected
        assert second.expected
        assert (first.expected.symbol, first.expected.direction) == (
            second.expected.symbol,
            second.expected.direction,
        )


def test_only_producers_that_trim_ask_for_it() -> None:
    trims = {producer: {entry.maxlen for entry in published_by(producer)} for producer in PROFILES}
    assert trims["ai-engine"] == trims["rl_v3"] == trims["old-ai-engine"] == {10_000}
    assert trims["manual"] == {None}
    assert {entry.maxlen for entry in published_by("trading-bot") if entry.producer == "trading-bot"} == {
        None
    }


def test_the_ai_engine_writes_its_time_with_an_offset() -> None:
    times = {body["timestamp"] for body in bodies("ai-engine", "payload")}
    assert times == {"2026-11-22T16:37:06.968000+00:00"}


def test_the_orchestrator_has_no_time_of_its_own_and_a_share_of_the_balance_as_size() -> None:
    intents_ = bodies("rl_v3", "payload")
    assert not any("timestamp" in intent or "position_size_usd" in intent for intent in intents_)
    assert {intent["size_pct"] for intent in intents_} == {0.1, 0.2}


def test_the_old_ai_engine_says_direction_and_writes_times_in_three_ways() -> None:
    intents_ = bodies("old-ai-engine", "data")
    assert not any("side" in intent for intent in intents_)
    assert {type(intent["timestamp"]) for intent in intents_} == {int, float, str}


def test_a_person_types_strings_and_any_time_or_none() -> None:
    typed = [entry.fields for entry in published_by("manual")]
    assert all(isinstance(value, str) for fields in typed for value in fields.values())
    kinds = {re.sub(r"\d", "0", str(fields.get("timestamp", "absent"))) for fields in typed}
    assert {
        "absent",
        "0000000000000",
        "0000000000.000",
        "0000-00-00T00:00:00.000000",
        "0000-00-00T00:00:00.000000Z",
        "0000-00-00T00:00:00.000000+00:00",
    } == kinds


def test_some_typed_intents_are_old_and_most_are_not() -> None:
    ages_ms = [
        NOW_MS - entry.expected.timestamp_ms
        for entry in published_by("manual")
        if entry.expected and entry.expected.timestamp_ms
    ]
    assert 0 < sum(age > 600_000 for age in ages_ms) / len(ages_ms) < 0.1


@pytest.mark.parametrize("producer", PROFILES)
def test_the_wrapper_carries_the_time_of_publication(producer: str) -> None:
    times = {entry.fields.get("timestamp") for entry in published_by(producer)}
    assert "2026-11-22T16:37:06.968000" in times
