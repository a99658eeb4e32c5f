"""Works out what a deploy means to be true: the release document that the host is then judged against.

It reads the consumer's own code; it asks `python -m consumer settings` what the settings amount to, and works
out the code's digest a second way: two definitions that must agree.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from checks.digests import code_digest, release_id
from checks.errors import ChecksError

PROJECT = Path(__file__).resolve().parent.parent
LOCK = Path("requirements/consumer.txt")
#: The Python inside the image, as far as it decides which requirements apply there.
IMAGE_PYTHON = {
    "python_version": "3.13",
    "python_full_version": "3.13.0",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
}

#: The secret that decisions are sealed with, and what stands for its file's name in what Ansible wants.
DECISION_KEY = "decision_key"
_PLACE = "<decision_key>"

type Json = dict[str, Any]


def packages(lock: str) -> dict[str, str]:
    """Map the name of each package that the image gets to its pinned version."""
    lines = (line.split(" \\")[0].strip() for line in lock.splitlines() if line[:1].isalnum())
    pins = (Requirement(line) for line in lines)
    return {
        pin.name: str(pin.specifier).removeprefix("==")
        for pin in pins
        if pin.marker is None or pin.marker.evaluate(IMAGE_PYTHON)
    }


def plan(wanted: Json) -> Json:
    """Add to what Ansible wants what the consumer's code, settings and pinned packages amount to.

    `wanted` has names, settings and runtime, and `image_repository`. Raises ChecksError where the consumer
    refuses a setting.
    """
    wanted = dict(wanted)
    effective = _effective(wanted["settings"])
    lock = (PROJECT / LOCK).read_text(encoding="utf-8")
    code, pinned = effective["code_digest"], hashlib.sha256(lock.encode()).hexdigest()
    if code != code_digest(PROJECT / "consumer"):
        raise ChecksError(
            "The consumer and the checks disagree on the digest of consumer/.",
            "One of the two definitions was changed alone: change the other.",
        )
    image = {
        "tag": f"{wanted.pop('image_repository')}:{code[:12]}-{pinned[:12]}",
        "code_digest": code,
        "lock_digest": pinned,
        "python": IMAGE_PYTHON["python_version"],
        "packages": packages(lock),
    }
    whole = {
        "schema": 1,
        **wanted,
        "image": image,
        "commit": _commit(),
        "settings": effective["settings"],
        "config_digest": effective["config_digest"],
    }
    return with_decision_key(whole)


def with_decision_key(whole: Json) -> Json:
    """Name the file of the key that this release seals its decisions with, wherever it says so.

    The name comes from all else that is desired, so that a container which is started again finds the key
    that it began with, whatever was deployed meanwhile.
    """
    digest = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
    name = f"{DECISION_KEY}-{digest[:16]}"
    runtime = whole.get("runtime", {})
    binds = [bind.replace(_PLACE, name) for bind in runtime.get("binds", [])]
    secrets = [name if secret == DECISION_KEY else secret for secret in whole.get("secrets", [])]
    return {
        **whole,
        "secrets": secrets,
        "decision_key": name if name in secrets else None,
        "runtime": {**runtime, "binds": binds},
    }


def document(known: Json) -> Json:
    """Complete a plan by the id that the target's engine gives the image, and name the result.

    `known` has `plan`, `image_id`, `secrets`, `label_key` and `created`; of the secrets only a sum is kept.
    """
    whole = {**known["plan"], "secrets_hmac": secrets_hmac(known["secrets"], known["label_key"])}
    whole["image"] = {**whole["image"], "id": known["image_id"]}
    return {**whole, "release": release_id(whole), "created": known["created"]}


def secrets_hmac(secrets: dict[str, str], key: str) -> str:
    """Sum the secrets up so that a changed one shows and none can be guessed: HMAC-SHA256, hex."""
    lines = (f"{name}\0{hashlib.sha256(secrets[name].encode()).hexdigest()}\n" for name in sorted(secrets))
    return hmac.new(key.encode(), "".join(lines).encode(), hashlib.sha256).hexdigest()


def _effective(settings: dict[str, str]) -> Json:
    """Ask the consumer itself what these settings amount to; its refusal is ours."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("TRADE_INTENT_")}
    asked = subprocess.run(
        [sys.executable, "-m", "consumer", "settings"],
        env=bare | settings,
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
    )
    if asked.returncode:
        said = asked.stderr.strip() or asked.stdout.strip()
        raise ChecksError(f"The consumer refuses its settings: {said}", "Mend what it names.")
    return dict(json.loads(asked.stdout))


def _commit() -> str:
    """Name the commit that last touched what goes into the image; `none` where git does not say."""
    paths = ["--", "consumer", str(LOCK)]
    last = _git("log", "-1", "--format=%H", *paths)
    return "none" if not last else f"{last}+changes" if _git("status", "--porcelain", *paths) else last


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False, cwd=PROJECT)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
