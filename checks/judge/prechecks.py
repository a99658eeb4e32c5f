"""Prechecks: what stands in a deploy's way, asked before anything is changed, every problem named once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from checks.judge import redis_server
from checks.judge.evidence import Evidence, Facts, need
from checks.judge.outcome import Outcome, failed, inconclusive, passed, some, unless
from checks.judge.registry import PRECHECK, REGISTRY, check
from checks.judge.stack import CLOCK_BOUND_MS, DISK_NEEDED, outside, redis_apart_ms, room

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from checks.model import Finding, Observation

SUPPORTED = {"debian": ("12", "13"), "ubuntu": ("22.04", "24.04")}
OLDEST_ENGINE = (20, 10)


def judge_prechecks(observations: Iterable[Observation], wanted: Mapping[str, Any]) -> list[Finding]:
    """Judge phase A's observations and `A:controller.clock` against what is wanted, a part of the desired.

    One cause makes one gating finding: a later check that lacks the same observation points to the first.
    """
    evidence = Evidence.of(observations)
    return _once(REGISTRY.judge(evidence, wanted, {PRECHECK}), evidence)


@check(
    "O.1.docker_answers",
    phase=PRECHECK,
    claim="The Docker engine answers whoever deploys.",
    expected="an answer on the engine's socket",
    remedy="Start Docker, and deploy as root or with become: true; the socket belongs to root.",
    needs=("A:docker.engine",),
    sabotage="the user has no rights on Docker's socket",
)
def docker_answers(facts: Facts) -> Outcome:
    """State the engine's version."""
    engine = facts["A:docker.engine"]
    return passed(f"Docker {need(engine['version'], 'version of the engine')}, API {engine['api_version']}")


@check(
    "O.1.docker_is_rootful",
    phase=PRECHECK,
    claim="The Docker engine is not rootless.",
    expected="a rootful engine",
    remedy="Use the system's own Docker engine: without root, limits and secret files cannot be kept.",
    needs=("A:docker.engine",),
    sabotage="the engine is rootless",
)
def docker_is_rootful(facts: Facts) -> Outcome:
    """Judge what the engine says of itself."""
    return failed("the engine is rootless") if facts["A:docker.engine"]["rootless"] else passed("rootful")


@check(
    "O.1.docker_is_new_enough",
    phase=PRECHECK,
    claim="The Docker engine is new enough.",
    expected="version 20.10 or later",
    remedy="Update Docker to 20.10 or later.",
    needs=("A:docker.engine",),
    sabotage="the engine is older than 20.10",
)
def docker_is_new_enough(facts: Facts) -> Outcome:
    """Compare major and minor version."""
    version = facts["A:docker.engine"]["version"]
    major, minor = version.split(".")[:2]
    return (passed if (int(major), int(minor)) >= OLDEST_ENGINE else failed)(f"version {version}")


@check(
    "O.1.selinux_not_enforcing",
    phase=PRECHECK,
    claim="SELinux does not enforce.",
    expected="SELinux absent, disabled or permissive",
    remedy="Use a supported host: the secret files' mounts carry no SELinux labels.",
    needs=("A:host.facts",),
    sabotage="SELinux enforces",
)
def selinux_not_enforcing(facts: Facts) -> Outcome:
    """Judge the host's word; what is not known is not fine."""
    selinux = facts["A:host.facts"]["selinux"]
    return (passed if selinux in ("absent", "disabled", "permissive") else failed)(f"SELinux {selinux}")


@check(
    "O.1.host_is_supported",
    phase=PRECHECK,
    gates=False,
    claim="The host's system is one of those that are tested.",
    expected="Debian 12 or 13, Ubuntu 22.04 or 24.04",
    remedy="It may well work: every claim is checked all the same.",
    needs=("A:host.facts",),
    sabotage="the host runs another distribution",
)
def host_is_supported(facts: Facts) -> Outcome:
    """Compare distribution and version; another one is untested, which is not the same as wrong."""
    host = facts["A:host.facts"]
    known = host["os_version"] in SUPPORTED.get(host["os_id"], ())
    text = f"{host['os_id']} {host['os_version']}"
    return passed(text) if known else inconclusive(f"{text} is not tested")


@check(
    "O.1.disk_has_room",
    phase=PRECHECK,
    claim="The disks have room for the image twice.",
    expected="that much free in Docker's folder and in the deployment's own",
    remedy="Free disk space, for example with `docker image prune`, or give the folder named a larger disk.",
    needs=("A:host.disk",),
    sabotage="the disk is full",
)
def disk_has_room(facts: Facts) -> Outcome:
    """Judge the free space against what the deploy asked for."""
    return room(facts["A:host.disk"], facts.desired.get("disk_needed_bytes", DISK_NEEDED))


@check(
    "O.1.network_exists",
    phase=PRECHECK,
    claim="The stack's network exists, and containers are on it.",
    expected="network {network} with somebody attached",
    remedy="Set stack_network to the network that `docker inspect` shows for the reference container.",
    needs=("A:docker.network",),
    sabotage="the network named does not exist",
)
def network_exists(facts: Facts) -> Outcome:
    """Look who is on the network; whether Redis is, its own check says."""
    network = facts["A:docker.network"]
    attached = sorted(network["containers"])
    return (passed if attached else failed)(f"{network['name']} with {some(attached) or 'nobody'}")


