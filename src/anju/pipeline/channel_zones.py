"""An alarm of a camera behind a recorder happens where the camera is, under its name.

Source: 5.1.2.4-e (place of an alarm), 5.4.1.
"""

from dataclasses import replace

from anju.domain.cleaning import ZoneName
from anju.domain.events import DeviceReport
from anju.errors import DatabaseAway
from anju.pipeline.registry import Known
from anju.store import channels
from anju.store.database import Database


async def at_channel(db: Database, known: Known, report: DeviceReport) -> Known:
    """Return ``known`` with the channel that ``report`` names as a zone of it, where nobody registered that zone.

    While the database is away the alarm is the recorder's: it is never lost to this.
    """
    code = report.detail.get("channel")
    if not isinstance(code, str) or not report.zone or known.zone(report.area, report.zone) is not None:
        return known
    try:
        placed = await channels.of_code(db, known.device.id, code)
    except DatabaseAway:
        return known
    if placed is None:
        return known
    channel = placed.channel
    zone = ZoneName(channel.name, channel.place_id, channel.place_path, placed.place_name)
    zones = {**known.reporter.zones, (report.area, report.zone): zone}
    where = {"site_id": channel.site_id or known.reporter.site_id, "jurisdiction": channel.jurisdiction}
    return replace(known, reporter=replace(known.reporter, zones=zones, **where))
