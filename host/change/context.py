"""What the steps of a switch work with."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from host.base.redis_link import Address
from host.change.engine import Engine
from host.change.errors import RedisError
from host.change.lock import HeldLock, Lock
from host.change.redis_link import connect
from host.change.releases import Releases

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import redis

    from host.base.login import Login
    from host.base.state import StateFolder
    from host.change.audit import Audit
    from host.change.progress import SwitchPlan, SwitchProgress


@dataclass(frozen=True)
class HostParts:
    """The parts of the host that a command changes, under one lock token."""

    state: StateFolder
    audit: Audit
    held: HeldLock
    engine: Engine
    releases: Releases


@dataclass(frozen=True)
class SwitchContext:
    """A switch under way: the host, the switch's record, and how to log in to Redis."""

    host: HostParts
    progress: SwitchProgress
    login: Login

    @property
    def plan(self) -> SwitchPlan:
        """What the switch is to do."""
        return self.progress.plan


@contextmanager
def open_host(state: StateFolder, audit: Audit, token: str) -> Iterator[HostParts]:
    """Give the host for the block; every change of a container first verifies that `token` holds the lock."""
    held = HeldLock(Lock(state, audit), token)
    engine = Engine(before_change=held.verify)
    try:
        yield HostParts(state, audit, held, engine, Releases(state.releases))
    finally:
        engine.close()


@contextmanager
def open_redis(host: HostParts, desired: dict[str, Any], login: Login) -> Iterator[redis.Redis]:
    """Give a client of the stack's Redis for the block.

    `desired["redis"]["container"]` is reached by its address in the stack's network; when it is null, Redis
    is no container of this host, and `host` is reached as it stands. Raise RedisError when the container has
    no address.
    """
    where = desired["redis"]
    address = where["host"]
    if where["container"]:
        address = host.engine.address(where["container"], desired["network"])
    if not address:
        raise RedisError(
            f"the container {where['container']} does not run in the network {desired['network']}"
        )
    with connect(Address(address, where["port"], where["db"], login)) as client:
        yield client
