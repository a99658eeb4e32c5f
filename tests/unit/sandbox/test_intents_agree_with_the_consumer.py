"""The producers say what each entry means; the consumer must read exactly that."""

from dataclasses import asdict
from itertools import islice

import pytest

from consumer.base.errors import InvalidEntryError
from consumer.intents.wire import decode, texts
from sandbox.producers.entry import PublishedEntry
from sandbox.producers.intents import intents
from sandbox.producers.profiles import PROFILES

NOW_MS = 1_795_365_426_968


def on_the_wire(entry: PublishedEntry) -> dict[bytes, bytes]:
    return {
        name.encode(): value if isinstance(value, bytes) else value.encode()
        for name, value in entry.fields.items()
    }


@pytest.mark.parametrize("producer", PROFILES)
def test_an_entry_decodes_to_what_its_producer_desired(producer: str) -> None:
    for entry in islice(intents(11, lambda: NOW_MS, (producer,)), 500):
        if entry.expected:
            assert decode(texts(on_the_wire(entry)))._asdict() == asdict(entry.expected)


def test_junk_is_refused_by_name() -> None:
    for entry in islice(intents(11, lambda: NOW_MS), 5_000):
        if entry.flaw:
            with pytest.raises(InvalidEntryError):
                decode(texts(on_the_wire(entry)))
