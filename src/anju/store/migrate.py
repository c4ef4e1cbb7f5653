"""Brings a database to this program's schema, under a lock: any number of processes may ask at once."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, pool


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def known() -> list[str]:
    """Return the schemas that this program knows, oldest first."""
    return [each.revision for each in ScriptDirectory.from_config(_config()).walk_revisions()][::-1]


def migrate(owner_url: str) -> None:
    """Run all migrations as the owner of the schema; nothing happens where there are none left."""
    config = _config()
    engine = create_engine(owner_url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=pool.NullPool)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
