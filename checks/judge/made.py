"""Phase D: the whole of the running container against what the deploy made, not a selection of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from checks.judge.evidence import Facts, need
from checks.judge.outcome import Outcome, count, failed, passed, some, unless
from checks.judge.registry import check
from host.base.portrait import differences

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_DEPLOY_AGAIN = "Deploy again: the container is made anew from what is desired."
#: The consumer, and its health check, which the engine runs for a moment.
PROGRAM, HEALTH_CHECK = "python3 -m consumer", "python3 -m consumer.serve.healthcheck"
MOST_HEALTH_CHECKS = 2
#: Containers that a switch sets aside, stopped, beside the one that runs.
#: As whom the consumer logs in at Redis.
_USER = "trade_intent_consumer"
_ASIDE = ("", ".next", ".previous", ".failed")
_LONG = re.compile(r"[0-9a-f]{64}")


@check(
    "D.2.container_as_made",
    claim="The container is in everything as the deploy made it.",
    expected="every field that the engine reports as right after its start, but for state and addresses",
    remedy=_DEPLOY_AGAIN + " Find out who made or changed this container.",
    needs=("D:container.made", "D:container.portrait"),
    sabotage="the container is made again with the same image and another seccomp profile",
)
def container_as_made(facts: Facts) -> Outcome:
    """Compare everything that the engine says with the record of the container's making."""
    made, now = facts["D:container.made"]["record"], need(facts["D:container.portrait"], "field on view")
    if made is None:
        return failed(f"no deploy has made the container {facts['D:container.made']['container_id'][:12]}")
    differing = differences(need(made["portrait"], "field on record"), now)
    problems = [f"{path} is {_short(is_)}, made with {_short(was)}" for path, (was, is_) in differing.items()]
    text = f"{count(len(now), 'field')} as made at {made['at']}"
    return failed(some(problems)) if problems else passed(text)


@check(
    "D.1.layer_untouched",
    claim="Nothing was written into the container's own layer.",
    expected="no difference from the image but the places that the deploy mounts",
    remedy=_DEPLOY_AGAIN + " Never change files of a running container, from inside or from the host.",
    needs=("D:container.changes", "D:container.inspect"),
    sabotage="a file of the running container is changed from the host",
)
def layer_untouched(facts: Facts) -> Outcome:
    """Judge every difference that is not a place to mount something, or a folder above one."""
    container, changes = facts["D:container.inspect"], facts["D:container.changes"]
    places = [bind.split(":")[1] for bind in container["binds"]] + list(container["tmpfs"])
    problems = [f"{change['path']} {change['kind']}" for change in changes if not _is_a_place(change, places)]
    return unless(
        [some(problems)] if problems else [], f"{count(len(changes), 'place')} to mount, nothing else"
    )


@check(
    "D.3.only_the_consumer_runs",
    claim="In the container the consumer runs alone, as its user.",
    expected=f"`{PROGRAM}` once, as user {{runtime[user]}}, and for a moment its health check",
    remedy="Restart the container, and find out who ran something in it with `docker exec`.",
    needs=("D:container.processes",),
    sabotage="a second consumer is started inside the container",
)
def only_the_consumer_runs(facts: Facts) -> Outcome:
    """Judge every process by its whole command line, its user and its number."""
    processes = need(facts["D:container.processes"], "process")
    uid = facts.desired["runtime"]["user"].partition(":")[0]
    commands = [process["command"] for process in processes]
    problems = [f"`{command}` runs" for command in commands if command not in (PROGRAM, HEALTH_CHECK)]
    problems += [
        f"`{process['command']}` runs as user {process['uid']}"
        for process in processes
        if process["uid"] != uid
    ]
    if commands.count(PROGRAM) != 1:
        problems.append(f"{count(commands.count(PROGRAM), 'consumer')}")
    if commands.count(HEALTH_CHECK) > MOST_HEALTH_CHECKS:
        problems.append(f"{commands.count(HEALTH_CHECK)} health checks")
    return unless(problems, f"{count(len(processes), 'process', 'processes')}: {some(sorted(set(commands)))}")


