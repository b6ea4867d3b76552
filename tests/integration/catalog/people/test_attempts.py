"""The limit on attempts: by name, by address, under concurrency; and it ends."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.people.attempts import admit, blocked, forget, note_failure
from tests.support.ledger import execute, scalar


def fail(engine: Engine, times: int, name: str = "ann", address: str = "10.0.0.1") -> None:
    with transaction(engine) as connection:
        for _ in range(times):
            note_failure(connection, name, address)


def wait(engine: Engine, name: str = "ann", address: str = "10.0.0.2") -> float:
    with transaction(engine) as connection:
        return blocked(connection, name, address)


def test_five_failures_block_a_name_for_a_growing_time(engine: Engine) -> None:
    fail(engine, 4)
    assert wait(engine) == 0
    fail(engine, 1, name=" ANN ")
    assert wait(engine) == pytest.approx(30, abs=5)
    assert wait(engine, "Ann") > 0
    assert wait(engine, "bob") == 0
    fail(engine, 1)
    assert wait(engine) == pytest.approx(60, abs=5)
    fail(engine, 40)
    assert wait(engine) == pytest.approx(900, abs=5)


def test_twenty_failures_block_an_address_whatever_the_names(engine: Engine) -> None:
    for n in range(19):
        fail(engine, 1, name=f"name {n}")
    assert wait(engine, "bob", "10.0.0.1") == 0
    fail(engine, 1, name="name 20")
    assert wait(engine, "bob", "10.0.0.1") == pytest.approx(30, abs=5)
    assert wait(engine, "bob", "10.0.0.2") == 0


def test_the_block_ends_and_old_failures_are_pruned(engine: Engine) -> None:
    fail(engine, 5)
    execute(engine, "UPDATE marquee.sign_in_failure SET at = at - interval '40 seconds'")
    assert wait(engine) == 0
    fail(engine, 1)
    assert wait(engine) == pytest.approx(60, abs=5)  # the failures before still count
    execute(engine, "UPDATE marquee.sign_in_failure SET at = at - interval '20 minutes'")
    fail(engine, 1)
    assert wait(engine) == 0
    assert scalar(engine, "SELECT count(*) FROM marquee.sign_in_failure") == 1


def test_who_signs_in_starts_anew_but_his_address_does_not_for_others(engine: Engine) -> None:
    fail(engine, 25, name="bob")
    fail(engine, 5)
    with transaction(engine) as connection:
        forget(connection, "ANN")
    assert wait(engine) == 0
    assert wait(engine, "ann", "10.0.0.1") > 0


def test_of_many_attempts_at_once_only_the_free_ones_are_admitted(engine: Engine) -> None:
    def attempt(_: int) -> float:
        with transaction(engine) as connection:
            return admit(connection, "ann", "10.0.0.1")

    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(attempt, range(16)))
    assert sum(1 for seconds in waits if not seconds) == 5


def test_names_and_addresses_are_untrusted(engine: Engine) -> None:
    fail(engine, 5, name="x" * 10_000 + "\x00", address="y" * 10_000 + "\ud800")
    assert wait(engine, "x" * 10_000) > 0
    assert scalar(engine, "SELECT max(length(name) + length(address)) FROM marquee.sign_in_failure") == 144
