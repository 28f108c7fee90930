"""What the work order engine keeps: flows by version, passages, proposals, timers; tokens, receipts, imports."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Expand."""
    op.add_column("template", sa.Column("definition", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("assign_rule", sa.Column("last_agent_first", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("customer", sa.Column("reference", sa.String(length=80), nullable=True))
    op.add_column("customer", sa.Column("address", sa.Text(), nullable=False, server_default=""))
    op.create_index("uq_customer_reference", "customer", ["team_id", "reference"], unique=True)
    op.add_column("work_order", sa.Column("flow_version", sa.Integer(), nullable=True))
    unowned = sa.text("owner_id IS NULL AND status <> 'done'")
    op.create_index(
        "ix_work_order_unowned",
        "work_order",
        ["group_id", "template_id"],
        unique=False,
        postgresql_where=unowned,
        sqlite_where=unowned,
    )
    op.add_column("attachment", sa.Column("field", sa.String(length=40), nullable=False, server_default=""))
    op.create_index(op.f("ix_attachment_sha256"), "attachment", ["sha256"], unique=False)

    op.create_table(
        "template_flow",
        sa.Column("template_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("nodes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["template_id"], ["template.id"], name=op.f("fk_template_flow_template_id_template")),
        sa.PrimaryKeyConstraint("template_id", "version", name=op.f("pk_template_flow")),
    )
    op.create_table(
        "passage",
        sa.Column("order_id", ID, nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("group_id", ID, nullable=False),
        sa.Column("agent_id", ID, nullable=True),
        sa.CheckConstraint("n >= 0", name=op.f("ck_passage_n")),
        sa.ForeignKeyConstraint(["order_id"], ["work_order.id"], name=op.f("fk_passage_order_id_work_order")),
        sa.ForeignKeyConstraint(["group_id"], ["agent_group.id"], name=op.f("fk_passage_group_id_agent_group")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_passage_agent_id_agent")),
        sa.PrimaryKeyConstraint("order_id", "n", name=op.f("pk_passage")),
    )
    op.create_table(
        "proposal",
        sa.Column("order_id", ID, nullable=False),
        sa.Column("group_id", ID, nullable=True),
        sa.Column("successor", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["work_order.id"], name=op.f("fk_proposal_order_id_work_order")),
        sa.ForeignKeyConstraint(["group_id"], ["agent_group.id"], name=op.f("fk_proposal_group_id_agent_group")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_proposal")),
    )
    op.create_table(
        "timer",
        sa.Column("order_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.CheckConstraint("kind IN ('remind', 'escalate')", name=op.f("ck_timer_kind")),
        sa.ForeignKeyConstraint(["order_id"], ["work_order.id"], name=op.f("fk_timer_order_id_work_order")),
        sa.PrimaryKeyConstraint("order_id", "kind", name=op.f("pk_timer")),
    )
    op.create_index(op.f("ix_timer_at"), "timer", ["at"], unique=False)

    op.create_table(
        "customer_import",
        sa.Column("id", ID, nullable=False),
        sa.Column("team_id", ID, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("error_count", sa.Integer(), nullable=False),
        sa.Column("errors", sa.JSON(), nullable=False),
        sa.Column("began_by", sa.String(length=80), nullable=False),
        sa.Column("began_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.CheckConstraint(
            "state IN ('running', 'done', 'refused', 'interrupted')", name=op.f("ck_customer_import_state")
        ),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_customer_import_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_import")),
    )
    op.create_index(op.f("ix_customer_import_team_id"), "customer_import", ["team_id"], unique=False)

    op.create_table(
        "api_token",
        sa.Column("id", ID, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("team_id", ID, nullable=False),
        sa.Column("agent_id", ID, nullable=True),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_api_token_team_id_team")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_api_token_agent_id_agent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
        sa.UniqueConstraint("name", name=op.f("uq_api_token_name")),
    )
    op.create_table(
        "receipt",
        sa.Column("who", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("result_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("who", "key", name=op.f("pk_receipt")),
    )
    op.create_index(op.f("ix_receipt_created_at"), "receipt", ["created_at"], unique=False)


def downgrade() -> None:
    """Take it back."""
    for table in ("receipt", "api_token", "customer_import", "timer", "proposal", "passage", "template_flow"):
        op.drop_table(table)
    op.drop_index(op.f("ix_attachment_sha256"), "attachment")
    op.drop_column("attachment", "field")
    op.drop_index("ix_work_order_unowned", "work_order")
    op.drop_column("work_order", "flow_version")
    op.drop_index("uq_customer_reference", "customer")
    op.drop_column("customer", "address")
    op.drop_column("customer", "reference")
    op.drop_column("assign_rule", "last_agent_first")
    op.drop_column("template", "definition")
