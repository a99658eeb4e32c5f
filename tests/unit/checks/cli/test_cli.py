from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from checks import cli
from checks.cli import FAIL, INCONCLUSIVE, PASS, USAGE, main
from checks.evidence.signature import ensure_key, sign
from tests.support.deploy_run import RUN_ID, documents, junit, switch, write_files
from tests.support.incident import CONFIG_DIGEST, IMAGE, IncidentRun, incident

SECRET = "kT7w0Qe5ZbXy"


class Bench:
    """A folder with a run's files, a key, and the commands that work on them."""

    def __init__(self, folder: Path) -> None:
        self.files = folder / "run"
        self.files.mkdir()
        self.key = folder / "local" / "evidence_ed25519"
        ensure_key(self.key)
        self.out = folder / "reports" / "sandbox" / RUN_ID
        self.evidence = self.out / "evidence.json"

    def judge(self, run: IncidentRun | None = None, *more: str, kind: str = "deploy") -> int:
        given = write_files(self.files, run)
        return main(
            ["judge", *given, "--kind", kind, "--out", str(self.out), "--sign-key", str(self.key), *more]
        )

    def ask(self, command: str, *more: str) -> int:
        signers = str(self.key.parent / "allowed_signers")
        return main([command, "--evidence", str(self.evidence), "--allowed-signers", signers, *more])


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_pass_is_exit_code_0_and_says_where_the_report_is(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.judge() == PASS
    said = capsys.readouterr().out
    assert said.startswith("PASS  sandbox: deploy")
    assert "note: A.4.no_ghost_consumers: 34 ghost consumers" in said
    assert str(bench.out / "report.html") in said


def test_a_run_leaves_evidence_signature_and_both_reports(bench: Bench) -> None:
    bench.judge()
    names = {path.name for path in bench.out.iterdir()}
    manifest = {"manifest.sha256", "manifest.sha256.sig"}
    assert names == {"evidence.json", "evidence.json.sig", "report.md", "report.html"} | manifest
    assert (bench.out.parent / "latest").readlink() == Path(RUN_ID)


def test_a_fail_is_exit_code_1_and_names_the_check(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    run = incident()
    run["D:container.inspect"]["published"] = ["0.0.0.0:9108->9108/tcp"]
    assert bench.judge(run) == FAIL
    assert "fail: D.2.no_published_port" in capsys.readouterr().out


def test_what_could_not_be_seen_is_exit_code_3(bench: Bench) -> None:
    run = incident()
    del run["E:results.decisions"]
    assert bench.judge(run) == INCONCLUSIVE


def test_a_deploy_whose_checklist_did_not_run_fails(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(bench.files / "never_written.xml")
    assert bench.judge(None, "--checklist", missing) == FAIL
    assert "fail: L.container_running: missing" in capsys.readouterr().out


def test_a_checklist_that_is_no_junit_is_one_that_did_not_run(bench: Bench) -> None:
    broken = bench.files / "broken.xml"
    broken.write_text("collected 0 items")
    assert bench.judge(None, "--checklist", str(broken)) == FAIL


def test_a_line_of_the_checklist_that_failed_fails_the_run(bench: Bench) -> None:
    failed = bench.files / "failed.xml"
    failed.write_text(junit(lag_is_zero="failure"))
    assert bench.judge(None, "--checklist", str(failed)) == FAIL


def test_a_switch_that_rolled_back_fails_the_run(bench: Bench) -> None:
    rolled_back = bench.files / "rolled_back.txt"
    rolled_back.write_text(json.dumps(switch("rolled_back", "the new container restarted")))
    assert bench.judge(None, "--switch", str(rolled_back)) == FAIL


def test_a_baseline_needs_no_checklist(tmp_path: Path, bench: Bench) -> None:
    (tmp_path / "A.json").write_text(json.dumps(documents()["A"]))
    (tmp_path / "desired.json").write_text(json.dumps(incident().desired))
    arguments = ["--observations", str(tmp_path / "A.json"), "--desired", str(tmp_path / "desired.json")]
    where = ["--out", str(bench.out), "--sign-key", str(bench.key)]
    assert main(["judge", *arguments, "--run-id", RUN_ID, "--kind", "baseline", *where]) == PASS


def test_planted_secrets_are_in_nothing_that_is_written(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    run = incident()
    run["D:container.inspect"]["env"]["BINANCE_API_KEY"] = SECRET
    run["D:container.log"]["lines"][0]["event"] = f"connecting to redis://u:{SECRET}@quantum_redis:6379/0"
    run["A:docker.reference"]["env"] = {"nested": [f"BINANCE_SECRET_KEY={SECRET}"]}
    run.desired["settings"]["TRADE_INTENT_REDIS_URL"] = f"redis://:{SECRET}@quantum_redis:6379/0"
    bench.judge(run)
    assert [path.name for path in bench.out.iterdir() if SECRET in path.read_text()] == []
    assert SECRET not in capsys.readouterr().out


def test_rendering_again_changes_no_byte(bench: Bench) -> None:
    bench.judge()
    before = (bench.out / "report.html").read_bytes(), (bench.out / "report.md").read_bytes()
    assert bench.ask("report") == PASS
    assert ((bench.out / "report.html").read_bytes(), (bench.out / "report.md").read_bytes()) == before


@pytest.mark.parametrize("signed", [True, False], ids=["edited", "unsigned"])
def test_no_report_is_made_of_what_nobody_vouches_for(
    bench: Bench, signed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.judge()
    if signed:
        bench.evidence.write_text(bench.evidence.read_text().replace("quantum_nginx", "quantum_other"))
    else:
        bench.evidence.with_name("evidence.json.sig").unlink()
    before = (bench.out / "report.html").read_bytes()
    assert bench.ask("report") == USAGE
    assert "Nobody who may sign vouches for" in capsys.readouterr().err
    assert (bench.out / "report.html").read_bytes() == before


def test_a_report_can_go_to_a_folder_that_is_not_there_yet(bench: Bench, tmp_path: Path) -> None:
    bench.judge()
    assert bench.ask("report", "--out", str(tmp_path / "a" / "new" / "folder")) == PASS
    assert (tmp_path / "a" / "new" / "folder" / "report.html").is_file()


def test_what_nobody_foresaw_is_a_sentence_and_exit_code_2(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.judge()
    content = json.loads(bench.evidence.read_text())
    for observation in content["observations"]:
        observation["value"] = "text"
    bench.evidence.write_text(json.dumps(content))
    sign(bench.evidence, bench.key)
    assert bench.ask("report") == USAGE
    said = capsys.readouterr().err
    assert said.startswith("checks: report cannot work with what it was given: AttributeError")
    assert said.count("\n") == 1


def test_what_could_not_be_seen_is_verified_with_exit_code_3(bench: Bench) -> None:
    run = incident()
    del run["E:results.decisions"]
    bench.judge(run)
    assert bench.ask("verify") == INCONCLUSIVE


def test_a_true_pass_is_verified_with_exit_code_0(bench: Bench) -> None:
    bench.judge()
    assert bench.ask("verify") == PASS


def test_a_true_fail_is_verified_and_is_exit_code_1(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    run = incident()
    run["D:consumer.state"]["mode"] = "live"
    bench.judge(run)
    capsys.readouterr()
    assert bench.ask("verify") == FAIL
    said = capsys.readouterr().out
    assert "valid, by trade-intent-controller" in said
    assert "fail; judged again: fail" in said


@pytest.mark.parametrize("name", ["report.html", "report.md", "evidence.json.sig", "manifest.sha256"])
def test_a_file_of_the_folder_that_was_changed_is_named(
    bench: Bench, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.judge()
    (bench.out / name).write_text((bench.out / name).read_text() + "PASS\n")
    assert bench.ask("verify") == FAIL
    assert f"NOT AS SIGNED: {'nobody vouches for ' if name.startswith('manifest') else ''}{name}" in (
        capsys.readouterr().out
    )


def test_a_file_that_is_gone_or_came_later_is_named(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.judge()
    (bench.out / "report.md").rename(bench.out / "other.md")
    assert bench.ask("verify") == FAIL
    assert "NOT AS SIGNED: report.md is gone; other.md was not signed" in capsys.readouterr().out


def test_evidence_that_was_changed_is_not_verified(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.judge()
    bench.evidence.write_text(bench.evidence.read_text().replace("quantum_nginx is unhealthy", "all is well"))
    assert bench.ask("verify") == FAIL
    said = capsys.readouterr().out
    assert "NOT VALID" in said
    assert "A.2.stack_containers: the evidence says fail, judged again fail" in said


def test_evidence_that_contradicts_itself_is_exit_code_1(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.judge()
    content = json.loads(bench.evidence.read_text()) | {"verdict": "fail"}
    bench.evidence.write_text(json.dumps(content))
    assert bench.ask("verify") == FAIL
    assert "amount to pass" in capsys.readouterr().err


def test_the_gate_opens_for_what_was_proved(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.judge()
    expect = ["--expect", f"image_id={IMAGE}", f"config_digest={CONFIG_DIGEST}"]
    assert bench.ask("gate", "--now", "2025-12-24T16:50:00Z", "--max-age-s", "3600", *expect) == PASS
    assert f"open: run {RUN_ID} passed" in capsys.readouterr().out


def test_the_gate_stays_shut_and_gives_every_reason(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.judge()
    assert bench.ask("gate", "--now", "2025-12-26T00:00:00Z", "--expect", "image_id=another") == FAIL
    said = capsys.readouterr().out
    for reason in ("too_old", "expired", "not_asked", "other_subject"):
        assert f"refused: {reason}:" in said


def prechecks(folder: Path, run: IncidentRun, *more: str) -> int:
    (folder / "A.json").write_text(json.dumps(documents(run)["A"]))
    (folder / "wanted.json").write_text(json.dumps(run.desired))
    named = ["--observations", str(folder / "A.json"), "--wanted", str(folder / "wanted.json")]
    return main(["prechecks", *named, *more])


def without_clock() -> IncidentRun:
    run = incident()
    del run["A:controller.clock"]
    return run


CLOCK = ("--controller-now-ms", "1766594600000", "--controller-after-ms", "1766594600900")


def test_prechecks_pass_where_nothing_stands_in_the_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prechecks(tmp_path, without_clock(), *CLOCK) == PASS
    assert "PROBLEM" not in capsys.readouterr().out


def test_prechecks_name_every_problem_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = without_clock()
    run["A:docker.engine"]["rootless"] = True
    run["A:host.facts"]["selinux"] = "enforcing"
    assert prechecks(tmp_path, run, *CLOCK) == FAIL
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["O.1.docker_is_rootful:", "O.1.selinux_not_enforcing:"]
    assert all("found" in line and "." in line for line in lines)


def test_clocks_that_nobody_compared_are_a_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prechecks(tmp_path, without_clock()) == FAIL
    assert "O.1.clocks_agree" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["judge", "--kind", "soak"],
        ["gate", "--evidence", "e.json", "--expect", "image_id"],
        ["gate", "--evidence", "e.json", "--now", "yesterday"],
        ["promote"],
        [],
    ],
)
def test_wrong_use_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == USAGE
    assert "usage" in capsys.readouterr().err


def test_a_run_id_that_is_a_path_is_refused(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench.judge(None, "--run-id", "../../elsewhere")
    assert "YYYYMMDDTHHMMSSZ-xxxx" in capsys.readouterr().err


def test_a_file_that_is_missing_is_one_sentence_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--log", "no/such/audit.log"]) == USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("checks: no/such/audit.log cannot be read: No such file or directory.")


def test_what_is_recorded_is_read_from_the_signed_bundle(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    run = incident()
    bench.judge(run)
    capsys.readouterr()
    assert bench.ask("record", "--release", run.desired["release"]) == PASS
    record = json.loads(capsys.readouterr().out)
    assert (record["verdict"], record["run_id"]) == ("pass", RUN_ID)
    assert record["sha256"] == hashlib.sha256(bench.evidence.read_bytes()).hexdigest()
    stretch = run["E:stream.entries_since_cutover"]
    assert record["accounted_to"] == {"id": stretch["to_id"], "entries_added": stretch["entries_added"]}


def test_a_run_that_failed_is_never_recorded(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    run = incident()
    run["D:consumer.state"]["mode"] = "live"
    bench.judge(run)
    assert bench.ask("record", "--release", run.desired["release"]) == USAGE
    assert "its verdict is fail" in capsys.readouterr().err


def test_evidence_of_another_release_never_verifies_this_one(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.judge(kind="verify")
    assert bench.ask("record", "--release", "another") == USAGE
    said = capsys.readouterr().err
    assert "it is of a verify, not of a deploy" in said
    assert "not another" in said


def test_what_is_not_as_it_was_signed_is_never_recorded(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.judge()
    (bench.out / "report.md").unlink()
    assert bench.ask("record") == USAGE
    assert "report.md is gone" in capsys.readouterr().err


def test_a_run_that_failed_is_recorded_as_one(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    run = incident()
    run["D:consumer.state"]["mode"] = "live"
    bench.judge(run)
    capsys.readouterr()
    assert bench.ask("record") == PASS
    assert json.loads(capsys.readouterr().out)["verdict"] == "fail"


def test_a_log_that_was_changed_is_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "audit.log"
    log.write_text('{"action": "switch", "hash": "0", "prev": "0"}\n')
    assert main(["audit", "--log", str(log)]) == FAIL
    assert capsys.readouterr().out.startswith("BROKEN: line 1 was changed")


def test_a_new_run_id_can_be_had(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run-id"]) == PASS
    assert capsys.readouterr().out.strip()[8] == "T"


def asking(request: object) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(json.dumps(request).encode()))


WANTED = {"settings": {"TRADE_INTENT_MODE": "safe_drain"}, "image_repository": "trade-intent/consumer"}


def test_a_plan_is_printed_and_written_where_it_was_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", asking(WANTED))
    assert main(["plan", "--out", str(tmp_path / "run" / "desired.json")]) == PASS
    printed = json.loads(capsys.readouterr().out)
    assert printed["settings"]["TRADE_INTENT_MODE"] == "safe_drain"
    assert json.loads((tmp_path / "run" / "desired.json").read_text()) == printed


def test_a_release_has_a_name_and_holds_no_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"image_id": IMAGE, "label_key": "key", "secrets": {"redis_password": SECRET}, "created": "now"}
    monkeypatch.setattr("sys.stdin", asking({"plan": {"image": {}}, **known}))
    assert main(["release"]) == PASS
    said = capsys.readouterr().out
    assert json.loads(said)["release"]
    assert SECRET not in said


def test_a_setting_that_the_consumer_refuses_is_one_sentence_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", asking({"settings": {"TRADE_INTENT_BLOCK_MS": "soon"}}))
    assert main(["plan"]) == USAGE
    assert "TRADE_INTENT_BLOCK_MS" in capsys.readouterr().err


def test_a_request_that_is_no_object_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", asking("a word"))
    assert main(["plan"]) == USAGE
    assert "Standard input is not a JSON object" in capsys.readouterr().err


def phase_b(bench: Bench, run: IncidentRun | None = None) -> int:
    write_files(bench.files, run)
    named = ["--observations", str(bench.files), "--desired", str(bench.files / "desired.json")]
    return main(["gate-phase", "--phase", "B", *named])


def test_a_sound_image_passes_its_phase(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert phase_b(bench) == PASS
    assert capsys.readouterr().out == ""


def test_an_image_that_is_not_sound_is_exit_code_1_and_named(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    run = incident()
    del run["B:image.inspect"]
    assert phase_b(bench, run) == FAIL
    assert "image_code_matches_repo" in capsys.readouterr().out


def test_a_build_context_that_is_there_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = ["--package", "consumer", "--python", "3.13", "--platform", "x86_64-manylinux_2_28"]
    assert main(["image-context", *image, "--out", str(tmp_path)]) == PASS
    assert "was there" in capsys.readouterr().out


@pytest.mark.parametrize("command", cli._COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == PASS
    assert command in capsys.readouterr().out


def test_the_package_is_a_program() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "checks", "--help"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == PASS
    assert "3 inconclusive" in ended.stdout
