"""Phase E: what the consumer decided, entry by entry, and that nothing was ordered."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from checks.judge import oracle
from checks.judge.accounting import Accounting, account
from checks.judge.decisions import (
    circumstance_problems,
    decoding_problems,
    each,
    field_problems,
    gate_problems,
    ordered,
    proof_problems,
)
from checks.judge.evidence import Facts, NotAskedError, UnseenError, need
from checks.judge.outcome import Outcome, count, failed, passed, some, unless
from checks.judge.registry import check
from checks.judge.stream_ids import milliseconds, position
from checks.judge.times import duration, mebibytes, unix_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from checks.judge.decisions import Decision

LATENCY_BOUND_MS = 2_000
IDLE_BOUND_MS = 30_000
RESTARTED_LATELY_MS = 600_000
MEMORY_SHARE = 0.8
SAMPLES = 2
#: Where none of n drawn is wrong, with 95 % confidence at most 3 / n of all are (the rule of three).
RULE_OF_THREE = 3

_STRETCH = "E:stream.entries_since_cutover"
_DECISIONS = "E:results.decisions"
_EXCHANGE_WORDS = ("BINANCE", "EXCHANGE", "API_KEY", "API_SECRET")
#: What an exchange pays or takes for trading; a trade leaves it behind under every symbol.
_TRADED = ("REALIZED_PNL", "COMMISSION", "FUNDING_FEE")
_STOP = "Stop the consumer: `docker stop`. "


@check(
    "E.1.proof_decoded_equal",
    claim="Proof events in every wire shape were decoded to exactly what was published.",
    expected="each plan.intent equal to what was published, in the shapes payload, data and flat",
    remedy="Do not trust any decision of this consumer: it decides about intents that nobody published.",
    needs=("E:proof.published", "E:proof.decisions"),
    sabotage="flat entries decode to {}",
)
def proof_decoded_equal(facts: Facts) -> Outcome:
    """Compare each decided proof event with what was published and with the oracle."""
    published = need(facts["E:proof.published"], "proof event")
    decided = {fact["intent_id"]: fact["fields"] for fact in facts["E:proof.decisions"]}
    pairs = [(event, decided[event["id"]]) for event in published if event["id"] in decided]
    absent = set(oracle.SHAPES) - {event["shape"] for event, _ in pairs}
    if absent:
        raise UnseenError(f"no proof event in the shape {', '.join(sorted(absent))} was decided")
    problems = [
        f"{event['shape']}: {text}" for event, decision in pairs for text in proof_problems(event, decision)
    ]
    return unless(
        problems, f"{count(len(pairs), 'proof event')} in {len(oracle.SHAPES)} shapes decoded as published"
    )


@check(
    "E.1.real_entries_decoded",
    claim="Real entries were decoded as a second decoder, written from the contract, decodes them.",
    expected="the same intent, or the same refusal, for every entry that this container decided",
    remedy="Do not trust any decision of this consumer: it decides about intents that nobody published.",
    needs=(_STRETCH, _DECISIONS, "D:container.inspect"),
    sabotage="a producer's time is read an hour off",
)
def real_entries_decoded(facts: Facts) -> Outcome:
    """Compare the decisions on what the producers published with the oracle."""
    pairs = list(_real_decisions(facts))
    if not pairs:
        raise NotAskedError("no producer published an entry that this container decided")
    problems = [
        f"{entry['id']}: {text}" for entry, decision in pairs for text in decoding_problems(entry, decision)
    ]
    return unless(problems, f"{count(len(pairs), 'real entry', 'real entries')} decoded alike")


@check(
    "E.1.real_shapes_seen",
    gates=False,
    claim="Producers published real entries in every wire shape while the run looked.",
    expected="at least one real entry in each of payload, data and flat",
    remedy="Nothing: the proof events cover every shape. Verify again later to see real ones.",
    needs=(_STRETCH,),
    sabotage="no producer publishes flat entries",
)
def real_shapes_seen(facts: Facts) -> Outcome:
    """Count the real entries by shape."""
    real = [oracle.shape_of(entry) for entry in facts[_STRETCH]["entries"] if not oracle.is_proof(entry)]
    seen = {shape: need(real, "real entry since the cutover").count(shape) for shape in oracle.SHAPES}
    text = ", ".join(f"{number:,} {shape}" for shape, number in seen.items())
    return passed(text) if all(seen.values()) else failed(text)


@check(
    "E.1.decisions_valid",
    claim="Every decision has all fields of the contract and a known status, and says the desired mode.",
    expected="{mode}, venue {venue}, stage {stage}, configuration digest {config_digest} in each decision",
    remedy=_STOP + "Decisions that say something else were made by other code or under other settings.",
    needs=(_DECISIONS, "D:container.inspect"),
    sabotage="decisions lack a field of the contract",
)
def decisions_valid(facts: Facts) -> Outcome:
    """Judge every decision's fields, and the circumstances of those that this container made."""
    decisions = list(each(facts[_DECISIONS]))
    need(decisions, "decision")
    started_ms = unix_ms(facts["D:container.inspect"]["started_at"])
    problems = [f"{id_}: {text}" for id_, decision in decisions for text in field_problems(id_, decision)]
    own = [
        (id_, decision)
        for id_, decision in decisions
        if not problems and int(decision["timestamp"]) >= started_ms
    ]
    problems += [
        f"{id_}: {text}" for id_, decision in own for text in circumstance_problems(decision, facts.desired)
    ]
    text = f"{count(len(decisions), 'decision')} valid, {len(own):,} of them by this container"
    return failed(some(problems)) if problems else passed(text)


