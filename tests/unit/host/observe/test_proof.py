from __future__ import annotations

from typing import Any

from checks.judge import oracle
from host.observe.crafted import SHAPES
from host.observe.proof import SYMBOL, _expected, crafts

AT_MS = 1795363200123
RUN = "20261122T160000Z-ab12"


def events(*, halted: bool = False) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for number, craft in enumerate(crafts(RUN, AT_MS, 600_000), start=1):
        expected = _expected(craft, made, halted=halted)
        made.append(
            {"id": f"{AT_MS}-{number}", "fields": craft.fields(), "shape": craft.shape, "expected": expected}
        )
    return made


def statuses(proofs: list[dict[str, Any]]) -> list[str]:
    return [event["expected"]["status"] for event in proofs]


def test_every_shape_is_published() -> None:
    assert {event["shape"] for event in events()} == set(SHAPES)


def test_every_event_names_its_run_and_a_symbol_that_no_exchange_lists() -> None:
    for craft in crafts(RUN, AT_MS, 600_000):
        assert (craft.symbol, craft.fields()["proof"]) == (SYMBOL, RUN)


def test_no_two_events_share_a_number() -> None:
    sizes = [craft.numbers["position_size_usd"] for craft in crafts(RUN, AT_MS, 600_000)]
    assert len(sizes) == len(set(sizes))


def test_every_way_to_end_without_an_order_is_expected_of_some_event() -> None:
    assert set(statuses(events())) == {"skipped_drain", "skipped_duplicate", "skipped_hold", "skipped_stale"}


def test_a_duplicate_names_the_first_event_of_its_direction() -> None:
    proofs = events()
    first = {event["id"]: event["expected"] for event in proofs}
    duplicates = [event["expected"] for event in proofs if event["expected"]["status"] == "skipped_duplicate"]
    assert all(first[duplicate["duplicate_of"]]["status"] == "skipped_drain" for duplicate in duplicates)
    assert all(
        first[duplicate["duplicate_of"]]["direction"] == duplicate["direction"] for duplicate in duplicates
    )


def test_while_halted_only_closing_goes_on() -> None:
    outcomes = [event["expected"] for event in events(halted=True)]
    assert {expected["status"] for expected in outcomes if expected["direction"] in ("long", "short")} == {
        "skipped_halted",
        "skipped_stale",
    }
    assert [expected["status"] for expected in outcomes if expected["direction"] == "close"] == [
        "skipped_drain"
    ]


def test_a_second_decoder_reads_what_is_expected() -> None:
    for event in events():
        intent = oracle.decode({"id": event["id"], "fields": event["fields"]}).intent or {}
        wanted = event["expected"]["intent"]
        assert all(oracle.same(value, intent[name]) for name, value in wanted.items()), event
