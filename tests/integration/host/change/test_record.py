from __future__ import annotations

import io
import tarfile
import time
from typing import TYPE_CHECKING, Any

import pytest

from host.change.errors import LockLostError, NotVerifiedError, ReleaseMismatchError
from tests.integration.host.change.conftest import LABEL, release_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.host.change.conftest import Machine

pytestmark = pytest.mark.docker

PASS = {"run_id": "run-1", "verdict": "pass", "sha256": "00"}


@pytest.fixture
def loaded(machine: Machine) -> Iterator[Callable[[int], str]]:
    """Load an image of our label, a few bytes, under the test's own name; return its id."""
    yield lambda number: load_image(machine, number, {"trade_intent.managed": "true"})
    for container in machine.engine.containers.list(all=True, filters={"label": f"{LABEL}={machine.name}"}):
        container.remove(force=True)
    for image in machine.engine.images.list(filters={"reference": f"{machine.name}:*"}):
        machine.engine.images.remove(image.id, force=True)


def load_image(machine: Machine, number: int, labels: dict[str, str]) -> str:
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(f"{machine.name}-{number}"))
    changes = [f"LABEL {name}={value}" for name, value in labels.items()]
    machine.engine.api.import_image_from_data(
        layer.getvalue(), repository=machine.name, tag=str(number), changes=[*changes, 'CMD ["true"]']
    )
    return str(machine.engine.images.get(f"{machine.name}:{number}").id)


def existing(machine: Machine) -> set[str]:
    return {str(image.id) for image in machine.engine.images.list(filters={"reference": f"{machine.name}:*"})}


def record(
    machine: Machine, release: str = "new", *, verified: bool = True, **desired: Any
) -> dict[str, Any]:
    request = {
        "token": machine.token[0],
        "desired": machine.desired(release, **desired),
        "verified": verified,
    }
    return machine.ask("release record", **request, **({"evidence": PASS} if verified else {}))


def test_a_release_that_runs_is_on_record_before_it_is_verified(machine: Machine) -> None:
    machine.create(machine.name)
    assert record(machine, verified=False)["changed"]
    shown = machine.ask("release show")
    assert (shown["current"]["release"], shown["verified"]) == (release_id("new"), None)
    assert shown["releases"] == [release_id("new")]


def test_a_verified_release_needs_nothing_to_fall_back_to(machine: Machine) -> None:
    machine.create(machine.name)
    machine.create(machine.previous, release="old")
    assert record(machine)["removed"]["containers"] == [machine.previous]
    assert list(machine.statuses()) == [""]
    assert machine.ask("release show")["verified"]["evidence"] == PASS


def test_recording_the_same_verified_release_again_changes_nothing_but_evidence(machine: Machine) -> None:
    machine.create(machine.name)
    record(machine)
    before = machine.ask("release show")
    request = {"token": machine.token[0], "desired": machine.desired(created="later"), "verified": True}
    again = machine.ask("release record", **request, evidence=PASS | {"run_id": "run-2"})
    after = machine.ask("release show")
    assert again == {"changed": False, "removed": {"containers": [], "images": []}}
    assert after["current"] == before["current"]
    assert after["verified"]["evidence"]["run_id"] == "run-2"
    assert {**after["verified"], "evidence": None, "verified_at": None} == {
        **before["verified"], "evidence": None, "verified_at": None,
    }  # fmt: skip # a table, or a call that is read as one


@pytest.mark.parametrize("verdict", ["fail", "inconclusive", None])
def test_evidence_that_does_not_say_pass_verifies_nothing(machine: Machine, verdict: str | None) -> None:
    machine.create(machine.name)
    request = {"token": machine.token[0], "desired": machine.desired(), "verified": True}
    with pytest.raises(NotVerifiedError):
        machine.ask("release record", **request, evidence=PASS | {"verdict": verdict})
    assert machine.ask("release show")["verified"] is None


def test_a_release_that_is_not_the_containers_own_is_not_recorded(machine: Machine) -> None:
    machine.create(machine.name, release="other")
    with pytest.raises(ReleaseMismatchError):
        record(machine)


def test_recording_needs_the_lock(machine: Machine) -> None:
    machine.create(machine.name)
    machine.ask("lock break", who="a person", reason="a test")
    with pytest.raises(LockLostError):
        record(machine)
    assert machine.ask("release show")["current"] is None


def test_the_images_of_the_three_newest_releases_are_kept(
    machine: Machine, loaded: Callable[[int], str]
) -> None:
    foreign = load_image(machine, 9, {})
    images: list[str] = []
    removed: list[list[str]] = []
    for number in range(5):
        images.append(loaded(number))
        container = machine.create(machine.name, release=f"release {number}")
        desired = {"image": {"id": images[-1], "tag": f"{machine.name}:{number}"}}
        removed.append(record(machine, f"release {number}", **desired)["removed"]["images"])
        container.remove(force=True)
        time.sleep(0.002)  # releases are ordered by milliseconds
    assert removed == [[], [], [], images[:1], images[1:2]]
    assert existing(machine) == {*images[2:], foreign}


def test_an_image_that_a_container_uses_is_kept(machine: Machine, loaded: Callable[[int], str]) -> None:
    used, unused, new = loaded(0), loaded(1), loaded(2)
    machine.create(f"{machine.name}_elsewhere", image=used)
    machine.create(machine.name)
    desired = {"image": {"id": new, "tag": f"{machine.name}:2"}}
    assert record(machine, **desired)["removed"]["images"] == [unused]
    assert existing(machine) == {used, new}
