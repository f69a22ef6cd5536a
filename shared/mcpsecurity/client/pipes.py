"""The standard streams of a command, as streams of MCP messages.

The SDK's `stdio_client` has no bound for a line, and copies a long one again with each piece of it that
arrives. It waits for ever for an answer that it cannot read, and for a command that has ended while a program
which that has started holds its output; it also lets that program run on.
"""

import asyncio
import contextlib
import logging
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, Final, TextIO

import anyio
from anyio.abc import ByteReceiveStream, Process
from mcp import types
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from mcpsecurity.client.json_rpc import UnreadableAnswerError, parsed, question_of, response_to
from mcpsecurity.runtime.exact_decimals import unmarked
from mcpsecurity.runtime.printable import uncoloured
from mcpsecurity.runtime.tasks import end_tasks

if sys.platform == "win32":  # pragma: no cover - the tests run on POSIX
    from mcp.os.win32.utilities import (
        create_windows_process,
        get_windows_executable_command,
        terminate_windows_process_tree,
    )

_log = logging.getLogger(__name__)

_LONGEST: Final = 64 * 1024 * 1024
"""Of a message, as our client takes it by HTTP."""
_PIECE: Final = 64 * 1024
_GRACE_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 0.05
_EXIT_SECONDS: Final = 0.5
_FIRST_WORDS: Final = 20
"""Lines before the first message that are printed."""
_LONGEST_WORDS: Final = 2000
_LAST_WORDS_SECONDS: Final = 5.0
"""How long what a process wrote is read after its end, while others hold its output."""
_RUNNERS: Final = {"npx", "pnpx", "bunx", "uvx"}
_ASKS_NOTHING: Final = {"-y", "--yes", "-q", "--quiet"}
_PACKAGE: Final = re.compile(r"(?:@[\w.-]+/)?([A-Za-z][\w.-]*)(?:@[\w.^~*-]+)?")
_NETWORK: Final = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
)
"""How programs get through the network of a company. Without them npx is silent for minutes there."""
_CLOSED = (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)

