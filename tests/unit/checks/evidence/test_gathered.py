from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from checks.errors import ChecksError
from checks.evidence.gathered import ObservationDocument, join, read_documents
from tests.support.deploy_run import RUN_ID, documents, write_files

if TYPE_CHECKING:
    from pathlib import Path


def joined(**changes: dict[str, Any]) -> None:
    made = [
        ObservationDocument.model_validate(document | changes.get(document["phase"], {}))
        for document in documents().values()
    ]
    join(made)


def test_a_folder_gives_its_observations_and_leaves_other_files_alone(tmp_path: Path) -> None:
    write_files(tmp_path)
    gathered = read_documents([tmp_path])
    assert gathered.phases == ("A", "B", "C", "D", "E")
    assert gathered.run_id == RUN_ID
    assert "A:redis.groups" in {observation.ref for observation in gathered.observations}


def test_nothing_gathered_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ChecksError, match="no observations"):
        read_documents([tmp_path])


@pytest.mark.parametrize("what", ["host", "tool_digest", "run_id"])
def test_phases_of_different_runs_are_not_joined(what: str) -> None:
    with pytest.raises(ChecksError, match="more than one"):
        joined(C={what: "another"})


def test_one_phase_twice_is_refused() -> None:
    with pytest.raises(ChecksError, match="same phase"):
        joined(C={"phase": "B"})


def test_a_field_that_nobody_judges_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "A.json"
    path.write_text(json.dumps(documents()["A"] | {"waived": True}))
    with pytest.raises(ChecksError, match="waived"):
        read_documents([path])


def test_a_file_that_is_not_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "A.json"
    path.write_text("Traceback")
    with pytest.raises(ChecksError, match=r"A\.json is not JSON"):
        read_documents([path])


def test_secrets_are_masked_before_anything_is_judged(tmp_path: Path) -> None:
    document = documents()["D"]
    document["observations"][0]["value"]["env"]["API_KEY"] = "planted"
    path = tmp_path / "D.json"
    path.write_text(json.dumps(document))
    assert "planted" not in repr(read_documents([path]))
