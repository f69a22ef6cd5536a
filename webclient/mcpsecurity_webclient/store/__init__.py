"""The store of conversations: a SQLite file by default, or a database that several replicas share."""

from mcpsecurity_webclient.store.conversations import (
    Conversation,
    Entry,
    Owner,
    Part,
    PartKind,
)
from mcpsecurity_webclient.store.grants import Grant, GrantKey, GrantStore
from mcpsecurity_webclient.store.sql import ConversationStore

__all__ = [
    "Conversation",
    "ConversationStore",
    "Entry",
    "Grant",
    "GrantKey",
    "GrantStore",
    "Owner",
    "Part",
    "PartKind",
]
