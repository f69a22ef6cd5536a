"""Objects that an `async with` block closes."""

from types import TracebackType
from typing import Self


class ClosedOnExit:
    """Calls its `close` at the end of an `async with` block; the signatures are those of azure-core."""

    async def close(self) -> None:
        """Do nothing: it holds nothing."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()
