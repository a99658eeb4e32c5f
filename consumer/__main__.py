"""Starting the consumer: `python -m consumer`, `python -m consumer settings`, `python -m consumer rehearse`.

What can send an order must not be loaded, so the import guard is armed before anything that could reach out.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from typing import TYPE_CHECKING

import structlog

from consumer import digests, import_guard, secret_files, settings
from consumer.errors import ConsumerError, RefusedError
from consumer.log import configure, logger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

#: The exit code of a refusal to start: the configuration is at fault (EX_CONFIG).
REFUSED = 78
FAILED = 1
USAGE = 2


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
        case _:
            sys.stderr.write("usage: python -m consumer [settings | rehearse]\n")
            return USAGE


def refuse_what_this_build_does_not_offer(effective: settings.Settings, secrets_folder: Path) -> None:
    """Raise RefusedError for everything but a safe drain without the exchange's secrets."""
    if effective.mode != "safe_drain":
        raise RefusedError(
            "Live mode needs a promotion record, a limits file and the exchange's secrets; "
            "this build offers none of them.",
            "Set TRADE_INTENT_MODE=safe_drain.",
        )
    if effective.venue != "none":
        raise RefusedError(
            f"Safe drain sends nothing anywhere, and TRADE_INTENT_VENUE is {effective.venue}.",
            "Set TRADE_INTENT_VENUE=none; a venue needs live mode.",
        )
    for name in ("venue_url", "journal_url", "limits_file", "promotion_file"):
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
        refuse_what_this_build_does_not_offer(effective, secrets_folder)
        password = secret_files.redis_password(secrets_folder)
        configure(effective.log_level, password)
        _start(effective, password)
    except RefusedError as refusal:
        logger().error("refused", reason=refusal.reason, remedy=refusal.remedy)
        return REFUSED
    except Exception:  # noqa: BLE001 - the last words of a dying process, as a line that a program can read
        logger().exception("crashed")
        return FAILED
    logger().info("stopped")
    return 0


def _start(effective: settings.Settings, password: str | None) -> None:
    log = logger()
    document = effective.document()
    log.info(
        "starting",
        mode=effective.mode,
        code_digest=digests.code_digest(),
        config_digest=digests.config_digest(document),
    )
    log.info("settings_accepted", settings=document)
    import_guard.arm()
    log.info("import_guard_armed", guarded=list(import_guard.GUARDED))
    import asyncio  # noqa: PLC0415 - nothing that can reach a network is imported before the guard is armed

    from consumer.context import context_for  # noqa: PLC0415 - likewise
    from consumer.service import Service  # noqa: PLC0415 - likewise

    context = context_for(effective)

    async def run() -> None:
        await Service(context, password).run()

    asyncio.run(run())


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
        refuse_what_this_build_does_not_offer(effective, secrets_folder)
        import_guard.arm()
        from consumer.context import context_for  # noqa: PLC0415 - only behind the guard
        from consumer.rehearse import rehearse  # noqa: PLC0415 - likewise

        rehearse(sys.stdin, sys.stdout, context_for(effective))
    except ConsumerError as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
