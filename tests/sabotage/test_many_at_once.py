"""Many faults at once on the deployed sandbox, as somebody would leave them: each is named."""

from __future__ import annotations

import asyncio
import json
import shutil
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.sabotage.test_sabotage import cut_over_again, place_order, reset_exchange
from tests.support import stack
from tests.support.playbooks import QUICK, ROOT, Project, red

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sabotage.conftest import Replant

pytestmark = pytest.mark.deploy
STATE = Path("/var/lib/trade_intent")
#: The consumer, with twice the quantity and 100 ms more for all but proof events.
WRAPPED = """
import runpy, time
import consumer.intents.rehearsal as rehearsal
sound = rehearsal.orders_members
def broken(planned):
    time.sleep(0.1)
    return sound(planned._replace(steps=planned.steps * 2))
rehearsal.orders_members = broken
runpy.run_module("consumer", run_name="__main__")
"""


def key(name: str) -> str:
    return (ROOT / ".local/sandbox" / name).read_text().strip()


@contextmanager
def evicting_redis() -> Iterator[None]:
    client = stack.redis_client()
    before = client.config_get("maxmemory-policy")["maxmemory-policy"]
    client.config_set("maxmemory-policy", "allkeys-lru")
    yield
    client.config_set("maxmemory-policy", before)


@contextmanager
def file_in_the_hosts_state(name: str, content: str, mode: int) -> Iterator[None]:
    path = STATE / name
    path.write_text(content)
    path.chmod(mode)
    yield
    path.unlink()


@contextmanager
def twin_in_live_mode() -> Iterator[None]:
    image = stack.inspect(stack.CONSUMER)["Image"]
    keys = ("--env", f"BINANCE_API_KEY={key('exchange_trading_key')}")
    options = ("--network", stack.NETWORK, "--env", "TRADE_INTENT_MODE=live", *keys)
    stack.docker("run", "-d", "--name", "ti_twin", *options, image, "sleep", "600")
    yield
    stack.docker("rm", "-f", "ti_twin")


@contextmanager
def second_process_inside() -> Iterator[None]:
    stack.docker("exec", "-d", stack.CONSUMER, "python3", "-c", "import time; time.sleep(600)")
    yield


@contextmanager
def file_changed_from_the_host() -> Iterator[None]:
    merged = Path(stack.inspect(stack.CONSUMER)["GraphDriver"]["Data"]["MergedDir"])
    folder = merged / "usr/local/lib/planted"
    folder.mkdir()
    yield
    shutil.rmtree(folder, ignore_errors=True)  # a container that was replaced took it along


@contextmanager
def stranger_in_our_group() -> Iterator[None]:
    client = stack.redis_client()
    client.xgroup_createconsumer(stack.STREAM, stack.GROUP, "stranger")
    yield
    client.xgroup_delconsumer(stack.STREAM, stack.GROUP, "stranger")


@contextmanager
def forged_decision() -> Iterator[None]:
    """Decide a decided entry once more, as a live consumer would."""
    client = stack.redis_client()
    (_, fields), *_ = client.xrevrange(stack.RESULTS, count=1)
    client.xadd(stack.RESULTS, fields | {"mode": "live", "venue": "mainnet", "status": "filled"})
    yield


@contextmanager
def decision_published_again() -> Iterator[None]:
    """Take a decision out and put it back with another quantity."""
    client = stack.redis_client()
    planned = (
        (id_, fields) for id_, fields in client.xrevrange(stack.RESULTS) if fields.get("reason") == "DRAIN"
    )
    decision_id, fields = next(planned)
    client.xdel(stack.RESULTS, decision_id)
    plan = json.loads(fields["plan"])
    plan["entry"]["quantity"] = "1"
    client.xadd(stack.RESULTS, fields | {"plan": json.dumps(plan)})
    yield


@contextmanager
def foreign_order() -> Iterator[None]:
    asyncio.run(place_order())
    yield
    reset_exchange()


@contextmanager
def vanished_entry() -> Iterator[None]:
    client = stack.redis_client()
    (entry_id, _), *_ = client.xrevrange(stack.STREAM, count=1)
    client.xdel(stack.STREAM, entry_id)
    yield


def test_many_faults_at_once_are_each_named(intact: Project, impostor: Replant) -> None:
    impostor(
        "--security-opt", "seccomp=unconfined", "--ulimit", "nofile=512:512", "--publish", "127.0.0.1::9108",
        "--env", "BINANCE_API_SECRET=planted",
        command=("python3", "-c", WRAPPED),
    )  # fmt: skip # a table, or a call that is read as one
    stack.wait_until("the impostor's health", stack.healthy, 40)
    password = (STATE / "secrets/redis_password").read_text()
    with ExitStack() as planted:
        for fault in (
            evicting_redis(),
            file_in_the_hosts_state("cutover/notes", f"password {password}", 0o644),
            file_in_the_hosts_state("releases/.copy", password, 0o600),
            file_in_the_hosts_state("secrets/binance_api_key", key("exchange_trading_key"), 0o400),
            twin_in_live_mode(),
            second_process_inside(),
            file_changed_from_the_host(),
            stranger_in_our_group(),
            forged_decision(),
            decision_published_again(),
            foreign_order(),
            vanished_entry(),
        ):
            planted.enter_context(fault)
        run = intact.run("playbooks/verify.yml", *QUICK)
    assert run.exit_code != 0
    named = red(intact.evidence())
    told = {finding["check"]: finding["actual"] for finding in intact.evidence()["findings"]}
    expected = {
        "A.3.redis_evicts_no_stream",
        "D.1.layer_untouched",
        "D.2.container_as_made",
        "D.2.no_exchange_key_beside",
        "D.2.no_published_port",
        "D.2.no_secret_in_env",
        "D.2.nobody_else_is_us",
        "D.2.secrets_private",
        "D.3.only_the_consumer_runs",
        "E.1.decided_as_oracle",
        "E.1.decisions_authentic",
        "E.1.decisions_possible",
        "E.1.results_untouched",
        "E.1.decisions_valid",
        "E.2.accounted_once",
        "E.2.group_alive",
        "E.4.exchange_shows_no_order",
        "E.4.no_decision_traded",
        "E.4.no_exchange_key",
    }
    assert not expected - named, (expected - named, told)
    assert "cutover/notes" in told["D.2.secrets_private"]
    assert "releases/.copy" in told["D.2.secrets_private"]


def test_the_deploy_after_it_is_sound(intact: Project) -> None:
    cut_over_again(intact)
