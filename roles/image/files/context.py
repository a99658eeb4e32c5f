# ruff: noqa: INP001 - a program of its own, not a module of a package
"""Lays out what the consumer's image is built from: its code, its Dockerfile, its pinned packages.

The packages are fetched here, for the image's Python and machine, so that the build needs no network, no
certificates and no installer. JSON by stdin: `folder` (made whole or not at all), `python`, `platform`. Run
in the project's folder.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

CODE = Path("consumer")
LOCK = Path("requirements/consumer.txt")
#: Left by whoever ran the code here; the image compiles its own.
LITTER = shutil.ignore_patterns("__pycache__")


def lay_out(folder: Path, python: str, platform: str) -> None:
    """Make the build context in `folder`, unless it is there: its name says what is in it."""
    if folder.is_dir():
        return
    draft = folder.with_name(f"{folder.name}.{os.getpid()}")
    # Another user reads this in the image than the one who writes it here.
    os.umask(0o022)
    draft.mkdir(parents=True)
    fetch(draft / "site-packages", python, platform)
    shutil.copytree(CODE, draft / CODE, ignore=LITTER)
    shutil.move(draft / CODE / "Dockerfile", draft / "Dockerfile")
    try:
        draft.rename(folder)
    except OSError:
        shutil.rmtree(draft)
        # Another process was first, and made the same.
        if not folder.is_dir():
            raise


def fetch(target: Path, python: str, platform: str) -> None:
    """Install the pinned packages, hashes checked, as wheels for the image's Python and machine."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-compile", "--require-hashes"),
            *("--only-binary", ":all:", "--python-version", python, "--python-platform", platform),
            *("--target", str(target), "--requirements", str(LOCK)),
        ],
        check=False,
    )
    if done.returncode:
        sys.exit(f"The packages of {LOCK} could not be fetched for Python {python} on {platform}; see above.")


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    lay_out(Path(asked["folder"]), asked["python"], asked["platform"])
