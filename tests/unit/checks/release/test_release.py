"""The release document: what a deploy means to be true, worked out on the controller."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest

from checks import release
from checks.digests import code_digest, config_digest
from checks.errors import ChecksError
from checks.release import PROJECT

LOCKED = """
redis==8.1.0 \\
    --hash=sha256:00
async-timeout==5.0.1 ; python_full_version < '3.11.3' \\
    --hash=sha256:00
    # via redis
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:00
"""


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("TRADE_INTENT_MAX_AGE_MINUTES", "99")
    settings = {"TRADE_INTENT_MODE": "safe_drain", "TRADE_INTENT_MAX_AGE_MINUTES": "11"}
    return dict(
        release.plan(
            {
                "host": "sandbox",
                "settings": settings,
                "image_repository": "trade-intent/consumer",
                "secrets": ["redis_password", "decision_key"],
                "runtime": {"binds": ["/secrets/<decision_key>:/run/secrets/decision_key:ro"], "user": "1:1"},
            }
        )
    )


def known(plan: dict[str, Any], **changes: Any) -> dict[str, Any]:
    whole = {
        "plan": plan,
        "image_id": "sha256:1",
        "secrets": {"redis_password": "planted"},
        "label_key": "key",
    }
    return whole | {"created": "2026-11-22T16:00:00Z"} | changes


def test_only_packages_that_the_image_gets_are_desired() -> None:
    assert release.packages(LOCKED) == {"redis": "8.1.0"}


def test_the_image_is_called_by_the_digests_of_code_and_packages(plan: dict[str, Any]) -> None:
    code = code_digest(PROJECT / "consumer")
    lock = hashlib.sha256((PROJECT / "requirements/consumer.txt").read_bytes()).hexdigest()
    assert plan["image"]["tag"] == f"trade-intent/consumer:{code[:12]}-{lock[:12]}"


def test_the_settings_are_the_effective_ones_and_not_the_controllers(plan: dict[str, Any]) -> None:
    assert plan["settings"]["TRADE_INTENT_MAX_AGE_MINUTES"] == "11"
    assert plan["settings"]["TRADE_INTENT_BLOCK_MS"]
    assert plan["config_digest"] == config_digest(plan["settings"])


def test_a_setting_that_the_consumer_refuses_stops_the_plan_in_its_words() -> None:
    wanted = {"settings": {"TRADE_INTENT_BLOCK_MS": "soon"}, "image_repository": "x"}
    with pytest.raises(ChecksError, match="TRADE_INTENT_BLOCK_MS"):
        release.plan(wanted)


def test_the_same_meaning_has_the_same_name_at_any_time(plan: dict[str, Any]) -> None:
    first, two = release.document(known(plan)), release.document(known(plan, created="2027-01-01T00:00:00Z"))
    assert first["release"] == two["release"]
    assert first["created"] != two["created"]


def test_the_sealing_key_is_named_after_all_that_is_desired(plan: dict[str, Any]) -> None:
    name = plan["decision_key"]
    assert plan["secrets"] == ["redis_password", name]
    assert plan["runtime"]["binds"] == [f"/secrets/{name}:/run/secrets/decision_key:ro"]
    other = release.with_decision_key({"secrets": ["decision_key"], "runtime": {"binds": []}, "commit": "x"})
    assert (other["decision_key"] == name, len(other["decision_key"])) == (False, len(name))


def test_another_image_has_another_name(plan: dict[str, Any]) -> None:
    first, two = release.document(known(plan)), release.document(known(plan, image_id="sha256:2"))
    assert first["release"] != two["release"]


def test_the_document_holds_a_sum_of_the_secrets_and_no_secret(plan: dict[str, Any]) -> None:
    document = release.document(known(plan))
    line = f"redis_password\0{hashlib.sha256(b'planted').hexdigest()}\n"
    assert document["secrets_hmac"] == hmac.new(b"key", line.encode(), hashlib.sha256).hexdigest()
    assert "planted" not in str(document)