@check(
    "E.2.accounted_once",
    claim="Every entry since the cutover is still there and is accounted for exactly once.",
    expected="entries = decided + pending; none twice, missing, lost or vanished",
    remedy="Do not promote. Look the named ids up in the stream, the results and the dead letters.",
    needs=(_STRETCH, _DECISIONS, "E:results.drawn", "E:dead_letters.since_cutover"),
    sabotage="an entry vanished from the stream",
)
def accounted_once(facts: Facts) -> Outcome:
    """Fold the accounting into one outcome: what is wrong fails, what cannot be known is inconclusive."""
    books = account(facts[_STRETCH], facts[_DECISIONS], facts["E:dead_letters.since_cutover"])
    text = (
        f"{count(books.entries, 'entry', 'entries')} from {books.from_id} to {books.to_id}: "
        f"{len(books.decided):,} decided, {len(books.pending):,} pending{_older(facts)}"
    )
    problems = [*_accounting_problems(books), *_drawn_problems(facts["E:results.drawn"])]
    if problems:
        return failed("; ".join([text, *problems]))
    if not books.intact:
        raise UnseenError(
            f"{text}; stream or results were trimmed since then, so the rest cannot be known "
            "(to give it up, knowingly: -e accounting_from=run)"
        )
    need(books.entries, "entry since the cutover")
    return passed(text)


@check(
    "E.2.accounting_reaches_back",
    gates=False,
    claim="The accounting reaches back to the cutover, here or in evidence that was verified before.",
    expected="it begins at the cutover, with this release, or where the last pass closed the books",
    remedy="Nobody can know any more what became of those entries. Deploy or verify before producers trim.",
    needs=(_STRETCH,),
    sabotage="a person lets the accounting begin at this run",
)
def accounting_reaches_back(facts: Facts) -> Outcome:
    """Tell what was given up where the accounting begins later than anything accounted for."""
    begin = facts[_STRETCH]["begins_id"]
    match facts[_STRETCH]["begins_at"]:
        case "cutover":
            return passed(f"it begins at the cutover, {begin}")
        case "switch":
            return passed(f"it begins at {begin}, with this release")
        case "closed":
            return passed(f"it begins at {begin}, where the last run that passed closed the books")
        case "trimmed":
            return failed(f"it begins at {begin}, for what came before was trimmed away unaccounted")
    return failed(f"it begins at {begin}, because it was told to: what came before was given up")


