from __future__ import annotations

import os

import pytest

from host.observe.probe import opened_to_write, watch


@pytest.mark.parametrize("arguments", [("f", "w", 0), ("f", "a", 0), ("f", "r+", 0), ("f", None, os.O_RDWR)])
def test_a_file_opened_to_be_changed_is_noted(arguments: tuple[object, ...]) -> None:
    assert opened_to_write(arguments)


@pytest.mark.parametrize(
    "arguments", [("f", "r", 0), ("f", "rb", 0), ("f", None, os.O_RDONLY | os.O_CLOEXEC)]
)
def test_a_file_opened_to_be_read_is_not(arguments: tuple[object, ...]) -> None:
    assert not opened_to_write(arguments)


@pytest.mark.parametrize(
    ("event", "arguments", "kind"),
    [
        ("socket.connect", (None, ("10.0.0.1", 443)), "sockets_opened"),
        ("socket.getaddrinfo", ("example.invalid", 443, 0, 0, 0), "sockets_opened"),
        ("subprocess.Popen", ("curl", [], None, None), "processes_started"),
        ("open", ("/x", "w", 0), "files_written"),
    ],
)
def test_every_way_out_of_the_process_is_noted(event: str, arguments: tuple[object, ...], kind: str) -> None:
    seen: dict[str, list[str]] = {"sockets_opened": [], "processes_started": [], "files_written": []}
    watch(event, arguments, seen)
    assert [name for name, notes in seen.items() if notes] == [kind]
