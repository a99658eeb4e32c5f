"""One JSON object a line, on stdout, without secrets."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

REDACTED = "<redacted>"
_SECRET_NAME = re.compile(r"password|passwd|secret|token|signature|api_?key|credential", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s/@]+@", re.IGNORECASE)
_SIGNATURE = re.compile(r"\b(signature=)[^&\s\"']+", re.IGNORECASE)


class Redaction:
    """Takes out of every log line what must not be read: by name, by shape, and by its very value."""

    def __init__(self, *secrets: str | None) -> None:
        self._secrets = sorted((secret for secret in secrets if secret), key=len, reverse=True)

    def __call__(self, _logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        """Return the line without secrets, as a step of structlog's chain."""
        return {name: self._value(name, value) for name, value in line.items()}

    def _value(self, name: str, value: Any) -> Any:
        if _SECRET_NAME.search(name):
            return REDACTED
        if isinstance(value, dict):
            return {str(key): self._value(str(key), item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._value("", item) for item in value]
        return value if value is None or isinstance(value, bool | int | float) else self.text(str(value))

    def text(self, text: str) -> str:
        """Return `text` without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        return _SIGNATURE.sub(rf"\1{REDACTED}", _URL_PASSWORD.sub(rf"\1:{REDACTED}@", text))


class StartUp:
    """Keeps the lines up to the one that ends the start-up, however often the log rotates afterwards."""

    LAST, MOST = "reading", 100

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self._ended = False

    def __call__(self, _logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        """Keep the line, as a step of structlog's chain."""
        if not self._ended:
            self.lines.append(dict(line))
            self._ended = line.get("event") == self.LAST or len(self.lines) >= self.MOST
        return line


#: Of this process, which starts once.
start_up = StartUp()


class _Forward(logging.Handler):
    """Libraries log through the standard library; their lines become ours."""

    def emit(self, record: logging.LogRecord) -> None:
        level = min(record.levelno, logging.ERROR)
        structlog.get_logger().log(
            level, "library_log", logger=record.name, message=record.getMessage(), exc_info=record.exc_info
        )


def configure(level: str, *secrets: str | None) -> None:
    """Send every log line of this process through redaction to stdout, from `level` on."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            Redaction(*secrets),
            start_up,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers, root.level = [_Forward()], max(number, logging.WARNING)


def logger() -> FilteringBoundLogger:
    """Return the logger that everybody uses."""
    return structlog.get_logger()  # type: ignore[no-any-return]  # as configured above
