"""The undocumented names of Semantic Kernel that `kernel/schema_functions.py` uses."""

import pytest
from semantic_kernel.functions import KernelFunction


@pytest.mark.parametrize("field", ["invocation_duration_histogram", "streaming_duration_histogram"])
def test_a_function_of_semantic_kernel_makes_its_histogram_by_a_default_factory(field: str) -> None:
    assert KernelFunction.model_fields[field].default_factory is not None
