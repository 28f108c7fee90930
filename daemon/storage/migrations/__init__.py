"""Alembic's scripts: expand first, contract in a later release."""
