"""The core on a real MariaDB through PyMySQL: the same promises, with real row locks, deadlocks and time-outs."""

import dataclasses
import os
import shutil
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError, OperationalError

from splynx_ippay import credentials, links, notifications
from splynx_ippay.base import clock
from splynx_ippay.base.db import Database, Row, is_duplicate
from splynx_ippay.base.errors import AlreadyOpen, AmountChanged, ConfigError
from splynx_ippay.base.money import Money
from splynx_ippay.ippay.messages import BankAccount, Card
from splynx_ippay.letters import sending
from splynx_ippay.payments import booking, breaker, charge, events, reconcile, returns, saving, states, updater
from splynx_ippay.payments.models import Attempt, Booking, CustomerNote, Door, State
from splynx_ippay.runs import plan, work
from splynx_ippay.runs.filters import Filters
from splynx_ippay.runs.models import ItemState, RunItem, RunState

VISA = Card(number="4111111111111111", exp_month=12, exp_year=2034, holder="Pat Doe", postal_code="84058", cvv="123")
CONSENT = charge.Consent("2026-11", "I authorize the debit. ✍️", "127.0.0.1")


def wait_for_server(process, port, log):
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail(f"MariaDB did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A MariaDB server of these tests alone; yields its port."""
    program, install = (shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/usr/bin")
                        for name in ("mariadbd", "mariadb-install-db"))
    if not (program and install):
        pytest.exit("MariaDB is missing; run: apt-get install mariadb-server", returncode=3)
    folder = tmp_path_factory.mktemp("mariadb")
    log = folder / "log"
    user = ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run([install, "--no-defaults", f"--datadir={folder}/data", "--auth-root-authentication-method=normal",
                    "--skip-test-db", *user], check=True, capture_output=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with log.open("w") as output:
        process = subprocess.Popen(
            [program, "--no-defaults", f"--datadir={folder}/data", f"--socket={folder}/sock", f"--port={port}",
             "--bind-address=127.0.0.1", "--skip-name-resolve", "--innodb-lock-wait-timeout=2",
             "--innodb-buffer-pool-size=16M", f"--pid-file={folder}/pid", *user], stdout=output, stderr=output)
    wait_for_server(process, port, log)
    yield port
    process.terminate()
    process.wait(60)


def address(port, name):
    return f"mysql+pymysql://root@127.0.0.1:{port}/{name}"


def statement(port, *words):
    database = Database(address(port, "mysql"))
    with database.engine.connect() as connection:
        for one in words:
            connection.execute(text(one))
        connection.commit()
    database.engine.dispose()


@pytest.fixture(scope="session")
def migrated(server):
    """A database with the tables of this version, made by the migrations."""
    statement(server, "CREATE DATABASE addon CHARACTER SET utf8mb4")
    database = Database(address(server, "addon"))
    database.upgrade()
    database.check()
    database.engine.dispose()
    return address(server, "addon")


@pytest.fixture
def maria(migrated):
    """The migrated database, empty."""
    database = Database(migrated)
    with database.engine.connect() as connection:
        connection.execute(text("SET FOREIGN_KEY_CHECKS=0"))
        for table in Row.metadata.tables:
            connection.execute(text(f"DELETE FROM `{table}`"))
        connection.commit()
    yield database
    database.engine.dispose()


@pytest.fixture
def store(core, maria, sandbox):
    """The core with its rows in MariaDB; afterwards keys and states agree and no chain is broken."""
    core = dataclasses.replace(core, database=maria)
    yield core
    with maria.read() as session:
        assert reconcile.nobody_owns(session) == []
        for attempt in session.query(Attempt):
            assert events.first_broken(attempt.events) is None


def invoice(sandbox, customer_id=1, position=0):
    row = sandbox.unpaid_invoices(customer_id)[position]
    return charge.Item("invoice", int(row["id"]), row["number"], Money.from_host(row["due"], "USD"))


def order(method, *items, **changes):
    return charge.Order(**{"door": Door.PORTAL, "customer_id": 1, "partner_id": 1, "items": items,
                           "source": charge.SavedMethod(method.id), "submission_key": charge.new_submission_key(),
                           "actor": "customer 1"} | changes)


def tick(core, sandbox, **jump):
    sandbox.jump(**jump)
    reconcile.tick(core)
    returns.tick(core)
    booking.tick(core)


def test_the_migrations_make_the_tables_of_the_models(maria):
    found = inspect(maria.engine)
    for name, table in Row.metadata.tables.items():
        assert {column["name"] for column in found.get_columns(name)} == set(table.columns.keys()), name
        uniques = {tuple(unique["column_names"]) for unique in found.get_unique_constraints(name)}
        wanted = {tuple(column.name for column in constraint.columns) for constraint in table.constraints
                  if type(constraint).__name__ == "UniqueConstraint"}
        assert wanted <= uniques, name
        assert {index.name for index in table.indexes} <= {index["name"] for index in found.get_indexes(name)}, name


def test_the_migrations_leave_nothing_for_the_next_one(maria):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with maria.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False, "include_object": is_loaded})
        assert compare_metadata(context, Row.metadata) == []


