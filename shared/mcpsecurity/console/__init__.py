"""The chat in a terminal: `mcpsecurity chat`."""
