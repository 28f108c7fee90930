"""Lists of customers that campaigns call through, and what came of each attempt."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
STATES = "'waiting', 'taken', 'tried', 'done', 'unreachable', 'withdrawn'"


def upgrade() -> None:
    """Expand."""
    _entries()
    _results()


def _entries() -> None:
    op.create_table(
        "campaign_entry",
        sa.Column("id", ID, nullable=False),
        sa.Column("team_id", ID, nullable=False),
        sa.Column("module_id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("number", sa.String(length=80), nullable=False),
        sa.Column("number_key", sa.String(length=90), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_result", sa.String(length=60), nullable=False),
        sa.Column("next_at", AT, nullable=True),
        sa.Column("for_agent_id", ID, nullable=True),
        sa.Column("agent_id", ID, nullable=True),
        sa.Column("taken_at", AT, nullable=True),
        sa.Column("added_by", sa.String(length=80), nullable=False),
        sa.Column("added_at", AT, nullable=False),
        sa.Column("changed_at", AT, nullable=False),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_campaign_entry_state")),
        sa.CheckConstraint(
            "state <> 'taken' OR (agent_id IS NOT NULL AND taken_at IS NOT NULL)", name=op.f("ck_campaign_entry_taken")
        ),
        sa.CheckConstraint("state <> 'tried' OR next_at IS NOT NULL", name=op.f("ck_campaign_entry_tried")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_campaign_entry_attempts")),
        sa.CheckConstraint("number <> ''", name=op.f("ck_campaign_entry_number")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_campaign_entry_team_id_team")),
        sa.ForeignKeyConstraint(["module_id"], ["module.id"], name=op.f("fk_campaign_entry_module_id_module")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_campaign_entry_customer_id_customer")),
        sa.ForeignKeyConstraint(["for_agent_id"], ["agent.id"], name=op.f("fk_campaign_entry_for_agent_id_agent")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_campaign_entry_agent_id_agent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_entry")),
        sa.UniqueConstraint("module_id", "number_key", name=op.f("uq_campaign_entry_module_id_number_key")),
    )
    for name, columns, condition in (
        ("ix_campaign_entry_new", ["module_id", "for_agent_id", "id"], "state = 'waiting'"),
        ("ix_campaign_entry_again", ["module_id", "for_agent_id", "next_at", "id"], "state = 'tried'"),
    ):
        where = sa.text(condition)
        op.create_index(name, "campaign_entry", columns, postgresql_where=where, sqlite_where=where)
    held = sa.text("state = 'taken'")
    op.create_index(
        "uq_campaign_entry_held", "campaign_entry", ["agent_id"], unique=True, postgresql_where=held, sqlite_where=held
    )
    op.create_index(op.f("ix_campaign_entry_module_id_state_id"), "campaign_entry", ["module_id", "state", "id"])
    op.create_index(op.f("ix_campaign_entry_customer_id"), "campaign_entry", ["customer_id"])


def _results() -> None:
    op.create_table(
        "campaign_result",
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("team_id", ID, nullable=False),
        sa.Column("module_id", ID, nullable=False),
        sa.Column("agent_id", ID, nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("result", sa.String(length=60), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("callback_at", AT, nullable=True),
        sa.Column("callback_for", sa.String(length=6), nullable=True),
        sa.Column("order_id", ID, nullable=True),
        sa.Column("at", AT, nullable=False),
        sa.CheckConstraint("n >= 1", name=op.f("ck_campaign_result_n")),
        sa.CheckConstraint("attempt >= 1", name=op.f("ck_campaign_result_attempt")),
        sa.CheckConstraint("result <> ''", name=op.f("ck_campaign_result_result")),
        sa.CheckConstraint("callback_for IN ('me', 'anyone')", name=op.f("ck_campaign_result_callback_for")),
        sa.CheckConstraint("(callback_at IS NULL) = (callback_for IS NULL)", name=op.f("ck_campaign_result_callback")),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["campaign_entry.id"], name=op.f("fk_campaign_result_entry_id_campaign_entry")
        ),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_campaign_result_team_id_team")),
        sa.ForeignKeyConstraint(["module_id"], ["module.id"], name=op.f("fk_campaign_result_module_id_module")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_campaign_result_agent_id_agent")),
        sa.ForeignKeyConstraint(["order_id"], ["work_order.id"], name=op.f("fk_campaign_result_order_id_work_order")),
        sa.PrimaryKeyConstraint("entry_id", "n", name=op.f("pk_campaign_result")),
    )
    op.create_index(op.f("ix_campaign_result_module_id_at"), "campaign_result", ["module_id", "at"])
    op.create_index(op.f("ix_campaign_result_agent_id_at"), "campaign_result", ["agent_id", "at"])
    op.create_index(op.f("ix_campaign_result_order_id"), "campaign_result", ["order_id"])


def downgrade() -> None:
    """Take it back."""
    op.drop_table("campaign_result")
    op.drop_table("campaign_entry")
