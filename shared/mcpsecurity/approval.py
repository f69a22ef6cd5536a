"""How a client tells a server that the person has approved a call already."""

from typing import Final

__all__ = ["APPROVED_META"]

APPROVED_META: Final = "mcpsecurity.dev/approved"
"""Key in a tools/call request's `_meta`: true when the person has approved this very call in the client.

A server whose policy is to ask *when the client supports it* need not ask a second time then. It is the
client's word and no proof: a server that must ask itself (policy `required`) ignores it.
"""
