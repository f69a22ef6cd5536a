"""Errors that become answers: JSON for the page's commands, a page for people."""

from typing import Any

__all__ = ["ApiError"]


class ApiError(Exception):
    """An answer to a command (docs/chat-protocol.md): status, code, and a message for the person."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        retryable: bool = False,
        fields: dict[str, str] | None = None,
        sign_in_url: str | None = None,
        error_id: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
        more = {
            "fields": fields,
            "sign_in_url": sign_in_url,
            "error_id": error_id,
            "retry_after": retry_after,
        }
        self.body: dict[str, Any] = {
            "error": {
                "code": code,
                "message": message,
                "retryable": retryable,
                **{key: value for key, value in more.items() if value is not None},
            }
        }
