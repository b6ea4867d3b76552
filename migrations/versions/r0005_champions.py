"""Promotions that can be rolled back, what was champion at a moment, and the order in which movies are tagged again."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute((Path(__file__).parent / "r0005_champions.sql").read_text())


def downgrade() -> None:
    op.execute("DROP FUNCTION marquee.champion_at")
    op.execute("DROP INDEX marquee.review_model")
    op.execute("ALTER TABLE marquee.worker DROP refusal")
    op.execute("ALTER TABLE marquee.promotion DROP back_to, DROP retag")
