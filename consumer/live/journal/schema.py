"""The journal's tables. Only types and statements that SQLite and PostgreSQL share; times in ms since 1970.

Decimals are texts, so that what is read is what was written. A module and not a file of SQL, so that the code
digest covers it.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from consumer.live.journal.errors import JournalError

if TYPE_CHECKING:
    from consumer.live.journal.store import Statements

VERSION = "1"

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS meta (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS intents (
        origin_id TEXT PRIMARY KEY,
        body_sha256 TEXT NOT NULL,
        entry_id TEXT NOT NULL,
        origin_ms BIGINT NOT NULL,
        symbol TEXT NOT NULL,
        direction TEXT NOT NULL,
        promotion TEXT NOT NULL,
        plan TEXT NOT NULL,
        created_ms BIGINT NOT NULL,
        outcome TEXT,
        amendment TEXT,
        settled BIGINT NOT NULL,
        closed_ms BIGINT
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS orders (
        client_id TEXT PRIMARY KEY,
        origin_id TEXT NOT NULL REFERENCES intents (origin_id),
        leg TEXT NOT NULL,
        attempt BIGINT NOT NULL,
        kind TEXT NOT NULL,
        request TEXT NOT NULL,
        state TEXT NOT NULL,
        prepared_ms BIGINT NOT NULL,
        changed_ms BIGINT NOT NULL,
        sent_at_ms BIGINT,
        times_sent BIGINT NOT NULL,
        last_asked_ms BIGINT,
        fencing BIGINT,
        exchange_id TEXT,
        executed TEXT,
        average_price TEXT,
        detail TEXT
    )
    """,
    "CREATE INDEX IF NOT EXISTS intents_by_twin ON intents (symbol, direction, origin_ms)",
    "CREATE INDEX IF NOT EXISTS orders_by_intent ON orders (origin_id)",
    "CREATE INDEX IF NOT EXISTS orders_by_state ON orders (state)",
    "CREATE INDEX IF NOT EXISTS orders_by_time ON orders (sent_at_ms)",
    """
    CREATE TABLE IF NOT EXISTS halts (
        number BIGINT PRIMARY KEY,
        code TEXT NOT NULL,
        detail TEXT NOT NULL,
        set_ms BIGINT NOT NULL,
        lifted_ms BIGINT,
        lifted_because TEXT
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS leases (
        name TEXT PRIMARY KEY,
        holder TEXT NOT NULL,
        fencing BIGINT NOT NULL,
        renewed_ms BIGINT NOT NULL,
        expires_ms BIGINT NOT NULL,
        entries_from_ms BIGINT NOT NULL
    )
    """,
)


def create(statements: Statements) -> None:
    """Make the tables that are not there. Raises JournalError for a journal of another version.

    Something is written even where nothing is new, so that a journal that cannot be written is noticed now.
    """
    for table in TABLES:
        statements.execute(table, {})
    statements.execute(
        "INSERT INTO meta (name, value) VALUES ('schema', :version)"
        " ON CONFLICT (name) DO UPDATE SET value = meta.value",
        {"version": VERSION},
    )
    statements.execute(
        "INSERT INTO meta (name, value) VALUES ('identity', :identity)"
        " ON CONFLICT (name) DO UPDATE SET value = meta.value",
        {"identity": uuid.uuid4().hex},
    )
    (version,) = statements.execute("SELECT value FROM meta WHERE name = 'schema'", {}).fetchone()
    if version != VERSION:
        raise JournalError(f"it is of version {version}, and this build writes {VERSION}")
