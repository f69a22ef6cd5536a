"""The revisions that begin with `initialize` and live in sessions: 2025-03-26, 2025-06-18, 2025-11-25."""
