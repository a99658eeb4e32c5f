"""Starting the consumer: `python -m consumer`, and its verbs: settings, rehearse, resume, acknowledge.

In safe drain, what can send an order must not be loaded: the import guard is armed before anything that could
reach out. What live mode needs is imported only once the settings say live.
"""

# ruff: noqa: E402 - a signal finds its handler before anything else is loaded, which takes a while
from __future__ import annotations

import os
import signal
import sys


def _end_at_once(*_signal: object) -> None:
    """End: as long as this is what a signal finds, nothing is in hand.

    An exception would not do: where the interpreter cannot pass one on, it forgets it and goes on.
    """
    os._exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end_at_once)

import json
import uuid
from typing import TYPE_CHECKING

import structlog

from consumer.base import digests, import_guard, secret_files, settings
from consumer.base.errors import ConsumerError, RefusedError
from consumer.base.log import configure, logger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

#: The exit code of a refusal to start: the configuration is at fault (EX_CONFIG).
REFUSED = 78
FAILED = 1
USAGE = 2
USAGE_TEXT = """\
usage: python -m consumer [settings | rehearse | resume --reason WHY | acknowledge --reason WHY [CODE]]
"""


def main(
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] = os.environ,
    secrets_folder: Path = secret_files.FOLDER,
) -> int:
    """Run one of the commands and return its exit code."""
    match list(arguments):
        case []:
            return _serve(environment, secrets_folder)
        case ["settings"]:
            return _show_settings(environment)
        case ["rehearse"]:
            return _rehearse(environment, secrets_folder)
        case ["resume", "--reason", reason] if reason.strip():
            return _resume(environment, secrets_folder, reason.strip())
        case ["acknowledge", "--reason", reason, *code] if reason.strip() and len(code) <= 1:
            return _acknowledge(environment, secrets_folder, reason.strip(), *code)
        case _:
            sys.stderr.write(USAGE_TEXT)
            return USAGE


def refuse_what_safe_drain_must_not_have(effective: settings.Settings, secrets_folder: Path) -> None:
    """Raise RefusedError for everything but a safe drain without the exchange's secrets."""
    if effective.mode != "safe_drain":
        raise RefusedError(
            f"Only safe drain needs no promotion record, and {settings.PREFIX}MODE is {effective.mode}.",
            f"Set {settings.PREFIX}MODE=safe_drain.",
        )
    if effective.venue != "none":
        raise RefusedError(
            f"Safe drain sends nothing anywhere, and TRADE_INTENT_VENUE is {effective.venue}.",
            "Set TRADE_INTENT_VENUE=none; a venue needs live mode.",
        )
    for name in ("venue_url", "journal_url", "promotion_file"):
        if getattr(effective, name):
            raise RefusedError(
                f"{settings.PREFIX}{name.upper()} is set, and nothing reads it in safe drain.",
                "Leave it out.",
            )
    secret_files.refuse_exchange_secrets(secrets_folder)


def _serve(environment: Mapping[str, str], secrets_folder: Path) -> int:
    structlog.contextvars.bind_contextvars(run=str(uuid.uuid4()))
    configure("info")
    try:
        effective = settings.from_environment(environment)
        if effective.mode == "live":
            _start_live(effective, secrets_folder)
        else:
            refuse_what_safe_drain_must_not_have(effective, secrets_folder)
            _start(effective, secrets_folder)
    except RefusedError as refusal:
        logger().error("refused", reason=refusal.reason, remedy=refusal.remedy)
        return REFUSED
    except Exception:  # noqa: BLE001 - the last words of a dying process, as a line that a program can read
        logger().exception("crashed")
        return FAILED
    logger().info("stopped")
    return 0


def _start(effective: settings.Settings, secrets_folder: Path) -> None:
    log = logger()
    password = secret_files.redis_password(secrets_folder)
    key = secret_files.decision_key(secrets_folder)
    configure(effective.log_level, password, key)
    _announce(effective)
    import_guard.arm()
    log.info("import_guard_armed", guarded=list(import_guard.GUARDED))
    import asyncio  # noqa: PLC0415 - nothing that can reach a network is imported before the guard is armed

    from consumer.intents.context import context_for  # noqa: PLC0415 - likewise
    from consumer.service import Service  # noqa: PLC0415 - likewise

    context = context_for(effective)

    async def run() -> None:
        await Service(context, password, key).run()

    asyncio.run(run())


