"""The database has a file for its owner only; where it cannot be made, the setting that helps is named."""

from pathlib import Path

import pytest

from mcpsecurity_webclient.errors import StoreError
from mcpsecurity_webclient.store.engine import database_url, make_engine


async def test_a_file_is_made_with_its_folder_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "new" / "conversations.sqlite3"
    await make_engine(database_url(f"sqlite:///{file}")).dispose()
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0


def test_a_file_that_cannot_be_written_names_the_setting_that_helps(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file, not a folder")
    file = tmp_path / "home" / "conversations.sqlite3"
    with pytest.raises(StoreError, match=r"cannot be written .*: set WEBCLIENT_DATABASE_URL to another file"):
        make_engine(database_url(f"sqlite:///{file}"))
