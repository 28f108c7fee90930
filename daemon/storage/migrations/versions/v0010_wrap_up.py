"""Pauses after calls of which a result is owed: they outlive the process."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
ENDINGS = "'', 'result', 'time', 'agent', 'phone'"
OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "wrap_up",
        sa.Column("id", ID, nullable=False),
        sa.Column("team_id", ID, nullable=False),
        sa.Column("agent_id", ID, nullable=False),
        sa.Column("call_id", ID, nullable=False),
        sa.Column("began_at", AT, nullable=False),
        sa.Column("until", AT, nullable=False),
        sa.Column("ended_at", AT, nullable=True),
        sa.Column("ended_how", sa.String(length=8), nullable=False),
        sa.CheckConstraint(f"ended_how IN ({ENDINGS})", name=op.f("ck_wrap_up_ended_how")),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_how = '')", name=op.f("ck_wrap_up_ended")),
        sa.CheckConstraint("until >= began_at", name=op.f("ck_wrap_up_times")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_wrap_up_team_id_team")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_wrap_up_agent_id_agent")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_wrap_up_call_id_call"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wrap_up")),
        sa.UniqueConstraint("call_id", "agent_id", name=op.f("uq_wrap_up_call_id_agent_id")),
    )
    op.create_index("ix_wrap_up_open", "wrap_up", ["until"], postgresql_where=OPEN, sqlite_where=OPEN)
    op.create_index(op.f("ix_wrap_up_agent_id"), "wrap_up", ["agent_id"])


def downgrade() -> None:
    """Take it back."""
    op.drop_table("wrap_up")
