"""Alembic's entry: runs the migrations on the connection it is handed, then gives ``anju_app`` its rights."""

from alembic import context
from sqlalchemy import text

GRANTS = """
GRANT USAGE ON SCHEMA public TO anju_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO anju_app;
GRANT SELECT, USAGE ON ALL SEQUENCES IN SCHEMA public TO anju_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO anju_app;
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON operator_log FROM anju_app;
"""

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=False)
with context.begin_transaction():
    connection.execute(text("SELECT pg_advisory_xact_lock(7220000)"))
    context.run_migrations()
    connection.execute(text(GRANTS))
