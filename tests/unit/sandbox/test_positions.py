from decimal import Decimal

from sandbox.exchange.core.positions import HeldPosition


def after(*fills: tuple[str, str]) -> HeldPosition:
    position = HeldPosition()
    for quantity, price in fills:
        position = position.after(Decimal(quantity), Decimal(price), 1)
    return position


def test_fills_in_one_direction_average_their_price() -> None:
    position = after(("10", "1.0"), ("30", "2.0"))
    assert (position.amount, position.entry_price) == (Decimal(40), Decimal("1.75"))


def test_closing_a_part_leaves_the_entry_price() -> None:
    position = after(("-10", "2.0"), ("4", "1.0"))
    assert (position.amount, position.entry_price) == (Decimal(-6), Decimal("2.0"))


def test_closing_all_leaves_nothing() -> None:
    assert after(("10", "1.0"), ("-10", "2.0")).amount == 0


def test_a_fill_larger_than_the_position_opens_the_other_way_at_its_own_price() -> None:
    position = after(("10", "1.0"), ("-15", "2.0"))
    assert (position.amount, position.entry_price) == (Decimal(-5), Decimal("2.0"))


def test_profit_is_realized_on_the_part_that_is_closed() -> None:
    assert after(("10", "1.0")).realized_by(Decimal(-15), Decimal("1.5")) == Decimal(5)
    assert after(("-10", "1.0")).realized_by(Decimal(4), Decimal("1.5")) == Decimal(-2)
    assert after(("10", "1.0")).realized_by(Decimal(5), Decimal(9)) == 0
