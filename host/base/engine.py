"""The host's Docker engine."""

from __future__ import annotations

import docker


def connect(timeout_s: int) -> docker.APIClient:
    """Return a client of the engine that the environment names, by its socket where it names none."""
    client: docker.APIClient = docker.from_env(version="auto", timeout=timeout_s).api
    return client
