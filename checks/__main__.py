"""`python -m checks`: the same evidence by hand that the playbooks gather."""

import sys

from checks.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
