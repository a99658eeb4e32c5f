from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from host.observe import consumer_http, container, engine, log, secrets
from host.observe import network as network_looks
from host.observe.environment import MASK

from .conftest import until_true

if TYPE_CHECKING:
    from collections.abc import Callable

    from host.observe.observation import Collector
    from host.observe.subject import Subject

    from .conftest import Containers

pytestmark = pytest.mark.docker

SOURCE = Path(__file__).parent / "image" / "consumer"


def value(look: Collector, subject: Subject) -> Any:
    seen = look.run(subject)
    assert seen.ok, seen.error
    return seen.value


def serving(details: dict[str, Any]) -> bool:
    return bool(details["State"]["Running"])


def test_a_container_is_described_as_it_was_created(
    containers: Containers, look_at: Callable[..., Subject]
) -> None:
    name = containers.start(
        host={
            "read_only": True,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "mem_limit": 67108864,
            "memswap_limit": 67108864,
            "pids_limit": 64,
            "restart_policy": {"Name": "unless-stopped"},
            "tmpfs": {"/scratch": "rw,noexec,size=1m"},
            "log_config": {"Type": "local", "Config": {"max-size": "10m", "max-file": "5"}},
        },
        healthcheck={
            "test": ["CMD", "true"],
            "interval": 5_000_000_000,
            "timeout": 3_000_000_000,
            "retries": 3,
        },
        stop_signal="SIGTERM",
        labels={"trade_intent.managed": "true"},
    )
    seen = value(container.inspected, look_at(name))
    wanted = {
        "name": name,
        "user": "10001:10001",
        "read_only": True,
        "cap_drop": ["ALL"],
        "cap_add": [],
        "security_opt": ["no-new-privileges:true"],
        "privileged": False,
        "memory": 67108864,
        "memory_swap": 67108864,
        "pids_limit": 64,
        "restart_policy": "unless-stopped",
        "log_driver": "local",
        "log_options": {"max-size": "10m", "max-file": "5"},
        "stop_signal": "SIGTERM",
        "init": False,
        "published": [],
        "binds": [],
        "tmpfs": {"/scratch": "rw,noexec,size=1m"},
        "restart_count": 0,
        "state": "running",
    }
    assert {key: seen[key] for key in wanted} == wanted
    check = {"test": ["CMD", "true"], "interval_s": 5, "timeout_s": 3, "retries": 3, "start_period_s": 0}
    assert seen["healthcheck"] == check
    assert list(seen["networks"]) == [containers.network]
    assert seen["networks"][containers.network]["ip"]


def test_the_environment_is_told_without_its_values(running: str, look_at: Callable[..., Subject]) -> None:
    seen = value(container.inspected, look_at(running))["env"]
    assert seen["TRADE_INTENT_MODE"] == "safe_drain"
    assert (seen["API_TOKEN"], seen["PLANTED_WORD"]) == (MASK, MASK)


def test_a_paused_container_is_seen_as_paused(
    containers: Containers, look_at: Callable[..., Subject]
) -> None:
    name = containers.start()
    containers.engine.pause(name)
    seen = value(container.inspected, look_at(name))
    assert (seen["paused"], seen["state"]) == (True, "paused")
    assert not consumer_http.health.run(look_at(name)).ok


def test_a_crash_loop_is_seen_as_one(containers: Containers, look_at: Callable[..., Subject]) -> None:
    name = containers.start(
        environment={"TRADE_INTENT_CRASH": "1"}, host={"restart_policy": {"Name": "always"}}
    )
    containers.wait_for(name, lambda details: details["RestartCount"] >= 2)
    samples = value(container.window, look_at(name, {"window_s": 1.5}))
    assert samples[-1]["restart_count"] >= 2


def test_a_container_that_holds_still_looks_the_same_throughout(
    running: str, look_at: Callable[..., Subject]
) -> None:
    samples = value(container.window, look_at(running, {"window_s": 0.6}))
    assert len(samples) >= 2
    assert (
        len(
            {
                (sample["state"], sample["started_at"], sample["pid"], sample["restart_count"])
                for sample in samples
            }
        )
        == 1
    )


def test_a_published_port_is_seen(containers: Containers, look_at: Callable[..., Subject]) -> None:
    name = containers.start(ports=[9108], host={"port_bindings": {9108: ("127.0.0.1", None)}})
    (port,) = value(container.inspected, look_at(name))["published"]
    assert port.startswith("127.0.0.1:")
    assert port.endswith("->9108/tcp")


def test_the_code_in_the_container_is_listed_with_its_digests(
    running: str, look_at: Callable[..., Subject]
) -> None:
    files = value(container.files, look_at(running))
    sources = {file["path"]: file["sha256"] for file in files if file["path"].endswith(".py")}
    assert sources == {
        f"/app/consumer/{path.relative_to(SOURCE)}": hashlib.sha256(path.read_bytes()).hexdigest()
        for path in SOURCE.rglob("*.py")
    }


def test_a_file_that_was_added_is_a_change(containers: Containers, look_at: Callable[..., Subject]) -> None:
    name = containers.start(user="0", command=["sh", "-c", "echo x > /app/consumer/extra.py; sleep 60"])
    containers.wait_for(name, lambda _: containers.engine.diff(name))
    seen = value(container.changes, look_at(name))
    assert {"path": "/app/consumer/extra.py", "kind": "added"} in seen


