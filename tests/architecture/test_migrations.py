"""The tables that migrations make are those of the models."""

import importlib
import pkgutil

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

import splynx_ippay
from splynx_ippay.base.db import Database, Row

# Every module, so that no table is forgotten; the migrations and the programs are loaded by those who run them.
for found in pkgutil.walk_packages(splynx_ippay.__path__, "splynx_ippay."):
    if ".migrations" not in found.name and not found.name.endswith("__main__"):
        importlib.import_module(found.name)


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
