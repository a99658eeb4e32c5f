"""The sandbox's stack as the tests reach it: its Redis, its containers, its entries."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING, Any

import redis

if TYPE_CHECKING:
    from collections.abc import Callable

CONSUMER = "quantum_trade_intent_consumer"
NETWORK = "quantum_trader_quantum_trader"
STREAM = "quantum:stream:trade.intent"
GROUP = "quantum:group:trade_intent_consumer:trade.intent"
OLD_GROUP = "quantum:group:execution:trade.intent"
RESULTS = "quantum:stream:execution.result"
SOURCE = "trade_intent_consumer"


def docker(*arguments: str, check: bool = True, stdin: str | None = None) -> str:
    """Run the docker client and give what it printed."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, input=stdin)
    assert not check or done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


def inspect(name: str) -> dict[str, Any]:
    return dict(json.loads(docker("inspect", "--type", "container", name))[0])


def exists(name: str) -> bool:
    return bool(docker("ps", "-aq", "--filter", f"name=^{name}$"))


def redis_client() -> redis.Redis:
    """Reach the stack's Redis at its container's address, as the stack's own producers do."""
    address = inspect("quantum_redis")["NetworkSettings"]["Networks"][NETWORK]["IPAddress"]
    return redis.Redis(host=address, decode_responses=True, encoding_errors="backslashreplace")


def decisions_by_entry(client: redis.Redis) -> dict[str, list[str]]:
    """Map entry id to the statuses this consumer published for it."""
    statuses: dict[str, list[str]] = {}
    for _, fields in client.xrange(RESULTS):
        if fields.get("source") == SOURCE:
            statuses.setdefault(fields["intent_id"], []).append(fields["status"])
    return statuses


def is_settled(client: redis.Redis) -> bool:
    """Whether the consumer's group has read all that there is, and acknowledged it."""
    group = next(known for known in client.xinfo_groups(STREAM) if known["name"] == GROUP)
    last = client.xinfo_stream(STREAM)["last-generated-id"]
    return bool(group["last-delivered-id"] == last and not group["pending"])


def wait_until(what: str, condition: Callable[[], object], seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return
        time.sleep(0.2)
    raise AssertionError(f"{what} did not happen within {seconds:.0f} s")


def healthy(name: str = CONSUMER) -> bool:
    state = inspect(name)["State"]
    return bool(state["Running"] and not state["Paused"] and state["Health"]["Status"] == "healthy")


def like(original: dict[str, object], *, binds: bool = True) -> list[str]:
    """Give the options of `docker create` that make a container like this one, with or without its binds."""
    config, host = original["Config"], original["HostConfig"]
    assert isinstance(config, dict)
    assert isinstance(host, dict)
    options = ["--network", NETWORK, "--user", config["User"], "--read-only", "--cap-drop", "ALL"]
    options += ["--security-opt", "no-new-privileges:true", "--restart", host["RestartPolicy"]["Name"]]
    options += ["--memory", str(host["Memory"]), "--memory-swap", str(host["MemorySwap"])]
    options += ["--pids-limit", str(host["PidsLimit"]), "--log-driver", host["LogConfig"]["Type"]]
    options += [f"--log-opt={key}={value}" for key, value in host["LogConfig"]["Config"].items()]
    options += [f"--env={entry}" for entry in config["Env"]]
    options += [f"--label={key}={value}" for key, value in config["Labels"].items()]
    options += [f"--volume={bind}" for bind in (host["Binds"] or [] if binds else [])]
    options += [
        f"--mount=type=bind,src={m['Source']},dst={m['Target']},readonly" for m in host.get("Mounts") or []
    ]
    options += [f"--tmpfs={path}:{flags}" for path, flags in (host["Tmpfs"] or {}).items()]
    return options
