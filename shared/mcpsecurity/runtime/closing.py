"""Objects that an `async with` block closes."""

from typing import Self


class ClosedOnExit:
    """Calls its `close` at the end of an `async with` block."""

    async def close(self) -> None:
        """Do nothing: it holds nothing."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object, **__: object) -> None:
        await self.close()
