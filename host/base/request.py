"""The request on stdin, whoever reads it: one JSON object."""

from __future__ import annotations

import json
from typing import Any

from host.base.errors import BadRequestError


def document_of(text: str) -> dict[str, Any]:
    """Return the JSON object that `text` is; raise BadRequestError in one sentence when it is none."""
    try:
        document = json.loads(text)
    except ValueError as problem:
        raise BadRequestError(f"the request on stdin is not JSON: {problem}") from problem
    if not isinstance(document, dict):
        raise BadRequestError("the request on stdin is not a JSON object")
    return document
