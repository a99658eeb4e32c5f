"""A run in which all is as it should be, on the incident's stack, written down fact by fact."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from checks.digests import release_id
from checks.judge import judge, judge_prechecks
from checks.model import Finding, Observation, Verdict
from consumer.intents.filters import SNAPSHOT, load
from consumer.intents.rehearsal import Rehearsal
from consumer.intents.wire import decode

if TYPE_CHECKING:
    from collections.abc import Sequence

NETWORK = "quantum_trader_quantum_trader"
STREAM = "quantum:stream:trade.intent"
GROUP = "quantum:group:trade_intent_consumer:trade.intent"
OLD_GROUP = "quantum:group:execution:trade.intent"
CONSUMER = "trade_intent_consumer_0"
STARTED_MS = 1_766_594_600_000
CUTOVER = "1766594572014-0"
IMAGE = "sha256:" + "1" * 64
CONFIG_DIGEST = "c" * 64
AT = "2025-12-24T16:44:30.000Z"
STARTED_AT = "2025-12-24T16:43:20.000000000Z"
EXPECTED = (
    "quantum_backend",
    "quantum_trading_bot",
    "quantum_redis",
    "quantum_ai_engine",
    "quantum_risk_safety",
    "quantum_portfolio_intelligence",
    "quantum_nginx",
)
SETTINGS = {
    "TRADE_INTENT_MODE": "safe_drain",
    "TRADE_INTENT_GROUP": GROUP,
    "TRADE_INTENT_STREAM": STREAM,
    "TRADE_INTENT_MAX_AGE_MINUTES": "10",
    "TRADE_INTENT_DUPLICATE_WINDOW_MS": "5000",
    "TRADE_INTENT_LEVERAGE": "1",
    "TRADE_INTENT_LIMITS_FILE": "",
    "TRADE_INTENT_REFERENCE_BALANCE_USD": "",
}
FILES = [
    {"path": f"/app/consumer/{name}", "size": 10, "mode": "0644", "sha256": sha256(name.encode()).hexdigest()}
    for name in ("__init__.py", "__main__.py", "intents/levels.py", "intents/wire.py", "settle.lua")
]
CODE_DIGEST = sha256(
    "".join(f"{file['path'].removeprefix('/app/')}\0{file['sha256']}\n" for file in FILES).encode()
).hexdigest()
REHEARSAL = Rehearsal(load(), Decimal(1), None)
PORTRAIT = {"HostConfig.Memory": "134217728", "HostConfig.SecurityOpt": '["no-new-privileges:true"]'}
STEPS = (
    "starting",
    "settings_accepted",
    "import_guard_armed",
    "redis_connected",
    "group_found",
    "cutover_known",
    "own_pending_read",
    "reading",
)


@dataclass
class IncidentRun:
    """The values of a run's observations by ref, and what was desired; tests change them and judge again."""

    values: dict[str, Any]
    desired: dict[str, Any]

    def __getitem__(self, ref: str) -> Any:
        return self.values[ref]

    def __setitem__(self, ref: str, value: Any) -> None:
        self.values[ref] = value

    def desire(self, **changes: Any) -> None:
        """Desire something else, and deploy it: it is another release."""
        self.desired |= changes
        self.desired["release"] = release_id(self.desired)
        self["D:container.inspect"]["labels"]["trade_intent.release"] = self.desired["release"]

    def __delitem__(self, ref: str) -> None:
        del self.values[ref]

    def observations(self) -> list[Observation]:
        return [
            Observation(ref[0], ref[2:], how="as observed", at=AT, duration_ms=1.0, ok=True, value=value)
            for ref, value in self.values.items()
        ]

    def judged(self) -> dict[str, Finding]:
        return {finding.check: finding for finding in judge(self.observations(), self.desired, set("ABCDE"))}

    def prechecked(self) -> dict[str, Finding]:
        return {finding.check: finding for finding in judge_prechecks(self.observations(), self.desired)}

    def judged_without(self, ref: str) -> dict[str, Finding]:
        lost = [
            replace(observation, ok=False, value=None, error={"type": "TimeoutError", "message": "timed out"})
            if observation.ref == ref
            else observation
            for observation in self.observations()
        ]
        return {finding.check: finding for finding in judge(lost, self.desired, set("ABCDE"))}


