"""Alembic's migrations of the conversations' database."""
