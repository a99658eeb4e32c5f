"""The venue of safe drain: there is no order, and no way to make one."""

from __future__ import annotations

NAME = "none"
#: The orders of every decision, as JSON.
ORDERS = "[]"
