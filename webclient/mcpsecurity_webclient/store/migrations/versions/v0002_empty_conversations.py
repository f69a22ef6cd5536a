"""Conversations in which nothing was said yet are kept, but not listed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Count messages; until now a conversation was kept with its first one."""
    op.add_column("conversations", sa.Column("messages", sa.Integer, nullable=False, server_default="1"))


def downgrade() -> None:
    """Forget the count."""
    op.drop_column("conversations", "messages")
