"""The code digest: every code file and nothing else, by path and content."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from consumer.base.digests import code_digest

if TYPE_CHECKING:
    from pathlib import Path


def package(folder: Path) -> Path:
    package = folder / "consumer"
    (package / "data").mkdir(parents=True)
    (package / "wire.py").write_text("x = 1\n")
    (package / "settle.lua").write_text("return 1\n")
    (package / "data" / "one.json").write_text("{}")
    return package


def test_the_digest_is_made_as_it_is_written_down(tmp_path: Path) -> None:
    files = {
        "consumer/data/one.json": "{}",
        "consumer/settle.lua": "return 1\n",
        "consumer/wire.py": "x = 1\n",
    }
    lines = "".join(f"{name}\0{hashlib.sha256(text.encode()).hexdigest()}\n" for name, text in files.items())
    assert code_digest(package(tmp_path)) == hashlib.sha256(lines.encode()).hexdigest()


def test_compiled_files_and_documents_do_not_count(tmp_path: Path) -> None:
    folder = package(tmp_path)
    before = code_digest(folder)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "made.py").write_text("")
    (folder / "Dockerfile").write_text("FROM scratch")
    assert code_digest(folder) == before


def test_a_changed_byte_a_new_and_a_renamed_file_change_it(tmp_path: Path) -> None:
    folder = package(tmp_path)
    seen = {code_digest(folder)}
    (folder / "wire.py").write_text("x = 2\n")
    seen.add(code_digest(folder))
    (folder / "data" / "more.py").write_text("")
    seen.add(code_digest(folder))
    (folder / "data" / "more.py").rename(folder / "more.py")
    seen.add(code_digest(folder))
    assert len(seen) == 4
