from itertools import pairwise

import pytest

from sandbox.exchange.core.symbols import SYMBOLS


@pytest.mark.parametrize("name", SYMBOLS)
def test_brackets_join_and_allow_less_leverage_for_more(name: str) -> None:
    brackets = SYMBOLS[name].brackets
    assert brackets[0].floor == 0
    for smaller, larger in pairwise(brackets):
        assert (smaller.cap, smaller.leverage > larger.leverage) == (larger.floor, True)


@pytest.mark.parametrize(
    ("leverage", "largest"), [(150, 300_000), (76, 300_000), (75, 3_000_000), (1, 3 * 10**9)]
)
def test_the_largest_position_depends_on_the_leverage(leverage: int, largest: int) -> None:
    assert SYMBOLS["BTCUSDT"].largest_notional(leverage) == largest
