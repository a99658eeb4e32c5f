"""Phase D: the container as it was created and as it runs, against what was desired."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from checks.judge.code import code_digest
from checks.judge.evidence import Facts, need
from checks.judge.outcome import Outcome, count, failed, passed, some, unless
from checks.judge.registry import check
from checks.judge.times import unix_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

STARTUP = (
    "starting", "settings_accepted", "import_guard_armed", "redis_connected", "group_found", "cutover_known",
    "own_pending_read", "reading",
)  # fmt: skip # a table, or a call that is read as one

_DEPLOY_AGAIN = "Deploy again: the container is made anew from what is desired."
_SECRET_NAME = re.compile(r"API_?KEY|SECRET|PASSW|TOKEN|CREDENTIAL|PRIVATE", re.IGNORECASE)
_URL_WITH_PASSWORD = re.compile(r"://[^/\s@]*:[^/\s@]+@")
_OWN_NAMESPACE = ("", "private", "shareable")
_SAME_NAME = (
    "user", "read_only", "cap_drop", "cap_add", "privileged", "pids_limit", "restart_policy", "log_driver",
    "log_options", "stop_signal", "init", "pid_mode", "binds", "tmpfs", "healthcheck",
)  # fmt: skip # a table, or a call that is read as one
_OTHER_NAME = {"memory_bytes": "memory", "memory_swap_bytes": "memory_swap", "stop_timeout_s": "stop_timeout"}
#: How the sealing keys of earlier releases are called.
_EARLIER_KEY = "decision_key-"
_BAD_LEVELS = ("error", "critical", "exception")
_EARLY_MS = 1_000


@check(
    "D.1.image_is_desired",
    claim="The container runs the image that was desired and verified.",
    expected="image {image[id]}, code digest {image[code_digest]}, configuration digest {config_digest}",
    remedy=_DEPLOY_AGAIN,
    needs=("D:container.inspect",),
    sabotage="the container runs another image under the same tag",
)
def image_is_desired(facts: Facts) -> Outcome:
    """Compare the image's id and the labels that bind the container to code and configuration."""
    container, desired = facts["D:container.inspect"], facts.desired
    labels = container["labels"]
    bound = {
        "image": (container["image_id"], desired["image"]["id"]),
        "code digest": (labels.get("trade_intent.code_digest"), desired["image"]["code_digest"]),
        "configuration digest": (labels.get("trade_intent.config_digest"), desired["config_digest"]),
    }
    text = ", ".join(f"{name} {value or 'not labelled'}" for name, (value, _) in bound.items())
    return (passed if all(value == wanted for value, wanted in bound.values()) else failed)(text)


@check(
    "D.1.code_in_container_is_desired",
    claim="The code in the running container is the code that was desired.",
    expected="code digest {image[code_digest]}",
    remedy=_DEPLOY_AGAIN + " Never copy files into a running container.",
    needs=("D:container.files",),
    sabotage="a mounted file hides one of the image's",
)
def code_in_container_is_desired(facts: Facts) -> Outcome:
    """Make the digest again from the container's own files, mounts included."""
    files = facts["D:container.files"]
    digest = code_digest(files)
    right = digest == facts.desired["image"]["code_digest"]
    return (passed if right else failed)(f"code digest {digest} over {count(len(files), 'file')}")


@check(
    "D.2.container_as_desired",
    claim="The container was created as it was desired, field by field.",
    expected="user, limits, capabilities, mounts, log, restarts, health check as in the release document",
    remedy=_DEPLOY_AGAIN,
    needs=("D:container.inspect",),
    sabotage="the container is created without its memory limit",
)
def container_as_desired(facts: Facts) -> Outcome:
    """List every field that differs."""
    container, runtime = facts["D:container.inspect"], facts.desired["runtime"]
    pairs = {name: (container[name], runtime[name]) for name in _SAME_NAME}
    pairs |= {name: (container[reported], runtime[name]) for name, reported in _OTHER_NAME.items()}
    pairs["name"] = (container["name"], facts.desired["container"])
    pairs["no_new_privileges"] = (_no_new_privileges(container), runtime["no_new_privileges"])
    problems = [
        f"{name} is {_plain(reported)}, desired is {_plain(desired)}"
        for name, (reported, desired) in pairs.items()
        if _comparable(reported) != _comparable(desired)
    ]
    if container["ipc_mode"] not in _OWN_NAMESPACE:
        problems.append(f"ipc_mode is {container['ipc_mode']}, desired is a namespace of its own")
    return unless(problems, f"{len(pairs) + 1} fields as desired")