Streams = tuple[Any, Any]
Waiting = set[types.RequestId]
"""The ids of the requests that have no answer yet."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command and what it gets: no variable of this process but those of `environment`, the few that
    programs need to run, such as PATH and HOME, and the proxies and certificates of the network. A proxy's
    address with a password is not among them.

    `log` is an open file for what it prints on its standard error; None: that of this process. `name` is what
    messages call it, by default its program.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path | None = None
    log: TextIO | None = field(default=None, repr=False, compare=False)
    name: str = ""

    def __post_init__(self) -> None:
        """Refuse one text, which a shell would have to take apart, and a command without a program."""
        if isinstance(self.arguments, str):
            raise TypeError("A command is its words one by one: Command(('npx', '-y', 'server'))")
        if not self.arguments:
            raise ValueError("A command has a program: Command(('npx', '-y', 'server'))")

    @property
    def label(self) -> str:
        """Its name, or its program without the folder and the arguments, among which may be a key.

        Of a program that runs packages, such as npx, it is the package.
        """
        program = PurePath(self.arguments[0])
        return self.name or _package(program.stem, self.arguments[1:]) or program.name


def _environment(command: Command) -> dict[str, str]:
    network = {name: os.environ.get(name, "") for each in _NETWORK for name in (each, each.lower())}
    passed = {name: value for name, value in network.items() if value and "@" not in value}
    return {**get_default_environment(), **passed, **command.environment}


def _package(program: str, arguments: tuple[str, ...]) -> str | None:
    """Return the package that `npx -y @scope/package@1.2` runs; None where another option makes it unsure."""
    if program not in _RUNNERS:
        return None
    word = next((word for word in arguments if word not in _ASKS_NOTHING), "")
    named = _PACKAGE.fullmatch(word)
    return named[1] if named else None


class MessageTooLongError(Exception):
    """A line is longer than 64 MiB."""


@contextlib.asynccontextmanager
async def message_streams(command: Command, ended: asyncio.Event) -> AsyncIterator[Streams]:
    """Run a command; give a stream of its messages and one to it, and set `ended` when it says no more.

    It is told to end by the end of its input, then by SIGTERM; what is left of it and of the programs that it
    started is killed.

    Raises:
        OSError: it cannot be started.
    """
    process = await _opened(command)
    received, read = anyio.create_memory_object_stream[SessionMessage | Exception]()
    write, sent = anyio.create_memory_object_stream[SessionMessage]()
    waiting: Waiting = set()
    reading = asyncio.create_task(_relayed(command, process, received, ended, waiting), name="mcp-stdio-read")
    writing = asyncio.create_task(_written(process, sent, ended, waiting), name="mcp-stdio-write")
    try:
        yield read, write
    finally:
        try:
            read.close()
            await end_tasks(writing)
            await _end(process)
        finally:
            _kill(process)
            await end_tasks(reading, writing)
            await _drained(process)


async def _relayed(
    command: Command, process: Process, received: Any, ended: asyncio.Event, waiting: Waiting
) -> None:
    """Pass messages on until the output ends, or the process has."""
    assert process.stdout is not None  # noqa: S101 - opened with a pipe
    reading = asyncio.create_task(_read(command, process.stdout, received, waiting), name="mcp-stdio-lines")
    try:
        while not reading.done() and process.returncode is None:
            # Python's own waiting for a process lasts until others that hold its output have ended.
            await asyncio.wait([reading], timeout=_EXIT_SECONDS)
        await asyncio.wait([reading], timeout=_LAST_WORDS_SECONDS)
    finally:
        await end_tasks(reading)
        received.close()
        ended.set()


async def _read(command: Command, output: ByteReceiveStream, received: Any, waiting: Waiting) -> None:
    first_words, logged = _FIRST_WORDS, False
    try:
        async for line in lines_of(output):
            messages = messages_in(line, waiting)
            if messages:
                first_words = 0
            elif first_words:
                first_words -= 1
                _say(command, line)
            elif not logged:
                _log.warning(
                    "%s wrote a line that is no MCP message; further ones are not logged.", command.label
                )
                logged = True
            for message in messages:
                if isinstance(message.root, types.JSONRPCResponse | types.JSONRPCError):
                    waiting.discard(message.root.id)
                await received.send(SessionMessage(message))
    except MessageTooLongError:
        _log.warning(
            "%s is ended: it wrote a message of more than %d MiB.", command.label, _LONGEST // 1024 // 1024
        )
    except _CLOSED:
        pass


def _say(command: Command, line: bytes) -> None:
    """Print a line from before the first message, as if it were on the standard error: many programs say on
    their output how they are to be called."""
    text = uncoloured(line[:_LONGEST_WORDS].decode("utf-8", "replace"))
    with contextlib.suppress(OSError, ValueError):  # it may be closed
        if command.log is None:
            print(f"{command.label}: {text}", file=sys.stderr, flush=True)
        else:  # the program may be in the middle of a line; empty lines of a pipe are not shown
            begin = "" if command.log.seekable() else "\n"
            print(f"{begin}{text}", file=command.log, flush=True)


async def lines_of(output: ByteReceiveStream, longest: int = _LONGEST) -> AsyncIterator[bytes]:
    """Yield the lines of a stream that have more than blanks.

    Raises:
        MessageTooLongError: a line is longer than that.
    """
    pieces, size = list[bytes](), 0
    with contextlib.suppress(anyio.EndOfStream):
        while True:
            *ends, rest = (await output.receive(_PIECE)).split(b"\n")
            for end in ends:
                if line := b"".join([*pieces, end]).strip():
                    yield line
                pieces, size = [], 0
            pieces.append(rest)
            size += len(rest)
            if size > longest:
                raise MessageTooLongError


def messages_in(line: bytes, waiting: Collection[types.RequestId] = ()) -> list[types.JSONRPCMessage]:
    """Return the messages of a line that can be read. An answer that cannot is an error for its request.

    `waiting` are the ids of the requests that have no answer yet.
    """
    try:
        found = parsed(line)
    except UnreadableAnswerError:
        return []
    messages = []
    for each in found if isinstance(found, list) else [found]:
        with contextlib.suppress(ValidationError):
            if (readable := question_of(each) or _answer(each, waiting)) is not None:
                messages.append(types.JSONRPCMessage.model_validate(readable))
    return messages


def _answer(message: Any, waiting: Collection[types.RequestId]) -> dict[str, Any] | None:
    if not isinstance(message, dict) or not {"result", "error"} & message.keys():
        return None
    request_id = message.get("id")
    if request_id is None and "error" in message and len(waiting) == 1:
        (request_id,) = waiting  # which it could not read
    if request_id is None:
        return None
    if isinstance(request_id, float) and request_id.is_integer():
        request_id = int(request_id)
    try:
        return response_to(request_id, message)
    except UnreadableAnswerError as error:
        text = f"The server's process answered with {error}"
        failure = {"code": types.INTERNAL_ERROR, "message": text}
        return {"jsonrpc": "2.0", "id": request_id, "error": failure}


async def _written(process: Process, sent: Any, ended: asyncio.Event, waiting: Waiting) -> None:
    """Write messages until there are no more, or the process has closed its input."""
    assert process.stdin is not None  # noqa: S101 - opened with a pipe
    try:
        async with sent:
            async for each in sent:
                match each.message.root:
                    case types.JSONRPCRequest(id=id_):
                        waiting.add(id_)
                    case types.JSONRPCNotification(method="notifications/cancelled", params=params):
                        waiting.discard((params or {}).get("requestId", ""))
                text: str = each.message.model_dump_json(by_alias=True, exclude_none=True)
                await process.stdin.send(unmarked(text.encode()) + b"\n")
    except _CLOSED:
        pass
    finally:
        ended.set()


async def _end(process: Process) -> None:
    """Tell a process to end, and wait for it a while; then ask the programs that it has started, too."""
    assert process.stdin is not None  # noqa: S101 - opened with a pipe
    with contextlib.suppress(*_CLOSED):
        await process.stdin.aclose()
    await _gone(process)
    await _terminate(process)


async def _gone(process: Process) -> None:
    with anyio.move_on_after(_GRACE_SECONDS):
        while process.returncode is None:  # noqa: ASYNC110 - waiting for it waits for its pipes, too
            await asyncio.sleep(_LOOK_SECONDS)


async def _drained(process: Process) -> None:
    """Read what is left in the pipe: asyncio closes it at its end only."""
    assert process.stdout is not None  # noqa: S101 - opened with a pipe
    with anyio.move_on_after(_EXIT_SECONDS), contextlib.suppress(anyio.EndOfStream, *_CLOSED):
        while True:
            await process.stdout.receive(_PIECE)


if sys.platform == "win32":  # pragma: no cover - the tests run on POSIX

    async def _opened(command: Command) -> Process:
        program, *arguments = command.arguments
        program = get_windows_executable_command(program)
        environment = _environment(command)
        log = command.log or sys.stderr
        return await create_windows_process(program, arguments, environment, log, command.folder)

    async def _terminate(process: Process) -> None:
        await terminate_windows_process_tree(process, _GRACE_SECONDS)

    def _kill(process: Process) -> None:
        with contextlib.suppress(OSError):
            process.kill()

else:

    async def _opened(command: Command) -> Process:
        environment = _environment(command)
        return await anyio.open_process(
            _ending_with_us(command.arguments, environment.get("PATH")),
            env=environment,
            stderr=command.log,
            cwd=command.folder,
            start_new_session=True,
        )

    def _ending_with_us(arguments: tuple[str, ...], path: str | None) -> tuple[str, ...]:
        """Return a command that Linux kills when this process is killed: it may ignore the end of its input.

        One that is not found, or is named from its folder, is returned as it is.
        """
        tie, program = shutil.which("setpriv"), arguments[0]
        if sys.platform != "linux" or tie is None or Path(tie).resolve().name != "setpriv":  # but BusyBox's
            return arguments
        is_named = os.sep not in program or Path(program).is_absolute()
        if not is_named or shutil.which(program, path=path) is None:
            return arguments
        return (tie, "--pdeathsig", "KILL", "--", *arguments)

    async def _terminate(process: Process) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS refuses where all have ended
            os.killpg(process.pid, signal.SIGTERM)
            with anyio.move_on_after(_GRACE_SECONDS):
                while True:
                    os.killpg(process.pid, 0)
                    await asyncio.sleep(_LOOK_SECONDS)

    def _kill(process: Process) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
