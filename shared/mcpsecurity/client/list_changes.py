"""List changes that a server of revision 2026-07-28 sends to subscribers (`subscriptions/listen`)."""

import logging
from typing import Any, Final

import anyio

from mcpsecurity.client.errors import ServerUnavailableError
from mcpsecurity.client.json_rpc import ACKNOWLEDGED
from mcpsecurity.client.stateless_requests import Hear, Message, StatelessRequests

_log = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
_FILTERS: Final = {name: f"{name}ListChanged" for name in ("tools", "prompts", "resources")}


async def hear_list_changes(requests: StatelessRequests, offers: dict[str, Any], tell: Hear) -> None:
    """Tell each change of the lists that a server offers to tell of, until it refuses or this is cancelled.

    After a break the server is asked again, at growing intervals, and all lists count as changed.
    """
    wanted = [
        name for name in _FILTERS if isinstance(offer := offers.get(name), dict) and offer.get("listChanged")
    ]
    changes = [f"notifications/{name}/list_changed" for name in wanted]
    filters = {_FILTERS[name]: True for name in wanted}
    pause, broken = _FIRST_PAUSE, False

    async def hear(message: Message) -> None:
        nonlocal pause
        if message["method"] == ACKNOWLEDGED:
            pause = _FIRST_PAUSE
            for changed in changes if broken else ():
                await tell({"method": changed})
        elif message["method"] in changes:
            await tell({"method": message["method"]})

    while wanted:
        pause = min(pause * 2, _LONGEST_PAUSE)
        response = await requests.send("subscriptions/listen", {"notifications": filters}, hear)
        failure = requests.failure(response)
        if failure is not None and (
            not isinstance(failure, ServerUnavailableError) or failure.era_is_doubtful
        ):
            _log.info("the MCP server does not tell of list changes: %s", failure)
            return
        broken = True
        await anyio.sleep(pause)
