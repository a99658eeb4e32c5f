"""The rights of our users, as redis_access gives them and as a real server shows them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import redis
import yaml

from checks.judge.redis_rights import wanted
from tests.support.incident import incident
from tests.support.playbooks import ROOT

if TYPE_CHECKING:
    from tests.support.redis_server import RedisServer

RULES: dict[str, str] = yaml.safe_load((ROOT / "roles/redis_access/vars/main.yml").read_text())[
    "redis_access_rules"
]


def shown(server: RedisServer, rules: str) -> dict[str, Any]:
    """Give a user these rules on a real server, and return what it says of them."""
    client = redis.Redis(port=server.port, decode_responses=True)
    client.execute_command(
        "ACL", "SETUSER", "probe", "reset", "on", ">secret", *re.findall(r"\([^)]*\)|\S+", rules)
    )
    said = client.execute_command("ACL", "GETUSER", "probe")
    return {name: said[name] for name in ("flags", "commands", "keys", "channels", "selectors")}


def actual(said: dict[str, Any], rules: str) -> str:
    run = incident()
    run.desire(redis_rules={"probe": rules})
    run["A:redis.rights"] = {"probe": said}
    return run.judged()["A.3.users_have_no_more_rights"].actual


@pytest.mark.parametrize("user", RULES)
def test_what_a_server_shows_of_our_rules_is_no_more_than_them(redis_server: RedisServer, user: str) -> None:
    assert actual(shown(redis_server, RULES[user]), RULES[user]) == "1 user with the rights that they need"


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ("+flushall", "+flushall"),
        ("~*", "~*"),
        ("(~* +del)", "+del"),
        ("+@all", "may give every command"),
        ("nopass", "nopass"),
        ("&*", "&*"),
    ],
)
def test_one_more_right_is_named(redis_server: RedisServer, more: str, named: str) -> None:
    rules = RULES["trade_intent_consumer"]
    assert named in actual(shown(redis_server, f"{rules} {more}"), rules)


def test_each_pair_of_brackets_is_a_right_of_its_own() -> None:
    rights = wanted("-@all +ping ~a (~b +del)")
    assert [(sorted(right.commands), sorted(right.keys)) for right in rights] == [
        (["+ping"], ["~a"]),
        (["+del"], ["~b"]),
    ]
