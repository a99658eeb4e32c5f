"""Runs inside the image, alone: what lies there, what it imports, what it refuses, what it would do.

Started as `python3 -c "import sys; exec(sys.argv[1])" THIS_SOURCE REQUEST`, so that sys.path is what the
consumer itself gets there. Needs nothing but the Python of the image. Prints one JSON object: each part is
{"ok": true, "value": …} or {"ok": false, "error": {type, message}}.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import json
import os
import pkgutil
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PACKAGE = "consumer"
CODE_FOLDER = Path("/app") / PACKAGE
SECRETS = Path("/run/secrets")
AUDIT_FILE = Path("/tmp/probe_audit.json")  # noqa: S108 - the probe's container is its own
LOADER = "import sys; exec(sys.argv[1])"
TAIL = 2000
CASE_LIMIT_S = 5.0
PART_LIMIT_S = 12.0
#: Modules that exist to send requests to somebody else.
CLIENT_MODULES = ("binance", "ccxt", "requests", "httpx", "urllib3", "websockets", "consumer.live")
REFUSALS: dict[str, dict[str, str]] = {
    "mode_live_refused_without_promotion": {"TRADE_INTENT_MODE": "live"},
    "mode_unknown": {"TRADE_INTENT_MODE": "maybe"},
    "old_flag_safe_drain": {"TRADE_INTENT_SAFE_DRAIN": "true"},
    "unknown_setting": {"TRADE_INTENT_MODUS": "safe_drain"},
    "exchange_secret_present": {},
}
CASE_SECRETS = {"exchange_secret_present": "binance_api_key"}


def files() -> list[dict[str, Any]]:
    """List everything under the consumer's folder, compiled files included."""
    paths = (path for path in sorted(CODE_FOLDER.rglob("*")) if path.is_file())
    return [
        {
            "path": str(path),
            "size": path.stat().st_size,
            "mode": f"{path.stat().st_mode & 0o7777:04o}",
            "sha256": digest(path),
        }
        for path in paths
    ]


def python() -> dict[str, Any]:
    """Say which Python runs and where it looks for modules."""
    return {"version": platform.python_version(), "executable": sys.executable, "path": sys.path}


def packages() -> dict[str, str]:
    """List the installed packages and their versions."""
    return {
        distribution.metadata["Name"]: distribution.version
        for distribution in importlib.metadata.distributions()
    }


def imports() -> list[dict[str, Any]]:
    """Import every module of the consumer in a fresh process."""
    return json.loads(itself("imports_here"))  # type: ignore[no-any-return]  # the part below


def imports_here() -> list[dict[str, Any]]:
    """Import every module of the consumer here, where nothing was put in its place before."""
    before = set(sys.modules)
    first = imported(PACKAGE, before)
    if not first["ok"]:
        return [first]
    modules = pkgutil.walk_packages(sys.modules[PACKAGE].__path__, f"{PACKAGE}.")
    return [first, *(imported(module.name, before) for module in modules)]


def imported(name: str, before: set[str]) -> dict[str, Any]:
    """Import one module and say from which file; what was there `before` came from none that we saw."""
    try:
        module = importlib.import_module(name)
    except BaseException as problem:  # noqa: BLE001 - a module that exits when imported has not imported
        return {
            "module": name,
            "file": None,
            "ok": False,
            "error": described(problem)["message"],
            "sha256": None,
        }
    file = None if name in before else getattr(module, "__file__", None)
    sha256 = digest(Path(file)) if file and Path(file).is_file() else None
    return {"module": name, "file": file, "ok": True, "error": None, "sha256": sha256}


def refusals(request: dict[str, Any]) -> list[dict[str, Any]]:
    """Start the consumer in every way in which it must refuse to start."""
    return [refusal(case, changes, request["settings"]) for case, changes in REFUSALS.items()]