def not_passed(findings: dict[str, Finding]) -> set[str]:
    """Return the ids of the checks that are not a pass."""
    return {id_ for id_, finding in findings.items() if finding.verdict is not Verdict.PASS}


def incident() -> IncidentRun:
    """A healthy deploy on the incident's stack: ghosts, an ill nginx and a backlog, but a sound consumer."""
    return IncidentRun(
        deepcopy({**phase_a(), **phase_b(), **phase_c(), **phase_d(), **phase_e()}), deepcopy(MEANT)
    )


SEALING_KEY = "decision_key-0123456789abcdef"
MEANT: dict[str, Any] = {
    "schema": 1,
    "release": "",
    "host": "sandbox",
    "mode": "safe_drain",
    "venue": "none",
    "stage": "safe_drain",
    "container": "quantum_trade_intent_consumer",
    "network": NETWORK,
    "reference_container": "quantum_backend",
    "redis": {"container": "quantum_redis", "host": "quantum_redis", "port": 6379, "db": 0},
    "stream": STREAM,
    "group": GROUP,
    "redis_rules": {"trade_intent_checks": "resetchannels -@all +ping +xrange %R~quantum:*"},
    "consumer_name": CONSUMER,
    "image": {
        "id": IMAGE,
        "code_digest": CODE_DIGEST,
        "python": "3.13",
        "packages": {"redis": "8.1.0", "typing-extensions": "4.15.0"},
    },
    "config_digest": CONFIG_DIGEST,
    "settings": SETTINGS,
    "runtime": {
        "user": "10001:10001",
        "read_only": True,
        "cap_drop": ["ALL"],
        "cap_add": [],
        "no_new_privileges": True,
        "privileged": False,
        "memory_bytes": 134_217_728,
        "memory_swap_bytes": 134_217_728,
        "pids_limit": 64,
        "restart_policy": "unless-stopped",
        "log_driver": "local",
        "log_options": {"max-size": "10m", "max-file": "5"},
        "stop_timeout_s": 15,
        "stop_signal": "SIGTERM",
        "init": False,
        "published_ports": [],
        "networks": [NETWORK],
        "pid_mode": "",
        "ipc_mode": "private",
        "binds": [
            "/var/lib/trade_intent/secrets/redis_password:/run/secrets/redis_password:ro",
            f"/var/lib/trade_intent/secrets/{SEALING_KEY}:/run/secrets/decision_key:ro",
            "/var/lib/trade_intent/cutover:/run/trade_intent:ro",
        ],
        "tmpfs": {"/tmp": "rw,noexec,nosuid,nodev,size=16m"},  # noqa: S108 - the container's own
        "healthcheck": {
            "test": ["CMD", "python3", "-m", "consumer.serve.healthcheck"],
            "interval_s": 5,
            "timeout_s": 3,
            "retries": 3,
            "start_period_s": 5,
        },
    },
    "secrets": ["redis_password", SEALING_KEY],
    "decision_key": SEALING_KEY,
    "expected_containers": list(EXPECTED),
    "exchange": {"container": "quantum_exchange", "network": "quantum_exchange_net", "port": 8080},
}


MEANT["release"] = release_id(MEANT)


