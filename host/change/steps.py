"""The steps of a switch, forward. Each changes what is still to be changed, so that it can be repeated."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from host.change import cutover, watch
from host.change.context import open_redis
from host.change.errors import StillRunningError
from host.change.releases import require_release

if TYPE_CHECKING:
    from collections.abc import Callable

    from host.change.context import HostParts, SwitchContext
    from host.change.engine import Container
    from host.change.progress import SwitchPlan


def check_lock(context: SwitchContext) -> dict[str, Any]:
    """Say who switches."""
    return context.host.held.verify().public()


def stop_old(context: SwitchContext) -> list[str]:
    """Stop whatever of ours runs, so that two never do.

    A main container that only starts again runs on, unless its group is to be moved.
    """
    plan, engine = context.plan, context.host.engine
    ours = [engine.find(name) for name in (plan.main, plan.previous, plan.failed)]
    stays = None if plan.force_cutover else plan.new_id
    return [our.name for our in ours if our and our.id != stays and halt(context.host, our)]


def cut_over(context: SwitchContext) -> dict[str, Any]:
    """Put the group at the end of the stream, if that is still to be done; say what it was given by then."""
    plan, host = context.plan, context.host
    host.held.verify()
    with open_redis(host, plan.desired, context.login) as client:
        outcome = cutover.ensure(client, host.state, wanted_cutover(plan))
        delivered = cutover.delivered(client, wanted_cutover(plan))
    if outcome.moved:
        _audit(
            context, "cutover", "moved", cutover_id=outcome.record["cutover_id"], group=plan.desired["group"]
        )
    return {"moved": outcome.moved, "cutover_id": outcome.record["cutover_id"], **delivered}


def rename(context: SwitchContext) -> dict[str, Any]:
    """Set the old container aside and give the new one its name.

    One that is set aside already stays when it is the last verified release: it is worth more than one that
    never was.
    """
    plan, engine = context.plan, context.host.engine
    old, aside = engine.find(plan.old_id), engine.find(plan.previous)
    if old and aside and old.id != aside.id and is_verified(context.host, aside):
        engine.remove(old)
    elif old:
        if aside and aside.id != old.id:
            engine.remove(aside)
        engine.rename(old, plan.previous)
    engine.rename(engine.get(plan.new_id), plan.main)
    return {"aside": plan.previous if engine.find(plan.previous) else None}


def start_new(context: SwitchContext) -> dict[str, Any]:
    """Let the new container run, and keep how it was made: whatever differs later, nobody deployed."""
    engine = context.host.engine
    container = engine.get(context.plan.new_id)
    require_release(container, context.plan.desired)
    started = wake(context.host, container)
    context.host.releases.keep_making(container.id, engine.making(container), engine.container_ids())
    return {"started": started}


def wait_healthy(context: SwitchContext) -> dict[str, Any]:
    """Wait until the new container is healthy."""
    plan = context.plan
    look = look_at(context, plan.new_id)
    return asdict(watch.wait_healthy(look, plan.limits, plan.restarts_before, was_paused=plan.was_paused))


def steady(context: SwitchContext) -> dict[str, Any]:
    """See that the new container stays healthy for a while, without a restart since the first look at it."""
    plan = context.plan
    baseline = watch.Baseline(**context.progress.detail_of("wait_healthy"))
    return {"samples": watch.stay_healthy(look_at(context, plan.new_id), plan.limits, baseline)}


def record(context: SwitchContext) -> dict[str, Any]:
    """Note that the new release runs."""
    context.host.held.verify()
    return {"changed": context.host.releases.make_current(context.plan.desired)}


def wake(host: HostParts, container: Container) -> bool:
    """Start or unpause a container unless it runs; return whether that was needed."""
    asleep = container.paused or not container.running
    if asleep:
        host.engine.start(container)
    return asleep


def halt(host: HostParts, container: Container) -> bool:
    """Stop a container if it runs (or is paused, or between restarts) and prove that it stopped."""
    if not container.running:
        return False
    host.engine.stop(container)
    if host.engine.get(container.id).running:
        raise StillRunningError(f"{container.name} was stopped and still runs")
    return True


def look_at(context: SwitchContext, container_id: str) -> Callable[[], watch.Sample]:
    """Return a look at the container's state."""
    return lambda: context.host.engine.get(container_id).sample


def is_verified(host: HostParts, container: Container) -> bool:
    """Whether the container was made from the last verified release."""
    return container.release is not None and container.release == (host.releases.verified() or {}).get(
        "release"
    )


def wanted_cutover(plan: SwitchPlan) -> cutover.Wanted:
    """Return the cutover that the plan asks for."""
    return cutover.Wanted(plan.desired["stream"], plan.desired["group"], plan.run_id, plan.force_cutover)


def _audit(context: SwitchContext, action: str, result: str, **detail: Any) -> None:
    owner = context.host.held.verify().owner
    context.host.audit.note(owner, context.plan.run_id, action, result, **detail)


#: The steps in their order, under the names that the record shows.
FORWARD: tuple[tuple[str, Callable[[SwitchContext], Any]], ...] = (
    ("check_lock", check_lock),
    ("stop_old", stop_old),
    ("cutover", cut_over),
    ("rename", rename),
    ("start_new", start_new),
    ("wait_healthy", wait_healthy),
    ("steady", steady),
    ("record", record),
)
