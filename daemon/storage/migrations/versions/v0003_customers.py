"""Customers are listed by their folded names, and known again without a reference."""

import sqlalchemy as sa
from alembic import op

from daemon.orders.customer import fold_name

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NAME_KEY = sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql")


def upgrade() -> None:
    """Expand."""
    op.add_column("customer", sa.Column("name_key", NAME_KEY, nullable=False, server_default=""))
    op.add_column("customer", sa.Column("twin", sa.String(length=32), nullable=True))
    customer = sa.table("customer", sa.column("id"), sa.column("name"), sa.column("name_key"))
    known = op.get_bind().execute(sa.select(customer.c.id, customer.c.name)).all()
    for id_, name in known:
        op.execute(customer.update().where(customer.c.id == id_).values(name_key=fold_name(name)))
    op.create_index(op.f("ix_customer_team_id_name_key_id"), "customer", ["team_id", "name_key", "id"], unique=False)
    op.create_index(op.f("ix_customer_team_id_twin"), "customer", ["team_id", "twin"], unique=False)
    op.drop_index(op.f("ix_customer_team_id_name"), "customer")


def downgrade() -> None:
    """Take it back."""
    op.create_index(op.f("ix_customer_team_id_name"), "customer", ["team_id", "name"], unique=False)
    op.drop_index(op.f("ix_customer_team_id_twin"), "customer")
    op.drop_index(op.f("ix_customer_team_id_name_key_id"), "customer")
    op.drop_column("customer", "twin")
    op.drop_column("customer", "name_key")
