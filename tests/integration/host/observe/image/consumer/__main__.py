"""Refuses, rehearses, tells its settings, or serves what it says of itself."""

import json
import os
import socket
import sys
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

KNOWN = ("TRADE_INTENT_MODE", "TRADE_INTENT_CUTOVER_ID", "TRADE_INTENT_REACH_OUT", "TRADE_INTENT_CRASH")
STEPS = ("starting", "settings_accepted", "reading")


def say(document: object) -> None:
    sys.stdout.write((document if isinstance(document, str) else json.dumps(document)) + "\n")
    sys.stdout.flush()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        well = self.path == "/state"
        self.send_response(200 if well else 503)
        self.end_headers()
        body = {"mode": "safe_drain"} if well else {"status": "unhealthy", "reasons": ["made so"]}
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        return


def refuse_what_is_wrong() -> None:
    settings = {name: value for name, value in os.environ.items() if name.startswith("TRADE_INTENT_")}
    unknown = [name for name in settings if name not in KNOWN]
    if unknown:
        sys.exit(f"unknown setting {unknown[0]}")
    if settings.get("TRADE_INTENT_MODE", "safe_drain") != "safe_drain":
        sys.exit("that MODE needs a promotion")
    if Path("/run/secrets/binance_api_key").exists():
        sys.exit("safe drain wants no exchange secret")


def rehearse() -> None:
    if os.environ.get("TRADE_INTENT_REACH_OUT"):
        with socket.socket() as out:
            out.connect_ex(("127.0.0.1", 9))
    for line in sys.stdin:
        entry = json.loads(line)
        say({"intent_id": entry["id"], "status": "skipped_drain", "plan": '{"intent": {}}', "orders": "[]"})


def serve() -> None:
    run = str(uuid.uuid4())
    for step in STEPS:
        say({"event": step, "level": "info", "run": run})
    say("not JSON")
    if os.environ.get("TRADE_INTENT_CRASH"):
        sys.exit(3)
    HTTPServer(("", 9108), Handler).serve_forever()


if __name__ == "__main__":
    refuse_what_is_wrong()
    wanted = sys.argv[1] if len(sys.argv) > 1 else "serve"
    if wanted == "settings":
        say({"settings": {"TRADE_INTENT_MODE": "safe_drain"}, "code_digest": "", "config_digest": ""})
    elif wanted == "rehearse":
        rehearse()
    else:
        serve()