def test_the_processes_are_listed(running: str, look_at: Callable[..., Subject]) -> None:
    (process,) = value(container.processes, look_at(running))
    assert (process["uid"], process["command"]) == ("10001", "python3 -m consumer")


def test_memory_and_cpu_are_measured(running: str, look_at: Callable[..., Subject]) -> None:
    seen = value(container.stats, look_at(running))
    assert 1_000_000 < seen["memory_bytes"] < 100_000_000
    assert seen["cpu_percent"] >= 0


def test_the_log_holds_the_last_run_alone(containers: Containers, look_at: Callable[..., Subject]) -> None:
    name = containers.start()
    containers.wait_for(name, lambda _: b"not JSON" in containers.engine.logs(name))
    containers.engine.restart(name, timeout=0)
    containers.wait_for(name, lambda _: containers.engine.logs(name).count(b"not JSON") == 2)
    seen = value(log.log, look_at(name))
    assert [line["event"] for line in seen["lines"]] == ["starting", "settings_accepted", "reading"]
    assert len({line["run"] for line in seen["lines"]}) == 1
    assert [line["text"] for line in seen["unparsed"]] == ["not JSON"]


def test_the_consumer_is_asked_by_its_address(running: str, look_at: Callable[..., Subject]) -> None:
    subject = look_at(running)
    until_true(lambda: consumer_http.state.run(subject).ok)
    assert value(consumer_http.state, subject) == {"mode": "safe_drain"}
    assert value(consumer_http.health, subject) == {
        "code": 503,
        "body": {"status": "unhealthy", "reasons": ["made so"]},
    }


def test_a_container_on_another_network_cannot_be_asked_and_says_where_it_is(
    containers: Containers, look_at: Callable[..., Subject], running: str
) -> None:
    seen = consumer_http.state.run(look_at(running, network="elsewhere"))
    assert seen.error is not None
    assert containers.network in seen.error["message"]


def test_a_container_that_is_not_there_is_none_before_and_an_error_after(
    look_at: Callable[..., Subject],
) -> None:
    subject = look_at("ti_observe_nobody")
    assert value(container.current, subject) is None
    assert not container.inspected.run(subject).ok


def test_the_network_lists_who_is_on_it(running: str, look_at: Callable[..., Subject]) -> None:
    subject = look_at(running)
    seen = value(network_looks.network, subject)
    assert seen["containers"][subject.request.desired["container"]].count(".") == 3
    assert seen["internal"] is False


def test_an_absent_network_is_named_with_those_that_exist(
    containers: Containers, look_at: Callable[..., Subject]
) -> None:
    seen = network_looks.network.run(look_at("x", network="elsewhere"))
    assert seen.error is not None
    assert containers.network in seen.error["message"]


def test_every_container_is_listed_with_its_state(
    running: str, network: str, look_at: Callable[..., Subject]
) -> None:
    seen = {
        container_seen["name"]: container_seen
        for container_seen in value(engine.containers, look_at(running))
    }[running]
    assert (seen["state"], seen["health"], seen["networks"]) == ("running", "none", [network])


def test_a_secret_in_the_environment_is_named_and_not_told(
    containers: Containers, look_at: Callable[..., Subject]
) -> None:
    name = containers.start(environment={"MOTTO": "planted-password", "TRADE_INTENT_MODE": "safe_drain"})
    seen = value(secrets.leaks, look_at(name))
    assert seen["env_names_suspect"] == ["MOTTO"]
    assert "planted-password" not in str(seen)


def test_a_mounted_secret_that_everybody_may_read_is_named(
    containers: Containers, look_at: Callable[..., Subject], tmp_path: Path
) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o700)
    secret = folder / "redis_password"
    secret.write_text("another-planted-password")
    secret.chmod(0o400)
    name = containers.start(host={"binds": [f"{secret}:/run/secrets/redis_password:ro"]})
    subject = look_at(name)
    assert value(secrets.leaks, subject)["world_readable_mounts"] == []
    assert value(container.inspected, subject)["binds"] == [f"{secret}:/run/secrets/redis_password:ro"]
    secret.chmod(0o444)
    assert value(secrets.leaks, subject)["world_readable_mounts"] == [{"path": str(secret), "mode": "0444"}]


def test_a_secret_that_lies_about_is_found(
    running: str, look_at: Callable[..., Subject], tmp_path: Path
) -> None:
    careless = tmp_path / "releases" / "note.json"
    careless.parent.mkdir()
    careless.write_text('{"note": "planted-password"}')
    careless.chmod(0o644)
    seen = value(secrets.leaks, look_at(running))
    assert seen["copies"] == [{"path": str(careless), "mode": "0644"}]


def test_secret_files_are_told_by_owner_mode_and_place(
    look_at: Callable[..., Subject], tmp_path: Path
) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o700)
    (folder / "redis_password").write_text("planted")
    (folder / "redis_password").chmod(0o400)
    seen = value(secrets.secrets, look_at("x"))
    assert [(file["kind"], file["mode"], file["uid"]) for file in seen] == [
        ("folder", "0700", 0),
        ("file", "0400", 0),
    ]
    assert all(file["fs_type"] != "unknown" for file in seen)
