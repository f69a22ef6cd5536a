"""The catalogue of token cases: what a request may carry, and what the server has to answer.

Each case has one test or more, named `test_case_NUMBER_…`, in the other modules of this folder.
"""

import re
from pathlib import Path

import pytest

NONE = "401 without an error"
INVALID_REQUEST = "400 invalid_request"
INVALID_TOKEN = "401 invalid_token"
INSUFFICIENT_SCOPE = "403 insufficient_scope"
DENIED = "403 access_denied, no challenge"

CASES = {
    1: ("no Authorization header", NONE),
    2: ("Basic credentials", NONE),
    3: ("Bearer with empty, several or illegal parts", INVALID_REQUEST),
    4: ("two Authorization headers", INVALID_REQUEST),
    5: ("a token only in the query or the body", NONE),
    6: ("a token in the header and one in the query", INVALID_REQUEST),
    7: ("not a JWT: two or five segments, bad base64, bad JSON", INVALID_TOKEN),
    8: ("the algorithm `none`, in any case", INVALID_TOKEN),
    9: ("HS256 with the public key as its secret", INVALID_TOKEN),
    10: ("RS512, PS256, ES256: outside the allowlist", INVALID_TOKEN),
    11: ("a key or its address in the header (jwk, jku, x5u, x5c), which is never fetched", INVALID_TOKEN),
    12: ("unknown `crit`, `b64` false", INVALID_TOKEN),
    13: ("`kid` missing, not a string, or huge", INVALID_TOKEN),
    14: ("an unknown `kid`, which causes exactly one refresh", INVALID_TOKEN),
    15: ("a hundred unknown `kid`s within the cool-down, which cause at most one fetch", INVALID_TOKEN),
    16: ("the right `kid`, signed by another key", INVALID_TOKEN),
    17: ("the payload changed, the signature kept", INVALID_TOKEN),
    18: ("signed by a key that the tenant no longer publishes", INVALID_TOKEN),
    19: ("signed by a published key that is not for RS256 signatures", INVALID_TOKEN),
    20: ("keys cannot be fetched, the `kid` is known", "accepted while the keys are not too old"),
    21: ("keys cannot be fetched, none is known", "503 with Retry-After"),
    22: ("expired: past the leeway, and at the boundary itself", INVALID_TOKEN),
    23: ("`exp` missing, a string, a boolean, infinite", INVALID_TOKEN),
    24: ("`nbf` or `iat` in the future, or no number", INVALID_TOKEN),
    25: ("the issuer wrong, missing, or one that looks alike", INVALID_TOKEN),
    26: ("another tenant, or a `tid` that is missing or disagrees with the issuer", INVALID_TOKEN),
    27: ("version 1.0 unless it is enabled; a version that disagrees with the issuer", INVALID_TOKEN),
    28: ("the audience another API, missing, one that begins alike, or a list", INVALID_TOKEN),
    29: ("an ID token of our own client", INVALID_TOKEN),
    30: ("an ID token where one registration serves client and API", INSUFFICIENT_SCOPE),
    31: ("app-only: `idtyp` is `app`, or roles without `scp`", INSUFFICIENT_SCOPE),
    32: ("`scp` missing, null, a list, or only `scope`", INSUFFICIENT_SCOPE),
    33: ("`scp` a substring, of another case, a full URI, or with other blanks", INSUFFICIENT_SCOPE),
    34: ("the base scope present, the tool's own missing", f"{INSUFFICIENT_SCOPE} that names all scopes"),
    35: ("`sub` or `oid` missing or not a string", INVALID_TOKEN),
    36: ("a guest, a client or a role that the policy refuses", DENIED),
    37: ("a valid session id without a token", NONE),
    38: ("another person's or client's token on a session (POST, GET, DELETE) or a state", "404"),
    39: ("a bad or `null` Origin, with a valid token", "403, no challenge"),
    40: ("a Host that is not allowed", "421"),
    41: ("the user account of an agent", f"{DENIED}; a reason of its own"),
    42: ("the user account of an agent that is listed, or whose parent is", "accepted, and named in the log"),
    43: ("an agent that acts for a person", "accepted, and told from the person alone"),
    44: ("an agent that acts for a person, where that is turned off", DENIED),
    45: ("a facet that is no list of numbers, a parent that is no GUID", INVALID_TOKEN),
    46: ("an agent's user account at a tool for people", DENIED),
    47: ("a question to an agent that may not answer", "not asked"),
    48: ("a tool's app role missing", DENIED),
    49: ("a tool's authentication context missing", "401 insufficient_claims with the claims to ask for"),
    51: ("signed by a key that is published for the application only", "accepted if it is set so"),
    52: ("a version 1.0 token for one of several Application ID URIs", "accepted, and for no other"),
    53: ("a token of an External ID tenant, whose issuer is not its authority", "accepted if it is set so"),
    50: ("a list of tools, some of which the token does not allow", "without them, if it is set so"),
}
"""Case and answer (RFC 6750, 3.1) by number."""


@pytest.mark.parametrize("number", CASES)
def test_each_case_has_a_test(number: int) -> None:
    assert number in _tested(), CASES[number]


def test_each_numbered_test_is_of_a_case() -> None:
    assert _tested() <= set(CASES)


def _tested() -> set[int]:
    texts = (path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    return {int(number) for text in texts for number in re.findall(r"def test_case_(\d+)_", text)}
