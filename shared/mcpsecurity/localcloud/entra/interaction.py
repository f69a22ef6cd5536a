"""Decides which account a request is for, and whether the person has to see a page first."""

from collections.abc import Mapping
from dataclasses import dataclass

from mcpsecurity.localcloud.entra.aadsts import Sts
from mcpsecurity.localcloud.entra.devices import DeviceFlow
from mcpsecurity.localcloud.entra.directory import Directory, User
from mcpsecurity.localcloud.entra.errors import EntraError
from mcpsecurity.localcloud.entra.parameters import AuthorizeRequest
from mcpsecurity.localcloud.entra.sessions import BrowserSession

Purpose = AuthorizeRequest | DeviceFlow


@dataclass(frozen=True, slots=True)
class Pending:
    """A page whose form was not sent yet: its browser session, the request, and the user once chosen."""

    session: BrowserSession
    purpose: Purpose
    user: User | None = None


def target_of(purpose: Purpose) -> str:
    """Return the redirect URI to which the answer leads; empty for a device."""
    return purpose.reply_to.redirect_uri if isinstance(purpose, AuthorizeRequest) else ""


def user_without_asking(asked: AuthorizeRequest, session: BrowserSession | None) -> User | None:
    """Return the account that a request is answered for without a page; None if the person has to choose.

    With a login hint that is the account of that name, without one the only account of the session.
    """
    if session is None or asked.prompt in {"login", "select_account"}:
        return None
    accounts = session.accounts
    if asked.login_hint is not None:
        return _named(accounts, asked.login_hint)
    return next(iter(accounts.values())) if len(accounts) == 1 else None


def silent_user(directory: Directory, asked: AuthorizeRequest, session: BrowserSession | None) -> User:
    """Return the account of a `prompt=none` request.

    A login hint alone is enough: the local tenant takes every person for signed in already, so that programs
    without a browser can go through the code flow.

    Raises:
        EntraError: no account is signed in (AADSTS50058), several are (16000), the hint is unknown (50034).
    """
    if asked.login_hint is not None:
        user = directory.user(asked.login_hint)
        if user is None:
            raise EntraError(Sts.UNKNOWN_USER)
        return user
    accounts = list(session.accounts.values()) if session else []
    if not accounts:
        raise EntraError(Sts.LOGIN_REQUIRED)
    if len(accounts) > 1:
        raise EntraError(Sts.SEVERAL_SESSIONS)
    return accounts[0]


def _named(accounts: Mapping[str, User], hint: str) -> User | None:
    hint = hint.strip().lower()
    return next((user for user in accounts.values() if user.sign_in_name == hint), None)
