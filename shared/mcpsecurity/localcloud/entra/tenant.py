"""The tenant: what its endpoints share."""

import asyncio
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from mcpsecurity.localcloud.entra.client_documents import ClientDocuments
from mcpsecurity.localcloud.entra.directory import Client, Directory, User
from mcpsecurity.localcloud.entra.faults import Faults
from mcpsecurity.localcloud.entra.grants import CodeGrant, DeviceFlow, ExpiringStore, RefreshGrant
from mcpsecurity.localcloud.entra.ids import TENANT_ID
from mcpsecurity.localcloud.entra.keys import SigningKey, SigningKeys
from mcpsecurity.localcloud.entra.scopes import Consents, Requested
from mcpsecurity.localcloud.entra.sessions import BrowserSessions, Pending
from mcpsecurity.localcloud.entra.tokens import TokenFactory

CODE_LIFETIME = 600.0
DEVICE_CODE_LIFETIME = 900.0
REFRESH_TOKEN_LIFETIME = 90 * 86400.0
_PAGE_LIFETIME = 1800.0
_CODES_REMEMBERED = 86400.0  # longer than they are good for, so that a late one is told why
_REFRESH_TOKENS_REMEMBERED = 180 * 86400.0


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the tenant is reached: `https` has everything, `http` the pages that a browser sees."""

    https: str
    http: str


class Tenant:
    """One Entra ID tenant in memory.

    Attributes:
        directory: users, clients and APIs; a test may add to them.
        documents: clients whose ids are addresses of documents about them.
        faults: switches that make the tenant fail.
        tokens: signs tokens with the current key.
        consents: what people have consented to, which counts while `faults.consent_required`.
        device_poll_interval: seconds that a device has to wait between two requests.
    """

    def __init__(self, directory: Directory, key: SigningKey, urls: Urls) -> None:
        """Make a tenant that signs with `key` and is reached at `urls`."""
        self.directory = directory
        self.urls = urls
        self.documents = ClientDocuments()
        self.faults = Faults()
        self.keys = SigningKeys.of(key)
        self.tokens = TokenFactory(self.issuer, self.keys, self.now)
        self.codes = ExpiringStore[CodeGrant](lifetime=_CODES_REMEMBERED, limit=10_000, clock=self.now)
        self.sessions = BrowserSessions(self.now, urlsplit(urls.http).port or 80)
        self.pending = ExpiringStore[Pending](lifetime=_PAGE_LIFETIME, limit=1000, clock=self.now)
        self.consents = Consents()
        self.device_flows = ExpiringStore[DeviceFlow](lifetime=_CODES_REMEMBERED, limit=1000, clock=self.now)
        self.device_poll_interval = 5
        self.refresh_tokens = ExpiringStore[RefreshGrant](
            lifetime=_REFRESH_TOKENS_REMEMBERED, limit=10_000, clock=self.now
        )

    @property
    def tenant_id(self) -> str:
        """The directory id, a GUID."""
        return TENANT_ID

    @property
    def issuer(self) -> str:
        """The `iss` of every token."""
        return f"{self.urls.https}/{TENANT_ID}/v2.0"

    def now(self) -> float:
        """Return the tenant's time in seconds since 1970, clock skew included."""
        return time.time() + self.faults.clock_skew

    def needs_consent(self, user: User, client: Client, requested: Requested) -> bool:
        """Return whether `user` has to be asked: not while the administrator's consent stands."""
        administrator = not self.faults.consent_required
        return self.consents.are_missing(user, client, requested.apis, administrator=administrator)

    async def rotate_keys(self) -> None:
        """Sign with a new key from now on. The one before stays published, as in Entra, until `drop_keys`."""
        self.keys.rotate_to(await asyncio.to_thread(SigningKey.generate))

    def drop_keys(self, *, all_of_them: bool = False) -> None:
        """Publish only the key that signs, so that older tokens no longer verify; or no key at all."""
        if all_of_them:
            self.keys.drop_all()
        else:
            self.keys.drop_old()

    def revoke_refresh_tokens(self, sign_in_name: str | None = None) -> None:
        """Revoke the refresh tokens of one user, or of all, as an administrator or a new password does."""
        for grant in self.refresh_tokens.values():
            if sign_in_name is None or grant.family.user.sign_in_name == sign_in_name:
                grant.family.revoked = True
