"""What can go wrong, in words that say what to do."""

from __future__ import annotations


class ConsumerError(Exception):
    """Base of every error that this package raises on purpose."""


class RefusedError(ConsumerError):
    """Raised when the consumer will not start: what is wrong, and what to do about it."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason} {remedy}")
        self.reason = reason
        self.remedy = remedy


class InvalidEntryError(ConsumerError):
    """Raised when an entry is no intent. Its text is the decision's reason, `INVALID_<WHAT>:<detail>`."""

    def __init__(self, what: str, detail: str) -> None:
        super().__init__(f"INVALID_{what}:{detail[:200]}")


class ForbiddenImportError(ConsumerError, ImportError):
    """Raised when code in safe drain imports something that could send an order."""

    def __init__(self, module: str) -> None:
        super().__init__(
            f"safe drain refuses to import {module}: it could send an order. "
            "Nothing that drains needs it; remove the import."
        )


class GroupMissingError(ConsumerError):
    """Raised when the stream or its consumer group is not there. The consumer never creates it."""

    def __init__(self, stream: str, group: str) -> None:
        super().__init__(
            f"{stream} has no group {group}: run the deploy, which makes it at the recorded cutover"
        )
