"""What a call came to, every choice of it, and what an agent did with a call's popup."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "call_result",
        sa.Column("id", ID, nullable=False),
        sa.Column("team_id", ID, nullable=False),
        sa.Column("call_id", ID, nullable=False),
        sa.Column("agent_id", ID, nullable=False),
        sa.Column("module_id", ID, nullable=False),
        sa.Column("result", sa.String(length=60), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("callback_at", AT, nullable=True),
        sa.Column("callback_for", sa.String(length=6), nullable=True),
        sa.Column("order_id", ID, nullable=True),
        sa.Column("chosen_at", AT, nullable=False),
        sa.Column("changed_at", AT, nullable=False),
        sa.CheckConstraint("callback_for IN ('me', 'anyone')", name=op.f("ck_call_result_callback_for")),
        sa.CheckConstraint("(callback_at IS NULL) = (callback_for IS NULL)", name=op.f("ck_call_result_callback")),
        sa.CheckConstraint("changed_at >= chosen_at", name=op.f("ck_call_result_times")),
        sa.CheckConstraint("result <> ''", name=op.f("ck_call_result_result")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_call_result_team_id_team")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_call_result_call_id_call"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_call_result_agent_id_agent")),
        sa.ForeignKeyConstraint(["module_id"], ["module.id"], name=op.f("fk_call_result_module_id_module")),
        sa.ForeignKeyConstraint(["order_id"], ["work_order.id"], name=op.f("fk_call_result_order_id_work_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_result")),
        sa.UniqueConstraint("call_id", "agent_id", name=op.f("uq_call_result_call_id_agent_id")),
    )
    op.create_index(op.f("ix_call_result_team_id_chosen_at"), "call_result", ["team_id", "chosen_at"])
    op.create_index(op.f("ix_call_result_order_id"), "call_result", ["order_id"])
    due = sa.text("callback_at IS NOT NULL")
    op.create_index(
        "ix_call_result_callback", "call_result", ["team_id", "callback_at"], postgresql_where=due, sqlite_where=due
    )
    op.create_table(
        "call_result_choice",
        sa.Column("call_result_id", ID, nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("actor_id", ID, nullable=True),
        sa.Column("result", sa.String(length=60), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("callback_at", AT, nullable=True),
        sa.Column("callback_for", sa.String(length=6), nullable=True),
        sa.CheckConstraint("n >= 1", name=op.f("ck_call_result_choice_n")),
        sa.ForeignKeyConstraint(
            ["call_result_id"],
            ["call_result.id"],
            name=op.f("fk_call_result_choice_call_result_id_call_result"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["actor_id"], ["agent.id"], name=op.f("fk_call_result_choice_actor_id_agent")),
        sa.PrimaryKeyConstraint("call_result_id", "n", name=op.f("pk_call_result_choice")),
    )
    op.create_table(
        "popup",
        sa.Column("call_id", ID, nullable=False),
        sa.Column("agent_id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("put_away_at", AT, nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_popup_call_id_call"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_popup_agent_id_agent")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_popup_customer_id_customer")),
        sa.PrimaryKeyConstraint("call_id", "agent_id", name=op.f("pk_popup")),
    )
    op.create_index(op.f("ix_call_agent_id_began_at"), "call", ["agent_id", "began_at"])
    keep_choices()


def keep_choices() -> None:
    """What was chosen stays as it was, for as long as its call is kept."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER call_result_choice_refuses_update BEFORE UPDATE ON call_result_choice "
            "BEGIN SELECT RAISE(ABORT, 'choices of a call result are append-only'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION refuse_choice() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'choices of a call result are append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER call_result_choice_append_only BEFORE UPDATE ON call_result_choice "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_choice()"
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_index(op.f("ix_call_agent_id_began_at"), "call")
    op.drop_table("popup")
    op.drop_table("call_result_choice")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION refuse_choice()")
    op.drop_table("call_result")