def phase_a() -> dict[str, Any]:
    return {
        "A:host.facts": {
            "hostname": "vps",
            "kernel": "6.1.0",
            "os_id": "debian",
            "os_version": "13",
            "python": "3.13.1",
            "uid": 0,
            "now_ms": STARTED_MS,
            "uptime_s": 614_100.0,
            "load": [0.72, 0.51, 0.41],
            "cpus": 2,
            "memory": {"total": 16_000_000_000, "available": 2_600_000_000},
            "swap": {"total": 0, "free": 0},
            "selinux": "absent",
            "cgroup": "v2",
        },
        "A:host.disk": [
            {"path": "/var/lib/docker", "total": 150_000_000_000, "free": 38_000_000_000},
            {"path": "/var/lib/trade_intent", "total": 150_000_000_000, "free": 38_000_000_000},
        ],
        "A:docker.engine": {"version": "20.10.24", "api_version": "1.41", "rootless": False},
        "A:docker.containers": [
            {
                "name": name,
                "state": "running",
                "health": "unhealthy" if name == "quantum_nginx" else "healthy",
            }
            for name in EXPECTED
        ],
        "A:docker.network": {
            "name": NETWORK,
            "driver": "bridge",
            "internal": False,
            "subnet": "172.20.0.0/16",
            "containers": {"quantum_backend": "172.20.0.2", "quantum_redis": "172.20.0.3"},
        },
        "A:docker.reference": {"name": "quantum_backend", "networks": [NETWORK], "state": "running"},
        "A:redis.server": redis_server(),
        "A:redis.rights": {
            "trade_intent_checks": {
                "flags": ["on", "sanitize-payload"],
                "commands": "-@all +xrange +ping",
                "keys": "%R~quantum:*",
                "channels": "",
                "selectors": [],
            }
        },
        "A:redis.whoami": {"user": "trade_intent_checks", "acl": None},
        "A:redis.stream": stream(CUTOVER, added=232_338, groups=1),
        "A:redis.groups": [old_group()],
        "A:redis.consumers": {OLD_GROUP: ghosts()},
        "A:redis.pending": {OLD_GROUP: stranded()},
        "A:redis.results": {"length": 0, "last_id": None},
        "A:redis.dead_letters": {"length": 0},
        "A:redis.halt": {"set": False, "value": None},
        "A:release.current": None,
        "A:container.current": None,
        "A:controller.clock": {"now_ms": STARTED_MS - 200},
    }


def phase_b() -> dict[str, Any]:
    cases = {
        "mode_live_refused_without_promotion": "live needs a promotion record",
        "mode_unknown": "TRADE_INTENT_MODE is 'maybe': use safe_drain or live",
        "old_flag_safe_drain": "TRADE_INTENT_SAFE_DRAIN is not read: use TRADE_INTENT_MODE",
        "unknown_setting": "TRADE_INTENT_MODUS is unknown: did you mean TRADE_INTENT_MODE?",
        "exchange_secret_present": "/run/secrets/binance_api_key exists, and safe drain holds no key",
    }
    return {
        "B:image.inspect": {
            "id": IMAGE,
            "size": 150_000_000,
            "entrypoint": None,
            "cmd": ["python3", "-m", "consumer"],
        },
        "B:image.files": FILES,
        "B:image.python": {"version": "3.13.1", "executable": "/usr/bin/python3", "path": []},
        "B:image.packages": {"redis": "8.1.0", "typing_extensions": "4.15.0"},
        "B:image.imports": [
            {"module": module, "file": file["path"], "ok": True, "error": None, "sha256": file["sha256"]}
            for module, file in (
                ("consumer", FILES[0]),
                ("consumer.intents.levels", FILES[2]),
                ("consumer.intents.wire", FILES[3]),
            )
        ],
        "B:image.refusals": [
            {"case": case, "env": {}, "exit_code": 1, "stdout_tail": said + "\n", "seconds": 0.4}
            for case, said in cases.items()
        ],
        "B:image.guard": {"binance_import": "refused", "live_import": "refused", "error": {}},
        "B:image.rehearsal": {
            "cases": [rehearsed(entry) for entry in entries(1_766_594_500_000)],
            "sockets_opened": [],
            "processes_started": [],
            "files_written": [],
            "http_clients": [],
        },
    }