@check(
    "D.2.no_published_port",
    claim="No port of the container is published on the host.",
    expected="no published port",
    remedy=_DEPLOY_AGAIN + " The checks reach the consumer by its address on the network.",
    needs=("D:container.inspect",),
    sabotage="a port is published",
)
def no_published_port(facts: Facts) -> Outcome:
    """Judge the list of published ports."""
    published = facts["D:container.inspect"]["published"]
    return failed(f"published: {some(published)}") if published else passed("none")


@check(
    "D.2.no_secret_in_env",
    claim="No secret stands in the container's environment, labels, command, processes or log.",
    expected="no variable that is named like a secret or holds one",
    remedy="Deploy again, and change the secret: whoever may inspect containers has seen it.",
    needs=("D:container.inspect", "D:container.secret_leaks"),
    sabotage="a secret is passed in the environment",
)
def no_secret_in_env(facts: Facts) -> Outcome:
    """Judge the names, and what the collector found when it searched for the known secrets."""
    leaks = facts["D:container.secret_leaks"]
    environment = need(facts["D:container.inspect"]["env"], "environment variable")
    named = {
        name
        for name, value in environment.items()
        if _SECRET_NAME.search(name) or _URL_WITH_PASSWORD.search(value)
    }
    problems = [f"the variable {name}" for name in sorted(named.union(leaks["env_names_suspect"]))]
    problems += [f"the label {name}" for name in leaks["label_names_suspect"]]
    problems += ["the command"] if leaks["command_suspect"] else []
    problems += ["the log"] if leaks["log_suspect"] else []
    problems += leaks["processes_suspect"]
    return unless(problems, f"none in {count(len(environment), 'variable')}")


@check(
    "D.2.secrets_private",
    claim="Each secret is a file that its reader alone may read, in a folder of root's, and nowhere else.",
    expected="{secrets} with mode 0400, owned by {runtime[user]}, in a folder with mode 0700; no copy",
    remedy="Deploy again, and change the secret if anybody else can log in on the host.",
    needs=("D:host.secrets", "D:container.secret_leaks"),
    sabotage="a secret file is readable by everybody",
)
def secrets_private(facts: Facts) -> Outcome:
    """Judge the folder, each file in it, and files elsewhere that hold a secret."""
    secrets = need(facts["D:host.secrets"], "secret")
    leaks = facts["D:container.secret_leaks"]
    files = {secret["path"].rpartition("/")[2]: secret for secret in secrets if secret["kind"] != "folder"}
    uid = int(facts.desired["runtime"]["user"].partition(":")[0])
    wanted = need(facts.desired["secrets"], "secret that was desired")
    problems = [f"{name} is missing" for name in wanted if name not in files]
    problems += [
        text
        for secret in secrets
        for text in _secret_problems(secret, 0 if secret["kind"] == "folder" else uid)
    ]
    problems += [f"{file['path']} has mode {file['mode']}" for file in leaks["world_readable_mounts"]]
    problems += [
        f"a copy of a secret stands in {file['path']}, mode {file['mode']}" for file in leaks["copies"]
    ]
    problems += [f"{path} is too large to be searched" for path in leaks["not_searched"]]
    # A release that may be gone back to keeps its key, and what it decided is told by it.
    unwanted = {name for name in files if not name.startswith(_EARLIER_KEY)} - {*wanted}
    problems += [f"{name} lies there, and nobody desired it" for name in sorted(unwanted)]
    return unless(
        problems,
        f"{count(len(files), 'file')} of mode 0400 in a folder of mode 0700, on {secrets[0]['fs_type']}",
    )


