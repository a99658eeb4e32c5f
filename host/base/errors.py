"""What can go wrong on the host whatever is asked of it, in words that say what to do about it."""

from __future__ import annotations

from typing import ClassVar


class HostProgramError(Exception):
    """A command that did not do what it was asked.

    `code` names the case for programs, the message says what was found, `remedy` what a person can do.
    """

    code: ClassVar[str] = "FAILED"
    default_remedy: ClassVar[str] = "read the message, mend the cause and run the playbook again"

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy or self.default_remedy

    def to_json(self) -> dict[str, str]:
        """Return the error as the command line prints it."""
        return {"code": self.code, "message": self.message, "remedy": self.remedy}


class BadRequestError(HostProgramError):
    """The command line or the request on stdin cannot be understood; nothing was changed."""

    code = "BAD_REQUEST"
    default_remedy = "correct the request: `python3 host.pyz --help` lists the commands and their requests"


class BrokenRecordError(HostProgramError):
    """A file of the state folder is not the JSON object that was written there."""

    code = "BROKEN_RECORD"
    default_remedy = "look at the file; when nothing in it is needed any more, remove it and run again"