def phase_c() -> dict[str, Any]:
    return {
        "C:cutover.file": CUTOVER,
        "C:cutover.record": {
            "group": GROUP,
            "stream": STREAM,
            "created": True,
            "cutover_id": CUTOVER,
            "at": "2025-12-24T16:43:00.000Z",
            "run_id": "20251224T164300Z-0a1b",
            "entries_added": 232_338,
            "length": 10_010,
            "before": [old_group()],
            "after": [old_group(), own_group(CUTOVER, 232_338)],
            "pending_before": {"count": 0, "entries": []},
            "old_position": None,
            "skipped": {"count": 10_010, "from_id": "1766500000000-0", "to_id": CUTOVER},
        },
        "C:redis.stream": stream("1766594601000-0", added=232_339, groups=2),
        "C:redis.groups": [old_group(), own_group("1766594601000-0", 232_339)],
        "C:redis.results_before_cutover": {"decisions": []},
    }


def phase_d() -> dict[str, Any]:
    runtime = MEANT["runtime"]
    return {
        "D:container.inspect": {
            "name": MEANT["container"],
            "image_id": IMAGE,
            "started_at": STARTED_AT,
            "state": "running",
            "pid": 4711,
            "restart_count": 0,
            "health": {"status": "healthy", "failing_streak": 0, "log": []},
            **{
                name: runtime[name]
                for name in (
                    "user",
                    "read_only",
                    "cap_drop",
                    "cap_add",
                    "privileged",
                    "pids_limit",
                    "restart_policy",
                    "log_driver",
                    "log_options",
                    "stop_signal",
                    "init",
                    "pid_mode",
                    "ipc_mode",
                    "tmpfs",
                    "healthcheck",
                )
            },
            "binds": sorted(runtime["binds"]),
            "security_opt": ["no-new-privileges:true"],
            "memory": 134_217_728,
            "memory_swap": 134_217_728,
            "stop_timeout": 15,
            "published": [],
            "networks": {NETWORK: {"ip": "172.20.0.9", "aliases": []}},
            "labels": {
                "trade_intent.code_digest": CODE_DIGEST,
                "trade_intent.config_digest": CONFIG_DIGEST,
                "trade_intent.release": MEANT["release"],
            },
            "env": {"PATH": "/usr/bin", "TRADE_INTENT_MODE": "safe_drain"},
        },
        "D:container.files": [file | {"path": file["path"].removeprefix("/app/")} for file in FILES],
        "D:container.filters": exchange_rules(),
        "D:controller.code": {"code_digest": CODE_DIGEST},
        "D:container.changes": [],
        "D:container.made": {"container_id": "c" * 64, "record": {"at": AT, "portrait": {**PORTRAIT}}},
        "D:container.portrait": {**PORTRAIT},
        "D:docker.kin": {
            "looked_at": 9,
            "containers": [
                kin(MEANT["container"], ours=["image"]),
                kin("quantum_trading_bot", exchange_keys=["variable BINANCE_API_KEY"]),
            ],
        },
        "D:redis.clients": {
            "count": 5,
            "ours": [
                {"addr": place, "name": "", "user": user, "cmd": "xreadgroup"}
                for place, user in (
                    ("172.20.0.9:40001", "trade_intent_consumer"),
                    ("172.20.0.9:40002", "trade_intent_consumer"),
                    ("172.20.0.1:50001", "trade_intent_checks"),
                )
            ],
        },
        "D:container.processes": [{"pid": "4711", "uid": "10001", "command": "python3 -m consumer"}],
        "D:container.log": {
            "lines": [log_line(n, step) for n, step in enumerate(STEPS)],
            "unparsed": [],
            "left_out": 0,
        },
        "D:consumer.state": state(),
        "D:consumer.health": {"code": 200, "body": {"status": "ok"}},
        "D:host.audit": {"entries": 40, "intact": True, "torn": 0, "runs": []},
        "D:host.secrets": [
            {
                "path": "/var/lib/trade_intent/secrets",
                "kind": "folder",
                "mode": "0700",
                "uid": 0,
                "fs_type": "ext4",
            },
            *(
                {
                    "path": f"/var/lib/trade_intent/secrets/{name}",
                    "kind": "file",
                    "mode": "0400",
                    "uid": 10_001,
                    "fs_type": "ext4",
                }
                for name in ("redis_password", SEALING_KEY)
            ),
        ],
        "D:container.secret_leaks": {
            "env_names_suspect": [],
            "label_names_suspect": [],
            "command_suspect": False,
            "world_readable_mounts": [],
            "copies": [],
            "not_searched": [],
            "exchange_key_files": [],
            "log_suspect": False,
            "processes_suspect": [],
        },
    }


