"""`observe PHASE`: a request on stdin, one JSON document on stdout."""

from __future__ import annotations

import json
import pkgutil
import socket
import sys
from typing import TYPE_CHECKING, Any

from host.base.errors import BadRequestError
from host.base.times import now_ms, utc_text
from host.observe.phases import COLLECTORS
from host.observe.request import parse
from host.observe.secrets import SHORTEST_SECRET, known_secrets
from host.observe.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from host.observe.request import PhaseRequest

DIGEST_FILE = "tool_digest.txt"
REDACTED = "<secret>"
EXIT_BAD_REQUEST = 2


def main(argv: list[str]) -> int:
    """Run one phase. Exit 0 also when looks fail, for they say so; 2 when the request is no request."""
    try:
        if len(argv) != 1:
            raise BadRequestError("give one phase: observe A|B|C|D|E < request.json")  # noqa: TRY301 - one exit
        request = parse(sys.stdin.read(), argv[0])
    except BadRequestError as problem:
        remedy = "repair the request on stdin and run the same command again"
        refusal = {"error": {"code": "bad_request", "message": str(problem), "remedy": remedy}}
        sys.stdout.write(json.dumps(refusal) + "\n")
        return EXIT_BAD_REQUEST
    sys.stdout.write(rendered(request) + "\n")
    return 0


def rendered(request: PhaseRequest) -> str:
    """Return the phase's document as JSON in which no secret stands, wherever it may have come from."""
    subject = Subject(request)
    return redacted(json.dumps(run(subject)), known_secrets(subject))


def run(subject: Subject) -> dict[str, Any]:
    """Look at everything that the phase looks at, in order."""
    started = utc_text(now_ms())
    observations = [
        collector.run(subject).as_json() for collector in COLLECTORS[subject.request.phase](subject)
    ]
    return {
        "schema": 1,
        "run_id": subject.request.run_id,
        "phase": subject.request.phase,
        "host": socket.gethostname(),
        "tool_digest": tool_digest(),
        "started": started,
        "finished": utc_text(now_ms()),
        "observations": observations,
    }


def redacted(document: str, secrets: Iterable[str]) -> str:
    """Return the JSON text with every secret in it blotted out."""
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            as_json = json.dumps(secret).removeprefix('"').removesuffix('"')
            document = document.replace(as_json, REDACTED)
    return document


def tool_digest() -> str:
    """Return the digest that the packer wrote into the archive; `unpacked` when run from source."""
    try:
        digest = pkgutil.get_data("host", DIGEST_FILE)
    except OSError:
        return "unpacked"
    return (digest or b"unpacked").decode().strip()
