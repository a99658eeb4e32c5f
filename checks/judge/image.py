"""Phase B: the image that will run, by what is in it and by what it does when it is asked to trade."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from checks.judge import oracle
from checks.judge.code import ROOT, code_digest, modules
from checks.judge.decisions import intent_problems
from checks.judge.evidence import Facts, UnseenError, need
from checks.judge.outcome import Outcome, count, failed, passed, some, unless
from checks.judge.registry import check

if TYPE_CHECKING:
    from collections.abc import Mapping

_BUILD_AGAIN = "Build the image from this repository again; run nothing that this check has not passed."
_KILLED = 124  # from here on an exit code tells of a time-out or a signal
_NOT_IMPORTED = {"consumer.__main__"}  # importing it would start the consumer
_REACHED = ("sockets_opened", "processes_started", "http_clients")
_DRAINED = ("skipped_", "invalid", "rejected_risk")


@check(
    "A.6.image_code_matches_repo",
    phase="B",
    claim="The code in the image is the code that was desired.",
    expected="image {image[id]} with code digest {image[code_digest]}",
    remedy=_BUILD_AGAIN,
    needs=("B:image.inspect", "B:image.files"),
    sabotage="a file in the image differs from the repository's",
)
def image_code_matches_repo(facts: Facts) -> Outcome:
    """Make the digest again from the image's own files."""
    files = facts["B:image.files"]
    built = {"id": facts["B:image.inspect"]["id"], "code_digest": code_digest(files)}
    desired = facts.desired["image"]
    text = f"image {built['id']} with code digest {built['code_digest']} over {count(len(files), 'file')}"
    return (passed if all(built[name] == desired[name] for name in built) else failed)(text)


@check(
    "A.7.packages_match_lock",
    phase="B",
    claim="Python and the packages in the image are those of the lock file.",
    expected="Python {image[python]} and exactly the locked packages",
    remedy=_BUILD_AGAIN,
    needs=("B:image.python", "B:image.packages"),
    sabotage="a package in the image has another version than the lock file's",
)
def packages_match_lock(facts: Facts) -> Outcome:
    """Compare package by package; one too many is as wrong as one missing."""
    installed = _by_name(need(facts["B:image.packages"], "package"))
    locked = _by_name(need(facts.desired["image"]["packages"], "locked package"))
    version, wanted = facts["B:image.python"]["version"], facts.desired["image"]["python"]
    problems = [
        f"{name} is {installed.get(name, 'missing')}, locked is {locked.get(name, 'none')}"
        for name in sorted(installed.keys() | locked.keys())
        if installed.get(name) != locked.get(name)
    ]
    if version != wanted and not version.startswith((f"{wanted}.", f"{wanted} ")):
        problems.insert(0, f"Python is {version}")
    return unless(problems, f"Python {version} and {count(len(installed), 'package')}, all as locked")


@check(
    "B.1.modules_import",
    claim="Every module of the consumer imports in the image.",
    expected="each Python file of the consumer imported without an error",
    remedy="Read the error; a missing package belongs into pyproject's consumer extra and the lock file.",
    needs=("B:image.imports", "B:image.files"),
    sabotage="a module needs a package that the image lacks",
)
def modules_import(facts: Facts) -> Outcome:
    """Fail for each module that does not import, or was not tried."""
    imports = need(facts["B:image.imports"], "import")
    untried = (
        modules(facts["B:image.files"]).keys() - {module["module"] for module in imports} - _NOT_IMPORTED
    )
    problems = [f"{module['module']}: {module['error']}" for module in imports if not module["ok"]]
    problems += [f"{name} was not tried" for name in sorted(untried)]
    return unless(problems, f"{count(len(imports), 'module')} imported")


@check(
    "B.1.nothing_patched",
    claim="No module of the consumer is mocked or patched: each one came from its own file in the image.",
    expected="each module loaded from /app/consumer, byte for byte the file that stands there",
    remedy="Remove the patch. A module that cannot be imported must be installed, not imitated.",
    needs=("B:image.imports", "B:image.files"),
    sabotage="a module is replaced by a mock before it is imported",
)
def nothing_patched(facts: Facts) -> Outcome:
    """Compare what was imported with the files of the image."""
    files = modules(facts["B:image.files"])
    imported = need([fact for fact in facts["B:image.imports"] if fact["ok"]], "module that imports")
    problems = [
        f"{module['module']} came from {module['file'] or 'nowhere'}"
        for module in imported
        if not (module["file"] or "").startswith(ROOT) or module["sha256"] != files.get(module["module"])
    ]
    return unless(problems, f"{count(len(imported), 'module')}, each from its own file under {ROOT}")