@check(
    "E.2.lag_zero",
    claim="The consumer's group has caught up: it was given everything, and nothing is left pending.",
    expected="a lag of 0 entries, counted in the stream itself, and 0 pending, within 5 s",
    remedy="Read /healthz and the log: `playbooks/status.yml`. A growing lag means that it is too slow.",
    needs=(_STRETCH,),
    sabotage="the consumer stops reading",
)
def lag_zero(facts: Facts) -> Outcome:
    """Count what the group had not been given, rather than trust the server's own lag."""
    stretch = facts[_STRETCH]
    group = stretch["group"]
    behind = sum(position(entry["id"]) > position(group["last_delivered_id"]) for entry in stretch["entries"])
    caught_up = position(group["last_delivered_id"]) >= position(stretch["to_id"])
    pending = len(group["pending_ids"])
    text = f"lag {behind:,}, {pending:,} pending at {stretch['to_id']}, after {group['waited_ms']:,} ms"
    return (passed if caught_up and not pending else failed)(text)


@check(
    "E.2.group_alive",
    claim="The consumer's group has exactly one consumer, the desired one, and it is alive.",
    expected="{consumer_name} alone in {group}, not silent for 30 s longer than the stream itself",
    remedy="Remove a ghost that holds nothing (XGROUP DELCONSUMER); restart a silent consumer.",
    needs=("E:redis.consumers", "E:redis.stream", "E:redis.server"),
    sabotage="a second consumer reads in the consumer's group",
)
def group_alive(facts: Facts) -> Outcome:
    """Judge who is in the group. Before Redis 7.2 only an entry ends an idle time: a quiet stream counts."""
    consumers = facts["E:redis.consumers"].get(facts.desired["group"])
    if consumers is None:
        raise UnseenError(f"the stream has no group {facts.desired['group']}")
    silence = max(
        0, facts["E:redis.server"]["now_ms"] - milliseconds(facts["E:redis.stream"]["last_generated_id"])
    )
    text = (
        ", ".join(f"{consumer['name']} idle for {duration(consumer['idle_ms'])}" for consumer in consumers)
        or "nobody"
    )
    alone = [consumer["name"] for consumer in consumers] == [facts.desired["consumer_name"]]
    alive = all(consumer["idle_ms"] <= silence + IDLE_BOUND_MS for consumer in consumers)
    return (passed if alone and alive else failed)(text)


@check(
    "E.3.proof_followed",
    claim="Every proof event was followed to its one decision, in time.",
    expected="one decision each, at most 2,000 ms after publishing, on Redis's own clock",
    remedy="Read the consumer's log and the dead letters: an event without a decision was lost or is stuck.",
    needs=("E:proof.published", "E:proof.decisions"),
    sabotage="the handler throws on every event",
)
def proof_followed(facts: Facts) -> Outcome:
    """Count the decisions of each proof event and measure from its id to the decision's."""
    published = [event["id"] for event in need(facts["E:proof.published"], "proof event")]
    decided = [(fact["intent_id"], fact["decision_id"]) for fact in facts["E:proof.decisions"]]
    times = [milliseconds(decision) - milliseconds(intent) for intent, decision in decided]
    each = {id_: [intent for intent, _ in decided].count(id_) for id_ in published}
    problems = [f"{id_} has {count(number, 'decision')}" for id_, number in each.items() if number != 1]
    if times and max(times) > LATENCY_BOUND_MS:
        problems.append(f"a decision took {max(times):,} ms")
    measured = f"latency p50 {median(times):.0f} ms, max {max(times):,} ms" if times else "no decision at all"
    return (
        failed(f"{some(problems)}; {measured}")
        if problems
        else passed(f"{len(published)} of {len(published)} decided, {measured}")
    )


@check(
    "E.3.proof_gated",
    claim="Every proof event came to the decision that the contract's order of gates demands.",
    expected="the status that was written down when the event was published",
    remedy="Do not trust the gates of this consumer: compare the named reasons with the contract.",
    needs=("E:proof.published", "E:proof.decisions"),
    sabotage="the age limit is not applied",
)
def proof_gated(facts: Facts) -> Outcome:
    """Compare each decision's status with the expected one, and a duplicate's reason with the first event."""
    decided = {fact["intent_id"]: fact["fields"] for fact in facts["E:proof.decisions"]}
    published = need(facts["E:proof.published"], "proof event")
    pairs = [(event, decided[event["id"]]) for event in published if event["id"] in decided]
    need(pairs, "proof event with a decision")
    problems = [text for event, decision in pairs for text in gate_problems(event, decision)]
    statuses = sorted({decision["status"] for _, decision in pairs})
    return unless(problems, f"{count(len(pairs), 'proof event')}: {', '.join(statuses)}, as expected")


