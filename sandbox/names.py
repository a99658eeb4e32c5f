"""The names that the incident's stack uses on Redis."""

STREAM = "quantum:stream:trade.intent"
EXECUTION_GROUP = "quantum:group:execution:trade.intent"
#: Set once the stream is in the incident's state; its presence makes seeding a no-op.
SEEDED_MARKER = "quantum:sandbox:seeded"
#: What the producers that trim at all trim to, approximately.
STREAM_MAXLEN = 10_000
