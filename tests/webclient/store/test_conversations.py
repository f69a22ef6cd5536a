"""A store gives a conversation back as it was saved, to its owner and nobody else: SQLite and PostgreSQL."""

import asyncio
import stat
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from tests.support.programs import Program, postgresql

from mcpsecurity_webclient.errors import LaterSchemaError, StaleConversationError, StoreUnavailableError
from mcpsecurity_webclient.store import (
    Conversation,
    ConversationStore,
    Grant,
    GrantKey,
    Owner,
    Part,
    migrations,
)
from mcpsecurity_webclient.store.engine import database_url, make_engine
from mcpsecurity_webclient.store.models import metadata

ALICE = Owner("11111111-0000-4000-8000-000000000000", "aaaaaaaa-0000-4000-8000-000000000000")
BOB = Owner(ALICE.tenant_id, "bbbbbbbb-0000-4000-8000-000000000000")
NAMESAKE = Owner("22222222-0000-4000-8000-000000000000", ALICE.user_id)


@pytest.fixture(scope="module")
async def postgres() -> AsyncIterator[tuple[Program, str]]:
    async with postgresql() as (server, url):
        yield server, url


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/kept/conversations.sqlite3"
    return str(request.getfixturevalue("postgres")[1])


@pytest.fixture
async def url(address: str) -> str:
    """The address of an empty database."""
    if address.startswith("postgresql"):
        await emptied(address)
    return address


@pytest.fixture
async def store(url: str) -> AsyncIterator[ConversationStore]:
    async with ConversationStore(url) as store:
        yield store


async def emptied(address: str) -> None:
    engine = make_engine(database_url(address))
    async with engine.begin() as connection:
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))
    await engine.dispose()


def said(number: int, words: str) -> Part:
    return Part("message", f"m{number}", {"text": words, "at": 1.5}, words)


def conversation(chat_id: str = "one", *parts: Part, at: float = 100.0) -> Conversation:
    return Conversation(
        chat_id=chat_id,
        title="Über Zürich",
        created_at=1.0,
        updated_at=at,
        state={"mode": "manual", "grants": [["Tools", "get_random_number", "0af1"]]},
        parts=list(parts) or [said(1, "What is the weather?")],
        writer="me",
    )


async def test_what_was_saved_comes_back_as_it_was(store: ConversationStore) -> None:
    odd = "NUL \x00, half a pair \ud83d, 100% \\ ' \" ;--"
    parts = [
        said(1, odd),
        Part("call", "c1", {"arguments": {"city": odd}}),
        Part("turn", "000000", {"n": [1, None]}),
    ]
    wanted = conversation("one", *parts)

    revision = await store.save(ALICE, wanted)

    found = await store.load(ALICE, "one")
    assert found is not None
    assert {(p.kind, p.part_id): p.body for p in found.parts} == {(p.kind, p.part_id): p.body for p in parts}
    assert (found.title, found.state, found.updated_at) == (wanted.title, wanted.state, 100.0)
    assert found.revision == revision == 1


async def test_a_save_replaces_what_has_changed_and_drops_what_is_gone(store: ConversationStore) -> None:
    first = conversation("one", said(1, "a"), said(2, "b"), said(3, "c"))
    revision = await store.save(ALICE, first)

    await store.save(
        ALICE, replace(first, revision=revision, parts=[said(1, "a"), said(3, "C"), said(4, "d")])
    )

    found = await store.load(ALICE, "one")
    assert found is not None
    assert [(part.part_id, part.body["text"]) for part in found.parts] == [
        ("m1", "a"),
        ("m3", "C"),
        ("m4", "d"),
    ]


@pytest.mark.parametrize("other", [BOB, NAMESAKE])
async def test_nobody_reads_changes_finds_or_deletes_conversations_of_others(
    store: ConversationStore, other: Owner
) -> None:
    await store.save(ALICE, conversation())

    assert await store.load(other, "one") is None
    assert await store.entries(other) == []
    assert await store.entries(other, "weather") == []
    await store.delete(other, "one")
    with pytest.raises(StaleConversationError):
        await store.save(other, replace(conversation("one", said(1, "mine now")), revision=1))
    await store.save(other, conversation("one", said(1, "of my own")))

    found = await store.load(ALICE, "one")
    assert found is not None
    assert [part.body["text"] for part in found.parts] == ["What is the weather?"]


async def test_of_two_who_changed_the_same_only_the_first_is_kept(store: ConversationStore) -> None:
    revision = await store.save(ALICE, conversation())
    await store.save(ALICE, replace(conversation("one", said(1, "first")), revision=revision))

    with pytest.raises(StaleConversationError):
        await store.save(
            ALICE, replace(conversation("one", said(1, "second")), revision=revision, writer="she")
        )
    with pytest.raises(StaleConversationError):
        await store.save(ALICE, replace(conversation("one", said(1, "begun again")), writer="she"))

    found = await store.load(ALICE, "one")
    assert found is not None
    assert found.parts[0].body["text"] == "first"