@check(
    "E.4.exchange_shows_no_order",
    claim="The exchange's own record shows no order, no fill and no position.",
    expected="nothing since the cutover, nothing open",
    remedy=_STOP + "Find out who placed the order; close what is open by hand.",
    needs=("C:cutover.record", "E:exchange.orders"),
    only_with="exchange",
    sabotage="the exchange shows an order",
)
def exchange_shows_no_order(facts: Facts) -> Outcome:
    """Judge what the exchange lists; what has no readable time counts as new."""
    seen = facts["E:exchange.orders"]
    since_ms = milliseconds(need(facts["C:cutover.record"], "record of a cutover")["cutover_id"])
    shown = {
        "order": [order for order in seen["orders"] if _since(order, since_ms)],
        "open order": seen["open_orders"],
        "algo order": [order for order in seen["algo_orders"] if _since(order, since_ms)],
        "open algo order": seen["open_algo_orders"],
        "trade": [trade for trade in seen["trades"] if _since(trade, since_ms)],
        "position": [position for position in seen["positions"] if float(position["positionAmt"])],
        "payment": [
            payment
            for payment in seen["income"]
            if payment["incomeType"] in _TRADED and _since(payment, since_ms)
        ],
    }
    problems = [
        f"{count(len(items), name)}: {some([_exchange_text(item) for item in items])}"
        for name, items in shown.items()
        if items
    ]
    looked_back_ms = seen["now_ms"] - max(seen["since_ms"] or since_ms, since_ms)
    return unless(problems, f"no order, algo order, trade or position in {duration(looked_back_ms)}")


@check(
    "E.4.no_exchange_key",
    claim="The consumer holds no exchange key: none in its environment, none mounted, none on the host.",
    expected="no variable, mount or secret file of an exchange",
    remedy=_STOP + "Remove the key from the host and deploy again; in safe drain no key may be at hand.",
    needs=("D:container.inspect", "D:host.secrets", "D:container.secret_leaks"),
    sabotage="an exchange key is mounted into the container",
)
def no_exchange_key(facts: Facts) -> Outcome:
    """Look for an exchange's name wherever a key could be."""
    container, secrets = facts["D:container.inspect"], need(facts["D:host.secrets"], "secret")
    environment = need(container["env"], "environment variable")
    places = [*environment, *container["binds"], *(secret["path"] for secret in secrets)]
    suspicious = [place for place in places if any(word in place.upper() for word in _EXCHANGE_WORDS)]
    suspicious += [
        path for path in facts["D:container.secret_leaks"]["exchange_key_files"] if path not in suspicious
    ]
    return failed(some(suspicious)) if suspicious else passed(f"none in {count(len(places), 'place')}")


@check(
    "E.4.no_exchange_client",
    claim="The consumer has no exchange client: none is loaded, and the import guard stands.",
    expected="exchange_client_loaded false, and a guarded import list",
    remedy=_STOP + "What runs in the container is not what was verified.",
    needs=("E:consumer.state",),
    sabotage="an exchange client is loaded in safe drain",
)
def no_exchange_client(facts: Facts) -> Outcome:
    """Judge what the consumer says of its imports."""
    imports = facts["E:consumer.state"]["imports"]
    guarded = need(imports["guarded"], "guarded import")
    loaded = imports["exchange_client_loaded"]
    return unless(
        [] if loaded is False else ["an exchange client is loaded"], f"none loaded, {some(guarded)} guarded"
    )