def phase_e() -> dict[str, Any]:
    proofs = entries(STARTED_MS + 30_000, proof="20251224T164300Z-0a1b")
    real = entries(STARTED_MS + 5_000)
    everything = [*real, *proofs]
    end = everything[-1]["id"]
    added = 232_338 + len(everything)
    return {
        "E:proof.published": [
            {"n": n, "shape": shape, **entry, "at_ms": STARTED_MS + 30_000, "expected": expected(entry)}
            for n, (shape, entry) in enumerate(zip(("payload", "data", "flat"), proofs, strict=True))
        ],
        "E:proof.decisions": [{"intent_id": entry["id"], **decided(entry)} for entry in proofs],
        "E:redis.server": redis_server(),
        "E:stream.entries_since_cutover": {
            "begins_at": "cutover",
            "begins_id": CUTOVER,
            "older": 0,
            "from_id": CUTOVER,
            "to_id": end,
            "count": len(everything),
            "first_id": "1766500000000-0",
            "last_id": end,
            "entries": everything,
            "intact": True,
            "entries_added": added,
            "entries_added_at_cutover": 232_338,
            "missing": 0,
            "max_deleted_id": "0-0",
            "group": {"settled": True, "waited_ms": 3, "last_delivered_id": end, "pending_ids": []},
        },
        "E:redis.pending": {OLD_GROUP: stranded(), GROUP: {"count": 0, "entries": []}},
        "E:results.decisions": {entry["id"]: [decided(entry)] for entry in everything},
        "E:results.drawn": [],
        "E:results.stream": {"length": 6, "entries_added": 6, "max_deleted_id": "0-0"},
        "E:release.known": [
            {name: MEANT[name] for name in ("mode", "venue", "stage", "config_digest", "decision_key")}
        ],
        "E:results.unsealed": {"keys": 1, "unsealed": []},
        "E:dead_letters.since_cutover": [],
        "E:redis.groups": [old_group(), own_group(end, added)],
        "E:redis.consumers": {
            OLD_GROUP: ghosts(),
            GROUP: [{"name": CONSUMER, "pending": 0, "idle_ms": 900, "inactive_ms": None}],
        },
        "E:redis.stream": stream(end, added=added, groups=2),
        "E:container.window": [
            {
                "at": f"2025-12-24T16:44:3{n}.000Z",
                "state": "running",
                "health": "healthy",
                "restart_count": 0,
                "started_at": STARTED_AT,
                "pid": 4711,
            }
            for n in range(6)
        ],
        "E:container.stats": {"memory_bytes": 50_000_000, "cpu_percent": 0.4},
        "E:consumer.state": state(),
        "E:exchange.orders": {
            "now_ms": STARTED_MS,
            "since_ms": 1_766_594_572_014,
            "symbols": [],
            "unlisted": [],
            "orders": [],
            "open_orders": [],
            "open_algo_orders": [],
            "algo_orders": [],
            "trades": [],
            "income": [{"symbol": "", "incomeType": "TRANSFER", "income": "100", "time": STARTED_MS}],
            "positions": [{"symbol": "BTCUSDT", "positionAmt": "0.000"}],
        },
    }


