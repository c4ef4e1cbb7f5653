"""The two engines: PostgreSQL keeps, NATS wakes. Both start from binaries inside Python packages."""

from anju.engines.nats import NatsServer
from anju.engines.postgres import Postgres

__all__ = ["NatsServer", "Postgres"]
