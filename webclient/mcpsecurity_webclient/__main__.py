"""`python -m mcpsecurity_webclient` is `mcpsecurity webclient`."""

import sys

from mcpsecurity.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "webclient")
    main()