def entries(from_ms: int, proof: str | None = None) -> list[dict[str, Any]]:
    """One entry in each wire shape, 6 s apart so that none is a twin, with other words for side and time."""
    symbol = "HARNESSUSDT" if proof else "NEARUSDT"
    mark = {"proof": proof} if proof else {}
    time_s = 1_766_594_400
    intents = (
        {
            "symbol": symbol,
            "side": "BUY",
            "position_size_usd": 200.0,
            "entry_price": 1.5,
            "confidence": 0.72,
            "leverage": 1,
            "timestamp": "2025-12-24T16:40:00+00:00",
            "model": "ensemble",
        },
        {"symbol": symbol, "side": "SHORT", "size_pct": 0.1, "timestamp": time_s, "source": "rl_v3"},
        {"symbol": symbol, "action": "sell", "position_size_usd": "150", "timestamp": str(time_s * 1_000)},
    )
    envelope = {"event_type": "trade.intent", "trace_id": "t-1", "source": "ai-engine", **mark}
    return [
        {"id": f"{from_ms}-0", "fields": {**envelope, "payload": json.dumps(intents[0])}},
        {"id": f"{from_ms + 6_000}-0", "fields": {**mark, "data": json.dumps(intents[1])}},
        {"id": f"{from_ms + 12_000}-0", "fields": {**mark, **intents[2]}},
    ]


def plan_intent(entry: dict[str, Any]) -> dict[str, Any]:
    """What the consumer makes of one of these entries, written down by hand."""
    fields = entry["fields"]
    shape = next((name for name in ("payload", "data") if name in fields), "flat")
    nothing = dict.fromkeys(
        (
            "entry_price",
            "confidence",
            "volatility_factor",
            "funding_rate",
            "exchange_divergence",
            "leverage",
            "stop_loss",
            "take_profit",
            "position_size_usd",
            "size_pct",
            "source",
            "trace_id",
            "model",
        )
    )
    own: dict[str, dict[str, Any]] = {
        "payload": {
            "side": "BUY",
            "direction": "long",
            "position_size_usd": "200.0",
            "entry_price": "1.5",
            "confidence": "0.72",
            "leverage": "1",
            "model": "ensemble",
            "source": "ai-engine",
            "trace_id": "t-1",
        },
        "data": {"side": "SHORT", "direction": "short", "size_pct": "0.1", "source": "rl_v3"},
        "flat": {"side": "SELL", "direction": "short", "position_size_usd": "150"},
    }
    symbol = "HARNESSUSDT" if "proof" in fields else "NEARUSDT"
    return {**nothing, "symbol": symbol, "timestamp_ms": 1_766_594_400_000, "shape": shape, **own[shape]}


def rehearsed(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "entry": entry,
        "now_ms": 1_766_594_510_000,
        "status": "skipped_drain",
        "reason": "DRAIN",
        "plan": {"intent": plan_intent(entry)},
        "orders": None,
    }


def decided(entry: dict[str, Any]) -> dict[str, Any]:
    intent = plan_intent(entry)
    at_ms = int(entry["id"].partition("-")[0]) + 2
    rehearsal = REHEARSAL.plan(decode(entry["fields"]))
    fields = {
        "intent_id": entry["id"],
        "origin_id": entry["id"],
        "symbol": intent["symbol"],
        "side": intent["side"],
        "status": rehearsal.status,
        "reason": rehearsal.reason,
        "mode": "safe_drain",
        "venue": "none",
        "stage": "safe_drain",
        "source": "trade_intent_consumer",
        "replica": "0",
        "trace_id": intent["trace_id"] or "",
        "timestamp": str(at_ms),
        "latency_ms": "2",
        "redelivered": "0",
        "config_digest": CONFIG_DIGEST,
        "plan": json.dumps({"intent": intent, **json.loads(f"{{{rehearsal.members}}}")}),
    }
    return {"decision_id": f"{at_ms}-0", "fields": fields}


