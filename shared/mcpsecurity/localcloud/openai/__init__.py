"""Azure OpenAI's chat completions, answered by the offline model."""

from mcpsecurity.localcloud.openai.faults import ModelFault, ModelFaults
from mcpsecurity.localcloud.openai.routes import MODEL_NAME, ChatCompletions, add_openai_routes

__all__ = ["MODEL_NAME", "ChatCompletions", "ModelFault", "ModelFaults", "add_openai_routes"]