def is_loaded(_found, _name, kind, is_reflected, model):
    """Tables whose models this file does not import are compared elsewhere, on SQLite."""
    return not (kind == "table" and is_reflected and model is None)


def test_a_server_that_forgets_commits_or_letters_is_refused(server, maria):
    statement(server, "SET GLOBAL innodb_flush_log_at_trx_commit=2")
    try:
        with pytest.raises(ConfigError, match="innodb_flush_log_at_trx_commit"):
            maria.check()
    finally:
        statement(server, "SET GLOBAL innodb_flush_log_at_trx_commit=1")
    statement(server, "CREATE DATABASE latin CHARACTER SET latin1", "CREATE DATABASE mixed CHARACTER SET utf8mb4",
              "CREATE TABLE mixed.old (id INT) ENGINE=MyISAM", "CREATE DATABASE empty CHARACTER SET utf8mb4")
    for name, words in (("latin", "utf8mb4"), ("mixed", "InnoDB"), ("empty", "splynx-ippay migrate")):
        database = Database(address(server, name))
        with pytest.raises(ConfigError, match=words):
            database.check()
        database.engine.dispose()


def test_a_charge_is_the_same_on_mariadb(store, sandbox):
    method = saving.save(store, 1, 1, VISA, None)
    attempt = charge.take(store, order(method, invoice(sandbox)))
    assert (attempt.state, attempt.lines[0].booking) == (State.APPROVED, Booking.POSTED)
    assert len(sandbox.sales()) == len([row for row in sandbox.payments() if row["field_1"]]) == 1
    assert attempt.created_at.microsecond or attempt.state_at.microsecond or attempt.answered_at.microsecond


def test_parallel_presses_are_one_sale(store, sandbox):
    method, item = saving.save(store, 1, 1, VISA, None), invoice(sandbox)

    def press(_):
        try:
            return charge.take(store, order(method, item)).state
        except (AlreadyOpen, AmountChanged) as error:
            return type(error).__name__

    with ThreadPoolExecutor(12) as pool:
        endings = list(pool.map(press, range(12)))
    assert endings.count(State.APPROVED) == 1
    assert set(endings) <= {State.APPROVED, "AlreadyOpen", "AmountChanged"}
    assert len(sandbox.sales()) == 1


def test_one_form_pressed_by_many_threads_is_one_attempt(store, sandbox):
    wanted = order(saving.save(store, 1, 1, VISA, None), charge.Item("topup", None, "", Money(1000, "USD")))

    def press(_):
        try:
            return charge.take(store, wanted).id
        except AlreadyOpen as error:
            return error.attempt_id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(press, range(8)))) == 1


def test_carts_that_overlap_never_end_in_a_deadlock(store, sandbox):
    method = saving.save(store, 1, 1, VISA, None)
    items = [invoice(sandbox, position=position) for position in range(3)]

    def press(number):
        chosen = items[number % 3:] + items[:number % 3]
        try:
            return charge.take(store, order(method, *chosen[:2])).state
        except (AlreadyOpen, AmountChanged) as error:
            return type(error).__name__

    with ThreadPoolExecutor(6) as pool:
        endings = list(pool.map(press, range(6)))
    assert State.APPROVED in endings
    assert sum(row["amount_cents"] for row in sandbox.sales()) <= sum(item.amount.cents for item in items)


