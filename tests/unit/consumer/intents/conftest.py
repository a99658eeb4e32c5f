"""How many examples the long target tries: `--hypothesis-profile=properties`."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "properties", max_examples=50_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
