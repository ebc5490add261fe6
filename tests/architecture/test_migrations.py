"""The tables that migrations make are those of the models."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from splynx_ippay import credentials, links  # noqa: F401 - their tables
from splynx_ippay.base.db import Database, Row
from splynx_ippay.payments import models  # noqa: F401
from splynx_ippay.runs import models as run_models  # noqa: F401


def test_a_migrated_database_has_the_tables_of_the_models(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'fresh.sqlite3'}")
    database.upgrade()
    database.check()
    with database.engine.connect() as connection:
        difference = compare_metadata(MigrationContext.configure(connection), Row.metadata)
    database.engine.dispose()
    assert difference == []


def test_migrating_twice_changes_nothing(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'fresh.sqlite3'}")
    database.upgrade()
    database.upgrade()
    assert database.is_current()
    database.engine.dispose()


def test_a_database_without_its_tables_is_refused(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    assert not database.is_current()
    database.engine.dispose()
