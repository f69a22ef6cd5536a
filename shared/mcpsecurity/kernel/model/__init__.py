"""Models that a kernel asks: Azure OpenAI, OpenAI, and every server that is compatible with it.

model = ChatModel.at("http://localhost:11434/v1", "qwen3")
kernel.add_service(model)
"""

from mcpsecurity.kernel.model.answer import PHASE, REASONING, THOUGHT
from mcpsecurity.kernel.model.clients import GetBearer
from mcpsecurity.kernel.model.configured import open_model
from mcpsecurity.kernel.model.errors import BrokenOffError, NotAStreamError, ProviderError
from mcpsecurity.kernel.model.inquiry import Inquiry
from mcpsecurity.kernel.model.service import ChatModel
from mcpsecurity.kernel.model.settings import ChatModelSettings
from mcpsecurity.model_endpoint import Api, EndpointError, ModelEndpoint, read_endpoint

__all__ = [
    "PHASE",
    "REASONING",
    "THOUGHT",
    "Api",
    "BrokenOffError",
    "ChatModel",
    "ChatModelSettings",
    "EndpointError",
    "GetBearer",
    "Inquiry",
    "ModelEndpoint",
    "NotAStreamError",
    "ProviderError",
    "open_model",
    "read_endpoint",
]
