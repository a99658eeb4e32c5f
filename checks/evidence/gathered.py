"""What the target printed, phase by phase, read into one set of observations that belong together."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from checks.errors import ChecksError
from checks.evidence.clock import parse_time
from checks.evidence.masking import masked
from checks.model import Observation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_GATHER_AGAIN = "Gather the phases of one run again, with one tool, on one host."


class ObservedFact(BaseModel):
    """One observation as the target prints it; the phase stands on the document around it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    how: str
    at: str
    duration_ms: float
    ok: bool
    value: Any = None
    error: dict[str, str] | None = None


class ObservationDocument(BaseModel):
    """What one phase of `observe` prints. Unknown fields are refused: they would not be judged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: Literal[1] = Field(alias="schema")
    phase: str
    host: str
    tool_digest: str
    started: str
    finished: str
    observations: tuple[ObservedFact, ...]
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """The observations of one run, and by what and when they were made; `hostname` is the target's own."""

    run_id: str | None
    hostname: str
    tool_digest: str
    started: str
    finished: str
    phases: tuple[str, ...]
    observations: tuple[Observation, ...]

    def along_with(self, fact: Observation) -> Gathered:
        """Add an observation of the controller's, where its phase was looked at."""
        return replace(self, observations=(*self.observations, fact)) if fact.phase in self.phases else self


def read_documents(paths: Iterable[Path]) -> Gathered:
    """Read files of observations, or those among a folder's JSON files; join them. Raises ChecksError."""
    return join([document for path in paths for document in _from(path)])


def join(documents: Sequence[ObservationDocument]) -> Gathered:
    """Join the phases of one run, in order, with secrets masked. Raises ChecksError for those of several."""
    if not documents:
        raise ChecksError("There are no observations to judge.", "Run `python -m checks collect` first.")
    documents = sorted(documents, key=lambda document: document.phase)
    phases = tuple(document.phase for document in documents)
    if len(set(phases)) < len(phases):
        raise ChecksError(f"Two files hold the same phase ({', '.join(phases)}).", _GATHER_AGAIN)
    return Gathered(
        run_id=_the_same("run", (document.run_id for document in documents)),
        hostname=_the_same("host", (document.host for document in documents)),
        tool_digest=_the_same("tool digest", (document.tool_digest for document in documents)),
        started=min((document.started for document in documents), key=parse_time),
        finished=max((document.finished for document in documents), key=parse_time),
        phases=phases,
        observations=tuple(fact for document in documents for fact in _facts(document)),
    )


def _facts(document: ObservationDocument) -> Iterable[Observation]:
    for fact in document.observations:
        yield Observation(phase=document.phase, **masked(fact.model_dump()))


def _the_same[Value: (str, str | None)](what: str, values: Iterable[Value]) -> Value:
    distinct = sorted(set(values), key=str)
    if len(distinct) > 1:
        raise ChecksError(
            f"The phases come from more than one {what}: {', '.join(map(str, distinct))}.", _GATHER_AGAIN
        )
    return distinct[0]


def _from(path: Path) -> Iterable[ObservationDocument]:
    if not path.is_dir():
        yield _document(path, _json(path))
        return
    for file in sorted(path.glob("*.json")):
        document = _json(file)
        if isinstance(document, dict) and "observations" in document:
            yield _document(file, document)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ChecksError(
            f"{path} cannot be read: {error.strerror}.", "Give files that `collect` wrote."
        ) from error
    except ValueError as error:
        raise ChecksError(f"{path} is not JSON: {error}.", _GATHER_AGAIN) from error


def _document(path: Path, document: Any) -> ObservationDocument:
    try:
        return ObservationDocument.model_validate(document)
    except ValidationError as error:
        raise ChecksError(
            f"{path} is not a document of observations: {first_problem(error)}.", _GATHER_AGAIN
        ) from error


def first_problem(error: ValidationError) -> str:
    """Say in one sentence what is wrong with a document, and where in it."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the document"
    return f"{where}: {first['msg']}"
