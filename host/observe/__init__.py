"""Looks at the target, and says how: runs there, as root, with the host's own Python, and changes nothing.

Phase E's proof events are the one exception: they are published on the stream, in the name of the run.
"""
