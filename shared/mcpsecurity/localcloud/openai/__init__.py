"""Azure OpenAI's chat completions, answered by the offline model."""

from mcpsecurity.localcloud.openai.faults import ModelFault, ModelFaults
from mcpsecurity.localcloud.openai.routes import MODEL_NAME, ModelEndpoints, add_openai_routes

__all__ = ["MODEL_NAME", "ModelEndpoints", "ModelFault", "ModelFaults", "add_openai_routes"]
