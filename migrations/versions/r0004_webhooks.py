"""Webhooks and what is still to be told them."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute((Path(__file__).parent / "r0004_webhooks.sql").read_text())


def downgrade() -> None:
    op.execute("DROP TABLE marquee.delivery, marquee.webhook")
