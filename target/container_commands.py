"""The commands that change containers, images or Redis: each from its request to its reply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from target.audit import Audit
from target.context import open_host
from target.releases import Recorded, clean_up, require_release
from target.switch import Carrier, Order, Switch

if TYPE_CHECKING:
    from target.context import Host
    from target.request import Request
    from target.state import State

Reply = dict[str, Any]

_START_TIMEOUT_S, _STEADY_S = 30, 10


def release_record(state: State, request: Request) -> Reply:
    """Record the release that runs and, when its evidence says pass, that it is verified."""
    meant, verified = request.meant(), request.flag("verified")
    evidence = request.object("evidence") if verified else None
    with open_host(state, Audit(state.audit_log), request.text("token")) as host:
        holder = host.held.verify()
        recorded = _record(host, meant, evidence)
        result = "verified" if verified else "current"
        detail = {"release": meant["release"], "evidence": evidence, **recorded.to_json()}
        host.audit.note(holder.owner, holder.run_id, "release.record", result, **detail)
    return recorded.to_json()


def switch_start(state: State, request: Request) -> Reply:
    """Start the switch, detached, and return its id at once."""
    order = Order(
        run_id=request.text("run_id"),
        token=request.text("token"),
        meant=request.meant(),
        main=request.text("main"),
        new=request.optional_text("next"),
        previous=request.text("previous"),
        login=request.login(),
        force_cutover=request.choice("cutover", "if_absent", "force") == "force",
        steady_s=request.seconds("steady_s", _STEADY_S),
        start_timeout_s=request.seconds("start_timeout_s", _START_TIMEOUT_S),
    )
    return {"switch_id": _switch(state).start(order)}


def switch_resume(state: State, request: Request) -> Reply:
    """Finish a switch that died."""
    return _switch(state).resume(_carrier(request))


def rollback(state: State, request: Request) -> Reply:
    """Take the last switch back."""
    return _switch(state).roll_back(_carrier(request), request.text("reason"))


def _record(host: Host, meant: dict[str, Any], evidence: dict[str, Any] | None) -> Recorded:
    require_release(host.engine.find(meant["container"]), meant)
    changed = host.releases.make_current(meant)
    if evidence is None:
        return Recorded(changed, [], [])
    changed |= host.releases.make_verified(meant, evidence)
    containers, images = clean_up(host.engine, host.releases, meant)
    return Recorded(changed or bool(containers or images), containers, images)


def _carrier(request: Request) -> Carrier:
    return Carrier(request.text("token"), request.text("run_id"), request.login())


def _switch(state: State) -> Switch:
    return Switch(state, Audit(state.audit_log))
