from sandbox.producers import times

MOMENT_MS = 1_766_550_028_095


def test_one_moment_is_written_in_five_ways() -> None:
    assert times.iso_naive(MOMENT_MS) == "2025-12-24T04:20:28.095000"
    assert times.iso_offset(MOMENT_MS) == "2025-12-24T04:20:28.095000+00:00"
    assert times.iso_z(MOMENT_MS) == "2025-12-24T04:20:28.095000Z"
    assert times.epoch_ms(MOMENT_MS) == 1_766_550_028_095
    assert str(times.epoch_s(MOMENT_MS)) == "1766550028.095"