def test_a_deadlock_is_rolled_back_and_repeated(maria):
    import threading

    for customer_id in (1, 2):
        maria.run(lambda session, i=customer_id: session.add(CustomerNote(customer_id=i, no_auto=False, reason="")))
    both_have_one, tries = threading.Barrier(2, timeout=20), []

    def swap(first, second):
        def change(session):
            tries.append(first)
            session.get(CustomerNote, first, with_for_update=True).reason += f" {first}"
            session.flush()
            if tries.count(first) == 1:
                both_have_one.wait()
            session.get(CustomerNote, second, with_for_update=True).reason += f" {first}"

        maria.run(change)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda pair: swap(*pair), [(1, 2), (2, 1)]))
    assert len(tries) == 3
    with maria.read() as session:
        assert {session.get(CustomerNote, i).reason.count(" ") for i in (1, 2)} == {2}


def test_a_lock_that_is_not_given_in_time_is_waited_for_again(maria):
    maria.run(lambda session: session.add(CustomerNote(customer_id=1, no_auto=False, reason="")))
    holder = maria.engine.connect()
    holder.execute(text("UPDATE customer_note SET reason = 'held' WHERE customer_id = 1"))
    started = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(maria.run, lambda session: states.stop_automatic(session, 1, "waited"))
        time.sleep(2.5)  # the server's own time-out is 2 s: the first try has failed
        assert not writing.done()
        holder.rollback()
        holder.close()
        writing.result(20)
    assert time.monotonic() - started > 2
    with maria.read() as session:
        assert session.get(CustomerNote, 1).reason == "waited"


def test_a_lock_that_is_never_given_comes_out(maria):
    maria.run(lambda session: session.add(CustomerNote(customer_id=1, no_auto=False, reason="")))
    with maria.engine.connect() as holder:
        holder.execute(text("UPDATE customer_note SET reason = 'held' WHERE customer_id = 1"))
        with pytest.raises(OperationalError):
            maria.run(lambda session: states.stop_automatic(session, 1, "never"), tries=1)
        holder.rollback()


def test_rows_that_two_workers_add_at_once_are_one_row(maria):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: maria.run(
            lambda session: breaker.count_failure(session, "T", "test", "not_xml")), range(8)))
        list(pool.map(lambda i: maria.run(lambda session: states.stop_automatic(session, 9, f"r{i}")), range(8)))
    with maria.read() as session:
        from splynx_ippay.payments.models import Terminal

        assert session.get(Terminal, ("T", "test")).failures == 8
        assert session.get(CustomerNote, 9).no_auto


def test_keys_are_compared_letter_by_letter(maria):
    def link(code):
        return links.Link(code=code, document="invoice", document_id=1, created_by="test",
                          created_at=clock.now())

    maria.run(lambda session: session.add_all([link("abc"), link("ABC"), link("abć")]))
    with maria.read() as session:
        assert session.get(links.Link, "ABC").code == "ABC"
        assert session.get(links.Link, "AbC") is None
    with pytest.raises(IntegrityError) as caught:
        maria.run(lambda session: session.add(link("abc")))
    assert is_duplicate(caught.value, "PRIMARY")
    assert not is_duplicate(caught.value, "open_target")


def test_names_may_hold_any_letter(store, sandbox):
    card = dataclasses.replace(VISA, holder="Zoë 🦊 O'Brien-Șerban")
    method = saving.save(store, 1, 1, card, CONSENT)
    with store.database.read() as session:
        kept = credentials.get_own_method(session, method.id, 1)
        assert (kept.holder, kept.consent_text) == (card.holder, CONSENT.text)
    attempt = charge.take(store, order(method, invoice(sandbox), actor="staff 3 (Zoë 🦊)"))
    assert attempt.actor == "staff 3 (Zoë 🦊)"
    assert attempt.state == State.APPROVED


def test_a_lost_answer_is_found_on_mariadb(store, sandbox):
    method = saving.save(store, 1, 1, VISA, None)
    sandbox.fault(server="gateway", kind="drop_after", match={"type": "SALE"})
    attempt = charge.take(store, order(method, invoice(sandbox)))
    assert attempt.state == State.UNKNOWN
    tick(store, sandbox, seconds=6)
    with store.database.read() as session:
        assert session.get(Attempt, attempt.id).state == State.APPROVED
    assert len(sandbox.sales()) == 1


def test_a_debit_settles_and_another_comes_back_on_mariadb(store, sandbox):
    account = BankAccount(routing="111000025", account="0001234567", kind="CHECKING", holder="Pat Doe")
    method = saving.save(store, 1, 1, account, CONSENT)
    good, bad = (charge.take(store, order(method, invoice(sandbox, position=place))) for place in range(2))
    sandbox.control("POST", "returns", {"transaction_id": bad.transaction_id, "code": "R02"})
    tick(store, sandbox, days=5)
    tick(store, sandbox, seconds=60)
    with store.database.read() as session:
        assert session.get(Attempt, good.id).state == State.APPROVED
        assert session.get(Attempt, bad.id).state == State.RETURNED
        assert session.get(credentials.Method, method.id).status == "disabled"
        assert session.get(CustomerNote, 1).no_auto


