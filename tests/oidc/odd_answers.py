"""What a token endpoint may answer that is no token answer; nothing of it belongs into a log or a page."""

ODD_ANSWERS = [
    (200, b'{"access_token": "SECRET", "refresh_token": "SECR'),
    (200, b"SECRET"),
    (200, b'["SECRET"]'),
    (200, b"null"),
    (200, b'"SECRET"'),
    (200, b"{}"),
    (200, b'{"access_token": null, "id_token": "SECRET"}'),
    (200, b'{"access_token": {"SECRET": 1}, "id_token": ["SECRET"], "expires_in": "SECRET"}'),
    (200, b'{"access_token": "SECRET", "id_token": "SECRET.x.y"}'),
    (200, b'{"access_token": "SECRET", "id_token": null}'),
    (400, b'{"error": "x\\nSECRET", "error_description": ["SECRET"], "error_codes": "SECRET"}'),
    (400, b'{"error": ["SECRET"], "error_codes": 7, "correlation_id": "SECRET\\n"}'),
    (307, b"SECRET"),
    (302, b"{}"),
    (500, b'{"access_token": "SECRET'),
]
"""Status and body. `SECRET` stands for what must not be told."""
