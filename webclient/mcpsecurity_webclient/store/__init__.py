"""Where conversations are kept: a file of the user's by default, a database that several replicas share by
setting."""

from mcpsecurity_webclient.store.conversations import (
    Conversation,
    ConversationStore,
    Entry,
    Owner,
    Part,
    StaleConversationError,
    StoreError,
    StoreUnavailableError,
)
from mcpsecurity_webclient.store.sql import SqlConversationStore

__all__ = [
    "Conversation",
    "ConversationStore",
    "Entry",
    "Owner",
    "Part",
    "SqlConversationStore",
    "StaleConversationError",
    "StoreError",
    "StoreUnavailableError",
]
