"""The image that will run: as the engine knows it, and as a program inside it sees it."""

from __future__ import annotations

import json
import pkgutil
from typing import TYPE_CHECKING, Any

import docker
import requests

from host.base.times import now_ms
from host.observe.errors import NotThereError, ObserveError
from host.observe.observation import Collector, collector
from host.observe.rehearsal import entries

if TYPE_CHECKING:
    from host.observe.subject import Subject

LABEL = "trade_intent.probe"
LOADER = "import sys; exec(sys.argv[1])"
LIMIT_S = 30
LOG_TAIL = 500
SECRETS_TMPFS = "rw,noexec,nosuid,nodev,size=64k,mode=1777"
#: What the probe gets where the request does not say what is desired: nothing.
HARDENED: dict[str, Any] = {
    "user": "10001:10001",
    "cap_drop": ["ALL"],
    "memory_bytes": 134_217_728,
    "pids_limit": 64,
    "tmpfs": {"/tmp": "rw,noexec,nosuid,nodev,size=16m"},  # noqa: S108 - in the probe's own container
}


@collector("image.inspect", "GET /images/ID/json")
def inspected(subject: Subject) -> dict[str, Any]:
    """Describe the image by its id. Values of its environment are not told."""
    image_id = subject.request.wanted("image", "id")
    try:
        details = subject.engine.inspect_image(image_id)  # type: ignore[no-untyped-call]  # untyped in its stubs
    except docker.errors.ImageNotFound:
        raise NotThereError(f"the engine has no image {image_id}") from None
    config = details["Config"]
    return {
        "id": details["Id"],
        "tags": details["RepoTags"],
        "size": details["Size"],
        "user": config["User"],
        "entrypoint": config["Entrypoint"],
        "cmd": config["Cmd"],
        "env_names": sorted(variable.partition("=")[0] for variable in config["Env"] or []),
        "labels": config["Labels"] or {},
        "created": details["Created"],
        "layers": details["RootFS"]["Layers"],
    }


def _probed(part: str, look: str) -> Collector:
    """Make the look that takes one part of the probe's answer."""

    @collector(f"image.{part}", f"a container of the image, network none, no secrets: {look}")
    def answer(subject: Subject) -> Any:
        answer = subject.once("probe", lambda: probe(subject))[part]
        if not answer["ok"]:
            raise ObserveError(answer["error"]["message"])
        return answer["value"]

    return answer


PROBED = (
    _probed("files", "every file under /app/consumer"),
    _probed("python", "platform, sys.path"),
    _probed("packages", "importlib.metadata"),
    _probed("imports", "import of every module of the consumer"),
    _probed("settings", "python3 -m consumer settings"),
    _probed("refusals", "python3 -m consumer, with one thing wrong each time"),
    _probed("guard", "the import guard armed, then the imports it must refuse"),
    _probed("rehearsal", "python3 -m consumer rehearse, under an audit hook"),
)


def probe(subject: Subject) -> dict[str, Any]:
    """Run the probe in a container of the image as hardened as the consumer's, and remove it in any case."""
    limit_s = int(subject.request.options.get("probe_limit_s", LIMIT_S))
    _remove_leftovers(subject.engine)
    container_id = _create(subject)
    try:
        subject.engine.start(container_id)
        exit_code = _wait(subject.engine, container_id, limit_s)
        printed = subject.engine.logs(container_id, stdout=True, stderr=False).decode(errors="replace")
        if exit_code != 0:
            said = subject.engine.logs(container_id, stdout=False, stderr=True).decode(errors="replace")
            raise ObserveError(
                f"the probe exited with {exit_code}: {said[-LOG_TAIL:].strip() or printed[-LOG_TAIL:]}"
            )
        return dict(json.loads(printed))
    finally:
        subject.engine.remove_container(container_id, force=True, v=True)


def _create(subject: Subject) -> str:
    request, engine = subject.request, subject.engine
    desired = {**HARDENED, **(request.desired.get("runtime") or {})}
    source = pkgutil.get_data("host.observe", "probe.py") or b""
    question = {"settings": _settings(request.desired), "entries": entries(now_ms())}
    host = engine.create_host_config(
        network_mode="none",
        read_only=True,
        cap_drop=desired["cap_drop"],
        security_opt=["no-new-privileges:true"],
        mem_limit=desired["memory_bytes"],
        memswap_limit=desired["memory_bytes"],
        pids_limit=desired["pids_limit"],
        tmpfs={**desired["tmpfs"], "/run/secrets": SECRETS_TMPFS},
        log_config=docker.types.LogConfig(type="local", config={"max-size": "20m"}),
    )
    created = engine.create_container(
        request.wanted("image", "id"),
        entrypoint=["python3"],
        command=["-c", LOADER, source.decode(), json.dumps(question)],
        user=desired["user"],
        healthcheck={"test": ["NONE"]},
        labels={LABEL: "true"},
        host_config=host,
    )
    return str(created["Id"])


def _settings(desired: dict[str, Any]) -> dict[str, str]:
    """Return what the consumer is meant to run with, and a cutover before all that is rehearsed."""
    settings = {name: str(value) for name, value in (desired.get("settings") or {}).items()}
    return {**settings, "TRADE_INTENT_CUTOVER_ID": "0-0"}


def _wait(engine: docker.APIClient, container_id: str, limit_s: int) -> int:
    try:
        return int(engine.wait(container_id, timeout=limit_s)["StatusCode"])
    except (requests.Timeout, requests.ConnectionError):
        raise ObserveError(f"the probe did not end within {limit_s} s and was removed") from None


def _remove_leftovers(engine: docker.APIClient) -> None:
    """Remove probes whose run was killed before it could."""
    for leftover in engine.containers(
        all=True, filters={"label": LABEL, "status": ["exited", "created", "dead"]}
    ):
        engine.remove_container(leftover["Id"], force=True, v=True)
