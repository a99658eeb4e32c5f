"""The commands that change containers, images or Redis: each from its request to its reply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from host.change.audit import Audit
from host.change.context import open_host
from host.change.releases import Recorded, clean_up, require_release
from host.change.switch import Carrier, Switch, SwitchOrder

if TYPE_CHECKING:
    from host.base.state import StateFolder
    from host.change.context import HostParts
    from host.change.request import CommandRequest

Reply = dict[str, Any]

_START_TIMEOUT_S, _STEADY_S = 30, 10


def release_record(state: StateFolder, request: CommandRequest) -> Reply:
    """Record the release that runs and, when its evidence says pass, that it is verified."""
    desired, verified = request.desired(), request.flag("verified")
    evidence = request.object("evidence") if verified else None
    with open_host(state, Audit(state.audit_log), request.text("token")) as host:
        holder = host.held.verify()
        recorded = _record(host, desired, evidence)
        result = "verified" if verified else "current"
        detail = {"release": desired["release"], "evidence": evidence, **recorded.to_json()}
        host.audit.note(holder.owner, holder.run_id, "release.record", result, **detail)
    return recorded.to_json()


def switch_start(state: StateFolder, request: CommandRequest) -> Reply:
    """Start the switch, detached, and return its id at once."""
    order = SwitchOrder(
        run_id=request.text("run_id"),
        token=request.text("token"),
        desired=request.desired(),
        main=request.text("main"),
        new=request.optional_text("next"),
        previous=request.text("previous"),
        login=request.login(),
        force_cutover=request.choice("cutover", "if_absent", "force") == "force",
        steady_s=request.seconds("steady_s", _STEADY_S),
        start_timeout_s=request.seconds("start_timeout_s", _START_TIMEOUT_S),
    )
    return {"switch_id": _switch(state).start(order)}


def switch_resume(state: StateFolder, request: CommandRequest) -> Reply:
    """Finish a switch that died."""
    return _switch(state).resume(_carrier(request))


def rollback(state: StateFolder, request: CommandRequest) -> Reply:
    """Take the last switch back."""
    return _switch(state).roll_back(_carrier(request), request.text("reason"))


def _record(host: HostParts, desired: dict[str, Any], evidence: dict[str, Any] | None) -> Recorded:
    require_release(host.engine.find(desired["container"]), desired)
    changed = host.releases.make_current(desired)
    if evidence is None:
        return Recorded(changed, [], [])
    changed |= host.releases.make_verified(desired, evidence)
    containers, images = clean_up(host.engine, host.releases, desired)
    return Recorded(changed or bool(containers or images), containers, images)


def _carrier(request: CommandRequest) -> Carrier:
    return Carrier(request.text("token"), request.text("run_id"), request.login())


def _switch(state: StateFolder) -> Switch:
    return Switch(state, Audit(state.audit_log))
