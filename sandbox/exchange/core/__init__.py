"""The exchange without a wire: orders, fills, positions and money as pure functions over a ledger.

Nothing here opens a file, a socket or a clock: times come in as Unix milliseconds.
"""
