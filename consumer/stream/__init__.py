"""The session with Redis: connection, reader, and the result writer with its script."""