def refusal(case: str, changes: dict[str, str], settings: dict[str, str]) -> dict[str, Any]:
    """Start the consumer once, complete but for one thing wrong, and wait for it to exit."""
    secret = CASE_SECRETS.get(case)
    put_secrets(["redis_password", *([secret] if secret else [])])
    began = time.monotonic()
    exit_code, said = started(["-m", PACKAGE], {**settings, **changes}, limit_s=CASE_LIMIT_S)
    seconds = round(time.monotonic() - began, 3)
    return {
        "case": case,
        "env": changes,
        "exit_code": exit_code,
        "stdout_tail": said[-TAIL:],
        "seconds": seconds,
    }


def guard() -> dict[str, Any]:
    """Arm the import guard in a fresh process, and try what it must refuse there."""
    return json.loads(itself("guard_here"))  # type: ignore[no-any-return]  # the part below


def guard_here() -> dict[str, Any]:
    """Arm the import guard here. Only its own error is a refusal: what is missing anyway proves nothing."""
    import_guard = importlib.import_module(f"{PACKAGE}.base.import_guard")
    import_guard.arm()
    tried = {"binance": tried_import("binance"), "live": tried_import(f"{PACKAGE}.live")}
    errors = {name: message for name, (_, message) in tried.items()}
    return {**{f"{name}_import": answer for name, (answer, _) in tried.items()}, "error": errors}


def tried_import(name: str) -> tuple[str, str]:
    """Return how an import ended, and the error's own words."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as problem:
        return "missing", repr(problem)
    except ImportError as problem:
        own = type(problem).__module__.startswith(f"{PACKAGE}.")
        return ("refused" if own else "failed"), repr(problem)
    except Exception as problem:  # noqa: BLE001 - any other error is no refusal either
        own = type(problem).__module__.startswith(f"{PACKAGE}.")
        return ("refused" if own else "failed"), repr(problem)
    return "allowed", ""


def settings(request: dict[str, Any]) -> dict[str, Any]:
    """Ask the consumer which settings it would run with, and for its digests."""
    exit_code, said = started(["-m", PACKAGE, "settings"], request["settings"], errors_too=False)
    if exit_code != 0:
        raise RuntimeError(f"`python3 -m {PACKAGE} settings` exited with {exit_code}: {said[-TAIL:]}")
    return json.loads(said)  # type: ignore[no-any-return]  # the consumer prints an object


def rehearsal(request: dict[str, Any]) -> dict[str, Any]:
    """Push intents through the consumer's own judgement, and record what it reaches for meanwhile."""
    put_secrets(["redis_password"])
    lines = "".join(json.dumps(entry) + "\n" for entry in request["entries"])
    command = ["-c", LOADER, sys.argv[1], "rehearse_here"]
    exit_code, said = started(
        command, request["settings"], text=lines, limit_s=PART_LIMIT_S, errors_too=False
    )
    answers = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    if exit_code != 0 or len(answers) != len(request["entries"]):
        entries = len(request["entries"])
        raise RuntimeError(
            f"rehearse exited with {exit_code}, {len(answers)} of {entries} entries: {said[-TAIL:]}"
        )
    cases = [case_of(entry, answer) for entry, answer in zip(request["entries"], answers, strict=True)]
    return {"cases": cases, **json.loads(AUDIT_FILE.read_text())}


def case_of(entry: dict[str, Any], decision: dict[str, Any]) -> dict[str, Any]:
    """Put what went in beside what came out."""
    if decision["intent_id"] != entry["id"]:
        raise RuntimeError(f"rehearse answered {decision['intent_id']} where {entry['id']} was asked")
    return {
        "entry": {"id": entry["id"], "fields": entry["fields"]},
        "now_ms": entry["now_ms"],
        "status": decision["status"],
        "reason": decision.get("reason", ""),
        "plan": decoded(decision.get("plan")),
        "orders": decoded(decision.get("orders")),
    }


