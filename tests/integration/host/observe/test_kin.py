"""Who shares something with the consumer, or holds an exchange key; and the container against its record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from host.base.portrait import portrait
from host.observe import container, kin, made, market

from .conftest import GROUP
from .test_redis import value

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from host.observe.subject import Subject

    from .conftest import Containers

pytestmark = pytest.mark.docker


def shared(subject: Subject, name: str) -> dict[str, Any]:
    """What the look says of one container; nothing where it is not named."""
    rows = value(kin.kin, subject)["containers"]
    return next(
        ({key: row[key] for key in ("ours", "exchange_keys")} for row in rows if row["name"] == name), {}
    )


def of_another_image(look_at: Callable[..., Subject], name: str) -> Subject:
    settings = {"TRADE_INTENT_REDIS_URL": "redis://trade_intent_consumer@redis:6379/0"}
    return look_at(name, image={"id": "sha256:1", "code_digest": "c1"}, settings=settings)


def test_a_container_that_shares_nothing_is_not_named(
    containers: Containers, look_at: Callable[..., Subject]
) -> None:
    name = containers.start()
    assert shared(of_another_image(look_at, name), name) == {}


def test_a_container_of_the_same_image_is_named(
    containers: Containers, look_at: Callable[..., Subject], image: str
) -> None:
    name = containers.start()
    subject = look_at(name, image={"id": image, "code_digest": "c1"})
    assert shared(subject, name)["ours"] == ["image"]


@pytest.mark.parametrize(
    ("environment", "ours", "keys"),
    [
        ({"URL": "redis://trade_intent_consumer:x@redis:6379"}, ["Redis user"], []),
        ({"WHERE": GROUP}, ["group"], []),
        ({"NOTE": "it is planted-password"}, ["secrets"], []),
        ({"BINANCE_API_KEY": "k"}, [], ["variable BINANCE_API_KEY"]),
        ({"BINANCE_API_SECRET": ""}, [], []),
    ],
)
def test_what_the_environment_gives_away_is_named_without_its_value(
    containers: Containers,
    look_at: Callable[..., Subject],
    environment: dict[str, str],
    ours: list[str],
    keys: list[str],
) -> None:
    name = containers.start(environment=environment)
    said = shared(of_another_image(look_at, name), name)
    assert said == ({"ours": ours, "exchange_keys": keys} if ours or keys else {})


def test_a_mounted_secret_of_ours_is_named(
    containers: Containers, look_at: Callable[..., Subject], tmp_path: Path
) -> None:
    (tmp_path / "secrets").mkdir()
    name = containers.start(host={"binds": [f"{tmp_path}/secrets:/mine:ro"]})
    assert shared(of_another_image(look_at, name), name)["ours"] == ["secrets"]


def test_the_rules_of_the_exchange_are_read_from_the_containers_files(
    running: str, look_at: Callable[..., Subject]
) -> None:
    rules = value(market.filters, look_at(running))
    assert rules["symbols"] == {"BTCUSDT": [{"filterType": "PRICE_FILTER", "tickSize": "0.10"}]}
    assert len(rules["sha256"]) == 64


def test_a_container_without_a_record_was_made_by_nobody(
    running: str, look_at: Callable[..., Subject]
) -> None:
    subject = look_at(running)
    assert value(made.made, subject)["record"] is None
    assert value(container.current, subject)["unlike_made"]


def test_a_container_that_is_as_it_was_made_differs_in_nothing(
    running: str, look_at: Callable[..., Subject], tmp_path: Path, containers: Containers
) -> None:
    details = dict(containers.engine.inspect_container(running))
    (tmp_path / "releases").mkdir()
    record = {details["Id"]: {"at": "then", "portrait": portrait(details)}}
    (tmp_path / "releases" / "made.json").write_text(json.dumps(record))
    subject = look_at(running)
    assert value(container.current, subject)["unlike_made"] == []
    assert value(made.made, subject)["record"]["portrait"] == value(made.now, subject)
