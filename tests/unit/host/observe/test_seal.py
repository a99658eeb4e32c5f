"""A seal is checked by code that shares nothing with the code that makes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from consumer.intents.decide import Decision
from consumer.stream.seal import SHARED, Seal
from host.observe.seal import PREFIX, is_sealed, keys_in

if TYPE_CHECKING:
    from pathlib import Path

KEY = "ab" * 32
COMMON = {
    "mode": "safe_drain", "venue": "none", "stage": "safe_drain", "replica": "0", "config_digest": "c" * 64,
}  # fmt: skip # a table, or a call that is read as one
COMMON = {
    "mode": "safe_drain",
    "venue": "none",
    "stage": "safe_drain",
    "replica": "0",
    "config_digest": "c" * 64,
}
DECISIONS = {
    "drained": Decision("7-0", "skipped_drain", "DRAIN", "7-0", "NEARUSDT", "BUY", "t-1",
                        '{"symbol":"NEARUSDT","source":"}\\"a"}', '"price":{"value":"1"},"entry":null'),
    "without a plan": Decision("7-0", "skipped_hold", "HOLD", "7-0", "AUSDT", "HOLD", "", '{"symbol":"A"}'),
    "invalid": Decision("7-0", "invalid", "INVALID_JSON:\u20ac\0", "7-0", trace_id="\0"),
}  # fmt: skip # a table, or a call that is read as one


def published(decision: Decision) -> dict[str, str]:
    """Return the fields that the settle script writes."""
    return {
        "intent_id": decision.entry_id, "origin_id": decision.origin_id, "symbol": decision.symbol,
        "side": decision.side, "status": decision.status, "reason": decision.reason, **COMMON,
        "trace_id": decision.trace_id, "plan": decision.plan_json, "orders": "[]",
        "auth": Seal(KEY, COMMON).of(decision, "[]"),
    }  # fmt: skip # a table, or a call that is read as one


@pytest.mark.parametrize("kind", DECISIONS)
def test_what_the_consumer_sealed_is_told(kind: str) -> None:
    fields = published(DECISIONS[kind])
    assert is_sealed(fields, [b"another", KEY.encode()])
    assert not is_sealed(fields, [b"another"])
    assert not is_sealed(fields, [])


@pytest.mark.parametrize("name", [*published(DECISIONS["drained"])])
def test_a_decision_that_was_changed_is_told(name: str) -> None:
    fields = published(DECISIONS["drained"])
    changed: dict[str, Any] = {**fields, name: fields[name].replace("1", "2") + "x"}
    assert not is_sealed(changed, [KEY.encode()])
    assert not is_sealed({left: fields[left] for left in fields if left != name}, [KEY.encode()])


def test_what_the_script_changed_is_told_by_what_it_was_handed() -> None:
    decision = DECISIONS["drained"]
    handed = json.dumps([decision.status, decision.reason, decision.plan])
    twin = published(decision) | {"status": "skipped_duplicate", "reason": "DUPLICATE:6-0"}
    twin["plan"] = f'{{"intent":{decision.intent}}}'
    assert is_sealed(twin | {"handed": handed}, [KEY.encode()])
    assert not is_sealed(twin, [KEY.encode()])
    assert not is_sealed(twin | {"handed": "[]"}, [KEY.encode()])


def test_without_a_key_there_is_no_seal() -> None:
    assert Seal(None, COMMON).of(DECISIONS["drained"], "[]") == ""
    assert not is_sealed(published(DECISIONS["drained"]) | {"auth": ""}, [KEY.encode()])


def test_the_keys_of_all_releases_are_known(tmp_path: Path) -> None:
    for name in ("redis_password", f"{PREFIX}1", f"{PREFIX}2"):
        (tmp_path / name).write_text(f"{name} \n")
    assert sorted(keys_in(tmp_path)) == [f"{PREFIX}1".encode(), f"{PREFIX}2".encode()]


def test_all_that_decisions_share_is_sealed() -> None:
    assert set(SHARED) == set(COMMON)