@check(
    "D.2.on_the_right_network",
    claim="The container is on the network that was desired, and on no other.",
    expected="{runtime[networks]}",
    remedy=_DEPLOY_AGAIN,
    needs=("D:container.inspect",),
    sabotage="the container is connected to a second network",
)
def on_the_right_network(facts: Facts) -> Outcome:
    """Compare the networks by name, and look for an address on each."""
    networks = facts["D:container.inspect"]["networks"]
    text = (
        ", ".join(f"{name} ({place['ip'] or 'no address'})" for name, place in networks.items())
        or "no network"
    )
    right = sorted(networks) == sorted(facts.desired["runtime"]["networks"]) and all(
        network["ip"] for network in networks.values()
    )
    return (passed if right else failed)(text)


@check(
    "D.3.startup_log_complete",
    claim="The start-up log is complete, in order, from one run, and without a fault.",
    expected=" → ".join(STARTUP) + ", each with the same run id",
    remedy="Read the log: `docker logs`. Lines that nobody expects mean code that nobody verified.",
    needs=("D:container.log", "D:container.inspect", "D:consumer.state"),
    sabotage="the log is stitched from two runs",
)
def startup_log_complete(facts: Facts) -> Outcome:
    """Judge order, run id, times and faults of the lines since the container started."""
    log = facts["D:container.log"]
    lines, kept = need(log["lines"], "log line"), facts["D:consumer.state"]["start_up"]
    has_rotated = not any(line.get("event") == STARTUP[0] for line in lines)
    if has_rotated:
        lines = need(kept, "line of the start-up, in the log or kept by the consumer")
    steps = [line for line in lines if line.get("event") in STARTUP]
    startup, _ = _at_reading(lines)
    start, end = unix_ms(facts["D:container.inspect"]["started_at"]), unix_ms(facts.at("D:container.log"))
    problems = [
        *_order_problems(steps),
        *_time_problems(lines, start, end),
        *_fault_problems(startup),
        *_stray_problems(log["unparsed"]),
    ]
    text = f"{len(STARTUP)} steps in order, run {steps[0]['run'] if steps else 'none'}, no fault"
    return unless(
        problems, f"{text}, as the consumer kept them: its log has rotated" if has_rotated else text
    )


@check(
    "D.3.log_quiet_since",
    gates=False,
    claim="Since it started to read, the consumer has logged no fault.",
    expected="no line at error level after `reading`",
    remedy="Read the log: each line names its cause. An outage that is over needs nothing more.",
    needs=("D:container.log",),
    sabotage="Redis was away for a while",
)
def log_quiet_since(facts: Facts) -> Outcome:
    """Tell of faults after the start: an outage that the consumer survived is no reason to stop a deploy."""
    _, since = _at_reading(need(facts["D:container.log"]["lines"], "log line"))
    return unless(list(_fault_problems(since)), f"{count(len(since), 'line')} since, none a fault")


@check(
    "D.3.settings_are_desired",
    claim="The settings in effect, as the consumer itself reports them, are the ones that were desired.",
    expected="configuration digest {config_digest} and every setting as in the release document",
    remedy=_DEPLOY_AGAIN,
    needs=("D:consumer.state",),
    sabotage="a setting reaches the container with another value",
)
def settings_are_desired(facts: Facts) -> Outcome:
    """Compare setting by setting, then the digests."""
    state, desired = facts["D:consumer.state"], need(facts.desired["settings"], "setting that was desired")
    effective = state["settings"]
    problems = [
        f"{name} is {effective.get(name, 'not reported')}, desired is {desired.get(name, 'nothing')}"
        for name in sorted(effective.keys() | desired.keys())
        if effective.get(name) != desired.get(name)
    ]
    if state["config_digest"] != facts.desired["config_digest"]:
        problems.append(f"configuration digest {state['config_digest']}")
    return unless(
        problems,
        f"{count(len(effective), 'setting')} as desired, configuration digest {state['config_digest']}",
    )


