"""Whole phases, as the target runs them: Redis in a container, reached by its address."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from host.observe.main import rendered
from host.observe.request import parse

from .conftest import GROUP, STREAM, STREAMS

if TYPE_CHECKING:
    from .conftest import Containers

pytestmark = pytest.mark.docker

PROJECT = Path(__file__).resolve().parents[4]
PASSWORD = "planted-password-of-the-checks"
#: The host's own Redis, in a container's network: no registry has to be reached for it.
IN_THE_HOSTS_FILES = ["chroot", "/host", "/usr/bin/redis-server", "--save", "", "--dir", "/proc"]
#: The rights that the deploy gives to those who look: they must be enough.
RIGHTS = yaml.safe_load((PROJECT / "roles/redis_access/vars/main.yml").read_text())["redis_access_rules"]
USERS = f"""
    --user default on >{PASSWORD} ~* &* +@all
    --user trade_intent_checks on >{PASSWORD} {RIGHTS["trade_intent_checks"]}
""".split()


@pytest.fixture
def stack(containers: Containers, tmp_path: Path) -> dict[str, Any]:
    """Start Redis and a consumer on one network, write a cutover record, and return the request."""
    redis = containers.start(
        image="trade-intent/base:trixie",
        name=f"{containers.network}_redis",
        command=[*IN_THE_HOSTS_FILES, *USERS],
        host={"binds": ["/:/host:ro"]},
    )
    consumer = containers.start()
    (tmp_path / "releases").mkdir()
    (tmp_path / "releases" / "cutover.json").write_text('{"cutover_id": "0-0", "entries_added": 0}')
    (tmp_path / "cutover").mkdir()
    (tmp_path / "cutover" / "cutover_id").write_text("0-0")
    (tmp_path / "secrets").mkdir(mode=0o700)
    for text in (f"XADD {STREAM} 1-1 symbol BTCUSDT", f"XGROUP CREATE {STREAM} {GROUP} $"):
        ask(containers, redis, text)
    return {
        "run_id": "run",
        "desired": {
            "container": consumer,
            "network": containers.network,
            "reference_container": redis,
            "redis": {"container": redis},
            "image": {"id": "sha256:1", "code_digest": "2"},
            "redis_rules": RIGHTS,
            **STREAMS,
        },
        "redis": {"user": "trade_intent_checks", "password": PASSWORD},
        "options": {"state_folder": str(tmp_path), "window_s": 0.5, "proof": False},
    }


def ask(containers: Containers, redis: str, text: str) -> None:
    command = ["chroot", "/host", "/usr/bin/redis-cli", "-a", PASSWORD, "--no-auth-warning", *text.split()]
    until = time.monotonic() + 10
    while True:
        started = containers.engine.exec_create(redis, command)
        said = containers.engine.exec_start(started["Id"])
        if containers.engine.exec_inspect(started["Id"])["ExitCode"] == 0:
            return
        assert time.monotonic() < until, said
        time.sleep(0.1)


def run(request: dict[str, Any], phase: str) -> dict[str, dict[str, Any]]:
    document = rendered(parse(json.dumps(request), phase))
    assert PASSWORD not in document
    return {observation["id"]: observation for observation in json.loads(document)["observations"]}


@pytest.mark.parametrize("phase", ["A", "C", "D", "E"])
def test_every_look_of_a_phase_succeeds_on_a_stack_that_is_there(stack: dict[str, Any], phase: str) -> None:
    seen = run(stack, phase)
    assert {
        observation["id"]: observation["error"] for observation in seen.values() if not observation["ok"]
    } == {}


def test_redis_away_is_said_by_every_look_at_it_and_the_others_go_on(
    stack: dict[str, Any], containers: Containers
) -> None:
    containers.engine.pause(stack["desired"]["redis"]["container"])
    began = time.monotonic()
    seen = run(stack, "A")
    assert time.monotonic() - began < 12
    bad = {name for name, observation in seen.items() if not observation["ok"]}
    assert bad == {name for name in seen if name.startswith("redis.")}


def test_a_paused_consumer_is_paused_in_every_sample_and_says_nothing(
    stack: dict[str, Any], containers: Containers
) -> None:
    containers.engine.pause(stack["desired"]["container"])
    seen = run(stack, "E")
    assert {sample["state"] for sample in seen["container.window"]["value"]} == {"paused"}
    assert (seen["consumer.state"]["ok"], seen["consumer.health"]["ok"]) == (False, False)


def test_nobody_there_yet_leaves_the_baseline_whole(stack: dict[str, Any]) -> None:
    stack["desired"]["container"] = "ti_observe_nobody"
    seen = run(stack, "A")
    assert (seen["container.current"]["ok"], seen["container.current"]["value"]) == (True, None)
