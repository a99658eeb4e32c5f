"""One way to say what went wrong, whoever raised it."""

from __future__ import annotations

import redis
import requests
from docker.errors import DockerException

from target.errors import EngineError, HostError, RedisError, TargetError


def explain(problem: Exception) -> TargetError:
    """Return `problem` as an error that tells what to do; errors of our own are returned as they are."""
    if isinstance(problem, TargetError):
        return problem
    if isinstance(problem, DockerException | requests.RequestException):
        return EngineError(f"the Docker engine: {problem}")
    if isinstance(problem, redis.RedisError):
        return RedisError(f"Redis: {problem}")
    if isinstance(problem, OSError):
        return HostError(f"this host: {problem}")
    return TargetError(
        f"unexpected {type(problem).__name__}: {problem}",
        "this is a fault of the program itself: report it with its text",
    )
