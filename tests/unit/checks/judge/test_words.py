"""What findings are worded with: ids, times, sizes, counts, digests."""

from __future__ import annotations

from hashlib import sha256

import pytest

from checks.judge.code import code_digest, modules
from checks.judge.evidence import UnseenError
from checks.judge.outcome import count, failed, passed, some, unless
from checks.judge.stream_ids import milliseconds, position
from checks.judge.times import duration, mebibytes, unix_ms
from checks.model import Verdict


def test_stream_ids_are_ordered_as_numbers() -> None:
    assert position("9-10") > position("9-9")
    assert position("10-0") > position("9-10")
    assert milliseconds("1766594572014-3") == 1_766_594_572_014


@pytest.mark.parametrize("text", ["", "1", "a-1", "1-b"])
def test_a_text_that_is_no_stream_id_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        position(text)


@pytest.mark.parametrize(
    "text",
    [
        "2025-12-24T16:40:00Z",
        "2025-12-24T16:40:00.000000000Z",
        "2025-12-24T16:40:00",
        "2025-12-24T17:40:00+01:00",
    ],
)
def test_times_of_docker_and_of_logs_are_read_alike(text: str) -> None:
    assert unix_ms(text) == 1_766_594_400_000


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (800, "800 ms"),
        (1_500, "1.5 s"),
        (90_000, "1.5 min"),
        (5_400_000, "1.5 h"),
        (448_668_459, "5.2 d"),
        (-90_000, "-1.5 min"),
    ],
)
def test_a_duration_is_written_in_its_largest_unit(ms: float, text: str) -> None:
    assert duration(ms) == text


def test_sizes_are_written_in_mebibytes() -> None:
    assert mebibytes(134_217_728) == "128 MiB"


def test_counts_agree_with_their_noun() -> None:
    assert count(1, "entry", "entries") == "1 entry"
    assert count(10_010, "entry", "entries") == "10,010 entries"
    assert count(0, "port") == "0 ports"


def test_long_lists_name_a_few_and_count_the_rest() -> None:
    assert some(["a", "b"]) == "a, b"
    assert some(list("abcdefg")) == "a, b, c, d, e and 2 more"


def test_problems_fail_and_none_passes() -> None:
    assert unless(["this", "that"], "fine") == failed("this; that")
    assert unless([], "fine") == passed("fine")
    assert failed("x").verdict is Verdict.FAIL


def test_the_code_digest_is_the_one_that_is_defined() -> None:
    files = [{"path": "/app/consumer/b.lua", "sha256": "2"}, {"path": "consumer/a.py", "sha256": "1"}]

    assert code_digest(files) == sha256(b"consumer/a.py\x001\nconsumer/b.lua\x002\n").hexdigest()


def test_compiled_and_other_files_do_not_count_as_code() -> None:
    files = [{"path": "/app/consumer/a.py", "sha256": "1"}]
    others = [
        {"path": "/app/consumer/__pycache__/a.cpython-313.pyc", "sha256": "2"},
        {"path": "/app/consumer/README.md", "sha256": "3"},
    ]

    assert code_digest(files + others) == code_digest(files)


def test_no_code_has_no_digest() -> None:
    with pytest.raises(UnseenError, match="code file"):
        code_digest([])


def test_modules_are_named_as_they_are_imported() -> None:
    files = [
        {"path": f"/app/consumer/{name}", "sha256": name}
        for name in ("__init__.py", "intents/wire.py", "a.lua")
    ]

    assert modules(files) == {"consumer": "__init__.py", "consumer.intents.wire": "intents/wire.py"}
