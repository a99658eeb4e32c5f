"""The programs that change the target host: lock, secrets, cutover, switch, rollback, releases."""
