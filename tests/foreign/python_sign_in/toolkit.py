"""An MCP server whose people sign in at django-oauth-toolkit: clients register and get a secret, refresh
tokens are good once, and the issuer has a path. The port is the first argument; the home folder has the
database."""

import sys
from pathlib import Path

import django
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from mcp.server.auth.provider import AccessToken
from notes import serve

port = int(sys.argv[1])
origin = f"http://127.0.0.1:{port}"

settings.configure(
    SECRET_KEY="not a secret",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF="toolkit_urls",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "oauth2_provider",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
        }
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path.home() / "accounts.db"}},
    LOGIN_URL="/login",
    USE_TZ=True,
    OAUTH2_PROVIDER={
        "SCOPES": {"notes": "Read notes"},
        "ALLOWED_SCHEMES": ["http", "https"],
        "DCR_ENABLED": True,
        "DCR_REGISTRATION_PERMISSION_CLASSES": ("oauth2_provider.dcr.AllowAllDCRPermission",),
        "REFRESH_TOKEN_REUSE_PROTECTION": True,
        "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
        "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    },
)
django.setup()
call_command("migrate", verbosity=0)

from django.contrib.auth import get_user_model  # noqa: E402 - Django is set up first
from oauth2_provider.models import get_access_token_model  # noqa: E402

get_user_model().objects.get_or_create(username="alice")


@sync_to_async
def verify(text: str) -> AccessToken | None:
    token = get_access_token_model().objects.filter(token=text).first()
    if token is None or not token.is_valid(["notes"]):
        return None
    who = token.application.client_id
    return AccessToken(token=text, client_id=who, scopes=token.scope.split(), subject=token.user.username)


serve(port, f"{origin}/o", "notes", verify, get_asgi_application())