def kin(
    name: str, ours: Sequence[str] = (), exchange_keys: Sequence[str] = (), state: str = "running"
) -> dict[str, Any]:
    """A container that shares something with ours, or holds a key."""
    shared = {"ours": list(ours), "exchange_keys": list(exchange_keys)}
    return {"name": name, "id": name, "state": state, **shared}


def exchange_rules() -> dict[str, Any]:
    """What lies in the image, as a look into the container reads it."""
    content = SNAPSHOT.read_bytes()
    symbols = {row["symbol"]: row["filters"] for row in json.loads(content)["symbols"]}
    path = "/app/consumer/intents/data/exchange_info.json"
    return {"path": path, "sha256": sha256(content).hexdigest(), "symbols": symbols}


def expected(entry: dict[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in plan_intent(entry).items() if value is not None}
    intent = {name: value for name, value in said.items() if name not in ("source", "trace_id", "model")}
    return {"status": "skipped_drain", "duplicate_of": None, "intent": intent}


def redis_server() -> dict[str, Any]:
    return {
        "version": "7.0.15",
        "run_id": "r" * 40,
        "replication_role": "master",
        "maxmemory_policy": "noeviction",
        "maxmemory": "0",
        "used_memory": "41943040",
        "aof_enabled": True,
        "aof_last_write": "ok",
        "snapshot_last_save": "ok",
        "changes_since_snapshot": "120",
        "now_ms": STARTED_MS + 70_000,
        "host_ms_before": STARTED_MS + 69_999,
        "host_ms_after": STARTED_MS + 70_001,
        "address": "172.20.0.3:6379",
    }


def stream(last_id: str, added: int, groups: int) -> dict[str, Any]:
    return {
        "length": 10_010,
        "first_id": "1766500000000-0",
        "last_id": last_id,
        "last_generated_id": last_id,
        "entries_added": added,
        "max_deleted_id": "0-0",
        "groups": groups,
    }


def old_group() -> dict[str, Any]:
    return {
        "name": OLD_GROUP,
        "consumers": 34,
        "pending": 1,
        "last_delivered_id": "1766594000000-1",
        "entries_read": None,
        "lag": None,
    }


def own_group(at: str, read: int) -> dict[str, Any]:
    return {
        "name": GROUP,
        "consumers": 1,
        "pending": 0,
        "last_delivered_id": at,
        "entries_read": read,
        "lag": 0,
    }


def ghosts() -> list[dict[str, Any]]:
    names = [*(f"execution_{n:08x}" for n in range(33)), "test-consumer"]
    return [
        {"name": name, "pending": int(name == "test-consumer"), "idle_ms": 448_668_459, "inactive_ms": None}
        for name in names
    ]


def stranded() -> dict[str, Any]:
    entry = {"id": "1765950222254-0", "consumer": "test-consumer", "idle_ms": 652_112_520, "deliveries": 1}
    return {"count": 1, "entries": [entry | {"body_present": False}]}


def state() -> dict[str, Any]:
    return {
        "settings": SETTINGS,
        "config_digest": CONFIG_DIGEST,
        "code_digest": CODE_DIGEST,
        "mode": "safe_drain",
        "stage": "safe_drain",
        "venue": "none",
        "cutover_id": CUTOVER,
        "group": GROUP,
        "stream": STREAM,
        "consumer_name": CONSUMER,
        "imports": {"exchange_client_loaded": False, "guarded": ["binance", "consumer.live"]},
        "faults": [],
        "start_up": [log_line(n, step) for n, step in enumerate(STEPS)],
    }


def log_line(n: int, event: str) -> dict[str, Any]:
    at = f"2025-12-24T16:43:20.{n:03d}Z"
    return {"at": at, "event": event, "level": "info", "timestamp": at, "run": "5f0c"}
