"""The seal on a decision: a keyed digest by which it is told from one that somebody else wrote.

The key is a secret of the consumer and of whoever verifies. The digest is over what the consumer hands to the
settle script; where the script then finds a halt or a twin, it writes what it was handed beside what it
wrote.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.intents.decide import Decision

#: Bytes of a seal, written as twice as many hexadecimal digits.
SIZE = 16
#: Of what all decisions of a run share, in this order.
SHARED = ("mode", "venue", "stage", "replica", "config_digest")


class Seal:
    """Seals with one key (RFC 7693, keyed BLAKE2b); without a key a seal is empty, and proves nothing."""

    def __init__(self, key: str | None, shared: Mapping[str, str]) -> None:
        head = "\0".join(shared[name] for name in SHARED) + "\0"
        self._keyed = (
            hashlib.blake2b(head.encode(), key=key.encode()[: hashlib.blake2b.MAX_KEY_SIZE], digest_size=SIZE)
            if key
            else None
        )

    def of(self, decision: Decision, orders: str) -> str:
        """Return the seal of a decision with its orders as JSON.

        No part but reason and trace id can hold a zero byte, and the reason's length is told: no two
        decisions come to the same text.
        """
        if self._keyed is None:
            return ""
        digest = self._keyed.copy()
        reason = decision.reason
        digest.update(
            "\0".join(
                (
                    decision.entry_id,
                    decision.origin_id,
                    decision.symbol,
                    decision.side,
                    decision.status,
                    orders,
                    decision.intent,
                    decision.plan,
                    str(len(reason)),
                    reason,
                    decision.trace_id,
                )
            ).encode()
        )
        return digest.hexdigest()
