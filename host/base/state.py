"""Where the host keeps what must outlive a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DEFAULT_ROOT = Path("/var/lib/trade_intent")


@dataclass(frozen=True)
class StateFolder:
    """The paths of one state folder."""

    root: Path = DEFAULT_ROOT

    @property
    def lock(self) -> Path:
        """The folder that exists while the host is locked."""
        return self.root / "lock"

    @property
    def releases(self) -> Path:
        """The folder of release documents, of the cutover's and of the switch's record."""
        return self.root / "releases"

    @property
    def secrets(self) -> Path:
        """The folder of secret files."""
        return self.root / "secrets"

    @property
    def audit_log(self) -> Path:
        """The append-only trail of who changed what."""
        return self.root / "audit" / "audit.log"

    @property
    def made_record(self) -> Path:
        """The record of how each container of ours was when a deploy had made it, by container id."""
        return self.releases / "made.json"

    @property
    def cutover_record(self) -> Path:
        """The record of where the group was put."""
        return self.releases / "cutover.json"

    @property
    def cutover_id(self) -> Path:
        """The cutover's stream id as text, which the consumer reads."""
        return self.root / "cutover" / "cutover_id"

    @property
    def books(self) -> Path:
        """Up to which entry the books are closed, by the last run that passed."""
        return self.releases / "books.json"

    @property
    def switch_record(self) -> Path:
        """The record of the last switch."""
        return self.releases / "switch.json"

    @property
    def switch_guard(self) -> Path:
        """The file whose lock the running switch holds."""
        return self.releases / "switch.lock"
