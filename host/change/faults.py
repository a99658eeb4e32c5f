"""One way to say what went wrong, whoever raised it."""

from __future__ import annotations

from host.base.errors import HostProgramError
from host.change.errors import EngineError, HostError, RedisError

#: Errors are known by the package that defines them, so that commands which need no package import none.
_PACKAGES = {
    "docker": (EngineError, "the Docker engine"),
    "requests": (EngineError, "the Docker engine"),
    "redis": (RedisError, "Redis"),
}


def explain(problem: Exception) -> HostProgramError:
    """Return `problem` as an error that tells what to do; errors of our own are returned as they are."""
    if isinstance(problem, HostProgramError):
        return problem
    for kind in type(problem).__mro__:
        package = kind.__module__.partition(".")[0]
        if package in _PACKAGES:
            error, name = _PACKAGES[package]
            return error(f"{name}: {problem}")
    if isinstance(problem, OSError):
        return HostError(f"this host: {problem}")
    return HostProgramError(
        f"unexpected {type(problem).__name__}: {problem}",
        "this is a fault of the program itself: report it with its text",
    )
