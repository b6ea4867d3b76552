"""How claimed movies are put into messages."""

from catalog.ledger.dispatch import Dispatch
from worker.relay import BULK_MESSAGE, messages


def split(*claimed: Dispatch) -> list[list[int]]:
    return [[d.movie_id for d in m] for m in messages(claimed)]


def test_an_interactive_movie_has_a_message_of_its_own() -> None:
    assert split(Dispatch(1, 0, False), Dispatch(2, 0, False)) == [[1], [2]]


def test_bulk_movies_share_messages() -> None:
    claimed = [Dispatch(n, 1, False) for n in range(BULK_MESSAGE + 3)]
    assert [len(m) for m in split(*claimed)] == [BULK_MESSAGE, 3]


def test_priorities_never_share_a_message() -> None:
    assert split(Dispatch(1, 1, False), Dispatch(2, 2, False), Dispatch(3, 2, False)) == [[1], [2, 3]]


def test_a_suspect_travels_alone() -> None:
    claimed = [Dispatch(1, 1, False), Dispatch(2, 1, True), Dispatch(3, 1, True), Dispatch(4, 1, False)]
    assert split(*claimed) == [[1], [2], [3], [4]]


def test_nothing_claimed_is_no_message() -> None:
    assert split() == []
