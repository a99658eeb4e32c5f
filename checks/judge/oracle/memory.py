"""The intents that came to a plan: a later one of the same symbol and direction nearby is a twin."""

from __future__ import annotations

import json
from bisect import bisect_left, insort
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from checks.judge.stream_ids import milliseconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.judge.oracle.decoder import Intent


@dataclass(slots=True)
class TwinMemory:
    """Times in ms and origin ids, in order, by symbol and direction."""

    by_kind: dict[tuple[str, str], list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))

    def keep(self, decision: Mapping[str, Any]) -> None:
        """Remember what a decision says came to a whole plan; a close never counts."""
        intent = json.loads(decision["plan"]).get("intent") or {}
        kind, origin = (str(intent.get("symbol")), str(intent.get("direction"))), decision["origin_id"]
        # Where the symbol's rules are missing, no intent of the symbol has more of a plan than another.
        reason = decision["reason"]
        is_whole = not reason.startswith("PLAN_INCOMPLETE") or reason == "PLAN_INCOMPLETE:filters"
        if decision["status"] == "skipped_drain" and is_whole and kind[1] != "close":
            insort(self.by_kind[kind], (milliseconds(origin), origin))

    def twins(self, intent: Intent, origin: str, window_ms: int) -> list[str]:
        """Return the others that came to a plan at most `window_ms` before or after."""
        kept, at_ms = self.by_kind[str(intent["symbol"]), str(intent["direction"])], milliseconds(origin)
        nearby = kept[
            bisect_left(kept, (at_ms - window_ms, "")) : bisect_left(kept, (at_ms + window_ms + 1, ""))
        ]
        return [other for _, other in nearby if other != origin]
