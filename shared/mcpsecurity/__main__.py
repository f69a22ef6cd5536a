"""`python -m mcpsecurity` is the command `mcpsecurity`."""

from mcpsecurity.cli import main

if __name__ == "__main__":
    main()
