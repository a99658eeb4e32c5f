"""The commands: a JSON request on stdin, one JSON document on stdout, exit code 0, or 1 with {"error": …}."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from target import secrets_store, state
from target.audit import Audit
from target.context import open_host
from target.errors import BadRequestError
from target.faults import explain
from target.lock import Claim, Lock
from target.records import read_json
from target.releases import Recorded, Releases, clean_up, require_release
from target.requests import Request
from target.state import DEFAULT_ROOT, State
from target.switch import Carrier, Order, Switch

if TYPE_CHECKING:
    from collections.abc import Callable

Reply = dict[str, Any]

_SWITCH_START_S, _SWITCH_STEADY_S = 30, 10


class Commands:
    """Every command as a method from its request to its reply, over one state folder."""

    def __init__(self, folder: State) -> None:
        self._state = folder
        self._audit = Audit(folder.audit_log)
        self._lock = Lock(folder, self._audit)
        self._switch = Switch(folder, self._audit)
        self._releases = Releases(folder.releases)

    def state_prepare(self, request: Request) -> Reply:
        """Create the state's folders with their rights: {"check"?} → {"changed"}."""
        return {"changed": state.prepare(self._state, check=request.flag("check", default=False))}

    def lock_acquire(self, request: Request) -> Reply:
        """Take the lock: {"owner","run_id","why","ttl_s","wait_s"?} → {"token","expires","taken_over"}."""
        claim = Claim(
            request.text("owner"),
            request.text("run_id"),
            request.text("why"),
            request.seconds("ttl_s"),
            request.seconds("wait_s", 0),
        )
        taken = self._lock.acquire(claim)
        old = taken.taken_over.public() if taken.taken_over else None
        return {"token": taken.holder.token, "expires": taken.holder.expires, "taken_over": old}

    def lock_renew(self, request: Request) -> Reply:
        """Keep the lock: {"token","ttl_s"} → {"expires"}."""
        return {"expires": self._lock.renew(request.text("token"), request.seconds("ttl_s")).expires}

    def lock_release(self, request: Request) -> Reply:
        """Give the lock back: {"token"} → {"released": true}."""
        self._lock.release(request.text("token"))
        return {"released": True}

    def lock_show(self, _: Request) -> Reply:
        """Tell who holds the lock: → {"held", …}."""
        holder = self._lock.holder()
        return {"held": True, "expired": holder.expired, **holder.public()} if holder else {"held": False}

    def lock_break(self, request: Request) -> Reply:
        """Take the lock away: {"who","reason"} → {"broken": the holder or null}."""
        holder = self._lock.break_(request.text("who"), request.text("reason"))
        return {"broken": holder.public() if holder else None}

    def audit_show(self, _: Request) -> Reply:
        """Read the audit log and check its chain: → {"entries","intact","torn"}."""
        return self._audit.read().to_json()

    def release_show(self, _: Request) -> Reply:
        """Tell which release runs and which was last verified: → {"current","verified","releases"}."""
        known = [document["release"] for document in self._releases.newest()]
        return {"current": self._releases.current(), "verified": self._releases.verified(), "releases": known}

    def release_record(self, request: Request) -> Reply:
        """Record the release that runs: {"token","meant","verified","evidence"} → {"changed","removed"}."""
        meant, verified = request.meant(), request.flag("verified")
        evidence = request.object("evidence") if verified else {}
        main = Request(meant).text("container")
        with open_host(self._state, self._audit, request.text("token")) as host:
            owner = host.held.verify()
            require_release(host.engine.find(main), meant)
            changed = self._releases.make_current(meant)
            removed: tuple[list[str], list[str]] = ([], [])
            if verified:
                changed = self._releases.make_verified(meant, evidence) or changed
                removed = clean_up(host.engine, self._releases, f"{main}.previous")
            recorded = Recorded(changed or any(removed), *removed)
            result = "verified" if verified else "current"
            detail = {"release": meant["release"], **recorded.to_json(), "evidence": evidence}
            self._audit.note(owner.owner, owner.run_id, "release.record", result, **detail)
        return recorded.to_json()

    def cutover_show(self, _: Request) -> Reply:
        """Return the record of the last cutover: → {"cutover": the record or null}."""
        return {"cutover": read_json(self._state.cutover_record)}

    def switch_start(self, request: Request) -> Reply:
        """Start the switch, detached: see `Order` → {"switch_id"}."""
        order = Order(
            run_id=request.text("run_id"),
            token=request.text("token"),
            meant=request.meant(),
            main=request.text("main"),
            new=request.optional_text("next"),
            previous=request.text("previous"),
            login=request.login(),
            force_cutover=request.choice("cutover", "if_absent", "force") == "force",
            steady_s=request.seconds("steady_s", _SWITCH_STEADY_S),
            start_timeout_s=request.seconds("start_timeout_s", _SWITCH_START_S),
        )
        return {"switch_id": self._switch.start(order)}

    def switch_wait(self, request: Request) -> Reply:
        """Wait for a switch's end: {"switch_id","timeout_s"} → its record."""
        return self._switch.wait(request.text("switch_id"), request.seconds("timeout_s"))

    def switch_show(self, _: Request) -> Reply:
        """Return the last switch's record: → {"state", …}."""
        return self._switch.show()

    def switch_resume(self, request: Request) -> Reply:
        """Finish a switch that died: {"token","run_id","redis"} → its record."""
        return self._switch.resume(_carrier(request))

    def rollback(self, request: Request) -> Reply:
        """Take the last switch back: {"token","run_id","reason"} → its record."""
        return self._switch.roll_back(_carrier(request), request.text("reason"))

    def file_put_secret(self, request: Request) -> Reply:
        """Write a secret: {"path_name","content_base64","uid","gid","check"?} → {"changed"}."""
        name = request.text("path_name")
        content = secrets_store.decode("content_base64", request.text("content_base64"))
        secret = secrets_store.Secret(name, content, request.whole("uid"), request.whole("gid"))
        check = request.flag("check", default=False)
        return {"changed": secrets_store.put(self._state.secrets, secret, check=check)}

    def secrets_hmac(self, request: Request) -> Reply:
        """Fingerprint the secrets: {"names","key_base64"} → {"hmac"}."""
        key = secrets_store.decode("key_base64", request.text("key_base64"))
        return {"hmac": secrets_store.fingerprint(self._state.secrets, request.texts("names"), key)}


