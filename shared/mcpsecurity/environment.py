"""Variables of the environment, or of `.env`, that the value of a setting names."""

import re
from typing import Any, cast

from pydantic import Field, SecretStr, create_model
from pydantic_settings import BaseSettings, SettingsConfigDict

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""The name of a variable."""

_FROM_OUTSIDE = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore")
_NAMED = re.compile(r"\$\{([^}]*)\}?")


def variable(name: str) -> SecretStr | None:
    """Return a variable of the environment, or of `.env`; None if it is not set, or empty."""
    base = type("_Variable", (BaseSettings,), {"model_config": _FROM_OUTSIDE})
    made: Any = create_model("_Variable", __base__=base, value=(SecretStr | None, Field(None, alias=name)))
    return cast("SecretStr | None", vars(made())["value"])


def filled(text: str) -> str:
    """Return a text with the values of the variables that it names like `${NAME}`.

    Raises:
        ValueError: a variable is not set, or has no valid name. The message does not contain a value.
    """
    return _NAMED.sub(_value, text)


def _value(found: re.Match[str]) -> str:
    name = found[1]
    if not found[0].endswith("}") or not VARIABLE.fullmatch(name):
        raise ValueError("write the name of a variable like ${NAME}, and nothing else between ${ and }")
    if (value := variable(name)) is None:
        raise ValueError(f"the variable {name} is not set")
    return value.get_secret_value()
