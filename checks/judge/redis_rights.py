"""Phase A: that our Redis users may do what `redis_access` gives them, and nothing more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from checks.judge.evidence import Facts, NotAskedError, need
from checks.judge.outcome import Outcome, count, unless
from checks.judge.registry import check

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: Redis shows these five, where all are given, as the category that they are all of.
_TRANSACTION = ("+multi", "+exec", "+discard", "+watch", "+unwatch")
_FORBIDDEN_FLAGS = ("nopass", "allkeys", "allcommands", "allchannels")
_RULE = re.compile(r"\([^)]*\)|\S+")


class Right(NamedTuple):
    """Commands that may be given for keys; one user may have several such rights."""

    commands: frozenset[str]
    keys: frozenset[str]

    def covers(self, other: Right) -> bool:
        """Tell whether whoever has this right gains nothing by the other."""
        return other.commands <= self.commands and other.keys <= self.keys


@check(
    "A.3.users_have_no_more_rights",
    claim="Our Redis users have the rights that the deploy gives them, and no more.",
    expected="each command and each key among the rules of `redis_access`, a password, no channel",
    remedy="Set the rules again: -e manage_redis_acl=true, or your ACL file. Change the passwords.",
    needs=("A:redis.rights",),
    sabotage="the consumer's Redis user is given every right",
)
def users_have_no_more_rights(facts: Facts) -> Outcome:
    """Compare what the server says of each user with the rules that were desired."""
    desired = facts.desired.get("redis_rules")
    if not desired:
        raise NotAskedError("what was deployed does not say which rights the users are to have")
    rights = need(facts["A:redis.rights"], "Redis user")
    problems = [
        f"{user} {text}"
        for user, rules in desired.items()
        for text in _surplus(rights.get(user), wanted(rules))
    ]
    return unless(problems, f"{count(len(desired), 'user')} with the rights that they need")


def wanted(rules: str) -> list[Right]:
    """Read rules as they are given to ACL SETUSER: the root's rights, and each pair of brackets."""
    words = _RULE.findall(rules)
    inner = [word.strip("()") for word in words if word.startswith("(")]
    return [
        _right(word for word in words if not word.startswith("(")),
        *(_right(rule.split()) for rule in inner),
    ]


def _surplus(said: Mapping[str, Any] | None, may: list[Right]) -> Iterator[str]:
    """Name what a user has beyond its rights; one that does not exist has none."""
    if said is None:
        return
    flags = [flag for flag in said["flags"] if flag in _FORBIDDEN_FLAGS]
    if flags or said["channels"]:
        yield f"has {', '.join([*flags, *([said['channels']] if said['channels'] else [])])}"
    for given in (said, *said["selectors"]):
        has = _right(f"{given['commands']} {given['keys']}".split())
        if "-@all" not in given["commands"].split():
            yield "may give every command"
        elif not any(right.covers(has) for right in may):
            near = may[0] if given is said else min(may, key=lambda right: len(has.keys - right.keys))
            more = sorted((has.commands - near.commands) | (has.keys - near.keys))
            yield f"may more: {', '.join(more)}"


def _right(words: Iterable[str]) -> Right:
    given = list(words)
    commands = {word for word in given if word.startswith("+")}
    if "+@transaction" in commands:
        commands = (commands - {"+@transaction"}).union(_TRANSACTION)
    return Right(frozenset(commands), frozenset(word for word in given if word[:1] in ("~", "%")))
