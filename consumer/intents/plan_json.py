"""Plans as the JSON that a decision carries, in both modes. Written by hand: it is most of what planning is.

Each function returns members of an object, without the braces. Amounts are texts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from consumer.intents.describe import intent_json, text
from consumer.intents.plan import SIDES, split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.intents.levels import Levels
    from consumer.intents.planner import Planned, Sourced, Terms
    from consumer.intents.wire import Intent

NO_ORDERS = '"entry":null,"stop_loss":null,"take_profits":[]'


def terms_members(terms: Terms) -> str:
    """Return what a plan was made of, and where each number came from."""
    return f'"price":{sourced(terms.price)},{unpriced_members(terms)}'


def unpriced_members(terms: Terms) -> str:
    """Return the terms but for the price: what all intents of a symbol share."""
    filters = f'{{"source":{text(terms.filters_source)},{terms.filters.shown}}}' if terms.filters else "null"
    return f'"filters":{filters},"balance":{sourced(terms.balance)},"leverage":{sourced(terms.leverage)}'


def levels_member(levels: Levels) -> str:
    """Return how far stop and targets lie from the entry, as fractions of its price."""
    return f'"levels":{levels.shown}'


def orders_members(planned: Planned) -> str:
    """Return the orders that a plan would place at its planned price."""
    filters, steps = planned.filters, planned.steps
    tick, step = filters.tick, filters.step
    standing = planned.standing
    profits = ",".join(
        [
            f'{{"price":"{standing[1 + which] * tick!s}","quantity":"{count * step!s}"}}'
            for which, count in split(steps, planned.levels.taken, planned.least)
        ]
    )
    side = SIDES[planned.intent.direction]
    return (
        f'"entry":{{"side":"{side}","type":"MARKET","quantity":"{steps * step!s}"}},'
        f'"stop_loss":{{"trigger_price":"{standing[0] * tick!s}"}},"take_profits":[{profits}]'
    )


def document(intent: Intent, terms: Terms | None, planned: Planned | None) -> dict[str, Any]:
    """Return as values what a live decision shows: what was asked for, what was known, what would be sent."""
    parts = [f'"intent":{intent_json(intent)}']
    if terms:
        parts.append(terms_members(terms))
    if terms and planned:
        side = planned.position_side
        parts += [levels_member(planned.levels), orders_members(planned)]
        parts.append(f'"position_side":"{side}","not_evaluated":[]')
    shown: dict[str, Any] = json.loads(f"{{{','.join(parts)}}}")
    return shown


def members(shown: Mapping[str, Any]) -> str:
    """Return the members of a decision's plan that follow its intent."""
    return ",".join(f"{json.dumps(name)}:{json.dumps(shown[name])}" for name in shown if name != "intent")


def sourced(known: Sourced | None) -> str:
    """Return a number and where it came from, or null."""
    if known is None:
        return "null"
    return f'{{"value":"{known.value!s}","source":"{known.source}"}}'
