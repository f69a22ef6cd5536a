"""Arguments of calls on their way back to the model."""

import json
from typing import Any

from mcpsecurity.kernel.model.events import json_of

_NONE = "{}"


def sent_arguments(arguments: Any) -> str:
    """Return the arguments of a call as the text of a JSON object.

    Arguments that the model wrote wrong, or that were cut off, become the empty object: Anthropic, Gemini and
    llama.cpp's templates read them, and would refuse the whole conversation. The call's result tells the
    model what was wrong.
    """
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return text if isinstance(json_of(text.encode(errors="surrogatepass")), dict) else _NONE
