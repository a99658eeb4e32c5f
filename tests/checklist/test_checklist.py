"""The validation checklist, asserted on the host after each deploy. checks/checklist.py has its sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

type Json = dict[str, Any]

EXCHANGE_WORDS = ("BINANCE", "API_KEY", "API_SECRET")


def passed(judged: dict[str, str], *checks: str) -> None:
    """Assert that these checks were judged on this run's evidence, and passed."""
    wrong = {check: judged.get(check, "not judged") for check in checks if judged.get(check) != "pass"}
    assert wrong == {}, ", ".join(f"{check} is {verdict}" for check, verdict in wrong.items())


def test_container_running(container: Json) -> None:
    state = container["State"]
    assert state["Status"] == "running"
    assert not state["Paused"]
    # Docker calls a crash loop running too.
    assert not state["Restarting"]


def test_not_restarting(judged: dict[str, str]) -> None:
    passed(judged, "E.5.no_restarts")


def test_healthy_by_progress(container: Json) -> None:
    assert container["State"]["Health"]["Status"] == "healthy"


def test_image_is_the_verified_one(container: Json, desired: Json) -> None:
    assert container["Image"] == desired["image"]["id"]


def test_code_is_the_verified_one(state: Json, desired: Json, judged: dict[str, str]) -> None:
    assert state["code_digest"] == desired["image"]["code_digest"]
    passed(judged, "D.1.code_in_container_is_desired")


def test_settings_are_the_desired_ones(state: Json, desired: Json) -> None:
    assert state["config_digest"] == desired["config_digest"]


def test_mode_is_safe_drain(state: Json) -> None:
    assert state["mode"] == "safe_drain"
    assert state["venue"] == "none"


def test_no_exchange_key(container: Json) -> None:
    names = [entry.partition("=")[0] for entry in container["Config"]["Env"]]
    mounted = [mount["Destination"] for mount in container["Mounts"]]
    assert not [name for name in names + mounted if any(word in name.upper() for word in EXCHANGE_WORDS)]


def test_no_exchange_client(state: Json) -> None:
    assert state["imports"]["exchange_client_loaded"] is False
    assert "binance" in state["imports"]["guarded"]


def test_no_published_port(container: Json) -> None:
    assert not [port for port, hosts in (container["NetworkSettings"]["Ports"] or {}).items() if hosts]
    assert not container["HostConfig"]["PublishAllPorts"]


def test_root_filesystem_read_only(container: Json) -> None:
    assert container["HostConfig"]["ReadonlyRootfs"] is True


def test_runs_as_non_root(host: Host, container: Json) -> None:
    pid = container["State"]["Pid"]
    user_ids = host.file(f"/proc/{pid}/status").content_string.partition("Uid:")[2].split()[:4]
    assert set(user_ids) == {"10001"}


def test_no_capabilities(container: Json) -> None:
    assert container["HostConfig"]["CapDrop"] == ["ALL"]
    assert not container["HostConfig"]["CapAdd"]
    assert "no-new-privileges:true" in container["HostConfig"]["SecurityOpt"]
    assert not container["HostConfig"]["Privileged"]


def test_restart_policy_unless_stopped(container: Json) -> None:
    assert container["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"


def test_memory_and_pids_limited(container: Json, desired: Json) -> None:
    assert container["HostConfig"]["Memory"] == desired["runtime"]["memory_bytes"] > 0
    assert container["HostConfig"]["PidsLimit"] == desired["runtime"]["pids_limit"] > 0


def test_on_the_right_network(container: Json, desired: Json) -> None:
    assert list(container["NetworkSettings"]["Networks"]) == [desired["network"]]


def test_redis_reachable_by_consumer(state: Json) -> None:
    assert state["redis_run_id"]
    assert not state["faults"]


def test_own_group_exists_and_is_used(state: Json, desired: Json, judged: dict[str, str]) -> None:
    assert state["group"] == desired["group"]
    passed(judged, "E.2.group_alive")


def test_cutover_recorded_and_backlog_skipped(judged: dict[str, str]) -> None:
    passed(judged, "C.1.right_group_moved", "C.3.nothing_before_cutover_decided")


def test_proof_events_decided(judged: dict[str, str]) -> None:
    passed(judged, "E.1.proof_decoded_equal", "E.3.proof_followed")


def test_lag_is_zero(judged: dict[str, str]) -> None:
    passed(judged, "E.2.lag_zero")


def test_every_entry_accounted_for(judged: dict[str, str]) -> None:
    passed(judged, "E.2.accounted_once")


def test_no_order_on_exchange(judged: dict[str, str], desired: Json) -> None:
    if desired["exchange"]:
        passed(judged, "E.4.exchange_shows_no_order")
    passed(judged, "E.4.no_exchange_key", "E.4.no_exchange_client")


def test_startup_log_complete(judged: dict[str, str]) -> None:
    passed(judged, "D.3.startup_log_complete")


@pytest.mark.parametrize("name", ["redis_password"])
def test_secrets_are_0400(host: Host, name: str) -> None:
    folder = host.file("/var/lib/trade_intent/secrets")
    secret = host.file(f"/var/lib/trade_intent/secrets/{name}")
    assert (folder.mode, folder.user) == (0o700, "root")
    assert (secret.mode, secret.uid) == (0o400, 10001)


def test_no_secret_in_environment(judged: dict[str, str]) -> None:
    passed(judged, "D.2.no_secret_in_env", "D.2.secrets_private")


def test_other_groups_untouched(judged: dict[str, str]) -> None:
    passed(judged, "C.1.other_groups_untouched")
