from __future__ import annotations

import hashlib
import io
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from host.observe import image as looks
from host.observe.request import PhaseRequest
from host.observe.subject import Subject

from .conftest import IMAGE
from .test_container import SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker

pytestmark = pytest.mark.docker


def probed(image_id: str, **settings: str) -> dict[str, Any]:
    """Take phase B's looks, by the last word of their ids."""
    desired = {"image": {"id": image_id}, "settings": settings}
    subject = Subject(PhaseRequest("run", "B", desired))
    seen = [look.run(subject) for look in (looks.inspected, *looks.PROBED)]
    return {observation.id.removeprefix("image."): observation for observation in seen}


@pytest.fixture
def derived(engine: docker.APIClient, image: str) -> Iterator[Callable[..., str]]:
    """Build the test image with something changed and return its id; it is gone after the test."""
    assert image
    tags: list[str] = []

    def build(*lines: str) -> str:
        dockerfile = "\n".join([f"FROM {IMAGE}", *lines])
        files = {
            "careless/__main__.py": "print('trading')\n",
            "slow/__main__.py": "import time\ntime.sleep(60)\n",
        }
        tags.append(f"{IMAGE}-{len(tags)}")
        context = archive({"Dockerfile": dockerfile, **files})
        for _ in engine.build(fileobj=context, custom_context=True, tag=tags[-1], rm=True):
            pass
        return str(engine.inspect_image(tags[-1])["Id"])  # type: ignore[no-untyped-call]  # untyped in its stubs

    yield build
    for tag in tags:
        engine.remove_image(tag, force=True)


@pytest.fixture(scope="module")
def looked(image: str) -> dict[str, Any]:
    return probed(image)


def test_the_image_is_described_without_the_values_of_its_environment(
    looked: dict[str, Any], image: str
) -> None:
    seen = looked["inspect"].value
    assert (seen["id"], seen["user"], seen["cmd"]) == (image, "10001:10001", ["python3", "-m", "consumer"])
    assert "PLANTED_WORD" in seen["env_names"]
    assert "visible" not in str(seen)


def test_the_files_in_the_image_are_listed_from_inside(looked: dict[str, Any]) -> None:
    assert {file["path"]: file["sha256"] for file in looked["files"].value} == {
        f"/app/consumer/{path.relative_to(SOURCE)}": hashlib.sha256(path.read_bytes()).hexdigest()
        for path in SOURCE.rglob("*.*")
        if path.suffix in (".py", ".json")
    }


def test_every_module_is_imported_from_its_own_file(looked: dict[str, Any]) -> None:
    seen = {module["module"]: module for module in looked["imports"].value}
    assert set(seen) == {
        "consumer",
        "consumer.__main__",
        "consumer.base",
        "consumer.base.import_guard",
        "consumer.live",
    }
    assert all(
        module["ok"] and module["file"].startswith("/app/consumer/") and module["sha256"]
        for module in seen.values()
    )


def test_every_wrong_start_is_refused_for_its_own_reason(looked: dict[str, Any]) -> None:
    refused = {
        refusal["case"]: (refusal["exit_code"], refusal["stdout_tail"].strip())
        for refusal in looked["refusals"].value
    }
    assert refused == {
        "mode_live_refused_without_promotion": (1, "that MODE needs a promotion"),
        "mode_unknown": (1, "that MODE needs a promotion"),
        "old_flag_safe_drain": (1, "unknown setting TRADE_INTENT_SAFE_DRAIN"),
        "unknown_setting": (1, "unknown setting TRADE_INTENT_MODUS"),
        "exchange_secret_present": (1, "safe drain wants no exchange secret"),
    }


def test_the_guard_refuses_by_its_own_error(looked: dict[str, Any]) -> None:
    seen = looked["guard"].value
    assert (seen["binance_import"], seen["live_import"]) == ("refused", "refused")


def test_the_rehearsal_opens_nothing(looked: dict[str, Any]) -> None:
    seen = looked["rehearsal"].value
    assert {case["status"] for case in seen["cases"]} == {"skipped_drain"}
    assert len(seen["cases"]) > 30
    outside = ("sockets_opened", "http_clients", "processes_started", "files_written")
    assert not any(seen[name] for name in outside)


def test_a_consumer_that_reaches_out_is_seen_doing_so(image: str) -> None:
    seen = probed(image, TRADE_INTENT_REACH_OUT="1")["rehearsal"].value
    assert any("127.0.0.1" in text for text in seen["sockets_opened"])


def test_a_mock_in_the_place_of_a_module_is_no_file_of_the_image(derived: Callable[..., str]) -> None:
    patched = derived(
        "USER 0",
        'RUN echo \'import sys, types; sys.modules["consumer.live"] = types.ModuleType("consumer.live")\''
        " > /usr/lib/python3/dist-packages/mock.pth",
        "USER 10001:10001",
    )
    seen = {module["module"]: module for module in probed(patched)["imports"].value}
    assert (seen["consumer.live"]["ok"], seen["consumer.live"]["file"]) == (True, None)


def test_code_without_a_safe_mode_is_caught_starting(derived: Callable[..., str]) -> None:
    """As in the incident: the flag is set, and the code that runs has never heard of it."""
    careless = derived("COPY careless /app/consumer")
    seen = probed(careless)
    assert all(refusal["exit_code"] == 0 for refusal in seen["refusals"].value)
    assert not seen["rehearsal"].ok


def test_a_probe_that_does_not_end_is_removed_and_every_look_says_so(
    derived: Callable[..., str], engine: docker.APIClient
) -> None:
    slow = derived("COPY slow /app/consumer")
    subject = Subject(PhaseRequest("run", "B", {"image": {"id": slow}}, options={"probe_limit_s": 2}))
    seen = [look.run(subject) for look in looks.PROBED]
    assert all(
        observation.error and "did not end within 2 s" in observation.error["message"] for observation in seen
    )
    assert engine.containers(all=True, filters={"ancestor": slow}) == []


def test_no_probe_is_left_behind(looked: dict[str, Any], engine: docker.APIClient, image: str) -> None:
    assert looked
    assert engine.containers(all=True, filters={"label": looks.LABEL, "ancestor": image}) == []


def test_an_image_that_is_not_there_is_an_error(image: str) -> None:
    assert image
    assert not probed("sha256:" + "0" * 64)["inspect"].ok


def archive(files: dict[str, str]) -> Any:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text.encode()), 0o644
            tar.addfile(member, io.BytesIO(text.encode()))
    stream.seek(0)
    return stream
