"""A device's own recordings, asked for over SIP and compared minute by minute: a gap is found, classed and shown."""

from datetime import UTC, datetime, timedelta

from anju.domain.recorded import Lack
from anju.domain.recording import Plan, day_of
from anju.media.ledger import DEVICE_LAG, Ledger
from anju.recordings import offline_of, records_of
from tests.flows.filming import Filmed
from tests.flows.test_video import Shoot, bus, fresh, loops, shoot, town

__all__ = ["bus", "fresh", "loops", "shoot", "town"]
SEVEN = timedelta(minutes=7)


async def test_a_gap_of_seven_minutes_of_a_simulated_device_is_found_classed_and_on_the_time_line(
    town: Filmed, shoot: Shoot
) -> None:
    device, channel = await shoot()
    now = datetime.now(UTC).replace(microsecond=0)
    hours = (now - timedelta(hours=each) for each in (3, 2))
    gap = next(each for each in hours if day_of(each) == day_of(each + SEVEN))  # not over midnight: there it is two
    device.channels[device.code].archive.gaps.append((gap, gap + SEVEN))
    ledger = Ledger(town.db, why=lambda *_: Lack.UNKNOWN, opened=dict)
    asked = {"records": records_of(town.opened), "offline": offline_of(town.opened), "now": now}
    assert await ledger.verify_all({channel: Plan()}, **asked) == []  # type: ignore[arg-type]
    span = {
        "since": (now - timedelta(hours=4)).isoformat(),
        "until": (now - DEVICE_LAG - timedelta(minutes=1)).isoformat(),
    }
    answer = await town.client.get(f"/api/video/channels/{channel}/timeline", params=span)
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["gaps"]
    times = [datetime.fromisoformat(found[each]) for each in ("start", "end")]
    assert (times, found["class"]) == ([gap, gap + SEVEN], "not_recording")
    assert [each["source"] for each in answer.json()["segments"]] == ["device", "device"]
