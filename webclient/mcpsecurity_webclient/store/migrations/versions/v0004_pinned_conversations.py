"""Conversations that a person has pinned to the top of the list."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column; no conversation is pinned yet."""
    column = sa.Column("pinned", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("conversations", column)


def downgrade() -> None:
    """Remove the pins."""
    op.drop_column("conversations", "pinned")
