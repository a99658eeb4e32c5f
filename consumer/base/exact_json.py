"""JSON files in which money is at stake: read strictly, or not at all."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import BaseModel, ConfigDict, ValidationError

from consumer.base.errors import RefusedError

if TYPE_CHECKING:
    from pathlib import Path


class Strict(BaseModel):
    """A document in which nothing has a default, nothing is converted and nothing unknown is tolerated."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


def load[Document: Strict](path: Path, kind: type[Document], remedy: str) -> tuple[Document, str]:
    """Return the document in a file, and the sha256 of the file. Raises RefusedError when it is not one."""
    try:
        content = path.read_bytes()
        json.loads(content.decode(), object_pairs_hook=_each_once, parse_constant=_no_constant)
        document = kind.model_validate_json(content)
    except ValidationError as error:
        raise RefusedError(f"{path} is not usable: {_first(error)}.", remedy) from error
    except (OSError, ValueError, RecursionError) as error:
        raise RefusedError(f"{path} is not usable: {error}.", remedy) from error
    return document, hashlib.sha256(content).hexdigest()


def _first(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, fault['loc'])) or 'the document'}: {fault['msg']}"


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key stands twice")
    return document


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")
