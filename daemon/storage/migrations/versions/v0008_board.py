"""How open orders of a group stand, and which are late, is read from an index alone: the board asks often."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

OPEN = sa.text("status <> 'done'")


def upgrade() -> None:
    """Expand."""
    op.create_index(
        "ix_work_order_standing",
        "work_order",
        ["group_id", "node_status", "due_at", "id"],
        postgresql_where=OPEN,
        sqlite_where=OPEN,
    )


def downgrade() -> None:
    """Back to 0007."""
    op.drop_index("ix_work_order_standing", table_name="work_order")
