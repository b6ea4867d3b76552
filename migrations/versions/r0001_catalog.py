"""The catalog: movies, the tagging ledger and its triggers, content, predictions, decisions, models."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "promotion label decision prediction_log prediction content timeline arrival tagging movie genre model "
    "worker gate rate_limit"
)
FUNCTIONS = "movie_inserted movie_updated movie_deleted movie_truncated refuse_change event_priority(bigint)"


def upgrade() -> None:
    for name in ("r0001_tables.sql", "r0001_triggers.sql"):
        op.execute((Path(__file__).parent / name).read_text())


def downgrade() -> None:
    op.execute("DROP VIEW marquee.movie_genres")
    for table in TABLES.split():
        op.execute(f"DROP TABLE marquee.{table} CASCADE")
    for function in FUNCTIONS.split():
        op.execute(f"DROP FUNCTION marquee.{function}")