async def test_a_save_whose_answer_was_lost_can_be_repeated(store: ConversationStore) -> None:
    await store.save(ALICE, conversation())
    assert await store.save(ALICE, conversation()) == 1


async def test_a_claim_of_an_unchanged_conversation_shuts_out_the_writer_before(
    store: ConversationStore,
) -> None:
    revision = await store.save(ALICE, conversation())
    loaded = await store.load(ALICE, "one")
    assert loaded is not None
    with pytest.raises(StaleConversationError):
        await store.claim(BOB, loaded, "she")
    claimed = await store.claim(ALICE, loaded, "she")
    with pytest.raises(StaleConversationError):
        await store.claim(ALICE, loaded, "another")
    with pytest.raises(StaleConversationError):
        await store.save(ALICE, replace(conversation(), revision=revision))
    again = await store.load(ALICE, "one")
    assert again is not None
    assert (again.parts, again.state, again.revision) == (loaded.parts, loaded.state, claimed)
    assert await store.save(ALICE, replace(conversation(), revision=claimed, writer="she")) == claimed + 1


async def test_a_process_can_ask_whether_a_conversation_is_unchanged(
    store: ConversationStore,
) -> None:
    revision = await store.save(ALICE, conversation())
    loaded = await store.load(ALICE, "one")
    assert loaded is not None
    assert await store.is_current(ALICE, "one", revision, "someone")
    assert not await store.is_current(BOB, "one", revision, "someone")
    claimed = await store.claim(ALICE, loaded, "she")
    assert not await store.is_current(ALICE, "one", revision, "someone")
    assert await store.is_current(ALICE, "one", revision, "she"), "it was she, and did not hear the answer"
    assert await store.is_current(ALICE, "one", claimed, "she")
    await store.delete(ALICE, "one")
    assert not await store.is_current(ALICE, "one", claimed, "she")


async def test_what_was_deleted_is_not_brought_back_by_a_late_save(store: ConversationStore) -> None:
    revision = await store.save(ALICE, conversation())
    await store.delete(ALICE, "one")

    with pytest.raises(StaleConversationError):
        await store.save(ALICE, replace(conversation(), revision=revision))
    assert await store.load(ALICE, "one") is None


async def test_a_search_finds_titles_and_messages_in_any_case(store: ConversationStore) -> None:
    await store.save(ALICE, conversation("one", said(1, "ÄPFEL sind 100% gut"), at=1.0))
    await store.save(ALICE, conversation("two", Part("call", "c", {}, "äpfel"), said(1, "Birnen"), at=2.0))

    async def found(words: str) -> list[str]:
        return [entry.chat_id for entry in await store.entries(ALICE, words)]

    assert await found("äpfel") == ["one"]
    assert await found("ZÜRICH") == ["two", "one"]
    assert await found("0%") == ["one"]
    assert await found("_") == []


async def test_the_list_begins_with_the_latest_and_is_as_long_as_asked(store: ConversationStore) -> None:
    for number in range(5):
        await store.save(ALICE, conversation(f"c{number}", at=float(number)))

    assert [entry.chat_id for entry in await store.entries(ALICE, limit=2)] == ["c4", "c3"]


async def test_what_nobody_used_for_too_long_is_purged_with_all_its_parts(
    store: ConversationStore,
) -> None:
    await store.save(ALICE, conversation("old", at=10.0))
    await store.save(BOB, conversation("new", at=20.0))
    await store.save(BOB, replace(conversation("empty", at=20.0), parts=[]))
    assert [entry.chat_id for entry in await store.entries(BOB)] == ["new"]

    assert await store.purge(15.0, empty_before=15.0) == 1
    assert await store.purge(15.0, empty_before=25.0) == 1
    assert await store.load(ALICE, "old") is None
    assert await store.load(BOB, "new") is not None
    async with store._engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM parts"))).scalar_one() == 1


async def test_conversations_outlive_the_process(url: str) -> None:
    async with ConversationStore(url) as store:
        await store.save(ALICE, conversation())
    async with ConversationStore(url) as store:
        assert [entry.chat_id for entry in await store.entries(ALICE)] == ["one"]


async def test_an_operation_is_completed_although_its_caller_was_cancelled() -> None:
    async with ConversationStore("sqlite://") as store:
        for number in range(20):
            saving = asyncio.create_task(store.save(ALICE, conversation(f"c{number}")))
            for _ in range(number):
                await asyncio.sleep(0)
            saving.cancel()
            await asyncio.wait([saving])
        await store.save(ALICE, conversation("last"))
        assert len(await store.entries(ALICE)) >= 20


