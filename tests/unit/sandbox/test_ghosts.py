import re

from sandbox.stream import ghosts


def test_there_are_34_consumers_and_the_owner_of_the_pending_entry_is_one_of_them() -> None:
    names = ghosts.names()
    assert len(set(names)) == 34
    assert names.count("test-consumer") == 1


def test_all_but_one_were_left_behind_by_the_execution_service() -> None:
    left_behind = [name for name in ghosts.names() if re.fullmatch(r"execution_[0-9a-f]{8}", name)]
    assert len(left_behind) == 33


def test_every_consumer_was_last_seen_days_ago() -> None:
    idle_ms = {10**12 - seen for seen in ghosts.seen_ms(10**12).values()}
    assert idle_ms == {448_668_459, 652_112_520}
