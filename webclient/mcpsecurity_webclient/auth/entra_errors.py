"""Why a sign-in at Entra ID failed, in words for the person: what helps, or what the operator checks."""

import logging
import re
from collections.abc import Mapping
from typing import Any, Final

from mcpsecurity.oidc import OidcError, ProviderMismatchError
from mcpsecurity.runtime.failures import causes
from mcpsecurity_webclient.errors import SignInError
from mcpsecurity_webclient.languages import gettext as _
from mcpsecurity_webclient.languages import marked

_log = logging.getLogger(__name__)
_CODE: Final = re.compile(r"AADSTS[0-9]{1,10}\b")
_ERROR: Final = re.compile(
    r"[a-zA-Z0-9_.-]{1,64}"
)  # of what RFC 6749, 4.1.2.1 allows, what codes are made of
_DECLINED: Final = "AADSTS65004"
_TELL_CODE: Final = marked("If trying again does not help, please tell your administrator this code.")


_TEXTS: Final = (
    (
        marked(
            "Entra ID refuses this chat's secret or certificate, so nobody can sign in. Please tell your "
            "administrator this code."
        ),
        (7000215, 7000218, 7000222, 700021, 700023, 700024, 700027, 700211, 700212, 700213),
    ),
    (
        marked(
            "This chat is not set up at Entra ID as it should be, so nobody can sign in. Please tell your "
            "administrator this code."
        ),
        (50011, 90002, 500011, 650053, 700016, 700025, 700054, 900023, 9002326, 9002327),
    ),
    (
        marked(
            "Your organisation has not consented to this chat. Please ask your administrator to do so, and "
            "tell this code."
        ),
        (65001, 90008, 90094, 90095),
    ),
    (
        marked("Your account is not assigned to this chat. Please ask your administrator to assign it."),
        (50105,),
    ),
    (
        marked(
            "A rule of your organisation does not let you sign in here, or not on this device or from this "
            "place. Your administrator can tell by this code which rule it is."
        ),
        (50005, 50131, 53000, 53001, 53002, 53003, 53004, 530001, 530002, 530003, 530032),
    ),
    (
        marked("This account is not one of this organisation. Please sign in with another account."),
        (50020, 50034, 90072),
    ),
    (
        marked("Entra ID has a problem at the moment. Please try again."),
        (90033, 90055),
    ),
)
"""What to say about codes; docs/entra-setup.md says what they mean."""
_TEXT_OF: Final = {f"AADSTS{number}": text for text, numbers in _TEXTS for number in numbers}


def unreachable() -> SignInError:
    """Return the error of a tenant that does not answer."""
    return SignInError(_("Entra ID cannot be reached at the moment. Please try again."), status=503)


def unknown_tenant() -> SignInError:
    """Return the error of a tenant that does not exist at the authority."""
    text = _(
        "Entra ID does not know the tenant of this chat, so nobody can sign in. Please tell your "
        "administrator to check ENTRA_TENANT_ID and ENTRA_AUTHORITY."
    )
    return SignInError(text, status=503)


def of_provider(error: OidcError) -> SignInError:
    """Return the error of a tenant whose documents cannot be used."""
    if not any(isinstance(cause, ProviderMismatchError) for cause in causes(error)):
        return unreachable()
    _log.warning("%s; check ENTRA_AUTHORITY and ENTRA_TENANT_ID", error)
    text = _(
        "Entra ID's answers are those of another tenant than that of this chat, so nobody can sign in. "
        "Please tell your administrator to check ENTRA_TENANT_ID and ENTRA_AUTHORITY."
    )
    return SignInError(text, status=503)


def refused(result: Mapping[str, Any]) -> SignInError:
    """Return the error of a refusal that came with the answer to a sign-in, or for its code."""
    found = _CODE.match(str(result.get("error_description", "")))
    code, error = found[0] if found else None, str(result.get("error"))
    named = code or (error if _ERROR.fullmatch(error) else "an unknown error")
    if code == _DECLINED or (code is None and error == "access_denied"):
        _log.info("a sign-in ended with %s", named)
        return SignInError(_("You did not consent, so you are not signed in."), code)
    _log.warning("a sign-in failed with %s; `mcpsecurity doctor` examines the settings", named)
    if code in _TEXT_OF:
        return SignInError(_(_TEXT_OF[code]), code)
    text = _("Entra ID did not complete the sign-in.")
    return SignInError(f"{text} {_(_TELL_CODE)}" if code is not None else text, code)
