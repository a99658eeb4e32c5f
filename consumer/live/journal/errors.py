"""What the journal refuses, and why nothing may be sent then."""

from __future__ import annotations

from consumer.base.errors import ConsumerError


class JournalError(ConsumerError):
    """Raised when the journal cannot be read or written: what was not written down must not be sent."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"the journal fails: {what}. Nothing that opens a position is sent; "
            "check the volume's space, rights and disk."
        )


class BodyChangedError(ConsumerError):
    """Raised when an origin id comes back with another body: one of the two is not what it says."""

    def __init__(self, origin_id: str, known: str, given: str) -> None:
        super().__init__(
            f"{origin_id} was journaled with body {known[:12]} and now comes with {given[:12]}: "
            "find out who wrote the second one, then resume."
        )


class OrderChangedError(ConsumerError):
    """Raised when a client id is prepared again for another request, which our own code must not do."""

    def __init__(self, client_id: str) -> None:
        super().__init__(f"{client_id} is journaled with another request; nothing was sent under it now")


class OrderStateError(ConsumerError):
    """Raised when an order is not in a state from which the step may be taken, such as sending it twice."""

    def __init__(self, client_id: str, state: str | None, wanted: str) -> None:
        super().__init__(f"{client_id} is {state or 'not journaled'} and cannot become {wanted}")


class IntentFinishedError(ConsumerError):
    """Raised when an intent gets a second outcome; the first one is what was decided."""

    def __init__(self, origin_id: str) -> None:
        super().__init__(
            f"{origin_id} has an outcome already, or is not journaled; a later one is an amendment"
        )
