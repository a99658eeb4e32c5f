"""The circuit breaker: while the exchange fails, no intents are read; after a pause, one probe asks again.

It stops reading, never a request: a stop that must be sent is sent. Times are seconds of a clock that only
moves on, passed in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.live.exchange.errors import NotSentError, ThrottledError, UnknownError

if TYPE_CHECKING:
    from consumer.live.exchange.errors import OutcomeError

#: How many failures in a row open it.
THRESHOLD = 3
#: The pause after the first probe that fails and the longest, in seconds; each further one doubles it.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 60.0


class Breaker:
    """Closed while the exchange answers; refusals are answers."""

    def __init__(
        self,
        threshold: int = THRESHOLD,
        first_pause_s: float = FIRST_PAUSE_S,
        longest_pause_s: float = LONGEST_PAUSE_S,
    ) -> None:
        self._threshold = threshold
        self._first_pause_s = first_pause_s
        self._longest_pause_s = longest_pause_s
        self._failures = 0
        self._pause_s = first_pause_s
        self._open_until_s: float | None = None

    @property
    def is_closed(self) -> bool:
        """Whether intents may be read."""
        return self._open_until_s is None

    def pause_s(self, now_s: float) -> float:
        """Return the seconds until something may be tried: 0 means read or, if it is not closed, probe."""
        return 0.0 if self._open_until_s is None else max(0.0, self._open_until_s - now_s)

    def note(self, outcome: OutcomeError | None, now_s: float) -> None:
        """Learn how a request ended; None for an answer."""
        if not is_failure(outcome):
            self._failures, self._pause_s, self._open_until_s = 0, self._first_pause_s, None
        elif self._open_until_s is None:
            self._failures += 1
            if self._failures >= self._threshold:
                self._open_until_s = now_s  # it may be one symbol's trouble: a probe tells at once
        elif now_s >= self._open_until_s:
            self._open_until_s = now_s + self._pause_s
            self._pause_s = min(self._pause_s * 2, self._longest_pause_s)


def is_failure(outcome: OutcomeError | None) -> bool:
    """Tell whether a request failed for a reason that lies with the exchange or the way to it."""
    return isinstance(outcome, NotSentError | UnknownError | ThrottledError)
