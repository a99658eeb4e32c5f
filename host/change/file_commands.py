"""The commands that read and write nothing but files of this host: each from its request to its reply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from host.base.records import read_json
from host.change import runs, secrets_store, status
from host.change.audit import Audit
from host.change.lock import Claim, Lock
from host.change.releases import Releases
from host.change.state import prepare

if TYPE_CHECKING:
    from host.base.state import StateFolder
    from host.change.request import CommandRequest

Reply = dict[str, Any]


def state_prepare(state: StateFolder, request: CommandRequest) -> Reply:
    """Create the state's folders with their rights."""
    return {"changed": prepare(state, check=request.flag("check", default=False))}


def lock_acquire(state: StateFolder, request: CommandRequest) -> Reply:
    """Take the lock, an expired one over."""
    claim = Claim(
        owner=request.text("owner"),
        run_id=request.text("run_id"),
        why=request.text("why"),
        ttl_s=request.seconds("ttl_s"),
        wait_s=request.seconds("wait_s", 0),
    )
    taken = _lock(state).acquire(claim)
    old = taken.taken_over.public() if taken.taken_over else None
    return {"token": taken.holder.token, "expires": taken.holder.expires, "taken_over": old}


def lock_renew(state: StateFolder, request: CommandRequest) -> Reply:
    """Keep the lock."""
    return {"expires": _lock(state).renew(request.text("token"), request.seconds("ttl_s")).expires}


def lock_release(state: StateFolder, request: CommandRequest) -> Reply:
    """Give the lock back."""
    _lock(state).release(request.text("token"))
    return {"released": True}


def lock_show(state: StateFolder, _: CommandRequest) -> Reply:
    """Tell who holds the lock."""
    holder = _lock(state).holder()
    return {"held": True, "expired": holder.expired, **holder.public()} if holder else {"held": False}


def lock_break(state: StateFolder, request: CommandRequest) -> Reply:
    """Take the lock away from whoever holds it."""
    holder = _lock(state).break_(request.text("who"), request.text("reason"))
    return {"broken": holder.public() if holder else None}


def audit_show(state: StateFolder, _: CommandRequest) -> Reply:
    """Read the audit log and follow its chain."""
    return Audit(state.audit_log).read().to_json()


def file_put_secret(state: StateFolder, request: CommandRequest) -> Reply:
    """Write a secret unless it stands there already."""
    secret = secrets_store.Secret(
        name=request.text("path_name"),
        content=secrets_store.decode("content_base64", request.text("content_base64")),
        uid=request.whole("uid"),
        gid=request.whole("gid"),
    )
    return {"changed": secrets_store.put(state.secrets, secret, check=request.flag("check", default=False))}


def secrets_hmac(state: StateFolder, request: CommandRequest) -> Reply:
    """Fingerprint the secrets, for the container's label."""
    key = secrets_store.decode("key_base64", request.text("key_base64"))
    return {"hmac": secrets_store.fingerprint(state.secrets, request.texts("names"), key)}


def run_record(state: StateFolder, request: CommandRequest) -> Reply:
    """Note how a run ended; a pass closes the books up to where it accounted."""
    return {"closed": runs.record(state, Audit(state.audit_log), request.text("who"), request.object("run"))}


def cutover_show(state: StateFolder, _: CommandRequest) -> Reply:
    """Return the record of the last cutover."""
    return {"cutover": read_json(state.cutover_record)}


def release_show(state: StateFolder, _: CommandRequest) -> Reply:
    """Tell which release runs, which was last verified, and which are known, newest first."""
    releases = Releases(state.releases)
    known = [document["release"] for document in releases.newest()]
    return {"current": releases.current(), "verified": releases.verified(), "releases": known}


def switch_show(state: StateFolder, _: CommandRequest) -> Reply:
    """Return the last switch's record."""
    return status.show(state)


def switch_wait(state: StateFolder, request: CommandRequest) -> Reply:
    """Wait for a switch's end."""
    return status.wait(state, request.text("switch_id"), request.seconds("timeout_s"))


def _lock(state: StateFolder) -> Lock:
    return Lock(state, Audit(state.audit_log))