@check(
    "O.1.reference_on_network",
    phase=PRECHECK,
    claim="The reference container runs on the network that the consumer will join.",
    expected="{reference_container} on {network}",
    remedy="Set stack_network to a network of the reference container, or name another container.",
    needs=("A:docker.reference",),
    sabotage="the reference container is on another network",
)
def reference_on_network(facts: Facts) -> Outcome:
    """Compare the reference container's networks with the wanted one."""
    reference = facts["A:docker.reference"]
    text = f"{reference['name']} is {reference['state']} on {some(reference['networks']) or 'no network'}"
    right = facts.desired["network"] in reference["networks"] and reference["state"] == "running"
    return (passed if right else failed)(text)


@check(
    "O.1.redis_answers",
    phase=PRECHECK,
    claim="Redis answers, and it is a primary that takes writes.",
    expected="an answer from {redis[container]} in the role of master",
    remedy="Start Redis, or repair its user and password: prechecks name the ACL lines that it needs.",
    needs=("A:redis.server",),
    sabotage="Redis is away",
)
def redis_answers(facts: Facts) -> Outcome:
    """Judge the role of the server that answered."""
    server = facts["A:redis.server"]
    text = f"Redis {server['version']} at {server['address']} answers as {server['replication_role']}"
    return (passed if server["replication_role"] == "master" else failed)(text)


@check("O.1.redis_evicts_no_stream", phase=PRECHECK, **redis_server.EVICTION)
def redis_evicts_no_stream(facts: Facts) -> Outcome:
    """Judge the eviction policy before anything is changed."""
    return redis_server.redis_evicts_no_stream(facts)


@check(
    "O.1.redis_lets_the_checks_look",
    phase=PRECHECK,
    claim="The checks' Redis user may look at all that the checks look at.",
    expected="the stream, its groups, its consumers, its pending entries and the results readable",
    remedy="Apply the ACL lines of docs/security.md, or deploy with -e manage_redis_acl=true.",
    needs=(
        "A:redis.server",
        "A:redis.stream",
        "A:redis.groups",
        "A:redis.consumers",
        "A:redis.pending",
        "A:redis.results",
        "A:redis.dead_letters",
        "A:redis.halt",
        "A:redis.whoami",
    ),
    sabotage="the checks' Redis user may not read the stream",
)
def redis_lets_the_checks_look(facts: Facts) -> Outcome:
    """Every look went well, or this would not be judged; it only remains to see as whom."""
    user, wanted = facts["A:redis.whoami"]["user"], facts.desired["redis"].get("user", "trade_intent_checks")
    return (passed if user == wanted else failed)(f"the checks look as {user}")


@check(
    "O.1.clocks_agree",
    phase=PRECHECK,
    claim="The clocks of controller, host and Redis agree.",
    expected="at most 2 s apart",
    remedy="Start time synchronisation on controller and host (for example systemd-timesyncd).",
    needs=("A:controller.clock", "A:host.facts", "A:redis.server"),
    sabotage="the controller's clock is a minute off",
)
def clocks_agree(facts: Facts) -> Outcome:
    """Compare the host with the controller, over the time that asking took, and Redis with the host."""
    clock = facts["A:controller.clock"]
    host = outside(facts["A:host.facts"]["now_ms"], clock["now_ms"], clock.get("after_ms", clock["now_ms"]))
    redis = redis_apart_ms(facts["A:redis.server"])
    text = f"the host is {host:+.0f} ms from the controller, Redis {redis:+.0f} ms from the host"
    return (passed if max(abs(host), abs(redis)) <= CLOCK_BOUND_MS else failed)(text)


@check(
    "O.1.not_live",
    phase=PRECHECK,
    claim="No live consumer runs on this host.",
    expected="no release, or one in safe drain",
    remedy="Stop the live consumer first (`docker stop`), see that its positions are closed, then deploy.",
    needs=("A:release.current", "A:container.current"),
    sabotage="a live consumer is replaced without a rollback",
)
def not_live(facts: Facts) -> Outcome:
    """Judge the release on record, and the mode that the container was given."""
    release, container = facts["A:release.current"], facts["A:container.current"]
    modes = {
        "the release": (release or {}).get("mode"),
        "the container": ((container or {}).get("env") or {}).get("TRADE_INTENT_MODE"),
    }
    problems = [
        f"{what} is in mode {mode}" for what, mode in modes.items() if mode not in (None, "safe_drain")
    ]
    return unless(problems, "a release in safe drain" if release else "nothing was deployed before")


def _once(findings: list[Finding], evidence: Evidence) -> list[Finding]:
    """Blame each failed observation once: the first finding that lacks it gates, later ones point there."""
    blamed: dict[str, str] = {}
    return [_pointing(finding, _lacking(finding, evidence), blamed) for finding in findings]


def _lacking(finding: Finding, evidence: Evidence) -> str | None:
    return next((ref for ref in finding.observations if not evidence.get(ref).ok), None)


def _pointing(finding: Finding, ref: str | None, blamed: dict[str, str]) -> Finding:
    if ref is None:
        return finding
    first = blamed.setdefault(ref, finding.check)
    if first == finding.check:
        return finding
    return replace(finding, gates=False, actual=f"not looked at: {ref} is missing, see {first}")
