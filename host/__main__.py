"""Entry of the zipapp: `observe` looks, everything else changes."""

from __future__ import annotations

import sys


def main(argv: list[str]) -> int:
    """Run the command that `argv` names and return its exit code."""
    # Imported here: who looks does not need what changes, and the other way round.
    if argv[:1] == ["observe"]:
        from host.observe.main import main as observe  # noqa: PLC0415 - see above

        return observe(argv[1:])
    from host.change.cli import main as change  # noqa: PLC0415 - see above

    return change(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
