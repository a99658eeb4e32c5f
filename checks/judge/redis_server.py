"""Phase A: what the stream stands on. A Redis that may drop entries gates; what else it may lose is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checks.judge.evidence import Facts, need
from checks.judge.outcome import Outcome, count, failed, passed, unless
from checks.judge.registry import check
from checks.judge.times import mebibytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: These take any key when memory is short; the volatile ones only keys that expire, and a stream does not.
#: Source: Redis's documentation of `maxmemory-policy`.
_DROPS_ANY_KEY = "allkeys-"
#: The fraction of `maxmemory` from which on producers are close to being refused.
_FULL = 0.9


#: The words of the check, which prechecks ask, too.
EVICTION: dict[str, Any] = {
    "claim": "Redis drops no stream when its memory is short.",
    "expected": "a maxmemory-policy of noeviction or volatile-*",
    "remedy": "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf: entries could vanish.",
    "needs": ("A:redis.server",),
    "sabotage": "the eviction policy is allkeys-lru",
}


@check("A.3.redis_evicts_no_stream", **EVICTION)
def redis_evicts_no_stream(facts: Facts) -> Outcome:
    """Judge the eviction policy."""
    policy = need(facts["A:redis.server"]["maxmemory_policy"], "eviction policy")
    return (failed if policy.startswith(_DROPS_ANY_KEY) else passed)(f"maxmemory-policy is {policy}")


@check(
    "A.3.redis_survives_restart",
    gates=False,
    claim="A restart of Redis loses no entry and no decision.",
    expected="the append-only file on, and its last write in order",
    remedy="CONFIG SET appendonly yes, and the same in redis.conf; repair what the server's log names.",
    needs=("A:redis.server",),
    sabotage="the append-only file is off",
)
def redis_survives_restart(facts: Facts) -> Outcome:
    """Say what a restart would lose."""
    server = facts["A:redis.server"]
    return unless(list(_losses(server)), "the append-only file is on and was written to well")


def _losses(server: Mapping[str, Any]) -> Iterator[str]:
    if not server["aof_enabled"]:
        changes = int(need(server["changes_since_snapshot"], "count of changes since the last snapshot"))
        yield (
            "the append-only file is off: a restart now would lose "
            f"{count(changes, 'change')} since the last snapshot"
        )
    if server["aof_last_write"] != "ok":
        yield f"the last write to the append-only file: {server['aof_last_write']}"
    if server["snapshot_last_save"] != "ok":
        yield f"the last snapshot: {server['snapshot_last_save']}"


@check(
    "A.3.redis_has_memory_left",
    gates=False,
    claim="Redis has memory left for what producers publish.",
    expected="less than 90 % of maxmemory used, where there is a limit",
    remedy="Raise maxmemory, or trim what has grown: a full Redis refuses entries and decisions alike.",
    needs=("A:redis.server",),
    sabotage="Redis has used up its memory",
)
def redis_has_memory_left(facts: Facts) -> Outcome:
    """Compare what is used with the limit; 0 is none."""
    server = facts["A:redis.server"]
    used, limit = (int(need(server[name], name)) for name in ("used_memory", "maxmemory"))
    if not limit:
        return passed(f"{mebibytes(used)} used, no limit")
    text = f"{mebibytes(used)} of {mebibytes(limit)} used, {used / limit:.0%}"
    return (failed if used / limit >= _FULL else passed)(text)


@check(
    "A.3.not_halted",
    gates=False,
    claim="Nobody has halted the consumer.",
    expected="no key quantum:trade_intent:halt",
    remedy="Delete the key quantum:trade_intent:halt when the reason is gone.",
    needs=("A:redis.halt",),
    sabotage="the halt key is set",
)
def not_halted(facts: Facts) -> Outcome:
    """Say that a halt is set, and why, as far as the key tells."""
    halt = facts["A:redis.halt"]
    if not halt["set"]:
        return passed("not halted")
    return failed(
        f"HALTED ({halt['value'] or 'no reason given'}): it decides every intent, and would open nothing"
    )