def rehearse_here() -> None:
    """Become `python3 -m consumer rehearse`, watched by the interpreter itself."""
    import atexit  # noqa: PLC0415 - only this part needs them
    import runpy  # noqa: PLC0415 - likewise

    seen: dict[str, list[str]] = {"sockets_opened": [], "processes_started": [], "files_written": []}
    # Opened before anybody looks, so that the record itself is no write of the consumer's.
    record = AUDIT_FILE.open("w")

    def finish() -> None:
        loaded = [name for name in CLIENT_MODULES if name in sys.modules]
        record.write(json.dumps({**seen, "http_clients": loaded}))
        record.close()

    atexit.register(finish)
    sys.addaudithook(lambda event, arguments: watch(event, arguments, seen))
    sys.argv = [PACKAGE, "rehearse"]
    runpy.run_module(PACKAGE, run_name="__main__", alter_sys=True)


def watch(event: str, arguments: tuple[Any, ...], seen: dict[str, list[str]]) -> None:
    """Note an event of the interpreter that reaches out of the process."""
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        seen["sockets_opened"].append(f"{event} {arguments[1:] if event == 'socket.connect' else arguments}")
    elif event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"):
        seen["processes_started"].append(f"{event} {arguments[0]}")
    elif event == "open" and opened_to_write(arguments):
        seen["files_written"].append(str(arguments[0]))


def opened_to_write(arguments: tuple[Any, ...]) -> bool:
    """Say whether an `open` event means to change the file."""
    _, mode, flags = arguments
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def put_secrets(names: list[str]) -> None:
    """Leave exactly these files in the secrets' folder, with worthless contents."""
    for old in SECRETS.iterdir():
        old.unlink()
    for name in names:
        (SECRETS / name).write_text("probe")


def itself(part: str) -> str:
    """Run one part of this program in a fresh process and return what it prints."""
    exit_code, said = started(["-c", LOADER, sys.argv[1], part], {}, limit_s=PART_LIMIT_S, errors_too=False)
    if exit_code != 0:
        raise RuntimeError(f"{part} exited with {exit_code}: {said[-TAIL:]}")
    return said


def started(
    arguments: list[str],
    changes: dict[str, str],
    *,
    text: str = "",
    limit_s: float = CASE_LIMIT_S,
    errors_too: bool = True,
) -> tuple[int | None, str]:
    """Run Python with `changes` to the image's environment; exit code None when it did not end in time."""
    with Path("/tmp/probe_errors").open("w+") as errors:  # noqa: S108 - the probe's container is its own
        try:
            result = subprocess.run(
                [sys.executable, *arguments],
                input=text,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if errors_too else errors,
                text=True,
                env={**os.environ, **changes},
                timeout=limit_s,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            said = late.stdout or b""
            return None, said.decode(errors="replace") if isinstance(said, bytes) else said
        errors.seek(0)
        return result.returncode, result.stdout + ("" if result.returncode == 0 else errors.read())


def digest(path: Path) -> str:
    """Return a file's sha256 in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def decoded(value: Any) -> Any:
    """Read a field that is JSON in a text."""
    return json.loads(value) if isinstance(value, str) and value else value or None


def described(problem: BaseException) -> dict[str, str]:
    """Return an error as evidence carries it."""
    return {"type": type(problem).__name__, "message": f"{type(problem).__name__}: {problem}"}


def part(look: Any, *arguments: Any) -> dict[str, Any]:
    """Take one look; its failure hides no other."""
    try:
        return {"ok": True, "value": look(*arguments)}
    except Exception as problem:  # noqa: BLE001 - every failure to look is itself the observation
        return {"ok": False, "error": described(problem)}


def all_parts(request: dict[str, Any]) -> dict[str, Any]:
    """Take every look."""
    alone = {look.__name__: part(look) for look in (files, python, packages, imports, guard)}
    asked = {look.__name__: part(look, request) for look in (settings, refusals, rehearsal)}
    return {**alone, **asked}


def main() -> None:
    """Take every look, or the one that a fresh process was started for."""
    wanted = sys.argv[2]
    if wanted == "rehearse_here":
        rehearse_here()
    elif wanted in ("imports_here", "guard_here"):
        print(json.dumps(globals()[wanted]()))  # noqa: T201 - the answer
    else:
        print(json.dumps(all_parts(json.loads(wanted))))  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
