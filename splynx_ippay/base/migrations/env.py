# ruff: noqa: INP001 - Alembic loads this file by its path
"""Runs the migrations on the engine that was handed over; there is no offline mode and no ini file."""

from __future__ import annotations

from alembic import context

from splynx_ippay.base.db import Row

engine = context.config.attributes["engine"]

with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Row.metadata, compare_type=False,
                      transactional_ddl=engine.dialect.name == "sqlite")
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
