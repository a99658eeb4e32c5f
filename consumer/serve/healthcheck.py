"""The container's health command: asks /healthz and exits 0 only for 200. Standard library alone."""

from __future__ import annotations

import http.client
import os
import sys

TIMEOUT_S = 2.5


def main() -> int:
    """Return 0 when the consumer in this container says that it makes progress."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", int(os.environ.get("TRADE_INTENT_HTTP_PORT") or 9108), timeout=TIMEOUT_S
    )
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        said = answer.read().decode()
    except OSError as error:
        said, status = f"no answer: {error}", 0
    else:
        status = answer.status
    finally:
        connection.close()
    sys.stdout.write(f"{said}\n")
    return 0 if status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main())
