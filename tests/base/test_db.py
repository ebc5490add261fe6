"""The database: short transactions, repeats, what is durable, and which duplicate is which."""

import sqlite3
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

from splynx_ippay.base.db import Database, get_or_add, is_duplicate
from splynx_ippay.base.errors import ConfigError
from splynx_ippay.payments.limits import LimitHit
from splynx_ippay.payments.models import CustomerNote


def write(session, customer_id=1, **values):
    session.add(CustomerNote(**{"customer_id": customer_id, "no_auto": True, "reason": ""} | values))


def test_an_address_of_another_database_is_refused():
    for url in ("postgresql://x/y", "mysql://x/y", ""):
        with pytest.raises(ConfigError, match="database_url must start with"):
            Database(url)


def test_an_address_of_mariadb_is_taken_without_connecting():
    database = Database("mysql+pymysql://user:secret@127.0.0.1:1/addon")
    assert not database.is_sqlite
    assert "secret" not in repr(database.engine)


def test_what_work_raises_rolls_everything_back(database):
    def work(session):
        write(session)
        session.flush()
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        database.run(work)
    with database.read() as session:
        assert session.get(CustomerNote, 1) is None


def test_a_busy_database_is_waited_for(database):
    other = sqlite3.connect(database.engine.url.database, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.4, lambda: other.execute("COMMIT"))
    timer.start()
    database.run(write)
    timer.join()
    other.close()
    with database.read() as session:
        assert session.get(CustomerNote, 1)


def test_a_database_that_stays_busy_is_tried_again_and_then_comes_out(database):
    with database.engine.connect().execution_options(read_only=True) as pooled:
        pooled.exec_driver_sql("PRAGMA busy_timeout = 1")  # the one connection of the pool need not wait ten seconds
    other = sqlite3.connect(database.engine.url.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError, match="locked"):
        database.run(write, tries=3)
    other.close()
    database.run(write)


def test_readers_do_not_wait_for_a_writer(database):
    database.run(write)
    other = sqlite3.connect(database.engine.url.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with database.read() as session:
        assert session.get(CustomerNote, 1)
    other.close()


def test_what_is_no_lock_is_not_repeated(database):
    tries = []

    def work(session):
        tries.append(1)
        session.execute(text("SELECT * FROM no_such_table"))

    with pytest.raises(OperationalError, match="no such table"):
        database.run(work)
    assert len(tries) == 1


def test_errors_of_the_database_hold_no_values(database):
    database.run(write)
    with pytest.raises(IntegrityError) as caught:
        database.run(lambda session: write(session, reason="token 4111111111111111"))
    assert "4111111111111111" not in str(caught.value)


def test_a_duplicate_is_known_by_its_column(database):
    database.run(write)
    with pytest.raises(IntegrityError) as caught:
        database.run(write)
    assert is_duplicate(caught.value, "customer_id")
    assert not is_duplicate(caught.value, "open_target")
    with pytest.raises(IntegrityError) as caught:
        database.run(lambda session: session.execute(text(
            "INSERT INTO limit_hit (bucket, at) VALUES (NULL, '2026-01-01')")))
    assert not is_duplicate(caught.value, "bucket")


def test_a_row_is_added_once_and_then_found(database):
    for reason in ("first", "second"):
        row = database.run(lambda session, words=reason: get_or_add(
            session, CustomerNote(customer_id=5, no_auto=True, reason=words), 5))
        assert row.reason == "first"


def test_times_are_kept_in_utc_and_naive_ones_refused(database):
    eastern = datetime(2026, 11, 22, 20, 0, 0, 123456, tzinfo=timezone(timedelta(hours=-5)))
    database.run(lambda session: session.add(LimitHit(bucket="x", at=eastern)))
    with database.read() as session:
        found = session.query(LimitHit).one().at
    assert found == eastern
    assert found.tzinfo is UTC
    with pytest.raises(StatementError, match="naive"):
        database.run(lambda session: session.add(LimitHit(bucket="x", at=datetime(2026, 11, 22))))


def test_a_database_is_used_only_when_it_is_durable_and_current(database, tmp_path):
    database.check()
    assert database.is_current()
    fresh = Database(f"sqlite:///{tmp_path}/fresh.sqlite3")
    with pytest.raises(ConfigError, match="splynx-ippay migrate"):
        fresh.check()
    fresh.upgrade()
    fresh.check()
    fresh.engine.dispose()
    memory = Database("sqlite:///:memory:")
    with pytest.raises(ConfigError, match="synchronous=FULL and WAL"):
        memory.check()
    memory.engine.dispose()


def test_a_stranger_row_is_refused_by_its_foreign_key(database):
    with pytest.raises(IntegrityError, match="FOREIGN KEY"):
        database.run(lambda session: session.execute(text(
            "INSERT INTO debt_key (line_id, target) VALUES (4711, 'invoice:1')")))
