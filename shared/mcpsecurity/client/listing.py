"""One page of what a server lists, read as leniently as `lenient_results` does."""

from mcp import ClientSession, types

from mcpsecurity.client.lenient_results import ListedPrompts, ListedResources, ListedTemplates, ListedTools


async def tools_page(session: ClientSession, page: types.PaginatedRequestParams) -> ListedTools:
    """Return a page of tools. The SDK's `list_tools` would keep their output schemas in memory."""
    request = types.ClientRequest(types.ListToolsRequest(params=page))
    return await session.send_request(request, ListedTools)


async def prompts_page(session: ClientSession, page: types.PaginatedRequestParams) -> ListedPrompts:
    """Return a page of prompts."""
    request = types.ClientRequest(types.ListPromptsRequest(params=page))
    return await session.send_request(request, ListedPrompts)


async def resources_page(session: ClientSession, page: types.PaginatedRequestParams) -> ListedResources:
    """Return a page of resources."""
    request = types.ClientRequest(types.ListResourcesRequest(params=page))
    return await session.send_request(request, ListedResources)


async def templates_page(session: ClientSession, page: types.PaginatedRequestParams) -> ListedTemplates:
    """Return a page of resource templates."""
    request = types.ClientRequest(types.ListResourceTemplatesRequest(params=page))
    return await session.send_request(request, ListedTemplates)
