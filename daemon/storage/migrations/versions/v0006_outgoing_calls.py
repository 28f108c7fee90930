"""Calls that agents place from pages."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
OUTCOMES = "'', 'answered', 'busy', 'no_answer', 'failed', 'cancelled', 'not_taken', 'unreachable', 'unknown'"


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "outgoing_call",
        sa.Column("id", ID, nullable=False),
        sa.Column("team_id", ID, nullable=False),
        sa.Column("agent_id", ID, nullable=False),
        sa.Column("pbx", sa.String(length=60), nullable=False),
        sa.Column("uniqueid", sa.String(length=150), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("item_id", ID, nullable=True),
        sa.Column("order_id", ID, nullable=True),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("began_at", AT, nullable=False),
        sa.Column("ended_at", AT, nullable=True),
        sa.CheckConstraint(f"outcome IN ({OUTCOMES})", name=op.f("ck_outgoing_call_outcome")),
        sa.CheckConstraint("ended_at IS NULL OR outcome <> ''", name=op.f("ck_outgoing_call_ended_with_outcome")),
        sa.CheckConstraint("ended_at >= began_at", name=op.f("ck_outgoing_call_times")),
        sa.CheckConstraint("number <> ''", name=op.f("ck_outgoing_call_number")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_outgoing_call_team_id_team")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_outgoing_call_agent_id_agent")),
        sa.ForeignKeyConstraint(["item_id"], ["missed_item.id"], name=op.f("fk_outgoing_call_item_id_missed_item")),
        sa.ForeignKeyConstraint(["order_id"], ["work_order.id"], name=op.f("fk_outgoing_call_order_id_work_order")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_outgoing_call_customer_id_customer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing_call")),
        sa.UniqueConstraint("uniqueid", name=op.f("uq_outgoing_call_uniqueid")),
    )
    living = sa.text("ended_at IS NULL")
    for name in ("item", "agent"):
        op.create_index(
            f"uq_outgoing_call_living_of_{name}",
            "outgoing_call",
            [f"{name}_id"],
            unique=True,
            postgresql_where=living,
            sqlite_where=living,
        )
    for column in ("item_id", "order_id", "customer_id"):
        op.create_index(op.f(f"ix_outgoing_call_{column}"), "outgoing_call", [column])
    op.create_index(op.f("ix_outgoing_call_team_id_began_at"), "outgoing_call", ["team_id", "began_at"])


def downgrade() -> None:
    """Take it back."""
    op.drop_table("outgoing_call")