def test_workers_at_one_row_of_a_report_book_it_once(store, sandbox):
    account = BankAccount(routing="111000025", account="0001234567", kind="CHECKING", holder="Pat Doe")
    charge.take(store, order(saving.save(store, 1, 1, account, CONSENT), invoice(sandbox)))
    sandbox.jump(days=5)
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(returns.tick, store) for _ in range(4)]
    assert [future.exception() for future in futures] == [None] * 4
    tick(store, sandbox, seconds=200)
    assert len([row for row in sandbox.payments() if row["field_1"]]) == 1


def test_a_run_charges_everybody_once_on_mariadb(store, sandbox):
    for customer_id in (1, 2, 3):
        saving.save(store, customer_id, 1, VISA, None)
    run = plan.plan(store, Filters(), "staff 1 (ada)")
    assert run.state == RunState.PREVIEWED
    assert run.ready_count > 3
    work.start(store, run.id, run.plan_hash, "staff 1 (ada)")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: work.tick(store), range(2)))
    with store.database.read() as session:
        items = session.query(RunItem).filter(RunItem.run_id == run.id).all()
        done = [item for item in items if item.state == ItemState.DONE]
        assert len(done) == run.ready_count
        assert len({item.attempt_id for item in done}) == len(done)
    assert len(sandbox.sales()) == run.ready_count


def test_a_backup_has_its_turn_once_between_two_workers_on_mariadb(store, sandbox, settings_of):
    settings_of(store, backup_method="1")
    saving.save(store, 1, 1, VISA, None)
    bank = saving.save(store, 1, 1, BankAccount(routing="111000025", account="0001234567", kind="CHECKING", holder="Pat Doe"), CONSENT)
    store.database.run(lambda session: credentials.set_backup(session, bank.id, 1, wanted=True))
    run = plan.plan(store, Filters(customer_ids=(1,)), "staff 1 (ada)")
    sandbox.control("POST", "answers", {"type": "SALE", "action_code": "051", "times": 99})
    work.start(store, run.id, run.plan_hash, "staff 1 (ada)")
    for _ in range(2):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _: work.tick(store), range(2)))
    with store.database.read() as session:
        turns = [item.turn for item in session.query(RunItem).filter(RunItem.run_id == run.id)]
    assert sorted(turns) == [1] * run.ready_count + [2] * run.ready_count
    assert len(sandbox.sales()) == run.ready_count


def test_the_account_updater_changes_a_card_once_on_mariadb(store, sandbox):
    card = saving.save(store, 1, 1, VISA, None)
    sandbox.control("POST", "updates", {"token_last4": "1111", "response_code": "E", "exp": "01/38"})
    sandbox.jump(seconds=3600)
    assert updater.tick(store) == 1
    sandbox.jump(days=1)
    assert updater.tick(store) == 0
    with store.database.read() as session:
        assert session.get_one(credentials.Method, card.id).exp_year == 2038
        [update] = credentials.updates_of(session, 1)
    assert (update.before, update.after) == ("Visa •••• 1111 12/34", "Visa •••• 1111 01/38")


def test_a_mail_is_owed_once_and_sent_once_on_mariadb(store, sandbox, settings_of):
    settings_of(store, smtp_host=sandbox.facts["smtp_host"], smtp_port=sandbox.facts["smtp_port"], smtp_tls="none", smtp_from="pay@north.example")
    attempt = charge.take(store, order(saving.save(store, 1, 1, VISA, None), invoice(sandbox)))

    def owe(_):
        return store.database.run(lambda session: notifications.enqueue(
            session, kind="paid", key="again", customer_id=1, attempt_id=attempt.id, values={"again": False}))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(owe, range(16))) == 1
        assert sum(pool.map(lambda _: sending.tick(store), range(8))) == 2
    assert len(sandbox.control("GET", "mails")["mails"]) == 2
    with store.database.read() as session:
        assert {(mail.state, mail.tries) for mail in session.query(notifications.OutboxMail)} == {("sent", 1)}
    assert owe(0) is False
