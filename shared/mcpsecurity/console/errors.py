"""What went wrong with an answer, in a line for the person: whose fault it is, and what to set."""

from azure.core.exceptions import ClientAuthenticationError
from openai import APIConnectionError, APIStatusError, APITimeoutError, OpenAIError
from semantic_kernel.exceptions import KernelException

from mcpsecurity.client import BridgeError
from mcpsecurity.kernel.context import TooLongError
from mcpsecurity.kernel.model.errors import BrokenOffError, NotAStreamError
from mcpsecurity.model_error import refusal_of
from mcpsecurity.model_settings import ModelSettings
from mcpsecurity.runtime.printable import one_line

_MAX_WORDS = 500


class ErrorWords:
    """Words for what an answer raises. `settings` say which model was asked."""

    def __init__(self, settings: ModelSettings) -> None:
        azure = settings.azure_openai_endpoint is not None
        self._host = settings.endpoint.host
        self._model = settings.model_name
        self._key = "AZURE_OPENAI_API_KEY" if azure else "OPENAI_API_KEY"
        self._address = "AZURE_OPENAI_ENDPOINT" if azure else "OPENAI_BASE_URL"
        self._name = "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME" if azure else "OPENAI_CHAT_MODEL_ID"

    def of(self, error: BaseException) -> str:
        """Return the line: about the first cause that says something."""
        found = error
        while isinstance(found, KernelException) and found.__cause__ is not None:
            found = found.__cause__
        match found:
            case APITimeoutError():
                return f"The model at {self._host} did not answer in time. Try again."
            case APIConnectionError():
                return (
                    f"The model at {self._host} does not answer. Does it run, and is {self._address} right?"
                )
            case APIStatusError():
                return self._refused(found)
            case NotAStreamError():
                return f"{self._host} answers, but not as a model does: check {self._address} (often …/v1)."
            case BrokenOffError():
                return f"The answer of the model at {self._host} broke off. Try again."
            case ClientAuthenticationError():
                return f"No token for the model at {self._host}: sign in by `az login`, or set {self._key}."
            case BridgeError() | OpenAIError() | KernelException() | TooLongError():
                return one_line(str(found).partition("\n")[0])
            case _:
                return f"That did not work ({type(found).__name__})."

    def _refused(self, error: APIStatusError) -> str:
        """Return the line about a status, with the endpoint's own words."""
        said = one_line(refusal_of(error.status_code, error.body).message or error.message)[:_MAX_WORDS]
        match error.status_code:
            case 401:
                problem = f"The model at {self._host} refuses the key: check {self._key}."
            case 403:
                problem = f"The model at {self._host} refuses access: check the rights of {self._key}."
            case 404:
                problem = (
                    f"{self._host} knows no model {self._model}: check {self._name} and {self._address}."
                )
            case 429:
                problem = f"The model at {self._host} has had too many requests: wait, or look at your quota."
            case _:
                problem = f"The model at {self._host} answers with status {error.status_code}."
        return f"{problem} It says: {said}"
