"""Orders are found by their words, and listed by indexes of open and of done ones."""

from collections.abc import Collection

import sqlalchemy as sa
from alembic import op

from daemon.orders.words import words_of

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql")
WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
LISTED_BY = ("team", "template", "group", "owner", "creator", "creator_group")
BEFORE = ("team", "group", "owner", "creator", "creator_group")
AT_ONCE = 500


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "order_text",
        sa.Column("team_id", ID, nullable=False),
        sa.Column("order_id", ID, nullable=False),
        sa.Column("words", WORDS, nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_order_text_team_id_team")),
        sa.ForeignKeyConstraint(["order_id"], ["work_order.id"], name=op.f("fk_order_text_order_id_work_order")),
        sa.PrimaryKeyConstraint("team_id", "order_id", name=op.f("pk_order_text")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "order_word",
        sa.Column("team_id", ID, nullable=False),
        sa.Column("word", WORD, nullable=False),
        sa.Column("order_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("team_id", "word", "order_id", name=op.f("pk_order_word")),
        sqlite_with_rowid=False,
    )
    for whose in BEFORE:
        op.drop_index(op.f(f"ix_work_order_{whose}_id_status_updated_at"), "work_order")
    op.drop_index("ix_work_order_due", "work_order")
    op.drop_index(op.f("ix_work_order_customer_id"), "work_order")
    for whose in LISTED_BY:
        index(f"ix_work_order_{whose}_open", [f"{whose}_id", "updated_at", "id"], "status <> 'done'")
        index(f"ix_work_order_{whose}_done", [f"{whose}_id", "updated_at", "id"], "status = 'done'")
    index("ix_work_order_due", ["team_id", "due_at", "id"], "status <> 'done'")
    op.create_index(op.f("ix_work_order_team_id_created_at_id"), "work_order", ["team_id", "created_at", "id"])
    op.create_index(op.f("ix_work_order_customer_id_updated_at_id"), "work_order", ["customer_id", "updated_at", "id"])
    index_words()


def index(name: str, columns: list[str], condition: str) -> None:
    """An index of some orders."""
    where = sa.text(condition)
    op.create_index(name, "work_order", columns, postgresql_where=where, sqlite_where=where)


def index_words() -> None:
    """The words of the orders that are there."""
    known = sa.text(
        "SELECT o.id, o.team_id, o.title, o.description, k.name AS customer, l.number, l.e164"
        " FROM work_order o LEFT JOIN customer k ON k.id = o.customer_id LEFT JOIN call l ON l.id = o.call_id"
        " WHERE o.id > :after ORDER BY o.id LIMIT :many"
    )
    after = 0
    while rows := op.get_bind().execute(known, {"after": after, "many": AT_ONCE}).all():
        after = rows[-1].id
        span = {"first": rows[0].id, "last": after}
        fields = texts_by_order("SELECT order_id, value FROM work_order_field WHERE order_id", span)
        numbers = texts_by_order(
            "SELECT o.id, n.raw || ' ' || coalesce(n.e164, '') FROM work_order o"
            " JOIN customer_number n ON n.customer_id = o.customer_id WHERE o.id",
            span,
        )
        for row in rows:
            own = [row.title, row.customer or "", *numbers.get(row.id, ()), row.number or "", row.e164 or ""]
            write(row.team_id, row.id, words_of([*own, *fields.get(row.id, ()), row.description]))


def texts_by_order(query: str, span: dict[str, int]) -> dict[int, list[str]]:
    """What a query gives for a span of orders."""
    found: dict[int, list[str]] = {}
    for order_id, value in op.get_bind().execute(sa.text(f"{query} BETWEEN :first AND :last"), span):
        found.setdefault(order_id, []).append(value)
    return found


def write(team_id: int, order_id: int, words: Collection[str]) -> None:
    """The words of an order."""
    text = sa.table("order_text", *map(sa.column, ("team_id", "order_id", "words")))
    word_ = sa.table("order_word", *map(sa.column, ("team_id", "word", "order_id")))
    line = "".join(f" {word}" for word in words) + " "
    op.get_bind().execute(text.insert(), {"team_id": team_id, "order_id": order_id, "words": line})
    rows = [{"team_id": team_id, "word": word, "order_id": order_id} for word in words]
    if rows:
        op.get_bind().execute(word_.insert(), rows)


def downgrade() -> None:
    """Take it back."""
    op.drop_index(op.f("ix_work_order_customer_id_updated_at_id"), "work_order")
    op.drop_index(op.f("ix_work_order_team_id_created_at_id"), "work_order")
    op.drop_index("ix_work_order_due", "work_order")
    for whose in LISTED_BY:
        op.drop_index(f"ix_work_order_{whose}_done", "work_order")
        op.drop_index(f"ix_work_order_{whose}_open", "work_order")
    op.create_index(op.f("ix_work_order_customer_id"), "work_order", ["customer_id"])
    index("ix_work_order_due", ["due_at"], "status <> 'done'")
    for whose in BEFORE:
        columns = [f"{whose}_id", "status", "updated_at"]
        op.create_index(op.f(f"ix_work_order_{whose}_id_status_updated_at"), "work_order", columns)
    op.drop_table("order_word")
    op.drop_table("order_text")
