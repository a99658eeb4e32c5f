"""What everything else stands on: clock, log, errors, exact JSON, secrets, digests, stream ids, settings."""
