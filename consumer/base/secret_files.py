"""Secrets, which are files in one folder. Safe drain holds none of the exchange's."""

from __future__ import annotations

from pathlib import Path

from consumer.base.errors import RefusedError

FOLDER = Path("/run/secrets")
EXCHANGE = ("binance_api_key", "binance_api_secret")


def refuse_exchange_secrets(folder: Path) -> None:
    """Raise RefusedError when a secret of the exchange lies in `folder`, whatever it holds."""
    names = [name for name in EXCHANGE if _exists(folder / name)]
    if names:
        raise RefusedError(
            f"The exchange's secret {' and '.join(names)} is in {folder}: what drains must not hold it.",
            "Remove it from this container; only a promoted release gets one.",
        )


def has_exchange_secrets(folder: Path) -> bool:
    """Tell whether all secrets of the exchange are there."""
    return all(_exists(folder / name) for name in EXCHANGE)


def exchange_secrets(folder: Path) -> tuple[str, str]:
    """Return the exchange's key and secret. Raises RefusedError when they cannot be read, or are empty."""
    key, secret = (_read(folder / name) for name in EXCHANGE)
    if not key or not secret:
        raise RefusedError(f"A secret of the exchange in {folder} is empty.", "Write the key and its secret.")
    return key, secret


def redis_password(folder: Path) -> str | None:
    """Return Redis's password, or None when there is none. Raises RefusedError when it cannot be read."""
    path = folder / "redis_password"
    return _read(path) if _exists(path) else None


def decision_key(folder: Path) -> str | None:
    """Return the key that seals decisions, or None. Raises RefusedError when it cannot be read."""
    path = folder / "decision_key"
    return _read(path) if _exists(path) else None


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise RefusedError(
            f"{path} cannot be read: {error.__class__.__name__}.",
            "It must be a text file that the consumer's user owns, mode 0400.",
        ) from error


def _exists(path: Path) -> bool:
    """Tell whether anything has this name; a folder that may not be looked into counts as holding it."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
