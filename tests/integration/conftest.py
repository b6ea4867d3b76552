"""What the tests of several folders share."""

import pytest

from worker.offline_tmdb import OfflineTmdb


@pytest.fixture
def tmdb(offline: OfflineTmdb) -> OfflineTmdb:
    """The folder's offline TMDB, without faults and with its counts at zero."""
    offline.reset()
    return offline
