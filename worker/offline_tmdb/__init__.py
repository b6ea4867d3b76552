"""An offline TMDB: the API's endpoints and error shapes, served on loopback from a folder of movies.

The demo, the tests and the benchmarks run TMDB's real client against it, over real HTTP. The folder holds
`*.jsonl` files (a movie a line, see `library.OfflineMovie`) and their posters: beside them, in `posters/`, or
in `*.tar` files, which are read in place.
"""

from worker.offline_tmdb.process import OfflineTmdb

__all__ = ["OfflineTmdb"]
