"""What is looked at: the host's engine and the stack's Redis, opened when first needed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker

from host.base.engine import connect
from host.base.state import DEFAULT_ROOT, StateFolder
from host.observe.errors import NotDesiredError, NotThereError, UnreachableError
from host.observe.redis_link import RedisLink

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from host.base.login import Login
    from host.observe.request import PhaseRequest

ENGINE_TIMEOUT_S = 10


class Subject:
    """One run's view of the target.

    `seen` holds the values of the looks that went well so far, by id, for the looks that build on them.
    """

    def __init__(self, request: PhaseRequest) -> None:
        self.request = request
        self.seen: dict[str, Any] = {}
        self._once: dict[str, Any] = {}
        self._begun: dict[str, Future[Any]] = {}

    @cached_property
    def engine(self) -> docker.APIClient:
        """The host's Docker engine, by its socket; asked for once."""
        client: docker.APIClient = self.once("engine", lambda: connect(ENGINE_TIMEOUT_S))
        return client

    @cached_property
    def redis(self) -> RedisLink:
        """The stack's Redis, by its container's address, as the user who may read; asked for once."""
        link: RedisLink = self.once("redis", lambda: self.redis_as(self.request.redis, "redis"))
        return link

    @property
    def state(self) -> StateFolder:
        """Where the host keeps the deployment's state."""
        return StateFolder(Path(str(self.request.options.get("state_folder", DEFAULT_ROOT))))

    def once(self, name: str, look: Callable[[], Any]) -> Any:
        """Look one time for several observations; a failure is theirs all, and is not tried again."""
        if name not in self._once:
            try:
                self._once[name] = look()
            except Exception as problem:
                self._once[name] = problem
                raise
        if isinstance(self._once[name], Exception):
            raise self._once[name]
        return self._once[name]

    def begin(self, name: str, look: Callable[[Subject], Any]) -> None:
        """Begin a look that takes its time, beside the others and with connections of its own."""
        pool = ThreadPoolExecutor(max_workers=1)
        self._begun[name] = pool.submit(look, Subject(self.request))
        pool.shutdown(wait=False)

    def ended(self, name: str, look: Callable[[Subject], Any]) -> Any:
        """Return what the look has found when it has ended; look now when it was not begun before."""
        return self._begun[name].result() if name in self._begun else look(self)

    def redis_as(self, login: Login | None, part: str) -> RedisLink:
        """Open the stack's Redis as `login`; `part` is where the request names that user."""
        if login is None:
            raise NotDesiredError(f"the request names no Redis user: give it {part}.user and {part}.password")
        host, port = self.redis_address
        return RedisLink(host, port, int(self.request.desired["redis"].get("db", 0)), login)

    @cached_property
    def redis_address(self) -> tuple[str, int]:
        """Host and port of the stack's Redis on the consumer's network."""
        host = self.address_of(self.request.wanted("redis", "container"), self.request.wanted("network"))
        return host, int(self.request.desired["redis"].get("port", 6379))

    def inspect(self, container: str) -> dict[str, Any]:
        """Return the engine's description of a container; raise NotThereError when there is none."""
        try:
            return dict(self.engine.inspect_container(container))
        except docker.errors.NotFound:
            raise NotThereError(f"there is no container {container}") from None

    def address_of(self, container: str, network: str) -> str:
        """Return a container's address on a network: how the host reaches what is not published."""
        networks = self.inspect(container)["NetworkSettings"]["Networks"]
        if network not in networks:
            raise UnreachableError(
                f"{container} is not on the network {network}: it is on {sorted(networks)}"
            )
        address = str(networks[network].get("IPAddress") or "")
        if not address:
            raise UnreachableError(f"{container} has no address on {network}: it is not running")
        return address
