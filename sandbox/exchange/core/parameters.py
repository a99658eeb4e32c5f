"""What a request says: query and form body read as one set of parameters, and each value by its kind."""

from __future__ import annotations

import re
from decimal import Decimal
from urllib.parse import parse_qsl

from sandbox.exchange.core.errors import ExchangeError, RefusalCode

_DECIMAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_INTEGER = r"^[0-9]{1,20}$"
CLIENT_ID = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
_LONGEST_CLIENT_ID = 36


class Parameters(dict[str, str]):
    """A request's parameters. Empty values count as absent, as on the exchange."""

    @classmethod
    def of(cls, raw_query: str, raw_body: str) -> Parameters:
        """Read both parts; what stands in both is taken from the query."""
        return cls(parse_qsl(raw_body) + parse_qsl(raw_query))

    def text(self, name: str) -> str:
        """Return a mandatory parameter."""
        if name not in self:
            raise ExchangeError(RefusalCode.MANDATORY, name)
        return self[name]

    def choice(self, name: str, allowed: tuple[str, ...], refusal: RefusalCode, default: str = "") -> str:
        """Return one of the allowed words, mandatory where there is no default."""
        word = self.get(name, default) if default else self.text(name)
        if word not in allowed:
            raise ExchangeError(refusal)
        return word

    def decimal(self, name: str) -> Decimal | None:
        """Return a decimal, None when absent; exponents and signs are illegal characters."""
        return None if name not in self else Decimal(self._matching(name, _DECIMAL))

    def integer(self, name: str) -> int | None:
        """Return a whole number, None when absent."""
        return None if name not in self else int(self._matching(name, _INTEGER))

    def boolean(self, name: str) -> bool:
        """Return whether the parameter says `true`; absent is false."""
        word = self.get(name, "false").lower()
        if word not in ("true", "false"):
            raise ExchangeError(RefusalCode.MANDATORY, name)
        return word == "true"

    def client_id(self, name: str) -> str | None:
        """Return a client's own id for an order, None when absent."""
        if len(self.get(name, "")) > _LONGEST_CLIENT_ID:
            raise ExchangeError(RefusalCode.CLIENT_ID_TOO_LONG)
        return None if name not in self else self._matching(name, CLIENT_ID)

    def _matching(self, name: str, pattern: str) -> str:
        if not re.match(pattern, self[name]):
            raise ExchangeError(RefusalCode.ILLEGAL_CHARACTERS, name, pattern)
        return self[name]
