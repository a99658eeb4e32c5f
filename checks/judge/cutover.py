"""Phase C: the cutover, from its own record and from what was decided since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checks.judge.evidence import Facts, need
from checks.judge.outcome import Outcome, count, failed, passed, some, unless
from checks.judge.registry import check
from checks.judge.stream_ids import position

if TYPE_CHECKING:
    from collections.abc import Mapping

_BEFORE = "skipped_before_cutover"
_MOVE_AGAIN = "Deploy again with -e cutover=true; the record keeps the old position."


@check(
    "C.1.right_group_moved",
    claim="The cutover moved the group that the consumer uses.",
    expected="{group} moved, found there afterwards, and used by the consumer",
    remedy=_MOVE_AGAIN,
    needs=("C:cutover.record", "C:redis.groups", "D:consumer.state"),
    sabotage="the SETID goes to another group",
)
def right_group_moved(facts: Facts) -> Outcome:
    """Compare the names, and where the group stood right after and stands now."""
    record, group = _record(facts), facts.desired["group"]
    named = {"the record's": record["group"], "the consumer's": facts["D:consumer.state"]["group"]}
    problems = [f"{whose} group is {name}" for whose, name in named.items() if name != group]
    if record["stream"] != facts.desired["stream"]:
        problems.append(f"the record's stream is {record['stream']}")
    problems += _standing(group, record["after"], "right after", record["cutover_id"], exactly=True)
    problems += _standing(group, facts["C:redis.groups"], "now", record["cutover_id"], exactly=False)
    how = "created" if record["created"] else "moved"
    return unless(
        problems, f"{group} was {how} to {record['cutover_id']} at {record['at']}, and the consumer uses it"
    )


@check(
    "C.1.other_groups_untouched",
    claim="The cutover touched no other group of the stream.",
    expected="every other group the same before and after, in one atomic look each",
    remedy="Set the named groups back to where they stood: `XGROUP SETID` with the position in this finding.",
    needs=("C:cutover.record",),
    sabotage="the cutover moves every group",
)
def other_groups_untouched(facts: Facts) -> Outcome:
    """Compare the other groups before and after the cutover, in everything that Redis says of them."""
    record = _record(facts)
    need(record["after"], "group after the cutover")
    before, after = (_others(record[when], facts.desired["group"]) for when in ("before", "after"))
    problems = [
        f"{name} was {before.get(name, 'not there')} and became {after.get(name, 'nothing')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
    return unless(
        problems,
        f"{count(len(before), 'other group')} unchanged" if before else "the stream had no other group",
    )


@check(
    "C.2.position_is_end_of_stream",
    claim="The cutover set the group to the end of the stream.",
    expected="the last id at that moment, all entries counted as read, a lag of 0",
    remedy=_MOVE_AGAIN,
    needs=("C:cutover.record", "C:redis.stream"),
    sabotage="the group is set to the middle of the stream",
)
def position_is_end_of_stream(facts: Facts) -> Outcome:
    """Judge the position by what Redis counted, right after the move and now."""
    record = _record(facts)
    group = need(_named(record["after"], record["group"]), f"group {record['group']} after the cutover")
    stream = facts["C:redis.stream"]
    problems = []
    if group["entries_read"] != record["entries_added"]:
        problems.append(f"entries read {group['entries_read']} of {record['entries_added']:,} added")
    if group["lag"] != 0:
        problems.append(f"lag {'unknown' if group['lag'] is None else group['lag']}")
    at, end = position(record["cutover_id"]), position(stream["last_generated_id"])
    if at > end or (at == position("0-0") and record["entries_added"]):
        problems.append(
            f"{record['cutover_id']} was no end of a stream that ends at {stream['last_generated_id']}"
        )
    return unless(
        problems, f"{record['cutover_id']}, {record['entries_added']:,} entries added until then, lag 0"
    )


@check(
    "C.2.skipped_entries_counted",
    gates=False,
    claim="The cutover skipped no entry.",
    expected="0 entries skipped",
    remedy="Nothing, if their time is past: a stale intent must not be traded.",
    needs=("C:cutover.record",),
    sabotage="the stream holds a backlog at the cutover",
)
def skipped_entries_counted(facts: Facts) -> Outcome:
    """Say how many entries the cutover skipped: they will never be decided, and somebody should know."""
    skipped = need(_record(facts)["skipped"], "count of skipped entries")
    number = skipped["count"]
    if number == 0:
        return passed("0 entries skipped")
    counted = "more entries than were counted" if number is None else count(number, "entry", "entries")
    stretch = f"{skipped['from_id']} to {skipped['to_id']}"
    return failed(f"{counted} ({stretch}) were skipped and will never be decided")


@check(
    "C.3.nothing_before_cutover_decided",
    claim="No entry from before the cutover was decided.",
    expected="up to the cutover only skipped_before_cutover, and no more of those than were pending then",
    remedy="Stop the consumer. If its group was created at 0, deploy again with -e cutover=true.",
    needs=("C:cutover.record", "C:redis.results_before_cutover"),
    sabotage="the group is created at 0",
)
def nothing_before_cutover_decided(facts: Facts) -> Outcome:
    """Judge the decisions made since the cutover on entries from before it.

    What the group had been given before it was moved may have been decided then. That anything comes again,
    from however far back, is what a group created at 0 looks like.
    """
    record = _record(facts)
    start = position(_old_id(record))
    decisions = facts["C:redis.results_before_cutover"]["decisions"]
    real = [
        f"{decision['intent_id']} is {decision['status']}"
        for decision in decisions
        if decision["status"] != _BEFORE and position(decision["intent_id"]) > start
    ]
    skipped = sum(decision["status"] == _BEFORE for decision in decisions)
    held = record["pending_before"]["count"]
    problems = [some(real)] if real else []
    if skipped > held:
        problems.append(
            f"{count(skipped, 'entry', 'entries')} {_BEFORE}, {held:,} were pending: the rest was replayed"
        )
    return unless(
        problems, f"{count(skipped, 'decision')} {_BEFORE}, {held:,} pending at the cutover, no other"
    )


@check(
    "C.3.reversible",
    gates=False,
    claim="The cutover can be undone: the old position and what was pending are on record.",
    expected="the old position, or that there was none, and each pending entry",
    remedy="Nothing can bring back what was not recorded; keep this report, it has the groups as they are.",
    needs=("C:cutover.record",),
    sabotage="the old position is not recorded",
)
def reversible(facts: Facts) -> Outcome:
    """Judge whether the record has what undoing needs."""
    record = _record(facts)
    pending = record["pending_before"]
    problems = []
    if not record["created"] and not record["old_position"]:
        problems.append("the group existed and its old position is not recorded")
    if len(pending["entries"]) < pending["count"]:
        problems.append(
            f"{pending['count']:,} entries were pending, {len(pending['entries']):,} are recorded"
        )
    old = "the group did not exist" if record["created"] else f"the group stood at {_old_id(record)}"
    return unless(problems, f"{old}, {count(pending['count'], 'entry was', 'entries were')} pending")


def _record(facts: Facts) -> Mapping[str, Any]:
    record: Mapping[str, Any] = need(facts["C:cutover.record"], "record of a cutover")
    return record


def _named(groups: list[Mapping[str, Any]], name: str) -> Mapping[str, Any] | None:
    return next((group for group in groups if group["name"] == name), None)


def _standing(
    name: str, groups: list[Mapping[str, Any]], when: str, cutover_id: str, *, exactly: bool
) -> list[str]:
    """Say what is wrong with where the group stands: at the cutover then, at it or later now."""
    group = _named(groups, name)
    if group is None:
        return [f"{name} did not exist {when}" if exactly else f"{name} does not exist {when}"]
    stands, wanted = position(group["last_delivered_id"]), position(cutover_id)
    right = stands == wanted if exactly else stands >= wanted
    return (
        []
        if right
        else [f"{name} stood at {group['last_delivered_id']} {when}, the cutover was at {cutover_id}"]
    )


def _others(groups: list[Mapping[str, Any]], own: str) -> dict[str, str]:
    return {group["name"]: _described(group) for group in groups if group["name"] != own}


def _described(group: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(group.items()) if name != "name")


def _old_id(record: Mapping[str, Any]) -> str:
    old: str = (record["old_position"] or {"last_delivered_id": "0-0"})["last_delivered_id"]
    return old
