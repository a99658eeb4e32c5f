from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

from host.observe.main import REDACTED, main, redacted

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_bad_request_is_one_json_error_and_exit_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("nonsense"))
    assert main(["A"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "bad_request"


def test_without_a_phase_the_phases_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "A|B|C|D|E" in json.loads(capsys.readouterr().out)["error"]["message"]


def test_looks_that_fail_do_not_fail_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"options": {"state_folder": str(tmp_path)}})))
    assert main(["C"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {observation["id"]: observation["ok"] for observation in document["observations"]} == {
        "cutover.record": True,
        "cutover.file": False,
        "release.current": True,
        "redis.stream": False,
        "redis.groups": False,
        "redis.pending": False,
        "redis.results_before_cutover": False,
    }


def test_a_secret_is_blotted_out_wherever_it_stands() -> None:
    document = json.dumps({"error": 'password "planted\\secret" refused'})
    assert redacted(document, ["planted\\secret"]) == document.replace("planted\\\\secret", REDACTED)


def test_what_is_too_short_to_be_a_secret_blots_out_nothing() -> None:
    assert redacted('{"ok": true}', ["ok"]) == '{"ok": true}'
