"""Each fault, planted for real, makes the deploy or the verification fail and names its check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import stack
from tests.support.playbooks import red

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sabotage.conftest import Replant
    from tests.support.playbooks import Project

pytestmark = pytest.mark.sabotage


def caught(project: Project, playbook: str, check: str, *arguments: str) -> None:
    """Run a playbook that has to fail, and find the check's name in its output and in the evidence."""
    run = project.run(playbook, *arguments)
    assert run.exit_code != 0, run.output[-4000:]
    assert check in run.output, run.output[-4000:]
    evidence = project.evidence()
    assert evidence["verdict"] == "fail"
    assert check in red(evidence), red(evidence)


def break_code(project: Project, file: str, sound: str, broken: str) -> None:
    path: Path = project.root / file
    text = path.read_text()
    assert sound in text, f"{file} no longer holds the line that this fault breaks"
    path.write_text(text.replace(sound, broken))


def deploy_is_caught(project: Project, check: str) -> None:
    """Deploy broken code: the named check turns red, and the release from before is back."""
    before = stack.inspect(stack.CONSUMER)["Image"]
    caught(project, "deploy.yml", check, "-e", "safe_drain=true")
    assert stack.inspect(stack.CONSUMER)["Image"] == before


def test_code_without_safe_drain_is_caught(saboteur: Project) -> None:
    break_code(saboteur, "consumer/settings.py", "PLACEHOLDER", "PLACEHOLDER")
    deploy_is_caught(saboteur, "B.2.refuses_live")


def test_flat_entries_that_decode_to_nothing_are_caught(saboteur: Project) -> None:
    break_code(saboteur, "consumer/wire.py", "PLACEHOLDER", "PLACEHOLDER")
    deploy_is_caught(saboteur, "B.2.rehearsal_decodes_every_shape")


def test_a_handler_that_throws_on_every_event_is_caught(saboteur: Project) -> None:
    break_code(saboteur, "consumer/decide.py", "PLACEHOLDER", "PLACEHOLDER")
    deploy_is_caught(saboteur, "B.2.rehearsal_decodes_every_shape")


def test_a_cutover_of_another_group_is_caught(saboteur: Project) -> None:
    break_code(saboteur, "target/cutover.py", "PLACEHOLDER", "PLACEHOLDER")
    caught(saboteur, "deploy.yml", "C.1.right_group_moved", "-e", "safe_drain=true", "-e", "cutover=true")


def test_a_group_created_at_zero_is_caught(intact: Project) -> None:
    client = stack.redis_client()
    client.xgroup_destroy(stack.STREAM, stack.GROUP)
    client.xgroup_create(stack.STREAM, stack.GROUP, "0")
    caught(intact, "playbooks/verify.yml", "C.3.nothing_before_cutover_decided")


def test_a_container_that_restarts_in_a_loop_is_caught(intact: Project, impostor: Replant) -> None:
    impostor(command=("python3", "-c", "raise SystemExit(1)"))
    caught(intact, "playbooks/verify.yml", "E.5.no_restarts")


def test_an_unhealthy_container_is_caught(intact: Project, impostor: Replant) -> None:
    impostor("--health-cmd", "exit 1", "--health-interval", "1s", "--health-retries", "1")
    stack.wait_until(
        "the container's ill health",
        lambda: stack.inspect(stack.CONSUMER)["State"]["Health"]["Status"] == "unhealthy",
        20,
    )
    caught(intact, "playbooks/verify.yml", "E.5.healthy")


def test_a_paused_container_is_caught(intact: Project) -> None:
    stack.docker("pause", stack.CONSUMER)
    try:
        caught(intact, "playbooks/verify.yml", "E.5.not_paused")
    finally:
        stack.docker("unpause", stack.CONSUMER)


def test_a_published_port_is_caught(intact: Project, impostor: Replant) -> None:
    impostor("--publish", "127.0.0.1::9108")
    caught(intact, "playbooks/verify.yml", "D.2.no_published_port")


def test_a_secret_in_the_environment_is_caught(intact: Project, impostor: Replant) -> None:
    impostor("--env", "BINANCE_API_SECRET=planted")
    caught(intact, "playbooks/verify.yml", "D.2.no_secret_in_env")


def test_a_secret_that_everybody_may_read_is_caught(intact: Project) -> None:
    secret = "/var/lib/trade_intent/secrets/redis_password"
    stack.docker("run", "--rm", "-v", "/var/lib/trade_intent/secrets:/s", "trade-intent/base:trixie",
                 "chmod", "0444", "/s/redis_password")  # fmt: skip
    try:
        caught(intact, "playbooks/verify.yml", "D.2.secrets_private")
    finally:
        stack.docker("run", "--rm", "-v", "/var/lib/trade_intent/secrets:/s", "trade-intent/base:trixie",
                     "chmod", "0400", "/s/redis_password")  # fmt: skip
    assert secret


def test_an_entry_that_vanished_from_the_stream_is_caught(intact: Project) -> None:
    client = stack.redis_client()
    cutover = intact.cutover_id()
    ((entry_id, _), *_) = client.xrange(stack.STREAM, f"({cutover}", count=1)
    client.xdel(stack.STREAM, entry_id)
    caught(intact, "playbooks/verify.yml", "E.2.accounted_once")
    run = intact.run("deploy.yml", "-e", "safe_drain=true", "-e", "cutover=true")
    assert run.exit_code == 0, run.output[-4000:]


def test_an_order_on_the_exchange_is_caught(intact: Project) -> None:
    place_order()
    try:
        caught(intact, "playbooks/verify.yml", "E.4.exchange_shows_no_order")
    finally:
        reset_exchange()
