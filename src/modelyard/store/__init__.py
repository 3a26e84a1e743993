"""SQLAlchemy tables, queries by noun, Alembic migrations. SQLite by default, PostgreSQL by URL."""
