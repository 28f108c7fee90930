"""The outbox: mail and webhooks wait here until they are delivered."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "outbox",
        sa.Column("id", ID, nullable=False),
        sa.Column("team_id", ID, nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("endpoint", sa.String(length=255), nullable=False),
        sa.Column("line", sa.String(length=80), nullable=False),
        sa.Column("message_id", sa.String(length=80), nullable=False),
        sa.Column("event", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(length=40), nullable=True),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("next_at", AT, nullable=True),
        sa.Column("tried_at", AT, nullable=True),
        sa.Column("ended_at", AT, nullable=True),
        sa.CheckConstraint("channel IN ('mail', 'webhook')", name=op.f("ck_outbox_channel")),
        sa.CheckConstraint("state IN ('waiting', 'delivered', 'parked', 'discarded')", name=op.f("ck_outbox_state")),
        sa.CheckConstraint("(state = 'waiting') = (next_at IS NOT NULL)", name=op.f("ck_outbox_waiting")),
        sa.CheckConstraint("(state = 'waiting') = (ended_at IS NULL)", name=op.f("ck_outbox_ended")),
        sa.CheckConstraint("state = 'waiting' OR holder IS NULL", name=op.f("ck_outbox_holder")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_outbox_attempts")),
        sa.CheckConstraint("state <> 'delivered' OR attempts >= 1", name=op.f("ck_outbox_delivered")),
        sa.CheckConstraint("endpoint <> ''", name=op.f("ck_outbox_endpoint")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_outbox_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("message_id", name=op.f("uq_outbox_message_id")),
    )
    for name, columns, condition in (
        ("ix_outbox_due", ["channel", "endpoint", "next_at", "id"], "state = 'waiting'"),
        ("ix_outbox_line", ["channel", "endpoint", "line", "id"], "state = 'waiting'"),
        ("ix_outbox_held", ["holder"], "holder IS NOT NULL"),
        ("ix_outbox_depth", ["channel", "state", "created_at"], "state IN ('waiting', 'parked')"),
    ):
        where = sa.text(condition)
        op.create_index(name, "outbox", columns, postgresql_where=where, sqlite_where=where)
    op.create_index(op.f("ix_outbox_ended_at"), "outbox", ["ended_at"])
    op.create_index(op.f("ix_outbox_team_id_state_id"), "outbox", ["team_id", "state", "id"])
    op.create_index(op.f("ix_outbox_team_id_endpoint_state_id"), "outbox", ["team_id", "endpoint", "state", "id"])


def downgrade() -> None:
    """Take it back."""
    op.drop_table("outbox")
