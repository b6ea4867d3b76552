"""Movies for the chaos, and an offline TMDB that serves them."""

from collections.abc import Iterator

import pytest

from tests.support.pipeline import write_movies
from worker.offline_tmdb import OfflineTmdb

MOVIES = 240


@pytest.fixture(scope="session")
def chaos_tmdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfflineTmdb]:
    with OfflineTmdb(write_movies(tmp_path_factory.mktemp("movies"), MOVIES)) as server:
        yield server
