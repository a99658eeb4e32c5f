"""What an error of Redis means for whoever must mend it: one name a cause, as the manual has them."""

from __future__ import annotations

from typing import NamedTuple

from redis.exceptions import RedisError

#: The word that Redis begins an error with → what the cause is called.
CODES = {
    "NOGROUP": "GROUP_MISSING",
    "NOAUTH": "REDIS_AUTH",
    "WRONGPASS": "REDIS_AUTH",
    "NOPERM": "REDIS_DENIED",
    "OOM": "REDIS_OOM",
    "READONLY": "REDIS_READONLY",
    "MASTERDOWN": "REDIS_READONLY",
    "WRONGTYPE": "KEY_WRONG_TYPE",
    "MISCONF": "REDIS_CANNOT_SAVE",
    "NOREPLICAS": "REDIS_NO_REPLICAS",
    "LOADING": "REDIS_LOADING",
    "BUSY": "REDIS_BUSY",
    "UNBLOCKED": "REDIS_UNBLOCKED",
}
AWAY, REFUSED = "REDIS_AWAY", "REDIS_REFUSED"
#: How Redis unblocks a reader when it becomes a replica of another.
_BECAME_REPLICA = "instance state changed"
#: How Redis 7.0 says in a script what it calls NOPERM elsewhere.
_DENIED_IN_A_SCRIPT = "The user executing the script can't"


class Cause(NamedTuple):
    """What keeps the consumer from its work, and what was said of it."""

    code: str
    detail: str


def cause_of(error: BaseException) -> Cause:
    """Name the cause of an error that a session with Redis ended with."""
    text = str(error) or type(error).__name__
    # The client library takes the word off the errors that it has a class for.
    word = getattr(error, "status_code", None)
    if word in CODES:
        return Cause(CODES[word], text)
    return answered(text) if isinstance(error, RedisError) else Cause(AWAY, text)


def answered(text: str) -> Cause:
    """Name the cause in what Redis answered."""
    word = text.partition(" ")[0].lstrip("-")
    if word == "UNBLOCKED" and _BECAME_REPLICA in text:
        return Cause("REDIS_READONLY", text)
    if word in CODES:
        return Cause(CODES[word], text)
    if _DENIED_IN_A_SCRIPT in text:
        return Cause(CODES["NOPERM"], text)
    return Cause(REFUSED if word == "ERR" else AWAY, text)