def _start_live(effective: settings.Settings, secrets_folder: Path) -> None:
    from consumer.live import failpoints  # noqa: PLC0415 - safe drain never gets here
    from consumer.live.config import live_config_for  # noqa: PLC0415 - likewise

    config = live_config_for(effective, secrets_folder)
    password = secret_files.redis_password(secrets_folder)
    key = secret_files.decision_key(secrets_folder)
    configure(effective.log_level, password, key, config.api_key, config.api_secret)
    _announce(effective)
    failpoints.arm(effective.venue)
    import asyncio  # noqa: PLC0415 - as late as in safe drain

    from consumer.intents.context import context_for  # noqa: PLC0415 - likewise
    from consumer.live.service import LiveService  # noqa: PLC0415 - it brings the exchange's library

    context = context_for(effective)

    async def run() -> None:
        await LiveService(context, password, config, key).run()

    asyncio.run(run())


def _announce(effective: settings.Settings) -> None:
    document = effective.document()
    logger().info(
        "starting",
        mode=effective.mode,
        code_digest=digests.code_digest(),
        config_digest=digests.config_digest(document),
    )
    logger().info("settings_accepted", settings=document)


def _resume(environment: Mapping[str, str], secrets_folder: Path, reason: str) -> int:
    """Lift the halt of live mode; safe drain knows only the Redis key, which is removed where it was set."""
    import asyncio  # noqa: PLC0415 - only for this command
    import time  # noqa: PLC0415 - likewise

    from redis.exceptions import RedisError  # noqa: PLC0415 - likewise

    from consumer.live import halt  # noqa: PLC0415 - likewise
    from consumer.live.config import open_journal  # noqa: PLC0415 - likewise
    from consumer.stream.connection import Connection  # noqa: PLC0415 - likewise

    async def resume(effective: settings.Settings) -> list[str]:
        journal = open_journal(effective)
        password = secret_files.redis_password(secrets_folder)
        async with Connection(effective.redis_url, password, 5) as connection:
            now_ms = time.time_ns() // 1_000_000
            return await halt.resume(journal, connection, halt.file_of(effective), reason, now_ms)

    try:
        effective = settings.from_environment(environment)
        if effective.mode != "live":
            raise RefusedError(
                "Only live mode keeps a halt.", "In safe drain remove the Redis key, which alone halts it."
            )
        lifted = asyncio.run(resume(effective))
    except (ConsumerError, RedisError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    sys.stdout.write(json.dumps({"lifted": lifted, "reason": reason}) + "\n")
    return 0


def _acknowledge(environment: Mapping[str, str], secrets_folder: Path, reason: str, code: str = "") -> int:
    """Mark the faults that stand, or one of them, as seen by a person; say which."""
    import asyncio  # noqa: PLC0415 - only for this command

    from redis.exceptions import RedisError  # noqa: PLC0415 - likewise

    from consumer.stream import faults  # noqa: PLC0415 - likewise
    from consumer.stream.connection import Connection  # noqa: PLC0415 - likewise

    async def acknowledge() -> list[faults.Fault]:
        effective = settings.from_environment(environment)
        password = secret_files.redis_password(secrets_folder)
        async with Connection(effective.redis_url, password, 5) as connection:
            return await faults.acknowledge(connection, effective, reason, code)

    try:
        seen = asyncio.run(acknowledge())
    except (ConsumerError, RedisError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    sys.stdout.write(json.dumps({"acknowledged": seen, "reason": reason}) + "\n")
    return 0


def _show_settings(environment: Mapping[str, str]) -> int:
    try:
        document = settings.from_environment(environment).document()
    except RefusedError as refusal:
        sys.stderr.write(f"{refusal}\n")
        return FAILED
    shown = {
        "settings": document,
        "config_digest": digests.config_digest(document),
        "code_digest": digests.code_digest(),
    }
    sys.stdout.write(json.dumps(shown, indent=2) + "\n")
    return 0


def _rehearse(environment: Mapping[str, str], secrets_folder: Path) -> int:
    try:
        effective = settings.from_environment(environment)
        refuse_what_safe_drain_must_not_have(effective, secrets_folder)
        import_guard.arm()
        from consumer.intents.context import context_for  # noqa: PLC0415 - only behind the guard
        from consumer.rehearse import rehearse  # noqa: PLC0415 - likewise

        rehearse(sys.stdin, sys.stdout, context_for(effective))
    except ConsumerError as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
