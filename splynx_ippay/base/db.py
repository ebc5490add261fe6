"""The database. Owns engines, short transactions, repeats after a deadlock, and the checks before money may move.

Must never be held open across a call to the gateway or to Splynx: ``run`` takes a function that only reads and
writes rows, and may call it several times.
"""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import DateTime, String, TypeDecorator, create_engine, event, text
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session

from splynx_ippay.base.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Dialect, Engine

T = TypeVar("T")
R = TypeVar("R", bound="Row")

SQLITE_BUSY_MILLISECONDS = 10_000
# MariaDB: 1205 lock wait time-out, 1213 deadlock, 1020 row changed under a snapshot: all mean "roll back and repeat".
_REPEATABLE_MARIADB = frozenset({1205, 1213, 1020})
_WRONG_URL = "database_url must start with sqlite:/// or mysql+pymysql://"
_MIGRATIONS = Path(__file__).with_name("migrations")


class Row(DeclarativeBase):
    """Base of every table."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime in Python, a naive UTC column with microseconds in the database."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """MariaDB keeps microseconds only when asked."""
        return dialect.type_descriptor(mysql.DATETIME(fsp=6) if dialect.name in {"mysql", "mariadb"} else DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times: nobody could tell later which zone was meant."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        del dialect
        return None if value is None else value.replace(tzinfo=UTC)


def key_text(length: int) -> Any:
    """Column type of ids and keys: compared byte by byte on every database."""
    return String(length).with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")


class Database:
    """One engine and the only ways to use it: ``run`` to write, ``read`` to look."""

    def __init__(self, url: str) -> None:
        """``url`` is SQLAlchemy's; sqlite:///file and mysql+pymysql://… are supported, else ConfigError."""
        self.url = url
        try:
            make_url(url)
        except ArgumentError:
            raise ConfigError(_WRONG_URL) from None
        if url.startswith("sqlite"):
            self.engine = create_engine(url, hide_parameters=True,
                                        connect_args={"timeout": SQLITE_BUSY_MILLISECONDS / 1000})
            _prepare_sqlite(self.engine)
        elif url.startswith(("mysql+pymysql", "mariadb+pymysql")):
            self.engine = create_engine(url, hide_parameters=True, isolation_level="READ COMMITTED",
                                        pool_pre_ping=True, pool_recycle=1800,
                                        connect_args={"charset": "utf8mb4", "connect_timeout": 10})
        else:
            raise ConfigError(_WRONG_URL)

    @property
    def is_sqlite(self) -> bool:
        """Whether the rows live in a file beside us."""
        return self.engine.dialect.name == "sqlite"

    def run(self, work: Callable[[Session], T], *, tries: int = 10) -> T:
        """Run ``work`` in one transaction and commit; after a deadlock or a busy database roll back and repeat.

        Whatever ``work`` raises rolls back. It must do nothing but read and write rows. OperationalError comes out
        when the database is away or stays busy.
        """
        for attempt in range(1, tries + 1):
            try:
                with Session(self.engine, expire_on_commit=False) as session, session.begin():
                    result = work(session)
                    session.flush()
                return result
            except OperationalError as error:
                if attempt == tries or not _is_repeatable(error):
                    raise
                time.sleep(random.uniform(0.01, 0.05) * attempt)  # noqa: S311 - spreading, not secrecy
        raise AssertionError("unreachable")  # pragma: no cover - the loop returns or raises

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Look at rows without the write lock; nothing is committed."""
        engine = self.engine.execution_options(read_only=True)
        with Session(engine, expire_on_commit=False) as session:
            yield session

    def upgrade(self) -> None:
        """Bring the tables to this version's shape."""
        from alembic import command

        command.upgrade(self.alembic_config(), "head")

    def alembic_config(self) -> Any:
        """Alembic's configuration, with the migrations that are installed with the package."""
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        config.attributes["engine"] = self.engine
        return config

    def check(self) -> None:
        """Raise ConfigError unless a committed row survives a power cut and the tables are current."""
        with self.engine.connect() as connection:
            if self.is_sqlite:
                synchronous = connection.execute(text("PRAGMA synchronous")).scalar_one()
                journal = connection.execute(text("PRAGMA journal_mode")).scalar_one()
                if (synchronous, journal) != (2, "wal"):
                    raise ConfigError(f"SQLite must run with synchronous=FULL and WAL, not {synchronous}, {journal}; "
                                      "is the file on a network disk?")
            else:
                _check_mariadb(connection)
        if not self.is_current():
            raise ConfigError("the tables are not those of this version; run: splynx-ippay migrate")

    def is_current(self) -> bool:
        """Whether the newest migration has run."""
        from alembic.runtime.migration import MigrationContext
        from alembic.script import ScriptDirectory

        head = ScriptDirectory.from_config(self.alembic_config()).get_current_head()
        with self.engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision() == head


def _prepare_sqlite(engine: Engine) -> None:
    """Full durability, one writer that says so at its first statement, readers that never wait for it."""

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        # The driver must not open transactions by itself: BEGIN IMMEDIATE below is ours.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={SQLITE_BUSY_MILLISECONDS}",
                       "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        read_only = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def _check_mariadb(connection: Connection) -> None:
    """A commit is on the disk, rows have transactions, and a name may hold any letter."""
    flush, charset = connection.execute(text(
        "SELECT @@innodb_flush_log_at_trx_commit, @@character_set_database")).one()
    if int(flush) != 1:
        raise ConfigError("MariaDB must run with innodb_flush_log_at_trx_commit=1, else a power cut "
                          "loses attempts that were sent")
    if charset != "utf8mb4":
        raise ConfigError(f"the database must have the character set utf8mb4, not {charset}, and so must its tables")
    other = connection.execute(text(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND engine <> 'InnoDB' "
        "ORDER BY table_name LIMIT 1")).scalar()
    if other is not None:
        raise ConfigError(f"the table {other} must have the engine InnoDB, else nothing can be rolled back")


def get_or_add(session: Session, fresh: R, key: object) -> R:
    """The row with this primary key, ``fresh`` when there is none; two writers at once end with one row."""
    kind = type(fresh)
    row = session.get(kind, key, with_for_update=True)
    if row is not None:
        return row
    try:
        with session.begin_nested():
            session.add(fresh)
            session.flush()
    except IntegrityError:
        return session.get_one(kind, key, with_for_update=True)
    return fresh


def _is_repeatable(error: OperationalError) -> bool:
    """Deadlock, lock time-out, busy: nothing was committed, and the same work may be done again."""
    arguments = getattr(error.orig, "args", ())
    if arguments and arguments[0] in _REPEATABLE_MARIADB:
        return True
    return "database is locked" in str(error.orig) or "database table is locked" in str(error.orig)


def is_duplicate(error: IntegrityError, column: str) -> bool:
    """Whether a unique key that names this column refused the row (and not some other constraint)."""
    words = str(error.orig)
    return column in words and ("UNIQUE" in words or "Duplicate entry" in words)
