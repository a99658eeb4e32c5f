"""The Redis users' rights, tried on a real Redis: what each needs is allowed, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import redis
import yaml

from consumer.base.settings import from_environment
from consumer.intents.context import context_for
from consumer.intents.decide import Decision
from consumer.stream.connection import Connection
from consumer.stream.result_writer import Also, ResultWriter
from tests.support.consumer_process import (
    GROUP,
    HALT,
    LETTERS,
    RESULTS,
    ROOT,
    STREAM,
    Consumer,
    decision,
    publish,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.redis_server import RedisServer

RULES = yaml.safe_load((ROOT / "roles/redis_access/vars/main.yml").read_text())["redis_access_rules"]
PASSWORD = "of-a-test"
MEMORY = "quantum:trade_intent:planned:NEARUSDT:long"
PROGRESS, AHEAD, OPEN, FAULTS = (
    f"quantum:trade_intent:{what}:{GROUP}" for what in ("progress", "ahead", "open", "faults")
)
TOLD = ("trade.executed", "trade.failed", "exitbrain.adaptive_levels")
OTHER_STREAM = "quantum:stream:trade.closed"
POSITION = "quantum:position:ilf:ADAUSDT:1"

#: User → commands, one a line.
ALLOWED = {
    "trade_intent_deploy": f"""
        XGROUP CREATE {STREAM} g $ ENTRIESREAD 1
        XGROUP SETID {STREAM} g 0
        XINFO STREAM {STREAM}
        XINFO GROUPS {STREAM}
        XINFO CONSUMERS {STREAM} {GROUP}
        XPENDING {STREAM} {GROUP}
        XRANGE {STREAM} - +
        XREVRANGE {STREAM} + -
        XLEN {STREAM}
        XADD {STREAM} * proof run
        WATCH {STREAM}
        MULTI
        EXEC
        TIME
        PING
        INFO
        XRANGE {RESULTS} - +
        XREVRANGE {RESULTS} + -
        XLEN {RESULTS}
    """,
    "trade_intent_checks": f"""
        XINFO STREAM {STREAM}
        XINFO GROUPS {STREAM}
        XINFO CONSUMERS {STREAM} {GROUP}
        XRANGE {STREAM} - +
        XREVRANGE {RESULTS} + -
        XLEN {LETTERS}
        XPENDING {STREAM} {GROUP}
        INFO
        TIME
        PING
        EXISTS {HALT}
        GET {HALT}
        TYPE {STREAM}
        TTL {MEMORY}
        ACL WHOAMI
        ACL GETUSER trade_intent_checks
        CLIENT LIST
        COMMAND COUNT
    """,
    "trade_intent_consumer": f"""
        PING
        TIME
        INFO server
        XPENDING {STREAM} {GROUP}
        GET {HALT}
        XREADGROUP GROUP {GROUP} c COUNT 1 STREAMS {STREAM} >
        XCLAIM {STREAM} {GROUP} c 0 1-0 JUSTID
        XRANGE {STREAM} - +
        TYPE {STREAM}
        TYPE {RESULTS}
        TYPE {POSITION}
        HSET {PROGRESS} to 1-0
        HMGET {PROGRESS} from to
        ZADD {AHEAD} 1 1-0
        SADD {OPEN} 1-0
        HGETALL {FAULTS}
        HSET {FAULTS} a b
        XADD quantum:trade_intent:acknowledged * a b
        XACK {STREAM} {GROUP} 1-0
        XADD {RESULTS} * a b
        XADD {LETTERS} * a b
        XADD quantum:stream:trade.executed * a b
        XADD quantum:stream:trade.failed * a b
        XADD quantum:stream:exitbrain.adaptive_levels * a b
        HSET {POSITION} a b
        EXPIRE {POSITION} 86400
        ZADD {MEMORY} 1 1-0
        SCRIPT LOAD return
    """,
}

DENIED_TO_ALL = f"""
    FLUSHALL
    FLUSHDB
    CONFIG GET *
    CONFIG SET maxmemory 1
    KEYS *
    SCAN 0
    DEL {STREAM}
    UNLINK {STREAM}
    RENAME {STREAM} x
    XTRIM {STREAM} MAXLEN 0
    XDEL {STREAM} 1-0
    XGROUP DESTROY {STREAM} {GROUP}
    XGROUP DELCONSUMER {STREAM} {GROUP} c
    SET {HALT} x
    DEL {HALT}
    ACL SETUSER me +@all
    ACL LIST
    EVAL return 0
    FUNCTION LIST
    CLIENT KILL ID 1
    REPLICAOF NO ONE
    SHUTDOWN
    SAVE
    MONITOR
    SUBSCRIBE x
    PUBLISH x y
    GET other:key
    XRANGE other:key - +
