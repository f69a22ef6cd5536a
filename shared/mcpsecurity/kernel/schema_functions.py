"""Kernel functions whose parameters are the properties of a JSON schema, of any names.

This module overrides two fields of Semantic Kernel that it does not document: the histograms of a function.
"""

from collections.abc import Awaitable, Callable, Container, Iterable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from pydantic import Field
from semantic_kernel.filters.functions.function_invocation_context import FunctionInvocationContext
from semantic_kernel.functions import KernelFunction, KernelFunctionFromMethod
from semantic_kernel.functions.kernel_parameter_metadata import KernelParameterMetadata


def schema_function(
    method: Callable[..., Awaitable[Any]],
    plugin_name: str,
    schema: dict[str, Any],
    metadata: dict[str, Any] | None = None,
) -> KernelFunction:
    """Return a kernel function for `method` whose parameters are those of a schema made by `model_schema`."""
    return _SchemaFunction(  # type: ignore[call-arg] # mypy takes it for a model without a constructor
        method=method,
        plugin_name=plugin_name,
        parameters=_parameters(schema),
        return_parameter=_returned(),
        additional_metadata={**(metadata or {}), "parameters": schema},
    )


@cache
def _histogram(field: str) -> Any:
    """Return the one histogram that all functions use for this field."""
    made: Any = KernelFunction.model_fields[field].get_default(call_default_factory=True)
    return made


class _Parameter(KernelParameterMetadata):
    """A parameter of any name; Semantic Kernel allows letters, digits, `_` and `-`."""

    name: str | None


class _SchemaFunction(KernelFunctionFromMethod):
    """A function that passes on its arguments unchanged, and has its histograms in common with all others.

    Semantic Kernel fills parameters called kernel, service, arguments and execution_settings with objects of
    its own. Arguments that the schema does not name are passed on only if it allows more: when Semantic
    Kernel calls functions for a prompt, the variables of the prompt are among the arguments.

    Semantic Kernel makes two histograms for each function. Without an SDK, OpenTelemetry's API keeps every
    instrument for ever, so a process that imports tools for each answer would grow.
    """

    invocation_duration_histogram: Any = Field(
        default_factory=lambda: _histogram("invocation_duration_histogram"), exclude=True
    )
    streaming_duration_histogram: Any = Field(
        default_factory=lambda: _histogram("streaming_duration_histogram"), exclude=True
    )

    def gather_function_parameters(self, context: FunctionInvocationContext) -> dict[str, Any]:
        """Return the arguments for the method."""
        schema = (self.metadata.additional_properties or {})["parameters"]
        names = schema["properties"]
        is_open = _is_open(schema)
        arguments = original_arguments(self, context.arguments)
        return {k: v for k, v in arguments.items() if k in names or (is_open and _is_json(v))}


def original_arguments(function: KernelFunction, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments from a model by the tool's own names; those of other functions unchanged.

    Semantic Kernel takes no arguments named `settings` or `self` from a model, and none besides the
    parameters. So a model sees `settings_` and `self_`, and `more_arguments` (an object) for a schema that
    allows more arguments than it names.
    """
    schema = (function.metadata.additional_properties or {}).get("parameters")
    if schema is None:
        return dict(arguments)
    names = {shown: name for name, shown in _shown_names(schema).items()}
    rest = _rest_name(schema)
    more = arguments.get(rest) if rest is not None else None
    if not isinstance(more, Mapping):
        return {names.get(name, name): value for name, value in arguments.items()}
    return {**more, **{names.get(name, name): value for name, value in arguments.items() if name != rest}}


def _all_names(schema: Mapping[str, Any]) -> list[str]:
    """Return the names of all arguments in `properties` and `required`."""
    properties = schema["properties"]
    return [*properties, *sorted(set(schema.get("required", ())) - set(properties))]


def _shown_names(schema: Mapping[str, Any]) -> dict[str, str]:
    """Return other names for arguments whose names `KernelArguments(**…)` uses itself."""
    names = _all_names(schema)
    return {name: _free(f"{name}_", names) for name in ("self", "settings") if name in names}


def _rest_name(schema: Mapping[str, Any]) -> str | None:
    """Return the name of the parameter for further arguments; None if the schema does not allow any."""
    return _free("more_arguments", _all_names(schema)) if _is_open(schema) else None


def _free(name: str, taken: Container[str]) -> str:
    while name in taken:
        name += "_"
    return name


def unknown_arguments(schema: Mapping[str, Any], arguments: Iterable[str]) -> list[str]:
    """Return the names of arguments that a schema made by `model_schema` does not allow."""
    return [] if _is_open(schema) else [name for name in arguments if name not in schema["properties"]]


def _is_open(schema: Mapping[str, Any]) -> bool:
    """Tell whether a schema allows arguments that it does not name."""
    more = schema.get("additionalProperties", False)
    return more is not False or bool(schema.get("patternProperties"))


def _is_json(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | Decimal | dict | list)


def _returned() -> KernelParameterMetadata:
    """Return the description of the result. Semantic Kernel would infer it from `ToolText` in 4 ms a tool."""
    return KernelParameterMetadata(
        name="return", type_="string", is_required=True, schema_data={"type": "string"}
    )


def _parameters(schema: Mapping[str, Any]) -> list[KernelParameterMetadata]:
    """Return the parameters, each with its part of the schema, unchanged."""
    required, shown = set(schema.get("required", ())), _shown_names(schema)
    parameters = [
        _parameter(shown.get(name, name), schema["properties"].get(name, {}), name in required)
        for name in _all_names(schema)
    ]
    if rest := _rest_name(schema):
        rules = {k: schema[k] for k in ("additionalProperties", "patternProperties") if k in schema}
        more = {"type": "object", "description": "Arguments of other names, by these.", **rules}
        parameters.append(_parameter(rest, more, required=False))
    return parameters


def _parameter(name: str, schema: dict[str, Any], required: bool) -> KernelParameterMetadata:
    kind = schema.get("type")
    return _Parameter(
        name=name,
        description=schema.get("description"),
        default_value=schema.get("default"),
        type_=kind if isinstance(kind, str) else "object",
        is_required=required,
        schema_data=schema,
    )
