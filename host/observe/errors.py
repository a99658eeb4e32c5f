"""What can go wrong while looking, in words that say what to do."""

from __future__ import annotations


class ObserveError(Exception):
    """A look that could not be completed."""


class NotDesiredError(ObserveError):
    """The request does not say what this look needs to know."""


class UnreachableError(ObserveError):
    """The thing to look at exists, but no address leads to it."""


class NotThereError(ObserveError):
    """What had to be looked at is not there."""
