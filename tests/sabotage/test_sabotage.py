"""Each fault, planted for real, makes the deploy or the verification fail and names its check."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from binance import AsyncClient

from tests.support import stack
from tests.support.playbooks import QUICK, ROOT, Project, red

if TYPE_CHECKING:
    from tests.sabotage.conftest import Replant

pytestmark = pytest.mark.sabotage
TRADING_KEYS = ("exchange_trading_key", "exchange_trading_secret")


def caught(project: Project, playbook: str, check: str, *arguments: str) -> None:
    """Run a playbook that has to fail, and find the check's name in its output and in the evidence."""
    run = project.run(playbook, *QUICK, *arguments)
    assert run.exit_code != 0, run.output[-4000:]
    assert check in run.output, run.output[-4000:]
    evidence = project.evidence()
    assert evidence["verdict"] == "fail"
    assert check in red(evidence), red(evidence)


def old_group() -> dict[str, Any]:
    groups = stack.redis_client().xinfo_groups(stack.STREAM)
    return dict(next(group for group in groups if group["name"] == stack.OLD_GROUP))


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


async def place_order() -> None:
    """Order as somebody else on the account would, through the real client."""
    keys = [(ROOT / ".local/sandbox" / name).read_text().strip() for name in TRADING_KEYS]
    client = AsyncClient(*keys)
    client.FUTURES_URL = f"http://{exchange_address()}:8080/fapi"
    try:
        await client.futures_create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.002")
    finally:
        await client.close_connection()


def exchange_address() -> str:
    networks = stack.inspect("quantum_exchange")["NetworkSettings"]["Networks"]
    return str(networks["quantum_exchange_net"]["IPAddress"])


def reset_exchange() -> None:
    reset = "urllib.request.urlopen('http://127.0.0.1:8080/sandbox/reset', b'')"
    stack.docker("exec", "quantum_exchange", "python3", "-c", f"import urllib.request; {reset}")


def cut_over_again(project: Project) -> None:
    """Give the consumer's group a new beginning, so that the next test starts clean."""
    run = project.run("deploy.yml", *QUICK, "-e", "cutover=true")
    assert run.exit_code == 0, run.output[-4000:]


def test_code_without_safe_drain_is_caught(saboteur: Project) -> None:
    # Live mode is refused in two places, each enough.
    for sound in ('if effective.mode == "live":', 'if effective.mode != "safe_drain":'):
        break_code(saboteur, "consumer/__main__.py", sound, 'if effective.mode == "neither":')
    deploy_is_caught(saboteur, "B.2.refuses_live")


def test_an_import_guard_that_is_not_armed_is_caught(saboteur: Project) -> None:
    break_code(saboteur, "consumer/base/import_guard.py", "sys.meta_path.insert(0, Guard())", "pass")
    deploy_is_caught(saboteur, "B.2.import_guard_refuses_exchange_library")


def test_flat_entries_that_decode_to_nothing_are_caught(saboteur: Project) -> None:
    sound = "fields = dict(zip(flat[::2], flat[1::2], strict=True))"
    broken = f"{sound}\n    fields = fields if fields.keys() & {{b'payload', b'data'}} else {{b'': b''}}"
    break_code(saboteur, "consumer/stream/reader.py", sound, broken)
    deploy_is_caught(saboteur, "E.1.proof_decoded_equal")


def test_a_handler_that_throws_on_every_event_is_caught(saboteur: Project) -> None:
    sound = "return decide(entry.id, entry.fields, now_ms, self._context)"
    broken = 'raise TypeError("Logger._log() got an unexpected keyword argument")'
    break_code(saboteur, "consumer/service.py", sound, broken)
    deploy_is_caught(saboteur, "E.3.proof_followed")


def test_a_cutover_of_another_group_is_caught(saboteur: Project) -> None:
    # The switch proves its own cutover; here it is made to believe what it did.
    sound, broken = "name = (wanted.stream, wanted.group)", f'name = (wanted.stream, "{stack.OLD_GROUP}")'
    break_code(saboteur, "host/change/cutover.py", sound, broken)
    break_code(saboteur, "host/change/cutover.py", "        _prove(wanted, moved)\n", "")
    old_position = old_group()["last-delivered-id"]
    try:
        caught(
            saboteur,
            "deploy.yml",
            "C.1.other_groups_untouched",
            "-e",
            "safe_drain=true",
            "-e",
            "cutover=true",
        )
    finally:
        stack.redis_client().xgroup_setid(stack.STREAM, stack.OLD_GROUP, old_position)
    cut_over_again(Project())


def test_a_group_created_at_zero_is_caught(intact: Project) -> None:
    client = stack.redis_client()
    client.xgroup_destroy(stack.STREAM, stack.GROUP)
    client.xgroup_create(stack.STREAM, stack.GROUP, "0")
    caught(intact, "playbooks/verify.yml", "C.3.nothing_before_cutover_decided")
    # Redis gave old entries as new: the consumer stays unhealthy until a person starts it anew.
    stack.docker("restart", stack.CONSUMER)
    cut_over_again(intact)


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
    secret = Path("/var/lib/trade_intent/secrets/redis_password")
    secret.chmod(0o444)
    try:
        caught(intact, "playbooks/verify.yml", "D.2.secrets_private")
    finally:
        secret.chmod(0o400)


def test_an_entry_that_vanished_from_the_stream_is_caught(intact: Project) -> None:
    client = stack.redis_client()
    cutover = intact.cutover_id()
    ((entry_id, _), *_) = client.xrange(stack.STREAM, f"({cutover}", count=1)
    client.xdel(stack.STREAM, entry_id)
    caught(intact, "playbooks/verify.yml", "E.2.accounted_once")
    cut_over_again(intact)


def test_an_order_on_the_exchange_is_caught(intact: Project) -> None:
    asyncio.run(place_order())
    try:
        caught(intact, "playbooks/verify.yml", "E.4.exchange_shows_no_order")
    finally:
        reset_exchange()
