from __future__ import annotations

from typing import Any

import pytest

from host.base.errors import BadRequestError
from host.change.request import CommandRequest

MEANT = {
    "release": "0123456789abcdef", "container": "c", "network": "n", "stream": "s", "group": "g",
    "mode": "safe_drain", "image": {"tag": "i:1"},
    "redis": {"container": None, "host": "h", "port": 1, "db": 0},
}  # fmt: skip # a table, or a call that is read as one


@pytest.mark.parametrize("text", ["", "\n", "{}"])
def test_an_empty_request_asks_for_nothing_in_particular(text: str) -> None:
    assert CommandRequest.parse(text).flag("check", default=False) is False


@pytest.mark.parametrize("text", ["{", "[]", "1", "null"])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError):
        CommandRequest.parse(text)


def test_a_missing_key_is_named() -> None:
    with pytest.raises(BadRequestError, match="owner is missing"):
        CommandRequest({}).text("owner")


@pytest.mark.parametrize("value", [-1, "1", True, None])
def test_what_is_no_duration_is_refused(value: Any) -> None:
    with pytest.raises(BadRequestError, match="ttl_s"):
        CommandRequest({"ttl_s": value}).seconds("ttl_s")


def test_a_word_that_is_not_offered_is_refused_with_those_that_are() -> None:
    with pytest.raises(BadRequestError, match="if_absent, force"):
        CommandRequest({"cutover": "yes"}).choice("cutover", "if_absent", "force")


def test_a_release_document_is_taken_as_it_is() -> None:
    assert CommandRequest({"desired": MEANT}).desired() == MEANT


@pytest.mark.parametrize("name", [*MEANT])
def test_a_release_document_with_a_hole_is_refused(name: str) -> None:
    with pytest.raises(BadRequestError, match=name):
        CommandRequest({"desired": {key: value for key, value in MEANT.items() if key != name}}).desired()


@pytest.mark.parametrize("release", ["../../etc/passwd", "0123", "0123456789ABCDEF"])
def test_a_release_id_that_could_name_another_file_is_refused(release: str) -> None:
    with pytest.raises(BadRequestError, match="16 hex digits"):
        CommandRequest({"desired": MEANT | {"release": release}}).desired()


def test_without_a_login_nobody_logs_in() -> None:
    assert CommandRequest({}).login().user is None


def test_a_password_does_not_show_in_a_logins_description() -> None:
    login = CommandRequest({"redis": {"user": "deployer", "password": "hunter2222"}}).login()
    assert "hunter2222" not in repr(login)
