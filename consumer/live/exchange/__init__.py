"""The exchange: its port, its client, its errors, and what keeps us from asking too much."""
