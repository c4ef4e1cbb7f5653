"""A camera for tests of the API: a place of its own, a device, a channel."""

from anju.store.database import Database


async def camera(db: Database, channel_id: str) -> str:
    """Keep a camera at a place of its own; return the place's path."""
    place, path = f"p{channel_id[1:]}", f"/site/p{channel_id[1:]}/"
    await db.execute(
        """INSERT INTO place (id, kind, name, place_path, site_id, home_node)
           VALUES (%(id)s, 'area', %(id)s, %(path)s, 'site', '510802-1')""",
        id=place,
        path=path,
    )
    await db.execute(
        """INSERT INTO device (id, kind, name, protocol, account, site_id, place_id, place_path, home_node)
           VALUES (%(id)s, 'camera', 'x', 'gb28181', %(id)s, 'site', %(place)s, %(path)s, '510802-1')""",
        id=f"d{channel_id[1:]}",
        place=place,
        path=path,
    )
    await db.execute(
        """INSERT INTO channel (id, device_id, kind, code, told_name, status, status_reason, status_at, updated_at)
           VALUES (%(id)s, %(device)s, 'camera', '1', 'x', 'on', 'catalog-on', now(), now())""",
        id=channel_id,
        device=f"d{channel_id[1:]}",
    )
    return path
