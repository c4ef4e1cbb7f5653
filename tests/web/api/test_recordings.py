"""Disks and days: what is kept of each camera, how long it will last, whose picture is not HD."""

from datetime import timedelta

from anju.store import recordings
from anju.store.recordings import Flag, Recording
from tests.web.api.cameras import camera
from tests.web.conftest import Web, at_place, everywhere

CAMERA, OTHER = "caaaaaaaaaaaa", "cbbbbbbbbbbbb"


async def recorded(web: Web, channel_id: str, *, hours_ago: int, size: tuple[int, int]) -> None:
    start = round((web.services.clock() - timedelta(hours=hours_ago)).timestamp() * 1000)
    made = Recording(channel_id, start, 60_000, 1, 30_000_000, "avc1.640028", Flag(0), ((0, 700),), *size)
    await recordings.add(web.services.db, [made])


async def test_a_camera_tells_its_days_and_its_pace(web: Web) -> None:
    await camera(web.services.db, CAMERA)
    await recorded(web, CAMERA, hours_ago=50, size=(1920, 1080))
    await web.account("lihua", everywhere("property_manager"))
    found = (await (await web.login("lihua")).get("/api/video/storage")).json()
    (kept,) = found["channels"]
    assert (kept["id"], kept["days_kept"], kept["bitrate"], kept["width"]) == (CAMERA, 2, 4_000_000, 1920)
    assert (found["volumes"], found["non_hd_share"], found["next"]) == ([], 0.0, None)


async def test_only_ones_own_cameras_count(web: Web) -> None:
    path = await camera(web.services.db, CAMERA)
    await camera(web.services.db, OTHER)
    await recorded(web, CAMERA, hours_ago=1, size=(704, 576))
    await recorded(web, OTHER, hours_ago=1, size=(1920, 1080))
    await web.account("guard", at_place("guard", path))
    found = (await (await web.login("guard")).get("/api/video/storage")).json()
    assert ([each["id"] for each in found["channels"]], found["non_hd_share"]) == ([CAMERA], 1.0)


async def test_disks_are_for_those_who_keep_cameras(web: Web) -> None:
    await web.services.db.execute(
        """INSERT INTO volume (id, path, added_at, seen_at, total_bytes, free_bytes)
           VALUES (gen_random_uuid(), '/recordings', now(), now(), 1000, 400)"""
    )
    await web.account("guard", everywhere("guard"))
    await web.account("lihua", everywhere("property_manager"))
    assert (await (await web.login("guard")).get("/api/video/storage")).json()["volumes"] == []
    (disk,) = (await (await web.login("lihua")).get("/api/video/storage")).json()["volumes"]
    assert (disk["path"], disk["total"], disk["free"], disk["state"]) == ("/recordings", 1000, 400, "ok")


async def test_many_cameras_come_in_pages(web: Web) -> None:
    await camera(web.services.db, CAMERA)
    await camera(web.services.db, OTHER)
    await web.account("lihua", everywhere("property_manager"))
    client = await web.login("lihua")
    first = (await client.get("/api/video/storage?limit=1")).json()
    second = (await client.get(f"/api/video/storage?limit=1&cursor={first['next']}")).json()
    assert [each["channels"][0]["id"] for each in (first, second)] == [CAMERA, OTHER]