async def test_replicas_that_start_at_once_make_the_schema_once(url: str) -> None:
    stores = [ConversationStore(url) for _ in range(3)]
    await asyncio.gather(*(store.__aenter__() for store in stores))
    await asyncio.gather(*(store.save(ALICE, conversation(f"c{i}")) for i, store in enumerate(stores)))
    assert len(await stores[0].entries(ALICE)) == 3
    await asyncio.gather(*(store.__aexit__(None, None, None) for store in stores))


async def test_the_migrations_make_the_tables_that_the_code_uses(store: ConversationStore) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return list(compare_metadata(context, metadata))

    async with store._engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_database_of_a_later_release_is_refused_and_says_what_to_do(url: str) -> None:
    async with ConversationStore(url) as store, store._engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(LaterSchemaError, match=r"schema 9999, .* start that release, or restore a copy"):
        await ConversationStore(url).__aenter__()


async def test_a_machine_whose_clock_is_ahead_of_the_databases_deletes_nothing_before_its_time(
    postgres: tuple[Program, str],
) -> None:
    day = 86_400.0
    await emptied(postgres[1])
    async with ConversationStore(postgres[1], clock=lambda: time.time() + 3 * day) as store:
        now = time.time()
        await store.save(ALICE, conversation("kept", at=now - 0.5 * day))
        await store.save(ALICE, conversation("gone", at=now - 1.5 * day))
        await store.purge(now + 2 * day, empty_before=now + 2 * day)  # a day ago, by that clock
        assert [entry.chat_id for entry in await store.entries(ALICE)] == ["kept"]


async def test_a_database_that_was_restarted_is_used_again(postgres: tuple[Program, str]) -> None:
    server, address = postgres
    await emptied(address)
    async with ConversationStore(address) as store:
        await store.save(ALICE, conversation())
        await server.stop()
        with pytest.raises(StoreUnavailableError):
            await store.check()
        await server.start()
        assert await store.load(ALICE, "one") is not None


async def test_a_database_that_takes_no_connections_cannot_be_used_until_it_does(
    postgres: tuple[Program, str],
) -> None:
    """PostgreSQL refuses connections while it is starting up."""
    address = postgres[1]
    engine = make_engine(database_url(address.replace("/postgres", "/template1")))
    async with (
        ConversationStore(address) as store,
        engine.execution_options(isolation_level="AUTOCOMMIT").connect() as admin,
    ):
        await admin.execute(text("ALTER DATABASE postgres ALLOW_CONNECTIONS false"))
        try:
            await admin.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'postgres'")
            )
            with pytest.raises(StoreUnavailableError):
                await store.check()
        finally:
            await admin.execute(text("ALTER DATABASE postgres ALLOW_CONNECTIONS true"))
        await store.check()
    await engine.dispose()


async def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "data" / "conversations.sqlite3"
    async with ConversationStore(f"sqlite:///{file}"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "address", ["mysql://u:secret@h/d", "secret", "file:secret", "sqlite+pysqlcipher://:secret@/x"]
)
def test_another_kind_of_address_is_refused_without_repeating_it(address: str) -> None:
    if address.startswith("sqlite"):
        assert database_url(address).drivername == "sqlite+aiosqlite"
        return
    with pytest.raises(ValueError, match=r"^(?!.*secret)"):
        database_url(address)


async def test_postgresql_takes_the_token_of_an_identity_as_the_password_of_each_connection() -> None:
    asked: list[str] = []

    def token() -> str:
        asked.append("a token of Entra ID")
        return asked[-1]

    async with postgresql("a token of Entra ID") as (_, address):
        with pytest.raises(StoreUnavailableError):
            async with ConversationStore(address, password=lambda: "an old one"):
                pass
        async with ConversationStore(address, password=token) as store:
            await store.check()
        assert len(asked) >= 1


def back_to_the_release_before(connection: Connection) -> None:
    """Bring the schema to that of the release before grants."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    command.downgrade(config, "0002")


async def test_a_database_of_the_release_before_keeps_its_conversations_and_takes_grants(url: str) -> None:
    async with ConversationStore(url) as store:
        await store.save(ALICE, conversation())
    engine = make_engine(database_url(url))
    async with engine.begin() as connection:
        await connection.run_sync(back_to_the_release_before)
    await engine.dispose()
    grant = Grant(key=GrantKey("s", "pay", "0af1"), definition="d1", arguments={"amount": 1}, given_at=1.5)
    async with ConversationStore(url) as store:
        found = await store.load(ALICE, "one")
        assert found is not None
        assert [part.body for part in found.parts] == [part.body for part in conversation().parts]
        await store.grants.keep(ALICE, grant)
        await store.grants.keep(ALICE, replace(grant, definition="d2"))
        assert await store.grants.all(ALICE) == [replace(grant, definition="d2")]
        assert await store.grants.all(BOB) == await store.grants.all(NAMESAKE) == []
        await store.grants.remove(BOB, grant.key)
        assert len(await store.grants.all(ALICE)) == 1
        await store.grants.remove(ALICE, grant.key)
        assert await store.grants.all(ALICE) == []
