from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from checks.digests import canonical_json, code_digest, config_digest, release_id

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = {"TRADE_INTENT_MODE": "safe_drain", "TRADE_INTENT_BATCH": "100"}


def package(folder: Path) -> Path:
    root = folder / "consumer"
    (root / "gates").mkdir(parents=True)
    (root / "wire.py").write_bytes(b"wire")
    (root / "gates" / "age.py").write_bytes(b"age")
    return root


def test_canonical_json_sorts_and_escapes() -> None:
    assert canonical_json({"b": "ü", "a": [1, None]}) == '{"a":[1,null],"b":"\\u00fc"}'


def test_the_code_digest_is_over_sorted_names_and_contents(tmp_path: Path) -> None:
    lines = "".join(
        f"{name}\0{hashlib.sha256(content).hexdigest()}\n"
        for name, content in (("consumer/gates/age.py", b"age"), ("consumer/wire.py", b"wire"))
    )
    assert code_digest(package(tmp_path)) == hashlib.sha256(lines.encode()).hexdigest()


def test_compiled_files_and_notes_do_not_change_the_code_digest(tmp_path: Path) -> None:
    root = package(tmp_path)
    before = code_digest(root)
    (root / "__pycache__").mkdir()
    (root / "__pycache__" / "wire.py").write_text("stale")
    (root / "README.md").write_text("words")
    assert code_digest(root) == before


def test_a_renamed_file_changes_the_code_digest(tmp_path: Path) -> None:
    root = package(tmp_path)
    before = code_digest(root)
    (root / "wire.py").rename(root / "wires.py")
    assert code_digest(root) != before


def test_lua_and_json_are_code(tmp_path: Path) -> None:
    root = package(tmp_path)
    before = code_digest(root)
    (root / "settle.lua").write_text("return 1")
    assert code_digest(root) != before


def test_what_differs_by_host_is_no_part_of_the_config_digest() -> None:
    given = {"TRADE_INTENT_CUTOVER_ID": "1-0", "TRADE_INTENT_CUTOVER_FILE": "/x", "TRADE_INTENT_REPLICA": "3"}
    assert config_digest({**SETTINGS, **given}) == config_digest(SETTINGS)


def test_a_setting_changes_the_config_digest() -> None:
    assert config_digest({**SETTINGS, "TRADE_INTENT_BATCH": "101"}) != config_digest(SETTINGS)


def test_a_release_is_named_after_all_that_is_desired_but_its_time() -> None:
    desired: dict[str, Any] = {"mode": "safe_drain", "settings": SETTINGS}
    name = hashlib.sha256(json.dumps(desired, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[
        :16
    ]
    assert release_id({**desired, "created": "2026-11-22T16:00:00Z", "release": "old"}) == name
