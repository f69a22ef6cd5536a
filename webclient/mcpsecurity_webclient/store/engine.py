"""The database's engine, and its schema brought up to date."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from mcpsecurity_webclient.errors import LaterSchemaError, StoreError

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
}
_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x6D637073  # any number, the same in each replica
_SECONDS = 10.0

GetPassword = Callable[[], str]
"""Returns a password: a token of an identity. It may block."""


def database_url(text_: str) -> URL:
    """Return the address of a database: `sqlite://` (in memory), `sqlite:///FILE` or `postgresql://…`.

    Raises:
        ValueError: the text is not such an address.
    """
    try:
        url = make_url(text_)
    except Exception:  # noqa: BLE001 - its error quotes the address, which may hold a password
        raise ValueError("this is no database address") from None
    driver = _DRIVERS.get(url.get_backend_name())
    if driver is None:
        raise ValueError("only sqlite:// and postgresql:// are supported")
    return url.set(drivername=driver)


def make_engine(url: URL, password: GetPassword | None = None) -> AsyncEngine:
    """Return an engine. A file is made with access for its owner only.

    `password` returns one for each new connection to PostgreSQL, if the address has none; it may block.

    Raises:
        StoreError: the file cannot be written.
    """
    if url.get_backend_name() != "sqlite":
        timeouts: dict[str, Any] = {"timeout": _SECONDS, "command_timeout": _SECONDS}
        if password is not None and url.password is None:
            timeouts["password"] = lambda: asyncio.to_thread(password)  # asyncpg awaits it
        return create_async_engine(
            url, pool_pre_ping=True, pool_size=10, pool_timeout=_SECONDS, connect_args=timeouts
        )
    if url.database and url.database != ":memory:":
        _make_file(Path(url.database))
    # SQLite has one writer at a time: with one connection each waits for its turn here, not in the file.
    engine = create_async_engine(url, poolclass=AsyncAdaptedQueuePool, pool_size=1, max_overflow=0)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine


def _make_file(file: Path) -> None:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
    except OSError as error:
        raise StoreError(
            f"{file} cannot be written ({error.strerror}): set WEBCLIENT_DATABASE_URL to another file, like"
            " sqlite:////a/folder/conversations.sqlite3"
        ) from error


async def migrate(engine: AsyncEngine) -> None:
    """Bring the schema up to date; replicas that start at once take turns.

    Raises:
        LaterSchemaError: the schema is that of a later release, which this one would damage.
        Exception: the driver, SQLAlchemy or Alembic raised it.
    """
    for pause in (0.1, 0.3, 1.0, 3.0):
        try:
            await _migrate(engine)
            return
        except OperationalError:  # SQLite does not always wait for its turn
            if engine.dialect.name != "sqlite":
                raise
            await asyncio.sleep(pause)
    await _migrate(engine)


async def _migrate(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        else:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    found = MigrationContext.configure(connection).get_current_revision()
    if found is not None and found not in known:
        raise LaterSchemaError(found, scripts.get_current_head() or "none")
    command.upgrade(config, "head")


def _prepare_sqlite(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA busy_timeout = 5000")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError:  # pragma: no cover - such as a file system without shared memory
        pass
    finally:
        cursor.close()
