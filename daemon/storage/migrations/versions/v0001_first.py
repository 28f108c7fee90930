"""Everything from the first day."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "gap",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("pbx", sa.String(length=60), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("explained", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("ended_at IS NULL OR ended_at >= began_at", name=op.f("ck_gap_times")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gap")),
    )
    op.create_index(op.f("ix_gap_pbx_began_at"), "gap", ["pbx", "began_at"], unique=False)

    op.create_table(
        "queue_log_cursor",
        sa.Column("pbx", sa.String(length=60), nullable=False),
        sa.Column("inode", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("line_hash", sa.String(length=64), nullable=False),
        sa.Column("row_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("pbx", name=op.f("pk_queue_log_cursor")),
    )
    op.create_table(
        "session",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_session")),
    )
    op.create_index(op.f("ix_session_expires_at"), "session", ["expires_at"], unique=False)
    op.create_index(op.f("ix_session_username"), "session", ["username"], unique=False)

    op.create_table(
        "sight",
        sa.Column("pbx", sa.String(length=60), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("pbx", name=op.f("pk_sight")),
    )
    op.create_table(
        "team",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
        sa.UniqueConstraint("name", name=op.f("uq_team_name")),
    )
    op.create_table(
        "agent",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("team_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_agent_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent")),
        sa.UniqueConstraint("team_id", "number", name=op.f("uq_agent_team_id_number")),
    )
    op.create_index(op.f("ix_agent_username"), "agent", ["username"], unique=False)

    op.create_table(
        "agent_group",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("team_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_agent_group_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_group")),
        sa.UniqueConstraint("team_id", "name", name=op.f("uq_agent_group_team_id_name")),
    )
    op.create_table(
        "customer",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("team_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('individual', 'enterprise')", name=op.f("ck_customer_kind")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_customer_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
    )
    op.create_index(op.f("ix_customer_team_id_name"), "customer", ["team_id", "name"], unique=False)

    op.create_table(
        "missed_item",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("team_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("caller_key", sa.String(length=90), nullable=True),
        sa.Column("number", sa.String(length=80), nullable=False),
        sa.Column("e164", sa.String(length=20), nullable=True),
        sa.Column("tail", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("queue", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.String(length=12), nullable=False),
        sa.Column("wait", sa.Double(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("listing", sa.String(length=20), nullable=False),
        sa.Column("first_missed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_missed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(length=80), nullable=False),
        sa.Column("closed_how", sa.String(length=20), nullable=False),
        sa.Column("closed_note", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name=op.f("ck_missed_item_closed")),
        sa.CheckConstraint(
            "state <> 'dismissed' OR closed_note <> ''", name=op.f("ck_missed_item_dismissed_with_reason")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'reached', 'dismissed', 'order_done')", name=op.f("ck_missed_item_state")
        ),
        sa.CheckConstraint("count >= 1", name=op.f("ck_missed_item_count")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_missed_item_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_missed_item")),
    )
    op.create_index(
        "ix_missed_item_open_tail",
        "missed_item",
        ["team_id", "tail"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
        sqlite_where=sa.text("state = 'open'"),
    )
    op.create_index(op.f("ix_missed_item_team_id_closed_at"), "missed_item", ["team_id", "closed_at"], unique=False)
    op.create_index(
        op.f("ix_missed_item_team_id_state_last_missed_at"),
        "missed_item",
        ["team_id", "state", "last_missed_at"],
        unique=False,
    )
    op.create_index(
        "uq_missed_item_open_caller",
        "missed_item",
        ["team_id", "caller_key"],
        unique=True,
        postgresql_where=sa.text("state = 'open' AND caller_key IS NOT NULL"),
        sqlite_where=sa.text("state = 'open' AND caller_key IS NOT NULL"),
    )

    op.create_table(
        "module",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("team_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("kind IN ('customer_service', 'campaign')", name=op.f("ck_module_kind")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_module_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_module")),
        sa.UniqueConstraint("team_id", "name", name=op.f("uq_module_team_id_name")),
    )
    op.create_table(
        "template",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("team_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("last_sequence", sa.Integer(), nullable=False),
        sa.CheckConstraint("last_sequence >= 0", name=op.f("ck_template_last_sequence")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_template_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template")),
    )
    op.create_table(
        "assign_rule",
        sa.Column("template_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("mode", sa.String(length=20), nullable=False),
        sa.Column("scope", sa.String(length=10), nullable=False),
        sa.Column("verify", sa.Boolean(), nullable=False),
        sa.Column("cap", sa.Integer(), nullable=True),
        sa.Column("last_agent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "mode IN ('manual', 'agent_number_order', 'fewest_unfinished')", name=op.f("ck_assign_rule_mode")
        ),
        sa.CheckConstraint("scope IN ('online', 'all')", name=op.f("ck_assign_rule_scope")),
        sa.CheckConstraint("cap IS NULL OR cap >= 1", name=op.f("ck_assign_rule_cap")),
        sa.ForeignKeyConstraint(["group_id"], ["agent_group.id"], name=op.f("fk_assign_rule_group_id_agent_group")),
        sa.ForeignKeyConstraint(["last_agent_id"], ["agent.id"], name=op.f("fk_assign_rule_last_agent_id_agent")),
        sa.ForeignKeyConstraint(["template_id"], ["template.id"], name=op.f("fk_assign_rule_template_id_template")),
        sa.PrimaryKeyConstraint("template_id", "group_id", name=op.f("pk_assign_rule")),
    )
    op.create_table(
        "call",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("pbx", sa.String(length=60), nullable=False),
        sa.Column("uniqueid", sa.String(length=150), nullable=False),
        sa.Column("linkedid", sa.String(length=150), nullable=False),
        sa.Column("team_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("number", sa.String(length=80), nullable=False),
        sa.Column("e164", sa.String(length=20), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("extension", sa.String(length=80), nullable=False),
        sa.Column("queue", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=12), nullable=True),
        sa.Column("missed", sa.Boolean(), nullable=False),
        sa.Column("listing", sa.String(length=20), nullable=False),
        sa.Column("wait", sa.Double(), nullable=False),
        sa.Column("agent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name=op.f("ck_call_ended")),
        sa.CheckConstraint("(state = 'ended') = (reason IS NOT NULL)", name=op.f("ck_call_judged")),
        sa.CheckConstraint("NOT (missed AND reason = 'answered')", name=op.f("ck_call_missed")),
        sa.CheckConstraint(
            "reason IN ('answered', 'abandoned', 'timeout', 'empty', 'full', 'key', 'withdrawn', 'cut_off', 'lost', 'moved', 'after_talk')",
            name=op.f("ck_call_reason"),
        ),
        sa.CheckConstraint(
            "state IN ('routing', 'waiting', 'left', 'connected', 'talking', 'ended')", name=op.f("ck_call_state")
        ),
        sa.CheckConstraint("wait >= 0", name=op.f("ck_call_wait")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_call_agent_id_agent")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_call_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call")),
        sa.UniqueConstraint("pbx", "uniqueid", name=op.f("uq_call_pbx_uniqueid")),
    )
    op.create_index(
        "ix_call_living",
        "call",
        ["pbx"],
        unique=False,
        postgresql_where=sa.text("state <> 'ended'"),
        sqlite_where=sa.text("state <> 'ended'"),
    )
    op.create_index(op.f("ix_call_team_id_began_at"), "call", ["team_id", "began_at"], unique=False)
    op.create_index(op.f("ix_call_team_id_e164_began_at"), "call", ["team_id", "e164", "began_at"], unique=False)

    op.create_table(
        "customer_number",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("team_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("raw", sa.String(length=80), nullable=False),
        sa.Column("e164", sa.String(length=20), nullable=True),
        sa.Column("tail", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_customer_number_customer_id_customer")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_customer_number_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_number")),
    )
    op.create_index(op.f("ix_customer_number_customer_id"), "customer_number", ["customer_id"], unique=False)
    op.create_index(op.f("ix_customer_number_team_id_e164"), "customer_number", ["team_id", "e164"], unique=False)
    op.create_index(op.f("ix_customer_number_team_id_tail"), "customer_number", ["team_id", "tail"], unique=False)

    op.create_table(
        "membership",
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("admin", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_membership_agent_id_agent")),
        sa.ForeignKeyConstraint(["group_id"], ["agent_group.id"], name=op.f("fk_membership_group_id_agent_group")),
        sa.PrimaryKeyConstraint("group_id", "agent_id", name=op.f("pk_membership")),
    )
    op.create_index(op.f("ix_membership_agent_id"), "membership", ["agent_id"], unique=False)

    op.create_table(
        "missed_call",
        sa.Column("call_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_missed_call_call_id_call"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["item_id"], ["missed_item.id"], name=op.f("fk_missed_call_item_id_missed_item")),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_missed_call")),
    )
    op.create_index(op.f("ix_missed_call_item_id"), "missed_call", ["item_id"], unique=False)

    op.create_table(
        "stint",
        sa.Column("call_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("queue", sa.String(length=128), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("exit", sa.String(length=12), nullable=True),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("interface", sa.String(length=255), nullable=False),
        sa.Column("member", sa.String(length=255), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "exit IN ('answered', 'abandoned', 'timeout', 'empty', 'full', 'key', 'withdrawn', 'cut_off', 'lost', 'moved')",
            name=op.f("ck_stint_exit"),
        ),
        sa.CheckConstraint("left_at IS NULL OR left_at >= joined_at", name=op.f("ck_stint_times")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_stint_call_id_call"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("call_id", "n", name=op.f("pk_stint")),
    )
    op.create_table(
        "work_order",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("team_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("template_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("serial", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("module_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("call_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("missed_item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("previous_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("creator_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("creator_group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("node_index", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("node_status", sa.String(length=10), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("cc", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(status = 'done') = (finished_at IS NOT NULL)", name=op.f("ck_work_order_finished")),
        sa.CheckConstraint(
            "node_status IN ('new', 'pending', 'return', 'verify')", name=op.f("ck_work_order_node_status")
        ),
        sa.CheckConstraint("status IN ('new', 'pending', 'done')", name=op.f("ck_work_order_status")),
        sa.CheckConstraint("length(title) BETWEEN 1 AND 200", name=op.f("ck_work_order_title")),
        sa.CheckConstraint("node_index IS NULL OR node_index >= 0", name=op.f("ck_work_order_node_index")),
        sa.CheckConstraint("priority BETWEEN 1 AND 5", name=op.f("ck_work_order_priority")),
        sa.CheckConstraint("sequence >= 1", name=op.f("ck_work_order_sequence")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_work_order_version")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_work_order_call_id_call")),
        sa.ForeignKeyConstraint(
            ["creator_group_id"], ["agent_group.id"], name=op.f("fk_work_order_creator_group_id_agent_group")
        ),
        sa.ForeignKeyConstraint(["creator_id"], ["agent.id"], name=op.f("fk_work_order_creator_id_agent")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_work_order_customer_id_customer")),
        sa.ForeignKeyConstraint(["group_id"], ["agent_group.id"], name=op.f("fk_work_order_group_id_agent_group")),
        sa.ForeignKeyConstraint(
            ["missed_item_id"], ["missed_item.id"], name=op.f("fk_work_order_missed_item_id_missed_item")
        ),
        sa.ForeignKeyConstraint(["module_id"], ["module.id"], name=op.f("fk_work_order_module_id_module")),
        sa.ForeignKeyConstraint(["owner_id"], ["agent.id"], name=op.f("fk_work_order_owner_id_agent")),
        sa.ForeignKeyConstraint(["previous_id"], ["work_order.id"], name=op.f("fk_work_order_previous_id_work_order")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_work_order_team_id_team")),
        sa.ForeignKeyConstraint(["template_id"], ["template.id"], name=op.f("fk_work_order_template_id_template")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_order")),
        sa.UniqueConstraint("missed_item_id", name=op.f("uq_work_order_missed_item_id")),
        sa.UniqueConstraint("template_id", "sequence", name=op.f("uq_work_order_template_id_sequence")),
    )
    op.create_index(op.f("ix_work_order_call_id"), "work_order", ["call_id"], unique=False)
    op.create_index(
        op.f("ix_work_order_creator_group_id_status_updated_at"),
        "work_order",
        ["creator_group_id", "status", "updated_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_work_order_creator_id_status_updated_at"),
        "work_order",
        ["creator_id", "status", "updated_at"],
        unique=False,
    )
    op.create_index(op.f("ix_work_order_customer_id"), "work_order", ["customer_id"], unique=False)
    op.create_index(
        "ix_work_order_due",
        "work_order",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("status <> 'done'"),
        sqlite_where=sa.text("status <> 'done'"),
    )
    op.create_index(
        op.f("ix_work_order_group_id_status_updated_at"),
        "work_order",
        ["group_id", "status", "updated_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_work_order_owner_id_status_updated_at"),
        "work_order",
        ["owner_id", "status", "updated_at"],
        unique=False,
    )
    op.create_index(op.f("ix_work_order_team_id_serial"), "work_order", ["team_id", "serial"], unique=False)
    op.create_index(
        op.f("ix_work_order_team_id_status_updated_at"), "work_order", ["team_id", "status", "updated_at"], unique=False
    )

    op.create_table(
        "attachment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("added_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("size >= 0", name=op.f("ck_attachment_size")),
        sa.ForeignKeyConstraint(["added_by"], ["agent.id"], name=op.f("fk_attachment_added_by_agent")),
        sa.ForeignKeyConstraint(["order_id"], ["work_order.id"], name=op.f("fk_attachment_order_id_work_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
    )
    op.create_index(op.f("ix_attachment_order_id"), "attachment", ["order_id"], unique=False)

    op.create_table(
        "history",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=10), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("from_state", sa.String(length=120), nullable=False),
        sa.Column("to_state", sa.String(length=120), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("actor_kind IN ('agent', 'rule', 'asterisk', 'system')", name=op.f("ck_history_actor_kind")),
        sa.CheckConstraint("n >= 1", name=op.f("ck_history_n")),
        sa.ForeignKeyConstraint(["actor_id"], ["agent.id"], name=op.f("fk_history_actor_id_agent")),
        sa.ForeignKeyConstraint(["order_id"], ["work_order.id"], name=op.f("fk_history_order_id_work_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history")),
        sa.UniqueConstraint("order_id", "n", name=op.f("uq_history_order_id_n")),
    )
    op.create_table(
        "work_order_field",
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("identity", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["work_order.id"], name=op.f("fk_work_order_field_order_id_work_order")),
        sa.PrimaryKeyConstraint("order_id", "identity", name=op.f("pk_work_order_field")),
    )

    if op.get_bind().dialect.name == "sqlite":
        for deed in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER history_refuses_{deed.lower()} BEFORE {deed} ON history "
                "BEGIN SELECT RAISE(ABORT, 'history is append-only'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION refuse_history() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'history is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER history_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON history "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_history()"
        )


def downgrade() -> None:
    """Take it back."""
    for table in (
        "work_order_field",
        "history",
        "attachment",
        "work_order",
        "stint",
        "missed_call",
        "membership",
        "customer_number",
        "call",
        "assign_rule",
        "template",
        "module",
        "missed_item",
        "customer",
        "agent_group",
        "agent",
        "team",
        "sight",
        "session",
        "queue_log_cursor",
        "gap",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION refuse_history()")
