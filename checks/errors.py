"""Errors of the checks that explain themselves to a person."""

from __future__ import annotations


class ChecksError(Exception):
    """Raised when the checks cannot do what was asked; says what is wrong and what to do about it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{super().__str__()} {self.remedy}"


class InvalidEvidenceError(ChecksError):
    """Raised when evidence is not what a run writes, or contradicts itself: it proves nothing."""
