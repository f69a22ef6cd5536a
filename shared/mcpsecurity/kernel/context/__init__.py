"""Keeps what a model is sent of a conversation within the tokens that it reads for one answer.

history = ChatHistory()
kernel.add_service(BudgetedModel.of(model, window=32_768, kernel=kernel))
"""

from mcpsecurity.kernel.context.budget import ContextBudget, ModelInUse, Overhead
from mcpsecurity.kernel.context.budgeted import BudgetedModel
from mcpsecurity.kernel.context.errors import TooLongError
from mcpsecurity.kernel.context.notes import ContextUse, Note, Noted

__all__ = [
    "BudgetedModel",
    "ContextBudget",
    "ContextUse",
    "ModelInUse",
    "Note",
    "Noted",
    "Overhead",
    "TooLongError",
]
