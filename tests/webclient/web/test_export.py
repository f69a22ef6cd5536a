"""A conversation as a file: Markdown to read."""

from mcpsecurity_webclient.chat.models import Message, User
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.web.export import as_markdown


def test_the_markdown_names_what_a_message_was_sent_with() -> None:
    """An answer about a file is a riddle without it."""
    message = Message(
        message_id="m1",
        role="user",
        text="What is in these?",
        files=[{"name": "a `b`.csv", "mime_type": "text/csv", "size": 16}],
        attachments=[{"server": "Tools", "uri": "mcpsecurity://overview", "name": "System overview"}],
    )
    state = ConversationState(
        chat_id="c1", user=User("Alice", "alice"), created_at=0.0, updated_at=0.0, messages=[message]
    )
    lines = as_markdown(state, {}).splitlines()
    assert lines[-3:] == ["", "- Attached: a 'b'.csv (16 bytes)", "- Attached: System overview"]