@check(
    "D.3.state_says_safe_drain",
    claim="The consumer says what it is: the desired mode, venue and code, without an exchange client.",
    expected="{mode}, venue {venue}, stage {stage}, code digest {image[code_digest]}, no exchange client",
    remedy="Stop the consumer and deploy again: what runs is not what was desired.",
    needs=("D:consumer.state",),
    sabotage="the consumer's code has no safe drain",
)
def state_says_safe_drain(facts: Facts) -> Outcome:
    """Compare what /state says with what was desired."""
    state, desired = facts["D:consumer.state"], facts.desired
    wanted = {name: desired[name] for name in ("mode", "venue", "stage")} | {
        "code_digest": desired["image"]["code_digest"]
    }
    said = {name: state[name] for name in wanted}
    loaded = need(state["imports"]["exchange_client_loaded"], "word on the exchange client")
    text = (
        ", ".join(f"{name} {value}" for name, value in said.items()) + f", exchange client loaded: {loaded}"
    )
    return (passed if said == wanted and loaded is False else failed)(text)


@check(
    "D.3.health_is_progress",
    claim="The consumer says that it makes progress: its loop turns, Redis answers, its group exists.",
    expected="/healthz answers 200 with status ok",
    remedy="Read the reasons; `docker logs` shows the consumer's faults.",
    needs=("D:consumer.health",),
    sabotage="the consumer's group is destroyed while it runs",
)
def health_is_progress(facts: Facts) -> Outcome:
    """Judge the answer of /healthz."""
    health = facts["D:consumer.health"]
    body = health["body"]
    good = health["code"] == 200 and isinstance(body, dict) and body.get("status") == "ok"  # noqa: PLR2004 - HTTP's own word
    return (passed if good else failed)(f"{health['code']}: {_plain(body)}")


def _no_new_privileges(container: Mapping[str, Any]) -> bool:
    return any(
        option in ("no-new-privileges", "no-new-privileges:true") for option in container["security_opt"]
    )


def _comparable(value: Any) -> Any:
    """Leave the order of lists out of the comparison, except a command's."""
    if isinstance(value, list):
        return sorted(map(str, value))
    return value


def _plain(value: Any) -> str:
    return "nothing" if value in (None, "", [], {}) else str(value)


def _secret_problems(secret: Mapping[str, Any], uid: int) -> Iterable[str]:
    wanted = "0700" if secret["kind"] == "folder" else "0400"
    if secret["kind"] == "link":
        yield f"{secret['path']} is a link"
    if secret["mode"] != wanted:
        yield f"{secret['path']} has mode {secret['mode']}"
    if secret["uid"] != uid:
        yield f"{secret['path']} belongs to user {secret['uid']}"


def _order_problems(steps: list[Mapping[str, Any]]) -> Iterable[str]:
    events = [step["event"] for step in steps]
    missing = [name for name in STARTUP if name not in events]
    if missing:
        yield f"{some(missing)} missing"
    if events.count(STARTUP[0]) > 1:
        yield f"{events.count(STARTUP[0])} starts in one log"
    if events[: len(STARTUP)] != list(STARTUP) and not missing:
        yield f"the order is {', '.join(events)}"
    runs = {step.get("run") for step in steps}
    if len(runs) > 1 or None in runs:
        yield f"lines of {count(len(runs), 'run')}: {', '.join(map(str, sorted(runs, key=str)))}"


def _time_problems(lines: list[Mapping[str, Any]], start: int, end: int) -> Iterable[str]:
    times = [unix_ms(line["timestamp"]) for line in lines]
    early = sum(time < start - _EARLY_MS for time in times)
    late = sum(time > end + _EARLY_MS for time in times)
    if early:
        yield f"{count(early, 'line')} from before the container started"
    if late:
        yield f"{count(late, 'line')} from after the log was read"
    if times != sorted(times):
        yield "times that run backwards"


def _at_reading(lines: list[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Divide the lines after the start-up's last step; without that step all belong to the start-up."""
    events = [line.get("event") for line in lines]
    end = events.index(STARTUP[-1]) + 1 if STARTUP[-1] in events else len(lines)
    return lines[:end], lines[end:]


def _fault_problems(lines: list[Mapping[str, Any]]) -> Iterable[str]:
    faults = [str(line.get("event")) for line in lines if line["level"] in _BAD_LEVELS or "exception" in line]
    if faults:
        yield f"{count(len(faults), 'error')}: {some(faults)}"


def _stray_problems(unparsed: list[Mapping[str, str]]) -> Iterable[str]:
    if unparsed:
        texts = [line["text"] for line in unparsed]
        yield f"{count(len(texts), 'line')} that are no log events: {some(texts)}"
