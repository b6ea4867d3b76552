"""The engine: a lost or refused connection is named as such, and no message tells a password."""

import traceback

import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from catalog.engine import connect, transaction
from catalog.errors import DatabaseUnavailableError
from tests.support.databases import engine_on, url_text
from tests.support.ledger import execute, scalar

PASSWORD = "hunter2-hunter2"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://nobody:{PASSWORD}@127.0.0.1:1/none",
        f"postgres://nobody:{PASSWORD}@127.0.0.1:1/none",
        f"postgresql+psycopg2://nobody:{PASSWORD}@no-such-host.invalid/none",
    ],
)
def test_an_unreachable_postgres_is_named_without_its_password(url: str) -> None:
    engine = connect(url)
    with pytest.raises(DatabaseUnavailableError) as caught, transaction(engine):
        pass
    engine.dispose()
    assert "Postgres cannot be reached" in str(caught.value)
    assert "MARQUEE_DATABASE_URL" in caught.value.mend
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "url", [f"postgresql://nobody:{PASSWORD}@host:port/none", f"postgresql:nobody:{PASSWORD}"]
)
def test_a_url_of_no_form_is_named_without_its_password(url: str) -> None:
    with pytest.raises(DatabaseUnavailableError, match="cannot be read") as caught:
        connect(url)
    assert "MARQUEE_DATABASE_URL" in caught.value.mend
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


def test_a_database_that_is_not_there_is_named(database_url: str) -> None:
    with engine_on(url_text(make_url(database_url).set(database="no_such_database"))) as engine:
        with pytest.raises(DatabaseUnavailableError, match="no_such_database"), transaction(engine):
            pass


def test_a_connection_lost_within_a_transaction_is_named_and_the_next_one_works(engine: Engine) -> None:
    with (
        pytest.raises(DatabaseUnavailableError, match="cannot be reached"),
        transaction(engine) as connection,
    ):
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        execute(engine, "SELECT pg_terminate_backend(:pid)", pid=pid)
        connection.execute(text("SELECT 1"))
    assert scalar(engine, "SELECT 1") == 1


def test_an_idle_connection_that_was_lost_is_replaced_unseen(engine: Engine) -> None:
    with engine_on(url_text(engine.url)) as other:
        pid = scalar(other, "SELECT pg_backend_pid()")
        execute(engine, "SELECT pg_terminate_backend(:pid)", pid=pid)
        assert scalar(other, "SELECT pg_backend_pid()") != pid


def test_other_errors_stay_what_they_are(engine: Engine) -> None:
    with pytest.raises(IntegrityError), transaction(engine) as connection:
        connection.execute(text("INSERT INTO marquee.genre (name) VALUES ('Drama')"))
    with pytest.raises(DBAPIError, match="no_such_table"), transaction(engine) as connection:
        connection.execute(text("SELECT * FROM no_such_table"))
    with pytest.raises(ZeroDivisionError), transaction(engine):
        _ = 1 / 0


def test_a_transaction_that_fails_leaves_nothing(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError), transaction(engine) as connection:
        connection.execute(text("INSERT INTO marquee.movie (title) VALUES ('x')"))
        _ = 1 / 0
    assert scalar(engine, "SELECT count(*) FROM marquee.tagging") == 0


def test_a_transaction_that_may_be_forgotten_does_not_wait_for_the_disk(engine: Engine) -> None:
    with transaction(engine, durable=False) as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "off"
    with transaction(engine) as connection:
        assert connection.execute(text("SHOW timezone")).scalar_one() == "UTC"
        assert connection.execute(text("SHOW application_name")).scalar_one() == "marquee"
