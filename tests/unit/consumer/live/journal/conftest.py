"""A journal of each test's own, and what is written into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from consumer.live.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/journal.db"


@pytest.fixture
def journal(url: str) -> Iterator[Journal]:
    journal = Journal.open(url)
    yield journal
    journal.close()


@pytest.fixture
def begun(journal: Journal) -> Journal:
    """A journal with one intent, `100-0`."""
    journal.begin_intent("100-0", "body", "100-0", "BTCUSDT", "long", "{}", 100, "promotion")
    return journal


@pytest.fixture
def prepared(begun: Journal) -> Journal:
    """A journal with one order more, `entry`."""
    begun.prepare_order("entry", "100-0", "e", 0, "order", '{"quantity":"1"}', 101)
    return begun
