"""The way back: the container that failed is stopped and kept, the last verified release runs again.

Only a container of the last *verified* release comes back, and only in safe drain. When there is none,
nothing runs: the default is no trade.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from host.base.redact import redact
from host.base.secret_files import contents
from host.change import watch
from host.change.errors import NotHealthyError
from host.change.progress import FAILED, ROLLED_BACK
from host.change.steps import halt, is_verified, look_at, wake

if TYPE_CHECKING:
    from collections.abc import Callable

    from host.change.context import HostParts, SwitchContext
    from host.change.engine import Container

LOG_LINES = 40
_SAFE = "safe_drain"


def stop_new(context: SwitchContext) -> dict[str, Any]:
    """Stop the container that failed and keep its last log lines, without secrets."""
    container = context.host.engine.find(context.plan.new_id)
    if container is None:
        return {"stopped": False}
    stopped = halt(context.host, container)
    secrets = (*contents(context.host.state.secrets), context.login.password or "")
    lines = context.host.engine.log_tail(container, LOG_LINES)
    context.progress.keep_log([redact(line, secrets) for line in lines])
    return {"stopped": stopped}


def set_aside(context: SwitchContext) -> dict[str, Any]:
    """Keep the container that failed under its own name, in the place of one that failed before."""
    engine, plan = context.host.engine, context.plan
    container, older = engine.find(plan.new_id), engine.find(plan.failed)
    if container is None:
        return {"kept": None}
    if older and older.id != container.id:
        engine.remove(older)
    engine.rename(container, plan.failed)
    return {"kept": plan.failed}


def restore(context: SwitchContext) -> dict[str, Any]:
    """Give the last verified release its name back and start it; or note that nothing runs."""
    candidates = earlier(context)
    chosen = next((candidate for candidate in candidates if unfit(context.host, candidate) is None), None)
    releases = context.host.releases
    if chosen is None:
        context.host.held.verify()
        releases.none_runs()
        reasons = [f"{candidate.name}: {unfit(context.host, candidate)}" for candidate in candidates]
        return {"restored": None, "because": reasons or ["there is no earlier container"]}
    context.host.engine.rename(chosen, context.plan.main)
    wake(context.host, chosen)
    releases.make_current(releases.verified() or {})
    return {"restored": chosen.release, "id": chosen.id}


def watch_restored(context: SwitchContext) -> dict[str, Any]:
    """Wait until the restored container is healthy."""
    restored = context.progress.detail_of("rollback.restore")
    if restored["restored"] is None:
        return {"watched": False}
    return asdict(watch.wait_healthy(look_at(context, restored["id"]), context.plan.limits))


def earlier(context: SwitchContext) -> list[Container]:
    """Return the containers that ran before, the one that this switch replaced first."""
    engine, plan = context.host.engine, context.plan
    candidates = [engine.find(plan.old_id), engine.find(plan.previous)]
    unique = {
        container.id: container for container in candidates if container and container.id != plan.new_id
    }
    return list(unique.values())


def unfit(host: HostParts, container: Container) -> str | None:
    """Return why a container must not come back, None when it may."""
    if not is_verified(host, container):
        return f"its release {container.release} is not the last verified one"
    modes = {container.mode, (host.releases.verified() or {}).get("mode")}
    return None if modes == {_SAFE} else f"it would run in mode {container.mode}"


def conclude(context: SwitchContext, trouble: Exception | None) -> tuple[str, str]:
    """Return the state in which a switch that was taken back ends, and a sentence about it."""
    cause = context.progress.to_json()["cause"]["message"]
    restored = context.progress.detail_of("rollback.restore")
    if isinstance(trouble, NotHealthyError):
        text = f"release {restored['restored']} was started again but is not healthy: {trouble.message}"
    elif trouble:
        text = f"taking the switch back failed as well: {trouble}"
    elif restored["restored"]:
        return ROLLED_BACK, f"{cause}; the last verified release {restored['restored']} runs again"
    else:
        text = f"no release runs, the new container is kept stopped: {'; '.join(restored['because'])}"
    return FAILED, f"{cause}; {text}"


#: The steps in their order, under the names that the record shows.
BACKWARD: tuple[tuple[str, Callable[[SwitchContext], Any]], ...] = (
    ("rollback.stop_new", stop_new),
    ("rollback.set_aside", set_aside),
    ("rollback.restore", restore),
    ("rollback.watch_restored", watch_restored),
)
