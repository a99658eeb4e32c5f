"""Every run that judged the host is on its record; only a pass closes the books, and never backwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from host.base.errors import BadRequestError
from host.base.state import StateFolder
from host.change import runs
from host.change.audit import Audit

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    state = StateFolder(tmp_path)
    state.releases.mkdir()
    state.audit_log.parent.mkdir()
    (state.releases / "cutover.json").write_text(json.dumps({"cutover_id": "100-0"}))
    return state


def run(verdict: str = "pass", to_id: str | None = "200-0") -> dict[str, Any]:
    about = {"run_id": "r1", "kind": "verify", "verdict": verdict, "release": "a" * 16, "sha256": "b" * 64}
    return {**about, "accounted_to": {"id": to_id, "entries_added": 7}}


def record(state: StateFolder, ended: dict[str, Any]) -> bool:
    return runs.record(state, Audit(state.audit_log), "me", ended)


def closed(state: StateFolder) -> str | None:
    return json.loads(state.books.read_text())["id"] if state.books.exists() else None


def test_a_pass_closes_the_books_up_to_where_it_accounted(state: StateFolder) -> None:
    assert record(state, run())
    assert closed(state) == "200-0"


@pytest.mark.parametrize("verdict", ["fail", "inconclusive"])
def test_anything_else_is_noted_and_closes_nothing(state: StateFolder, verdict: str) -> None:
    assert not record(state, run(verdict))
    assert closed(state) is None
    (entry,) = Audit(state.audit_log).read().entries
    assert (entry["action"], entry["result"], entry["run_id"]) == ("run", verdict, "r1")
    assert entry["detail"]["sha256"] == "b" * 64


@pytest.mark.parametrize("to_id", ["150-0", "200-0", None])
def test_books_are_never_opened_again(state: StateFolder, to_id: str | None) -> None:
    record(state, run())
    assert not record(state, run(to_id=to_id))
    assert closed(state) == "200-0"


def test_what_was_accounted_for_before_another_cutover_closes_nothing(state: StateFolder) -> None:
    assert not record(state, run(to_id="99-0"))
    assert closed(state) is None


def test_a_run_without_its_digest_is_refused(state: StateFolder) -> None:
    with pytest.raises(BadRequestError, match="sha256"):
        record(state, run() | {"sha256": ""})
