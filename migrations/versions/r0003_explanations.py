"""Explanations of predictions, and the nearest movies with labels."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute((Path(__file__).parent / "r0003_explanations.sql").read_text())


def downgrade() -> None:
    op.execute("DROP TABLE marquee.embedding, marquee.explanation")
