"""Azure OpenAI's chat completions, answered by the offline model."""

from mcpsecurity.localcloud.openai.faults import ModelFault, ModelFaults
from mcpsecurity.localcloud.openai.routes import MODEL_NAME, ModelEndpoints, add_openai_routes
from mcpsecurity.localcloud.openai.script import Asked, Script, Turn

__all__ = [
    "MODEL_NAME",
    "Asked",
    "ModelEndpoints",
    "ModelFault",
    "ModelFaults",
    "Script",
    "Turn",
    "add_openai_routes",
]
