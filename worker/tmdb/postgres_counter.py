"""The fleet's rate counter in Postgres, for fleets whose broker is not Redis: one row, one statement.

`ON CONFLICT DO UPDATE` locks the row before it reads the clock, so that callers queue up and each gets a
moment of its own. The commit does not wait for the disk: a row lost in a crash costs a few calls' spacing.
"""

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from worker.errors import FetchUnavailableError
from worker.tmdb.limiter import Grant

# A moment more than a quarter of an hour away can only come from a clock that was set back: it is dropped.
RESERVE = text("""
    INSERT INTO marquee.rate_limit AS r (name, theoretical_arrival)
    SELECT :name, clock_timestamp() + :interval * interval '1 microsecond'
    WHERE set_config('synchronous_commit', 'off', true) IS NOT NULL
    ON CONFLICT (name) DO UPDATE
    SET theoretical_arrival = :interval * interval '1 microsecond' + CASE
        WHEN r.theoretical_arrival > clock_timestamp() + interval '15 minutes' THEN clock_timestamp()
        ELSE greatest(r.theoretical_arrival, clock_timestamp()) END
    WHERE r.theoretical_arrival <= clock_timestamp() + :timeout * interval '1 microsecond'
       OR r.theoretical_arrival > clock_timestamp() + interval '15 minutes'
    RETURNING extract(epoch FROM theoretical_arrival) - :interval / 1e6 AS at,
              extract(epoch FROM theoretical_arrival - clock_timestamp()) - :interval / 1e6 AS wait
""")

WAIT = text("""
    SELECT extract(epoch FROM theoretical_arrival - clock_timestamp())
    FROM marquee.rate_limit WHERE name = :name
""")

POSTPONE = text("""
    INSERT INTO marquee.rate_limit AS r (name, theoretical_arrival)
    SELECT :name, clock_timestamp() + :delay * interval '1 microsecond'
    WHERE set_config('synchronous_commit', 'off', true) IS NOT NULL
    ON CONFLICT (name) DO UPDATE
    SET theoretical_arrival = greatest(r.theoretical_arrival, excluded.theoretical_arrival)
""")


class PostgresCounter:
    """The next moment, in a row of `marquee.rate_limit`."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._name = name

    def reserve(self, interval_us: int, timeout_us: int) -> Grant | float:
        """See `Counter`."""
        numbers = {"name": self._name, "interval": interval_us, "timeout": timeout_us}
        try:
            with self._engine.connect() as connection:
                granted = connection.execute(RESERVE, numbers).one_or_none()
                if granted is not None:
                    return Grant(float(granted.at), max(0.0, float(granted.wait)))
                wait = connection.execute(WAIT, {"name": self._name}).scalar_one_or_none()
                return max(0.01, float(wait or 0))
        except SQLAlchemyError as error:
            raise _unreachable(error) from None

    def postpone(self, delay_us: int) -> None:
        """See `Counter`."""
        try:
            with self._engine.connect() as connection:
                connection.execute(POSTPONE, {"name": self._name, "delay": delay_us})
        except SQLAlchemyError as error:
            raise _unreachable(error) from None


def _unreachable(error: SQLAlchemyError) -> FetchUnavailableError:
    return FetchUnavailableError(
        f"The rate limiter's database cannot be used: {type(error).__name__}.",
        mend="Check MARQUEE_DATABASE_URL, and that `marquee migrate` was run.",
    )
