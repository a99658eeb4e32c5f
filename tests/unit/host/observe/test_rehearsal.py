from __future__ import annotations

from checks.judge import oracle
from host.observe.crafted import DIRECTIONS, SHAPES
from host.observe.rehearsal import entries, invalid, valid

AT_MS = 1795363200123


def test_every_side_word_is_rehearsed_in_every_shape() -> None:
    seen = {(craft.shape, craft.word.upper()) for craft in valid(AT_MS)}
    assert seen >= {(shape, word) for shape in SHAPES for word in DIRECTIONS}


def test_a_second_decoder_reads_from_each_valid_entry_what_was_desired() -> None:
    for craft in valid(AT_MS):
        decoded = oracle.decode({"id": "1-0", "fields": craft.fields()})
        assert decoded.valid, (craft, decoded.fault)
        intent = decoded.intent or {}
        assert all(oracle.same(value, intent[name]) for name, value in craft.intent().items()), craft


def test_a_second_decoder_refuses_each_invalid_entry() -> None:
    for fields in invalid(AT_MS):
        assert not oracle.decode({"id": "1-0", "fields": fields}).valid, fields


def test_no_valid_entry_is_a_duplicate_of_another() -> None:
    symbols = [craft.symbol for craft in valid(AT_MS)]
    assert len(symbols) == len(set(symbols))


def test_each_entry_has_an_id_of_its_own_and_one_common_clock() -> None:
    rehearsed = entries(AT_MS)
    assert len({entry["id"] for entry in rehearsed}) == len(rehearsed)
    assert {entry["now_ms"] for entry in rehearsed} == {AT_MS}