@check(
    "E.4.no_decision_traded",
    claim="No decision since the cutover reports an order.",
    expected="no decision that is filled, failed, unknown or rejected by a venue, none with orders",
    remedy=_STOP + "Compare the named decisions with the exchange's record.",
    needs=(_DECISIONS,),
    sabotage="the consumer trades in safe drain",
)
def no_decision_traded(facts: Facts) -> Outcome:
    """Judge the status and the orders of every decision."""
    decisions = list(each(facts[_DECISIONS]))
    need(decisions, "decision")
    traded = [f"{id_} is {decision['status']}" for id_, decision in decisions if ordered(decision)]
    by_status = sorted({decision["status"] for _, decision in decisions})
    tally = ", ".join(
        f"{sum(decision['status'] == status for _, decision in decisions):,} {status}" for status in by_status
    )
    return failed(some(traded)) if traded else passed(tally)


@check(
    "E.5.running",
    claim="The container ran in every sample of the window.",
    expected="state running throughout",
    remedy="Read the container's log and its exit code: `docker logs`.",
    needs=("E:container.window",),
    sabotage="the container is stopped",
)
def running(facts: Facts) -> Outcome:
    """Judge the state in each sample; whether it is paused is another check's question."""
    return _all(facts, "state", lambda state: state in ("running", "paused"))


@check(
    "E.5.healthy",
    claim="The container was healthy in every sample of the window.",
    expected="health healthy throughout",
    remedy="`docker inspect` shows what the health check said; /healthz gives the reasons.",
    needs=("E:container.window",),
    sabotage="the container is unhealthy",
)
def healthy(facts: Facts) -> Outcome:
    """Judge the health in each sample; none and starting are not healthy."""
    return _all(facts, "health", lambda health: health == "healthy")


@check(
    "E.5.not_paused",
    claim="The container was never paused.",
    expected="no sample paused",
    remedy="Unpause it with `docker unpause`, and find out who paused it.",
    needs=("E:container.window",),
    sabotage="the container is paused",
)
def not_paused(facts: Facts) -> Outcome:
    """Judge the state in each sample for a pause."""
    return _all(facts, "state", lambda state: state != "paused")


@check(
    "E.5.no_restarts",
    claim="The container has not restarted: the same start, count and process throughout, and none lately.",
    expected="start time, restart count and process unchanged since phase D; no restart in the 10 min before",
    remedy="Read the log of the run that ended: `docker logs` keeps it. A loop needs a repair.",
    needs=("D:container.inspect", "E:container.window"),
    sabotage="the container restarts in a loop",
)
def no_restarts(facts: Facts) -> Outcome:
    """Compare every sample with phase D, and look back for a slow loop."""
    before, samples = facts["D:container.inspect"], _samples(facts)
    names = ("started_at", "restart_count", "pid")
    states = {tuple(sample[name] for name in names) for sample in (before, *samples)}
    last = samples[-1]
    age_ms = unix_ms(last["at"]) - unix_ms(last["started_at"])
    problems = [f"{count(len(states), 'different start')} in the window"] if len(states) > 1 else []
    problems += ["restarting"] if any(sample["state"] == "restarting" for sample in samples) else []
    if last["restart_count"] and age_ms < RESTARTED_LATELY_MS:
        problems.append(f"restarted {duration(age_ms)} ago")
    text = f"restart count {last['restart_count']}, started at {last['started_at']}"
    return unless([*problems, text] if problems else [], f"{text}, in {count(len(samples), 'sample')}")


@check(
    "E.5.never_restarted",
    gates=False,
    claim="The container has not restarted since it was made.",
    expected="restart count 0",
    remedy="Nothing, if its cause is known: the engine started it again. What was soaked counts from then.",
    needs=("E:container.window",),
    sabotage="the consumer is killed once, and started again by the engine",
)
def never_restarted(facts: Facts) -> Outcome:
    """Tell of restarts however long ago, with the time of the last."""
    last = _samples(facts)[-1]
    number = last["restart_count"]
    text = f"{count(number, 'restart')}, the last at {last['started_at']}" if number else "no restart"
    return (failed if number else passed)(text)


