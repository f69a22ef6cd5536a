"""An MCP server whose people sign in at an authorization server on Authlib: clients register and are public,
answers name their issuer, refresh tokens are good once, and a token lasts a minute. The port is the first
argument."""

import os
import sys
import time
from types import SimpleNamespace

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # on this machine

from asgiref.wsgi import WsgiToAsgi
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, grants
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7591 import ClientRegistrationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9207 import IssuerParameter
from flask import Flask, jsonify, request
from mcp.server.auth.provider import AccessToken
from notes import serve

port = int(sys.argv[1])
issuer = f"http://127.0.0.1:{port}"
clients, codes, tokens = {}, {}, []
ALICE = SimpleNamespace(get_user_id=lambda: "alice")
METADATA = {
    "issuer": issuer,
    "authorization_endpoint": f"{issuer}/authorize",
    "token_endpoint": f"{issuer}/token",
    "registration_endpoint": f"{issuer}/register",
    "revocation_endpoint": f"{issuer}/revoke",
    "scopes_supported": ["notes"],
    "response_types_supported": ["code"],
    "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
    "code_challenge_methods_supported": ["S256"],
    "authorization_response_iss_parameter_supported": True,
}


class Client(ClientMixin):
    def __init__(self, info, metadata):
        self.info, self.metadata = info, metadata

    def get_client_id(self):
        return self.info["client_id"]

    def get_default_redirect_uri(self):
        return self.metadata["redirect_uris"][0]

    def get_allowed_scope(self, scope):
        return scope or ""

    def check_redirect_uri(self, redirect_uri):
        return redirect_uri in self.metadata["redirect_uris"]

    def check_client_secret(self, client_secret):
        return client_secret == self.info["client_secret"]

    def check_endpoint_auth_method(self, method, _endpoint):
        return method == self.metadata.get("token_endpoint_auth_method", "client_secret_basic")

    def check_response_type(self, response_type):
        return response_type in self.metadata["response_types"]

    def check_grant_type(self, grant_type):
        return grant_type in self.metadata["grant_types"]


class Token(dict, TokenMixin):
    def check_client(self, client):
        return self["client_id"] == client.get_client_id()

    def get_scope(self):
        return self.get("scope", "")

    def get_expires_in(self):
        return self["expires_in"]

    def is_expired(self):
        return self["issued_at"] + self["expires_in"] < time.time()

    def is_revoked(self):
        return self.get("revoked", False)


def save_token(token, request):
    who = request.client.get_client_id()
    tokens.append(Token(token, client_id=who, issued_at=time.time(), user=request.user.get_user_id()))


def found(name, text):
    return next((token for token in tokens if token.get(name) == text and not token.is_revoked()), None)


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")

    def save_authorization_code(self, code, request):
        asked = request.payload.data
        redirect_uri, scope = asked.get("redirect_uri"), request.scope
        codes[code] = SimpleNamespace(
            client_id=request.client.get_client_id(),
            code_challenge=asked.get("code_challenge"),
            code_challenge_method=asked.get("code_challenge_method"),
            get_redirect_uri=lambda: redirect_uri,
            get_scope=lambda: scope,
        )

    def query_authorization_code(self, code, client):
        item = codes.get(code)
        return item if item and item.client_id == client.get_client_id() else None

    def delete_authorization_code(self, authorization_code):
        for code in [code for code, item in codes.items() if item is authorization_code]:
            del codes[code]

    def authenticate_user(self, _code):
        return ALICE


class RefreshGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token):
        return found("refresh_token", refresh_token)

    def authenticate_user(self, _token):
        return ALICE

    def revoke_old_credential(self, refresh_token):
        refresh_token["revoked"] = True


class Revocation(RevocationEndpoint):
    CLIENT_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")

    def query_token(self, token_string, _hint):
        return found("access_token", token_string) or found("refresh_token", token_string)

    def revoke_token(self, token, _request):
        token["revoked"] = True


class Registration(ClientRegistrationEndpoint):
    def authenticate_token(self, _request):
        return True

    def get_server_metadata(self):
        return METADATA

    def save_client(self, client_info, client_metadata, _request):
        client = Client(client_info, client_metadata)
        clients[client.get_client_id()] = client
        return client


class Issuer(IssuerParameter):
    def get_issuer(self):
        return issuer


app = Flask("authorization server")
server = AuthorizationServer(app, query_client=clients.get, save_token=save_token)
server.register_token_generator(
    "default",
    BearerTokenGenerator(lambda **_: os.urandom(16).hex(), lambda **_: os.urandom(16).hex(), lambda *_: 60),
)
server.register_grant(CodeGrant, [CodeChallenge(required=True)])
server.register_grant(RefreshGrant)
server.register_endpoint(Revocation)
server.register_endpoint(Registration)
server.register_extension(Issuer())


@app.get("/.well-known/oauth-authorization-server")
def metadata():
    return jsonify(METADATA)


@app.get("/authorize")
def ask():
    buttons = (f'<button name="answer" value="{value}">{value}</button>' for value in ("allow", "deny"))
    return f'<form method="post">{"".join(buttons)}</form>'


@app.post("/authorize")
def authorize():
    grant = server.get_consent_grant(end_user=ALICE)
    who = ALICE if request.form.get("answer") == "allow" else None
    return server.create_authorization_response(grant_user=who, grant=grant)


app.post("/token", endpoint="token")(server.create_token_response)
app.post("/register", endpoint="register")(lambda: server.create_endpoint_response("client_registration"))
app.post("/revoke", endpoint="revoke")(lambda: server.create_endpoint_response("revocation"))


async def verify(text):
    token = found("access_token", text)
    if token is None or token.is_expired():
        return None
    scopes = token.get_scope().split()
    return AccessToken(token=text, client_id=token["client_id"], scopes=scopes, subject=token["user"])


serve(port, issuer, "notes", verify, WsgiToAsgi(app))
