"""Whether decisions carry the seal of a release of this host: a keyed digest that nobody else can make.

Each release has a key of its own, a file among the secrets. What the consumer seals it describes in its own
seal.py; here the same is written from the contract, and from what stands in the result stream.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from host.observe.observation import collector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from host.observe.subject import Subject

#: How the files of the keys are called; what follows tells the releases apart.
PREFIX = "decision_key-"
_SIZE = 16
_SHARED = ("mode", "venue", "stage", "replica", "config_digest")
#: How a plan begins that shows its intent, which is sealed apart from what follows it.
_INTENT = '"intent":'


@collector("results.unsealed", "BLAKE2b over each decision, with the key of each release on this host")
def unsealed(subject: Subject) -> dict[str, Any]:
    """Return the decisions that no key on this host sealed, and how many keys there are."""
    keys = keys_in(subject.state.secrets)
    seen = subject.seen.get("results.decisions") or {}
    rows = ((intent_id, row) for intent_id, made in seen.items() for row in made)
    return {
        "keys": len(keys),
        "unsealed": [
            {
                "intent_id": intent_id,
                "decision_id": row["decision_id"],
                "config_digest": row["fields"].get("config_digest"),
                "auth": row["fields"].get("auth"),
            }
            for intent_id, row in rows
            if not is_sealed(row["fields"], keys)
        ],
    }


def keys_in(folder: Path) -> list[bytes]:
    """Return the keys of all releases of this host, the newest first."""
    files = sorted(folder.glob(f"{PREFIX}*"), key=lambda file: file.stat().st_mtime, reverse=True)
    return [file.read_text().strip().encode()[: hashlib.blake2b.MAX_KEY_SIZE] for file in files]


def is_sealed(fields: Mapping[str, str], keys: Sequence[bytes]) -> bool:
    """Tell whether one of the keys made the seal of a decision, as it was handed to the settle script."""
    try:
        texts = list(_sealed_texts(fields))
    except (KeyError, ValueError, TypeError):
        return False
    said = fields.get("auth") or ""
    return any(
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=_SIZE).hexdigest() == said
        for key in keys
        for text in texts
    )


def _sealed_texts(fields: Mapping[str, str]) -> Iterator[str]:
    """Give what may have been sealed: where the intent ends in the plan is found by reading it."""
    status, reason = fields["status"], fields["reason"]
    intent, plan = _parts(fields["plan"])
    if "handed" in fields:
        status, reason, plan = json.loads(fields["handed"])
    head = [fields[name] for name in _SHARED]
    body = [fields[name] for name in ("intent_id", "origin_id", "symbol", "side")]
    yield "\0".join(
        [*head, *body, status, fields["orders"], intent, plan, str(len(reason)), reason, fields["trace_id"]]
    )


def _parts(plan: str) -> tuple[str, str]:
    """Return the intent of a plan, as JSON, and what follows it."""
    inside = plan.removeprefix("{").removesuffix("}")
    if not inside.startswith(_INTENT):
        return "", inside
    _, end = json.JSONDecoder().raw_decode(inside, len(_INTENT))
    return inside[len(_INTENT) : end], inside[end:].removeprefix(",")
