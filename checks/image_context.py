"""Lays out what an image of ours is built from: a package's code, its Dockerfile, its pinned packages.

The packages are fetched here, for the image's Python and machine, so that the build needs no certificates and
no installer.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from checks.errors import ChecksError

PROJECT = Path(__file__).resolve().parent.parent
#: What an image is made of: the folder of its code, with the Dockerfile in it.
PACKAGES = ("consumer", "sandbox")
#: Left by whoever ran the code here; the image compiles its own.
_LITTER = shutil.ignore_patterns("__pycache__")


def lay_out(folder: Path, package: str, python: str, platform: str, project: Path = PROJECT) -> bool:
    """Make the build context of `package` in `folder`, whole or not at all; say whether it was made now.

    A folder that is there is left alone: its name says what is in it. `platform` is named as uv does. Raises
    ChecksError where the packages cannot be fetched.
    """
    if folder.is_dir():
        return False
    draft = folder.with_name(f"{folder.name}.{os.getpid()}")
    # Another user reads this in the image than the one who writes it here.
    os.umask(0o022)
    draft.mkdir(parents=True)
    _fetch(draft / "site-packages", project / "requirements" / f"{package}.txt", python, platform)
    shutil.copytree(project / package, draft / package, ignore=_LITTER)
    shutil.move(draft / package / "Dockerfile", draft / "Dockerfile")
    _put_in_place(draft, folder)
    return True


def _put_in_place(draft: Path, folder: Path) -> None:
    try:
        draft.rename(folder)
    except OSError:
        shutil.rmtree(draft)
        # Another process was first, and made the same.
        if not folder.is_dir():
            raise


def _fetch(target: Path, lock: Path, python: str, platform: str) -> None:
    """Install the pinned packages, hashes checked, as wheels for the image's Python and machine."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-compile", "--require-hashes"),
            *("--only-binary", ":all:", "--python-version", python, "--python-platform", platform),
            *("--target", str(target), "--requirements", str(lock)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        shutil.rmtree(target.parent)
        raise ChecksError(
            f"The packages of {lock.name} could not be fetched for Python {python} on {platform}: "
            f"{done.stderr.strip()}",
            "See that a package index can be reached; `make lock` mends a list that does not fit.",
        )
