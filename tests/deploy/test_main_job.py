"""The main job on the sandbox: a safe-drain deploy that proves itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support import stack

if TYPE_CHECKING:
    from tests.support.playbooks import Project

pytestmark = pytest.mark.deploy


def milliseconds(entry_id: str) -> tuple[int, int]:
    first, _, second = entry_id.partition("-")
    return int(first), int(second)


def test_the_deploy_passes_and_says_where_its_report_is(deployed: Project) -> None:
    evidence = deployed.evidence()
    assert evidence["verdict"] == "pass"
    latest = deployed.root / "reports" / "sandbox" / "latest"
    assert latest.is_symlink()
    assert not latest.readlink().is_absolute()
    assert {"evidence.json", "evidence.json.sig", "report.md", "report.html"} <= {
        path.name for path in latest.iterdir()
    }


def test_the_report_states_the_incidents_findings_without_gating_on_them(deployed: Project) -> None:
    open_findings = {
        finding["check"]: finding["actual"]
        for finding in deployed.evidence()["findings"]
        if finding["verdict"] != "pass" and not finding["gates"]
    }
    told = " | ".join(open_findings.values())
    assert re.search(r"\b34\b", told), told
    assert "test-consumer" in told
    assert "quantum_nginx" in told
    skipped = open_findings["C.2.skipped_entries_counted"]
    assert re.search(r"\b10[,.]?\d{3}\b", skipped), skipped


def test_every_phase_and_the_checklist_were_judged(deployed: Project) -> None:
    findings = deployed.evidence()["findings"]
    assert {finding["phase"] for finding in findings} == set("ABCDE")
    assert sum(finding["row"] == "L" for finding in findings) >= 20


def test_every_entry_since_the_cutover_is_decided_exactly_once(deployed: Project) -> None:
    client = stack.redis_client()
    cutover = deployed.cutover_id()
    last_delivered = next(
        group["last-delivered-id"]
        for group in client.xinfo_groups(stack.STREAM)
        if group["name"] == stack.GROUP
    )
    stack.wait_until(
        "settling what was delivered", lambda: not client.xpending(stack.STREAM, stack.GROUP)["pending"], 10
    )
    decisions = stack.decisions_by_entry(client)
    entries = [entry_id for entry_id, _ in client.xrange(stack.STREAM, f"({cutover}", last_delivered)]
    assert len(entries) > 10
    assert {entry_id: len(decisions.get(entry_id, [])) for entry_id in entries} == dict.fromkeys(entries, 1)


def test_no_entry_from_before_the_cutover_is_decided(deployed: Project) -> None:
    cutover = milliseconds(deployed.cutover_id())
    decided = stack.decisions_by_entry(stack.redis_client())
    assert not [entry_id for entry_id in decided if milliseconds(entry_id) <= cutover]


def test_a_second_deploy_changes_nothing(deployed: Project) -> None:
    started = stack.inspect(stack.CONSUMER)["State"]["StartedAt"]
    run = deployed.run("deploy.yml", "-e", "safe_drain=true")
    assert run.exit_code == 0, run.output[-4000:]
    assert run.changed == 0
    assert deployed.evidence()["verdict"] == "pass"
    assert stack.inspect(stack.CONSUMER)["State"]["StartedAt"] == started


def test_check_and_diff_work_on_a_deployed_host(deployed: Project) -> None:
    before = stack.redis_client().xinfo_stream(stack.RESULTS)["last-generated-id"]
    run = deployed.run("deploy.yml", "-e", "safe_drain=true", "--check", "--diff")
    assert run.exit_code == 0, run.output[-4000:]
    assert run.changed == 0
    assert stack.healthy()
    assert before


def test_verify_passes_on_a_deployed_host(deployed: Project) -> None:
    run = deployed.run("playbooks/verify.yml")
    assert run.exit_code == 0, run.output[-4000:]
    assert deployed.evidence()["subject"]["kind"] == "verify"


@pytest.mark.parametrize("wish", ["TRUE", "Yes", "on"])
def test_words_for_yes_mean_safe_drain(deployed: Project, wish: str) -> None:
    run = deployed.run("playbooks/status.yml", "-e", f"safe_drain={wish}")
    assert run.exit_code == 0, run.output[-2000:]


@pytest.mark.parametrize("wish", ["false", "no", "OFF"])
def test_words_for_no_are_refused_with_a_pointer_to_promotion(deployed: Project, wish: str) -> None:
    run = deployed.run("deploy.yml", "-e", f"safe_drain={wish}")
    assert run.exit_code != 0
    assert "playbooks/promote.yml" in run.output


@pytest.mark.parametrize("wish", ["maybe", "0", "1", ""])
def test_anything_else_is_refused_and_says_what_to_do(deployed: Project, wish: str) -> None:
    run = deployed.run("deploy.yml", "-e", f"safe_drain={wish}")
    assert run.exit_code != 0
    assert "safe_drain=true" in run.output


def test_the_reports_hold_no_secret(deployed: Project) -> None:
    secrets = [path.read_text().strip() for path in (deployed.root / ".local" / "sandbox").iterdir()]
    assert len(secrets) >= 3
    for report in (deployed.root / "reports" / "sandbox" / "latest").iterdir():
        text = report.read_text()
        assert not [secret for secret in secrets if secret in text], report.name
