"""Phase A: the host and the stack as they are. Gates on Redis, network, clocks and disk, else describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checks.judge.evidence import Facts, need
from checks.judge.outcome import Outcome, count, failed, passed, some, unless
from checks.judge.registry import check
from checks.judge.stream_ids import milliseconds
from checks.judge.times import duration, mebibytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MEMORY_NEEDED = 128 * 1024 * 1024
DISK_NEEDED = 400_000_000
CLOCK_BOUND_MS = 2_000
GHOST_MS = 3_600_000
STRANDED_MS = 600_000


@check(
    "A.1.host_described",
    gates=False,
    claim="The host is described and has memory left for the consumer.",
    expected="at least 128 MiB of memory available",
    remedy="Free memory on the host: the consumer is limited to 128 MiB and may use all of it.",
    needs=("A:host.facts",),
    sabotage="the host has no memory left",
)
def host_described(facts: Facts) -> Outcome:
    """Say what the host is; fail when the consumer would not fit."""
    host = facts["A:host.facts"]
    available = need(host["memory"]["available"], "available memory")
    text = (
        f"{host['hostname']}: {host['os_id']} {host['os_version']}, kernel {host['kernel']}, up "
        f"{duration(host['uptime_s'] * 1_000)}, load {' '.join(f'{load:.2f}' for load in host['load'])} on "
        f"{count(host['cpus'], 'CPU')}, {mebibytes(available)} of {mebibytes(host['memory']['total'])} of "
        f"memory available, {mebibytes(host['swap']['total'])} of swap"
    )
    return passed(text) if available >= MEMORY_NEEDED else failed(text)


@check(
    "A.1.clocks_agree",
    claim="The clocks of the host and of Redis agree.",
    expected="at most 2 s apart",
    remedy="Start time synchronisation on the host, for example systemd-timesyncd: ages depend on it.",
    needs=("A:redis.server",),
    sabotage="Redis's clock is ten seconds off",
)
def clocks_agree(facts: Facts) -> Outcome:
    """Compare Redis's TIME with the host's clock around the question."""
    apart = redis_apart_ms(facts["A:redis.server"])
    return (passed if abs(apart) <= CLOCK_BOUND_MS else failed)(
        f"Redis is {apart:+.0f} ms from the host's clock"
    )


@check(
    "A.1.disk_has_room",
    claim="The disks have room for the image twice.",
    expected="at least 400 MB, or what the deploy asked for, free in each place",
    remedy="Free disk space, for example with `docker image prune`, or give the folder named a larger disk.",
    needs=("A:host.disk",),
    sabotage="the disk is full",
)
def disk_has_room(facts: Facts) -> Outcome:
    """Judge the free space of Docker's folder and of the deployment's own."""
    return room(facts["A:host.disk"], facts.desired.get("disk_needed_bytes", DISK_NEEDED))


@check(
    "A.2.stack_containers",
    gates=False,
    claim="Every expected container of the stack is there, running and not unhealthy.",
    expected="all of {expected_containers} running, none unhealthy, starting or restarting",
    remedy="Look at the named container's own log; the consumer does not depend on it unless it is Redis.",
    needs=("A:docker.containers",),
    sabotage="a container of the stack is unhealthy",
)
def stack_containers(facts: Facts) -> Outcome:
    """Name the expected containers that are missing or not well."""
    by_name = {container["name"]: container for container in need(facts["A:docker.containers"], "container")}
    expected = need(facts.desired["expected_containers"], "expected container")
    problems = [text for name in expected for text in _container_problems(name, by_name.get(name))]
    return unless(problems, f"all {len(expected)} are running and none is unhealthy")


@check(
    "A.3.redis_reachable",
    claim="Redis answers, and it is a primary that takes writes.",
    expected="an answer from a server in the role of master",
    remedy="Start Redis, or point the deploy at the primary: a replica refuses every decision.",
    needs=("A:redis.server",),
    sabotage="Redis is a read-only replica",
)
def redis_reachable(facts: Facts) -> Outcome:
    """Judge the role of the server that answered."""
    server = facts["A:redis.server"]
    text = f"Redis {server['version']} at {server['address']} answers as {server['replication_role']}"
    return (passed if server["replication_role"] == "master" else failed)(text)


@check(
    "A.3.groups_described",
    gates=False,
    claim="Every consumer group of the stream is described, each with its consumers and its pending entries.",
    expected="as many groups as the stream says it has, each looked into",
    remedy="Give the checks' Redis user XINFO and XPENDING on the stream, and look again.",
    needs=("A:redis.stream", "A:redis.groups", "A:redis.consumers", "A:redis.pending"),
    sabotage="a group was not looked into",
)
def groups_described(facts: Facts) -> Outcome:
    """Describe the groups; fail when one is not looked into."""
    groups = need(facts["A:redis.groups"], "consumer group")
    text = "; ".join(_group_text(group) for group in groups)
    names = {group["name"] for group in groups}
    looked_into = names <= set(facts["A:redis.consumers"]) and names <= set(facts["A:redis.pending"])
    all_listed = len(groups) == facts["A:redis.stream"]["groups"]
    return (passed if looked_into and all_listed else failed)(text)


@check(
    "A.4.no_ghost_consumers",
    gates=False,
    claim="No group holds ghost consumers, left behind by processes that are gone.",
    expected="no consumer idle for more than 1 h, none in a group that stands still while the stream goes on",
    remedy="Claim what they hold (XAUTOCLAIM), then remove them (XGROUP DELCONSUMER). Nothing waits for it.",
    needs=("A:redis.consumers", "A:redis.groups", "A:redis.stream"),
    sabotage="a process died and left its consumer behind",
)
def no_ghost_consumers(facts: Facts) -> Outcome:
    """Count the ghosts of each group, and name a few: those with pending entries first."""
    end = facts["A:redis.stream"]["last_id"]
    groups = need(facts["A:redis.groups"], "consumer group")
    own = (facts.desired["group"], facts.desired["consumer_name"])
    consumers = facts["A:redis.consumers"]
    ghosts = {
        group["name"]: [
            consumer
            for consumer in consumers[group["name"]]
            if (group["name"], consumer["name"]) != own and _ghost(consumer, group, end)
        ]
        for group in groups
    }
    looked_at = sum(len(consumers[group["name"]]) for group in groups)
    problems = [_ghosts_text(name, ghost) for name, ghost in ghosts.items() if ghost]
    return unless(problems, f"none of {count(looked_at, 'consumer')} in {count(len(groups), 'group')}")


@check(
    "A.5.no_stranded_pending",
    gates=False,
    claim="No entry is stranded: delivered to somebody who never acknowledged it.",
    expected="no pending entry older than 10 min, the age at which no intent may be traded any more",
    remedy="Claim and settle them (XAUTOCLAIM, XACK); a trimmed body is lost in any case.",
    needs=("A:redis.pending", "A:redis.server"),
    sabotage="a consumer died with an entry in its hands",
)
def no_stranded_pending(facts: Facts) -> Outcome:
    """Name each old pending entry with its owner, its age and whether its body is still there."""
    pending = need(facts["A:redis.pending"], "pending list of any group")
    now_ms = facts["A:redis.server"]["now_ms"]
    problems = [text for group, held in pending.items() for text in _stranded(group, held, now_ms)]
    total = sum(held["count"] for held in pending.values())
    return unless(
        problems,
        f"{count(total, 'pending entry', 'pending entries')} in {count(len(pending), 'group')}, none old",
    )


@check(
    "B.3.network_found",
    phase="A",
    claim="The stack's network exists, and Redis and the reference container are on it.",
    expected="network {network} with {redis[container]} and {reference_container} attached",
    remedy="Set stack_network to the network that `docker inspect` shows for the reference container.",
    needs=("A:docker.network",),
    sabotage="the network named is not the stack's",
)
def network_found(facts: Facts) -> Outcome:
    """Judge who is on the network."""
    network = facts["A:docker.network"]
    attached = sorted(network["containers"])
    wanted = (facts.desired["redis"]["container"], facts.desired["reference_container"])
    problems = [f"{name} is not on {network['name']}" for name in wanted if name not in attached]
    if network["name"] != facts.desired["network"]:
        problems.append(f"the network found is {network['name']}")
    return unless(
        problems, f"{network['name']} ({network['driver']}, {network['subnet']}) with {some(attached)}"
    )


def redis_apart_ms(server: Mapping[str, Any]) -> float:
    """Return how far Redis's clock is from the host's, in ms, outside of the time that asking took."""
    return outside(server["now_ms"], server["host_ms_before"], server["host_ms_after"])


def outside(moment: float, before: float, after: float) -> float:
    """Return how far a moment lies outside an interval: 0 within, negative before it."""
    return moment - max(before, min(moment, after))


def room(disks: Iterable[Mapping[str, Any]], needed: int) -> Outcome:
    """Judge the free bytes of each place."""
    places = need(list(disks), "disk")
    text = "; ".join(f"{disk['free'] / 1e9:.1f} GB free at {disk['path']}" for disk in places)
    return (passed if all(disk["free"] >= needed for disk in places) else failed)(
        f"{text}; {needed / 1e6:,.0f} MB needed"
    )


def _container_problems(name: str, container: Mapping[str, Any] | None) -> list[str]:
    if container is None:
        return [f"{name} does not exist"]
    if container["state"] != "running":
        return [f"{name} is {container['state']}"]
    return [f"{name} is {container['health']}"] if container["health"] in ("unhealthy", "starting") else []


def _group_text(group: Mapping[str, Any]) -> str:
    lag = "unknown" if group["lag"] is None else f"{group['lag']:,}"
    return (
        f"{group['name']}: {count(group['consumers'], 'consumer')}, {group['pending']:,} pending, "
        f"last delivered {group['last_delivered_id']}, lag {lag}"
    )


def _ghost(consumer: Mapping[str, Any], group: Mapping[str, Any], stream_end: str) -> bool:
    """Tell a ghost by its own silence, or by its group's standing still while the stream went on."""
    behind_ms = milliseconds(stream_end) - milliseconds(group["last_delivered_id"])
    return bool(consumer["idle_ms"] > GHOST_MS) or behind_ms > GHOST_MS


def _ghosts_text(group: str, ghosts: list[Mapping[str, Any]]) -> str:
    names = [ghost["name"] for ghost in sorted(ghosts, key=lambda ghost: -ghost["pending"])]
    longest = max(ghost["idle_ms"] for ghost in ghosts)
    number = count(len(ghosts), "ghost consumer")
    return f"{number} in {group}, idle for up to {duration(longest)}: {some(names)}"


def _stranded(group: str, held: Mapping[str, Any], now_ms: int) -> list[str]:
    ages = [(entry, now_ms - milliseconds(entry["id"])) for entry in held["entries"]]
    return [
        f"{entry['id']} of {entry['consumer']} in {group}, published {duration(age_ms)} ago, idle for "
        f"{duration(entry['idle_ms'])}, its body {'still there' if entry['body_present'] else 'trimmed'}"
        for entry, age_ms in ages
        if age_ms > STRANDED_MS
    ] + _not_listed(group, held)


def _not_listed(group: str, held: Mapping[str, Any]) -> list[str]:
    more = held["count"] - len(held["entries"])
    return [f"{more:,} more in {group}, not looked at"] if more > 0 else []