def main(argv: list[str]) -> int:
    """Run one command and print its reply; return the exit code."""
    os.umask(0o077)
    try:
        reply, code = _run(argv), 0
    except Exception as problem:  # noqa: BLE001 - the controller reads errors as JSON, whatever they are
        reply, code = {"error": explain(problem).to_json()}, 1
    sys.stdout.write(json.dumps(reply) + "\n")
    return code


def _run(argv: list[str]) -> Reply:
    arguments = _parser().parse_intermixed_args(argv)
    commands = Commands(State(arguments.state_dir))
    command = _named(commands, "_".join(arguments.command).replace("-", "_"))
    return command(Request.parse("" if sys.stdin.isatty() else sys.stdin.read()))


def _named(commands: Commands, name: str) -> Callable[[Request], Reply]:
    method = None if name.startswith("_") else getattr(commands, name, None)
    if method is None:
        raise BadRequestError(f"there is no command {name.replace('_', ' ')}")
    found: Callable[[Request], Reply] = method
    return found


def _parser() -> argparse.ArgumentParser:
    known = [
        (name.replace("_", " "), method.__doc__) for name, method in vars(Commands).items() if name[0] != "_"
    ]
    parser = argparse.ArgumentParser(
        prog="target.pyz",
        description=__doc__,
        epilog="\n".join(f"{name:16} {text}" for name, text in known),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", nargs="+", help="what to do, for example: lock acquire")
    parser.add_argument("--state-dir", type=Path, default=DEFAULT_ROOT, help="default: %(default)s")
    return parser


def _carrier(request: Request) -> Carrier:
    return Carrier(request.text("token"), request.text("run_id"), request.login())
