"""Editors, their queue and what they do, audits, and tokens for pipelines."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = (
    "bulk_movie bulk audit review_skip review_lease review_count review action "
    "token sign_in_failure invitation session editor"
)


def upgrade() -> None:
    op.execute((Path(__file__).parent / "r0002_review.sql").read_text())


def downgrade() -> None:
    op.execute("DROP INDEX marquee.content_words, marquee.decision_action, marquee.decision_at")
    op.execute("ALTER TABLE marquee.decision DROP action_id, DROP replaces")
    for table in TABLES.split():
        op.execute(f"DROP TABLE marquee.{table}")
    op.execute("DROP FUNCTION marquee.review_counted")