"""

DENIED = {
    "trade_intent_consumer": f"""
        XADD {STREAM} * a b
        XADD {OTHER_STREAM} * a b
        XADD {MEMORY} * a b
        HSET {MEMORY} a b
        EXPIRE {HALT} 1
        HGETALL {POSITION}
        DEL {POSITION}
        PEXPIRE {HALT} 1
        PEXPIRE {STREAM} 1
        ZADD {STREAM} 1 1-0
        XGROUP CREATE {STREAM} g 0
        XGROUP SETID {STREAM} {GROUP} 0
        XINFO STREAM {STREAM}
        XAUTOCLAIM {STREAM} {GROUP} c 0 0-0
        XRANGE {RESULTS} - +
        DEL {PROGRESS}
        DEL {FAULTS}
        SCRIPT FLUSH
    """,
    "trade_intent_deploy": f"""
        XADD {RESULTS} * a b
        XREADGROUP GROUP {GROUP} c STREAMS {STREAM} >
        XACK {STREAM} {GROUP} 1-0
        XGROUP CREATE {RESULTS} g 0
        XRANGE {OTHER_STREAM} - +
        GET {HALT}
        EVALSHA 0 0
    """,
    "trade_intent_checks": f"""
        XADD {STREAM} * a b
        XGROUP CREATE {STREAM} g 0
        XREADGROUP GROUP {GROUP} c STREAMS {STREAM} >
        XAUTOCLAIM {STREAM} {GROUP} c 0 0-0
        XACK {STREAM} {GROUP} 1-0
        ZADD {MEMORY} 1 1-0
        EXPIRE {HALT} 1
        EVALSHA 0 0
        MULTI
    """,
}


@pytest.fixture
def users(client: redis.Redis, redis_server: RedisServer) -> Iterator[Callable[[str], redis.Redis]]:
    """Make the three users by the role's own rules, and log in as one of them."""
    for user, rules in RULES.items():
        client.execute_command("ACL", "SETUSER", user, "reset", "on", f">{PASSWORD}", *rules.split())

    def login(user: str) -> redis.Redis:
        named = {"username": user, "password": PASSWORD}
        connection = redis.Redis(port=redis_server.port, protocol=2, single_connection_client=True, **named)
        connection.response_callbacks.clear()
        return connection

    yield login
    for user in RULES:
        client.acl_deluser(user)


def is_denied(user: redis.Redis, command: str) -> bool:
    """Tell whether the command fails for want of a right; it may fail otherwise."""
    try:
        user.execute_command(*command.split())  # type: ignore[no-untyped-call]  # untyped in the library
    except redis.exceptions.NoPermissionError:
        return True
    except redis.ResponseError:
        return False
    return False


def lines(commands: str) -> list[str]:
    return [line.strip() for line in commands.strip().splitlines()]


@pytest.mark.parametrize("user", ALLOWED)
def test_what_a_user_needs_is_allowed(users: Callable[[str], redis.Redis], user: str) -> None:
    login = users(user)
    assert [command for command in lines(ALLOWED[user]) if is_denied(login, command)] == []


@pytest.mark.parametrize("user", DENIED)
def test_all_else_is_denied(users: Callable[[str], redis.Redis], user: str) -> None:
    login = users(user)
    commands = lines(DENIED_TO_ALL) + lines(DENIED[user])
    assert [command for command in commands if not is_denied(login, command)] == []


def test_the_consumer_does_all_its_work_as_its_user(
    users: Callable[[str], redis.Redis],
    client: redis.Redis,
    redis_server_url: str,
    start: Callable[..., Consumer],
    tmp_path: Path,
) -> None:
    assert users
    client.execute_command("ACL", "LOG", "RESET")
    (tmp_path / "redis_password").write_text(PASSWORD)
    code = (
        "import os, sys; from pathlib import Path; from consumer.__main__ import main\n"
        f"sys.exit(main([], os.environ, Path({str(tmp_path)!r})))"
    )
    client.xadd(STREAM, {"symbol": "NEARUSDT", "side": "SELL", "size_pct": "1"})
    client.xreadgroup(GROUP, "ghost", {STREAM: ">"})
    url = redis_server_url.replace("//", "//trade_intent_consumer@")
    start(url, code=code, claim_idle_ms=100).healthy()
    client.set(HALT, "drill")
    client.script_flush()
    assert decision(client, publish(client))["status"] == "skipped_halted"
    client.delete(HALT)
    assert decision(client, publish(client))["status"] == "skipped_drain"
    assert decision(client, publish(client, {"payload": "{"}))["status"] == "invalid"
    assert client.execute_command("ACL", "LOG") == []


async def test_what_a_trade_tells_others_is_written_as_that_user(
    users: Callable[[str], redis.Redis], client: redis.Redis, redis_server_url: str
) -> None:
    assert users
    publish(client)
    entry_id = client.xreadgroup(GROUP, "c", {STREAM: ">"})[0][1][0][0]  # type: ignore[index]  # one entry
    told = [
        *(["XADD", f"quantum:stream:{name}", "*", "payload", "{}"] for name in TOLD),
        ["HSET", POSITION, "sl", "0.01"],
        ["EXPIRE", POSITION, "86400"],
    ]
    url = redis_server_url.replace("//", "//trade_intent_consumer@")
    context = context_for(from_environment({"TRADE_INTENT_CUTOVER_ID": "0-0", "TRADE_INTENT_REDIS_URL": url}))
    settler = ResultWriter(context)
    async with Connection(url, PASSWORD, 5) as connection:
        await settler.load(connection)
        await settler.settle(connection, [Decision(entry_id, "filled", "FILLED", entry_id)], Also("{}", told))
    assert decision(client, entry_id)["status"] == "filled"
    assert client.ttl(POSITION) > 86_000
    assert [client.xlen(f"quantum:stream:{name}") for name in TOLD] == [1, 1, 1]