@check(
    "E.5.memory_within",
    gates=False,
    claim="The container's memory is well within its limit.",
    expected="at most 80 % of {runtime[memory_bytes]} bytes",
    remedy="Look at the trend (`docker stats`); a leak ends in a kill by the kernel.",
    needs=("E:container.stats",),
    sabotage="the consumer leaks memory",
)
def memory_within(facts: Facts) -> Outcome:
    """Judge the memory in use, page cache left out."""
    used, limit = (
        need(facts["E:container.stats"]["memory_bytes"], "memory reading"),
        facts.desired["runtime"]["memory_bytes"],
    )
    return (passed if used <= MEMORY_SHARE * limit else failed)(f"{mebibytes(used)} of {mebibytes(limit)}")


def _real_decisions(facts: Facts) -> Iterator[tuple[Mapping[str, Any], Decision]]:
    """Pair each real entry with its decision, where the container that runs now made it."""
    started_ms = unix_ms(facts["D:container.inspect"]["started_at"])
    decided = {
        id_: decision for id_, decision in each(facts[_DECISIONS]) if int(decision["timestamp"]) >= started_ms
    }
    for entry in facts[_STRETCH]["entries"]:
        if entry["id"] in decided and not oracle.is_proof(entry):
            yield entry, decided[entry["id"]]


def _accounting_problems(books: Accounting) -> Iterator[str]:
    kinds: dict[str, Sequence[str]] = {
        "decided more than once": books.duplicated,
        "neither decided nor pending": books.missing,
        "lost, trimmed away while pending": books.lost,
        "vanished from the stream": books.vanished,
    }
    for kind, ids in kinds.items():
        if ids:
            yield f"{len(ids):,} {kind}: {some(ids)}"
    if books.deleted:
        yield "somebody deleted an entry by its id"
    if books.unexplained > 0:
        yield f"{books.unexplained:,} more were added than stand there"
    if books.unexplained < 0:
        yield f"{-books.unexplained:,} more stand there than were added: it began before the stream's end"


def _older(facts: Facts) -> str:
    """Say what is known of entries that were too many to list, with the bound that a sample gives."""
    older, drawn = facts[_STRETCH]["older"], facts["E:results.drawn"]
    if not older:
        return ""
    if not drawn:
        raise UnseenError(f"{older:,} older entries, and none of them could be drawn")
    bound = RULE_OF_THREE / len(drawn)
    return (
        f"; {older:,} older, of which {len(drawn):,} were drawn by their time: with 95 % confidence "
        f"at most {bound:.1%} of them are not as the drawn ones"
    )


def _drawn_problems(drawn: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    wrong = [
        f"{row['entry']['id']} has {len(row['decisions'])}" for row in drawn if len(row["decisions"]) != 1
    ]
    if wrong:
        yield f"drawn entries without exactly one decision: {some(wrong)}"


def _since(item: Mapping[str, Any], since_ms: int) -> bool:
    """Tell whether an exchange's item is of this time or later; without a time it counts."""
    times = [int(item[name]) for name in ("updateTime", "time", "createTime") if item.get(name) is not None]
    return not times or max(times) >= since_ms


def _exchange_text(item: Mapping[str, Any]) -> str:
    names = (
        "symbol",
        "side",
        "type",
        "status",
        "origQty",
        "qty",
        "positionAmt",
        "incomeType",
        "income",
        "orderId",
        "algoId",
    )
    return " ".join(str(item[name]) for name in names if item.get(name) is not None)


def _samples(facts: Facts) -> list[Mapping[str, Any]]:
    samples: list[Mapping[str, Any]] = need(facts["E:container.window"], "sample of the window")
    if len(samples) < SAMPLES:
        raise UnseenError(f"one sample at {samples[0]['at']} is no window")
    return samples


def _all(facts: Facts, name: str, good: Callable[[str], bool]) -> Outcome:
    """Judge one value of every sample of the window."""
    samples = _samples(facts)
    values = {str(sample[name]) for sample in samples}
    lasted = duration(unix_ms(samples[-1]["at"]) - unix_ms(samples[0]["at"]))
    text = f"{', '.join(sorted(values))} in {count(len(samples), 'sample')} over {lasted}"
    return (passed if all(map(good, values)) else failed)(text)