def _refuses(name: str, case: str, *, what: str, must_say: str, sabotage: str) -> None:
    """Register the check that the image refuses to start in one wrong case, and says why."""

    @check(
        f"B.2.{name}",
        claim=f"The code in the image refuses to start {what}.",
        expected=f"an exit with an error that names {must_say}",
        remedy="Do not run this image: its code does not refuse what it must. " + _BUILD_AGAIN,
        needs=("B:image.refusals",),
        sabotage=sabotage,
    )
    def refuses(facts: Facts) -> Outcome:
        tried = {
            refusal["case"]: refusal for refusal in need(facts["B:image.refusals"], "refusal that was tried")
        }
        return _refusal(need(tried.get(case), f"try of {case}"), must_say)


_refuses(
    "refuses_live",
    "mode_live_refused_without_promotion",
    what="in live mode without a promotion record",
    must_say="promotion",
    sabotage="the consumer's code has no safe drain",
)
_refuses(
    "refuses_unknown_mode",
    "mode_unknown",
    what="in a mode that it does not know",
    must_say="TRADE_INTENT_MODE",
    sabotage="an unknown mode counts as live",
)
_refuses(
    "refuses_old_flag",
    "old_flag_safe_drain",
    what="with the old SAFE_DRAIN flag, which nothing reads",
    must_say="TRADE_INTENT_MODE",
    sabotage="the old flag is accepted and ignored",
)
_refuses(
    "refuses_unknown_setting",
    "unknown_setting",
    what="with a setting that nothing reads",
    must_say="TRADE_INTENT_MODUS",
    sabotage="an unknown setting is accepted and ignored",
)
_refuses(
    "refuses_exchange_secret",
    "exchange_secret_present",
    what="in safe drain when an exchange's secret is there",
    must_say="binance_api_key",
    sabotage="safe drain starts with an exchange key at hand",
)


@check(
    "B.2.import_guard_refuses_exchange_library",
    claim="In safe drain the code in the image refuses to import an exchange client.",
    expected="the import of an exchange library and of the order code both refused",
    remedy="Do not run this image: one of the two locks that keep safe drain from trading is open.",
    needs=("B:image.guard",),
    sabotage="the import guard is not armed",
)
def import_guard(facts: Facts) -> Outcome:
    """Judge the two imports that were tried."""
    guard = facts["B:image.guard"]
    tried = {name: need(guard[f"{name}_import"], f"try to import {name}") for name in ("binance", "live")}
    text = ", ".join(f"{name}: {answer}" for name, answer in tried.items())
    return (passed if set(tried.values()) == {"refused"} else failed)(text)


@check(
    "B.2.rehearsal_never_trades",
    claim="Intents pushed through the image's own code in safe drain end without a trade.",
    expected="each ends skipped, rejected or invalid, without an order, a connection or an HTTP client",
    remedy="Do not run this image: its code tries to trade in safe drain.",
    needs=("B:image.rehearsal",),
    sabotage="the consumer's code has no safe drain",
)
def rehearsal_never_trades(facts: Facts) -> Outcome:
    """Judge what each rehearsed intent came to, and what the code reached for on the way."""
    rehearsal = facts["B:image.rehearsal"]
    cases = need(rehearsal["cases"], "rehearsed intent")
    problems = [
        f"{case['status']} for {case['entry']}" for case in cases if not case["status"].startswith(_DRAINED)
    ]
    problems += [f"orders {case['orders']}" for case in cases if case["orders"]]
    problems += [
        f"{name}: {some([str(item) for item in rehearsal[name]])}" for name in _REACHED if rehearsal[name]
    ]
    if not problems and not any(case["status"] == "skipped_drain" for case in cases):
        raise UnseenError("no rehearsed intent came as far as the drain, so nothing was rehearsed")
    return unless(problems, f"{count(len(cases), 'intent')} rehearsed, no order, no connection")


