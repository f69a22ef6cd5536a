"""Arguments of calls on their way back to the model."""

import json
from typing import Any

from mcpsecurity.kernel.model.events import json_of

_NONE = "{}"


def sent_arguments(arguments: Any) -> str:
    """Return the arguments of a call as the text of a JSON object.

    Those that are none, because the model wrote them wrong or was cut off, are left out: Anthropic, Gemini
    and llama.cpp's templates read them, and the whole conversation would be refused. The call's result tells
    the model what was wrong.
    """
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return text if isinstance(json_of(text.encode(errors="surrogatepass")), dict) else _NONE
