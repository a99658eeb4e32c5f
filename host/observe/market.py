"""The exchange's rules by which the running consumer plans, read from the files in its container."""

from __future__ import annotations

import hashlib
import json
import tarfile
from io import BytesIO
from typing import TYPE_CHECKING, Any

from host.observe.errors import NotThereError
from host.observe.observation import collector

if TYPE_CHECKING:
    from host.observe.subject import Subject

BUILT_IN = "/app/consumer/intents/data/exchange_info.json"
SETTING = "TRADE_INTENT_FILTERS_FILE"
#: The rules that a plan needs; an exchange publishes more.
RULES = ("PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE", "MIN_NOTIONAL")


@collector("container.filters", "GET /containers/{container}/archive?path=(the file of exchange rules)")
def filters(subject: Subject) -> dict[str, Any]:
    """Return the snapshot's path, sha256 and, by symbol, the rules that a plan needs."""
    path = (subject.request.desired.get("settings") or {}).get(SETTING) or BUILT_IN
    chunks, _ = subject.engine.get_archive(subject.request.wanted("container"), path)
    content = only_file(b"".join(chunks), path)
    return {
        "path": path,
        "sha256": hashlib.sha256(content).hexdigest(),
        "symbols": {
            symbol["symbol"]: [rule for rule in symbol["filters"] if rule["filterType"] in RULES]
            for symbol in json.loads(content)["symbols"]
        },
    }


def only_file(archive: bytes, path: str) -> bytes:
    """Return the one file of a tar stream. Raises NotThereError where `path` is none."""
    with tarfile.open(fileobj=BytesIO(archive)) as opened:
        member = opened.next()
        content = opened.extractfile(member) if member is not None and member.isreg() else None
        if content is None:
            raise NotThereError(f"{path} in the container is no file")
        return content.read()
