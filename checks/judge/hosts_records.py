"""What the host itself keeps of deploys and runs: that nobody has rewritten it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.digests import release_id
from checks.judge.evidence import need
from checks.judge.outcome import Outcome, count, failed, passed, unless
from checks.judge.registry import check

if TYPE_CHECKING:
    from checks.judge.evidence import Facts

RELEASE_LABEL = "trade_intent.release"


@check(
    "C.1.consumer_is_told_the_cutover",
    claim="The consumer was told the cutover that is on record, and so will be after a restart.",
    expected="the same id in the record, in the file that is mounted, and in /state",
    remedy="Deploy again with -e cutover=true: an older id would let old intents be decided.",
    needs=("C:cutover.record", "C:cutover.file", "D:consumer.state"),
    sabotage="the mounted file names another id",
)
def consumer_is_told_the_cutover(facts: Facts) -> Outcome:
    """Compare the three."""
    ids = {
        "the record": need(facts["C:cutover.record"], "record of a cutover")["cutover_id"],
        "the file": need(facts["C:cutover.file"], "cutover id"),
        "the consumer": facts["D:consumer.state"]["cutover_id"],
    }
    text = ", ".join(f"{where} {id_}" for where, id_ in ids.items())
    return (passed if len(set(ids.values())) == 1 else failed)(text)


@check(
    "D.1.release_is_itself",
    claim="The release document is as it was deployed: its name is the digest of what it says.",
    expected="release {release}, on the document and on the container",
    remedy="Find out who changed releases/current.json on the host, and deploy again.",
    needs=("D:container.inspect",),
    sabotage="the release document on the host is changed after the deploy",
)
def release_is_itself(facts: Facts) -> Outcome:
    """Name the document again, and look for the name on the container."""
    said = {name: value for name, value in facts.desired.items() if name != "recorded_at"}
    release, digest = said["release"], release_id(said)
    label = facts["D:container.inspect"]["labels"].get(RELEASE_LABEL)
    problems = [f"what it says is release {digest}"] if digest != release else []
    problems += [f"the container is of release {label}"] if label != release else []
    return unless(problems, f"release {release}")


@check(
    "D.2.audit_log_whole",
    claim="Nobody has changed, removed or moved a line of the host's audit log.",
    expected="a chain of hashes without a break",
    remedy="Compare with a copy of the log (`python -m checks audit`); find out who was root on the host.",
    needs=("D:host.audit",),
    sabotage="a line of the audit log is rewritten",
)
def audit_log_whole(facts: Facts) -> Outcome:
    """Judge what the host found when it followed the chain."""
    audit = facts["D:host.audit"]
    text = (
        f"{count(need(audit['entries'], 'line of the audit log'), 'line')}, {audit['torn']} torn by a crash"
    )
    return passed(text) if audit["intact"] else failed(f"{text}; the chain is broken")