@check(
    "B.2.rehearsal_decodes_every_shape",
    claim="The code in the image decodes every wire shape as the contract says.",
    expected="each rehearsed entry decoded as a second decoder, written from the contract, decodes it",
    remedy="Do not run this image: it would decide about intents that nobody published.",
    needs=("B:image.rehearsal",),
    sabotage="flat entries decode to {}",
)
def rehearsal_decodes_every_shape(facts: Facts) -> Outcome:
    """Compare each plan's intent with the oracle's."""
    cases = need(facts["B:image.rehearsal"]["cases"], "rehearsed intent")
    absent = set(oracle.SHAPES) - {oracle.shape_of(case["entry"]) for case in cases}
    if absent:
        raise UnseenError(f"no entry in the shape {', '.join(sorted(absent))} was rehearsed")
    problems = [
        f"{case['entry']['id']}: {text}"
        for case in cases
        for text in intent_problems(case["entry"], case["status"], case["plan"], case["now_ms"])
    ]
    return unless(
        problems, f"{count(len(cases), 'entry', 'entries')} in all {len(oracle.SHAPES)} shapes decoded alike"
    )


@check(
    "B.3.reference_agrees",
    claim="Network and Redis, as discovered from the reference container, are the ones that were desired.",
    expected="{reference_container} on {network}, Redis at the address of {redis[container]} there",
    remedy="Set stack_network and the Redis variables to what the reference container uses.",
    needs=("A:docker.reference", "A:docker.network", "A:redis.server"),
    sabotage="the reference container is on another network",
)
def reference_agrees(facts: Facts) -> Outcome:
    """Compare what the reference container uses with what was desired."""
    reference, network = facts["A:docker.reference"], facts["A:docker.network"]
    redis = facts.desired["redis"]["container"]
    address = facts["A:redis.server"]["address"]
    problems = []
    if facts.desired["network"] not in reference["networks"]:
        problems.append(f"{reference['name']} is on {some(reference['networks'])}")
    if network["containers"].get(redis) != address.partition(":")[0]:
        problems.append(
            f"Redis answered at {address}, {redis} is at {network['containers'].get(redis, 'no address')}"
        )
    return unless(
        problems, f"{reference['name']} is on {facts.desired['network']}, Redis is {redis} at {address}"
    )


@check(
    "B.4.start_method_stated",
    gates=False,
    claim="The consumer starts from an image of its own, by `python3 -m consumer`, with nothing patched in.",
    expected="the image's own command is python3 -m consumer",
    remedy="Build the image from this repository: a runner beside the code is code that nobody verified.",
    needs=("B:image.inspect",),
    sabotage="the container is started by a runner script",
)
def start_method_stated(facts: Facts) -> Outcome:
    """State how the image starts, and why."""
    image = facts["B:image.inspect"]
    command = " ".join([*(image["entrypoint"] or []), *(image["cmd"] or [])])
    own = command.split()[-2:] == ["-m", "consumer"]
    why = "an own image holds exactly the code that was verified, and restarts with it after a reboot"
    return passed(f"`{command}`: {why}") if own else failed(f"`{command}`")


def _by_name(packages: Mapping[str, str]) -> dict[str, str]:
    return {name.lower().replace("_", "-").replace(".", "-"): version for name, version in packages.items()}


def _refusal(tried: Mapping[str, Any], must_say: str) -> Outcome:
    code, said = tried["exit_code"], tried["stdout_tail"] or ""
    ended = "did not end" if code is None else f"exit code {code}"
    text = f"{ended} in {tried['seconds']:.1f} s: {_last_words(said)}"
    refused = code is not None and 0 < code < _KILLED
    # Only the last line: before it, a start that went further than it should lists every setting by name.
    explained = must_say.lower() in _last_line(said).lower() and "Traceback" not in said
    return (passed if refused and explained else failed)(text)


def _last_line(said: str) -> str:
    return (said.strip().splitlines() or ["without a word"])[-1]


def _last_words(said: str) -> str:
    """Return the reason that a program gave in its last line, a log event or not."""
    line = _last_line(said)
    try:
        event = json.loads(line)
        return f"{event['event']}: {event['reason']}"
    except (ValueError, KeyError, TypeError):
        return line