@check(
    "D.2.nobody_else_is_us",
    claim="No other container of this host has our image, code, Redis user, group or secrets.",
    expected="none but what a switch set aside, stopped",
    remedy="Stop the named container, find out who started it, and change the secrets that it had.",
    needs=("D:docker.kin",),
    sabotage="a second container of the same image runs in live mode",
)
def nobody_else_is_us(facts: Facts) -> Outcome:
    """Judge every container that shares something with ours; ours that are stopped beside it may."""
    kin = [container for container in facts["D:docker.kin"]["containers"] if container["ours"]]
    main = facts.desired["container"]
    strange = [
        container for container in kin if container["name"] != main and not _is_set_aside(container, main)
    ]
    problems = [
        f"{container['name']} ({container['state']}) has our {', '.join(container['ours'])}"
        for container in strange
    ]
    looked_at = facts["D:docker.kin"]["looked_at"]
    return unless(
        problems,
        f"none of {count(looked_at, 'container')} but {some([container['name'] for container in kin])}",
    )


@check(
    "D.2.nobody_uses_our_user",
    claim="Nobody but the consumer's container is logged in at Redis as the consumer's user.",
    expected="every connection of trade_intent_consumer comes from the container's address",
    remedy="Change the consumer's Redis password, deploy again, and find out who has it.",
    needs=("D:redis.clients", "D:container.inspect"),
    sabotage="somebody else reads the stream with the consumer's password",
)
def nobody_uses_our_user(facts: Facts) -> Outcome:
    """Compare the addresses of the user's connections with the container's own."""
    networks = need(facts["D:container.inspect"]["networks"], "network of the container")
    own = {place["ip"] for place in networks.values() if place["ip"]}
    clients = facts["D:redis.clients"]
    users = [client for client in clients["ours"] if client["user"] == _USER]
    strange = [client["addr"] for client in users if client["addr"].rpartition(":")[0] not in own]
    need(users, f"connection of {_USER}")
    text = f"{count(len(users), 'connection')} of {_USER}, of {clients['count']:,} in all"
    return unless([f"{_USER} is logged in from {address}" for address in strange], text)


@check(
    "D.2.no_exchange_key_beside",
    claim="No container but those of the stack holds a key to an exchange.",
    expected="exchange keys only in the containers that the inventory expects",
    remedy="Find out what the named container trades; no key may be at hand beside a draining consumer.",
    needs=("D:docker.kin",),
    sabotage="a container that nobody knows holds the exchange's trading key",
)
def no_exchange_key_beside(facts: Facts) -> Outcome:
    """Name who holds an exchange key; the stack's own containers are told, and may."""
    known = {*facts.desired["expected_containers"], (facts.desired["exchange"] or {}).get("container")}
    holders = [container for container in facts["D:docker.kin"]["containers"] if container["exchange_keys"]]
    strange = [container for container in holders if container["name"] not in known]
    problems = [
        f"{container['name']} ({container['state']}): {', '.join(container['exchange_keys'])}"
        for container in strange
    ]
    told = some([container["name"] for container in holders]) or "nobody"
    return unless(problems, f"exchange keys: {told}")


def _is_set_aside(container: Mapping[str, Any], main: str) -> bool:
    return container["state"] in ("exited", "created") and container["name"] in {main + end for end in _ASIDE}


def _is_a_place(change: Mapping[str, str], places: Iterable[str]) -> bool:
    """Whether a difference is a mount point, or a folder that was made or touched for one."""
    return change["kind"] in ("added", "changed") and any(
        change["path"] == place or f"{place}".startswith(f"{change['path']}/") for place in places
    )


def _short(text: str) -> str:
    return _LONG.sub(lambda digest: digest[0][:12], text)
