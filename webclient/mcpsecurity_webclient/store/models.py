"""The tables. Every key begins with tenant and user, so that no query finds a row without its owner."""

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

conversations = Table(
    "conversations",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("user_id", String(64), primary_key=True),
    Column("chat_id", String(64), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("writer", String(64), nullable=False),
    Column("title", Text, nullable=False),
    Column("title_folded", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("state", Text, nullable=False),
    Column("messages", Integer, nullable=False, server_default="1"),
    Column("pinned", Boolean, nullable=False, server_default="0"),
    Index("ix_conversations_owner_updated", "tenant_id", "user_id", "updated_at"),
    Index("ix_conversations_updated", "updated_at"),
)

parts = Table(
    "parts",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("user_id", String(64), primary_key=True),
    Column("chat_id", String(64), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("part_id", String(64), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("text_folded", Text, nullable=False),
    Column("body", Text, nullable=False),
    ForeignKeyConstraint(
        ["tenant_id", "user_id", "chat_id"],
        ["conversations.tenant_id", "conversations.user_id", "conversations.chat_id"],
        name="fk_parts_conversation",
        ondelete="CASCADE",
    ),
)

grants = Table(
    "grants",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("user_id", String(64), primary_key=True),
    Column("server", String(64), primary_key=True),
    Column("tool", String(200), primary_key=True),
    Column("arguments_hash", String(64), primary_key=True),
    Column("definition", String(64), nullable=False),
    Column("arguments", Text, nullable=False),
    Column("given_at", Double, nullable=False),
)
