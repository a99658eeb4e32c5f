from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from host.base.errors import BadRequestError
from host.base.secret_files import contents
from host.change.errors import SecretMissingError
from host.change.secrets_store import Secret, decode, fingerprint, put

if TYPE_CHECKING:
    from pathlib import Path

KEY = b"a key"


def secret(content: bytes = b"hunter2222", name: str = "redis_password", uid: int | None = None) -> Secret:
    return Secret(name, content, os.getuid() if uid is None else uid, os.getgid())


def test_a_secret_is_written_for_its_reader_only(tmp_path: Path) -> None:
    assert put(tmp_path, secret())
    assert (tmp_path / "redis_password").read_bytes() == b"hunter2222"
    assert (tmp_path / "redis_password").stat().st_mode & 0o777 == 0o400
    assert [file.name for file in tmp_path.iterdir()] == ["redis_password"]


def test_the_same_secret_again_changes_nothing(tmp_path: Path) -> None:
    put(tmp_path, secret())
    before = (tmp_path / "redis_password").stat().st_ino
    assert not put(tmp_path, secret())
    assert (tmp_path / "redis_password").stat().st_ino == before


def test_another_content_is_a_change(tmp_path: Path) -> None:
    put(tmp_path, secret())
    assert put(tmp_path, secret(b"another"))
    assert (tmp_path / "redis_password").read_bytes() == b"another"


def test_another_right_is_a_change(tmp_path: Path) -> None:
    put(tmp_path, secret())
    (tmp_path / "redis_password").chmod(0o644)
    assert put(tmp_path, secret())
    assert (tmp_path / "redis_password").stat().st_mode & 0o777 == 0o400


def test_a_check_tells_what_would_change_and_changes_nothing(tmp_path: Path) -> None:
    assert put(tmp_path, secret(), check=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "../evil", "a/b", ".hidden", "Loud", "a b"])
def test_a_name_that_could_leave_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadRequestError):
        put(tmp_path, secret(name=name))


def test_a_secret_does_not_show_in_its_own_description() -> None:
    assert "hunter" not in repr(secret())


def test_the_fingerprint_changes_with_content_name_and_key(tmp_path: Path) -> None:
    put(tmp_path, secret())
    put(tmp_path, secret(name="other"))
    base = fingerprint(tmp_path, ["redis_password"], KEY)
    assert base == fingerprint(tmp_path, ["redis_password"], KEY)
    assert (
        len({base, fingerprint(tmp_path, ["other"], KEY), fingerprint(tmp_path, ["redis_password"], b"b")})
        == 3
    )
    put(tmp_path, secret(b"another"))
    assert fingerprint(tmp_path, ["redis_password"], KEY) != base


def test_the_fingerprint_does_not_depend_on_the_order_of_names(tmp_path: Path) -> None:
    put(tmp_path, secret())
    put(tmp_path, secret(b"b", name="other"))
    assert fingerprint(tmp_path, ["other", "redis_password"], KEY) == fingerprint(
        tmp_path, ["redis_password", "other"], KEY
    )


def test_a_secret_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SecretMissingError, match="redis_password"):
        fingerprint(tmp_path, ["redis_password"], KEY)


def test_what_is_no_base64_is_refused_without_showing_it() -> None:
    with pytest.raises(BadRequestError) as refused:
        decode("content_base64", "hunter2222!")
    assert "hunter" not in refused.value.message


def test_all_secrets_are_known_for_masking(tmp_path: Path) -> None:
    put(tmp_path, secret(b"hunter2222\n"))
    put(tmp_path, secret(b"\xff\xfe", name="other"))
    assert "hunter2222" in contents(tmp_path)


def test_without_a_folder_there_is_nothing_to_mask(tmp_path: Path) -> None:
    assert contents(tmp_path / "nowhere") == ()
