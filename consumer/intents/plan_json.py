"""Plans as the JSON that a decision carries, in both modes. Written by hand: it is most of what planning is.

Each function returns members of an object, without the braces. Amounts are texts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from consumer.intents.describe import intent_json, text
from consumer.intents.plan import split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.intents.filters import Filters
    from consumer.intents.levels import Levels
    from consumer.intents.planner import Planned, Sourced, Terms
    from consumer.intents.wire import Intent

NO_ORDERS = '"entry":null,"stop_loss":null,"take_profits":[]'


def terms_members(terms: Terms) -> str:
    """Return what a plan was made of, and where each number came from."""
    filters = _filters(terms.filters_source, terms.filters) if terms.filters else "null"
    return (
        f'"price":{_sourced(terms.price)},"filters":{filters},"balance":{_sourced(terms.balance)},'
        f'"leverage":{_sourced(terms.leverage)}'
    )


def levels_member(levels: Levels) -> str:
    """Return how far stop and targets lie from the entry, as fractions of its price."""
    return f'"levels":{levels.shown}'


def orders_members(planned: Planned) -> str:
    """Return the orders that a plan would place at its planned price."""
    plan, standing = planned.plan, planned.standing
    tick, step = plan.tick, plan.step
    profits = ",".join(
        [
            f'{{"price":"{standing.targets[which] * tick!s}","quantity":"{count * step!s}"}}'
            for which, count in split(planned.steps, plan.levels.harvest, planned.least)
        ]
    )
    return (
        f'"entry":{{"side":"{plan.side}","type":"MARKET","quantity":"{plan.quantity!s}"}},'
        f'"stop_loss":{{"trigger_price":"{standing.stop * tick!s}"}},"take_profits":[{profits}]'
    )


def document(intent: Intent, terms: Terms | None, planned: Planned | None) -> dict[str, Any]:
    """Return as values what a live decision shows: what was asked for, what was known, what would be sent."""
    parts = [f'"intent":{intent_json(intent)}']
    if terms:
        parts.append(terms_members(terms))
    if terms and planned:
        side = planned.plan.position_side
        parts += [levels_member(planned.plan.levels), orders_members(planned)]
        parts.append(f'"position_side":"{side}","not_evaluated":[]')
    shown: dict[str, Any] = json.loads(f"{{{','.join(parts)}}}")
    return shown


def members(shown: Mapping[str, Any]) -> str:
    """Return the members of a decision's plan that follow its intent."""
    return ",".join(f"{json.dumps(name)}:{json.dumps(shown[name])}" for name in shown if name != "intent")


def _sourced(known: Sourced | None) -> str:
    if known is None:
        return "null"
    return f'{{"value":"{known.value!s}","source":"{known.source}"}}'


def _filters(source: str, filters: Filters) -> str:
    return f'{{"source":{text(source)},{filters.shown}}}'
