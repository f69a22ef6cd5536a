"""The owner of a conversation."""

from mcpsecurity_webclient.auth.person import Person
from mcpsecurity_webclient.store import Owner


def owner_of(person: Person) -> Owner:
    """Return the owner of the person's conversations in the store."""
    return Owner(person.tenant_id, person.object_id)
