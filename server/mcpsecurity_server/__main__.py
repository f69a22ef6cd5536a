"""`python -m mcpsecurity_server` is `mcpsecurity server`."""

import sys

from mcpsecurity.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "server")
    main()
