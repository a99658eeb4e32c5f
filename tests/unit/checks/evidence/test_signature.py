from __future__ import annotations

import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from checks.errors import ChecksError
from checks.evidence import signature

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "local" / "evidence_ed25519"
    signature.ensure_key(path)
    return path


@pytest.fixture
def signers(key: Path) -> Path:
    return key.parent / "allowed_signers"


@pytest.fixture
def evidence(tmp_path: Path, key: Path) -> Path:
    path = tmp_path / "evidence.json"
    path.write_text('{"verdict":"pass"}\n')
    signature.sign(path, key)
    return path


def test_the_key_is_its_owners_alone(key: Path) -> None:
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700


def test_the_key_is_made_once(key: Path, signers: Path) -> None:
    before = key.read_bytes(), signers.read_bytes()
    signature.ensure_key(key)
    assert (key.read_bytes(), signers.read_bytes()) == before


def test_the_signer_of_untouched_evidence_is_named(evidence: Path, signers: Path) -> None:
    assert signature.verify(evidence, signers) == signature.Signature(signature.PRINCIPAL, None)


def test_evidence_changed_by_one_byte_is_not_vouched_for(evidence: Path, signers: Path) -> None:
    evidence.write_text('{"verdict":"fail"}\n')
    assert not signature.verify(evidence, signers).valid


def test_a_signature_for_another_purpose_does_not_count(evidence: Path, key: Path, signers: Path) -> None:
    made = subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-n", "file", "-f", str(key)],
        input=evidence.read_bytes(), capture_output=True, check=True,
    )  # fmt: skip # a table, or a call that is read as one
    signature.signature_path(evidence).write_bytes(made.stdout)
    assert not signature.verify(evidence, signers).valid


def test_the_signature_of_a_stranger_does_not_count(evidence: Path, signers: Path, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger" / "key"
    signature.ensure_key(stranger)
    signature.sign(evidence, stranger)
    assert not signature.verify(evidence, signers).valid


def test_a_signature_that_is_missing_is_said_to_be(evidence: Path, signers: Path) -> None:
    signature.signature_path(evidence).unlink()
    problem = signature.verify(evidence, signers).problem
    assert problem is not None
    assert "does not exist" in problem


def test_a_file_that_is_no_signature_does_not_count(evidence: Path, signers: Path) -> None:
    signature.signature_path(evidence).write_text("trust me\n")
    assert not signature.verify(evidence, signers).valid


def test_a_list_without_signers_lets_nobody_sign(evidence: Path, tmp_path: Path) -> None:
    nobody = tmp_path / "nobody"
    nobody.touch()
    assert not signature.verify(evidence, nobody).valid


def test_a_key_that_is_not_there_is_an_error_and_not_a_new_key(evidence: Path, tmp_path: Path) -> None:
    with pytest.raises(ChecksError, match="ssh-keygen refused"):
        signature.sign(evidence, tmp_path / "mistyped")


def test_the_signature_is_one_that_ssh_keygen_itself_verifies(evidence: Path, signers: Path) -> None:
    subprocess.run(
        ["ssh-keygen", "-Y", "verify", "-n", "trade-intent-evidence", "-I", signature.PRINCIPAL,
         "-f", str(signers), "-s", f"{evidence}.sig"],
        input=evidence.read_bytes(), capture_output=True, check=True,
    )  # fmt: skip # a table, or a call that is read as one
