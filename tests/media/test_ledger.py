"""The ledger finds a seven-minute gap and says why; devices' lists are compared, not believed for good."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from anju.domain import recorded
from anju.domain.recorded import Gap, Lack, Span, completeness
from anju.domain.recording import Plan, Source, begins, read_plan
from anju.errors import DeviceSilent
from anju.media import ledger
from anju.media.ledger import Ledger, Listed
from anju.store import recording_ledger, recordings
from anju.store.database import Database
from anju.store.recordings import Flag, Recording

TODAY = date(2026, 11, 22)
MIDNIGHT = begins(TODAY)
OURS, THEIRS = read_plan({"by": "platform"}), Plan()


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return MIDNIGHT + timedelta(hours=hour, minutes=minute, seconds=second)


def ms(when: datetime) -> int:
    return round(when.timestamp() * 1000)


def files(start: datetime, end: datetime, channel: str = "c1") -> list[Recording]:
    """Return files of a minute that fill a span."""
    found, first = [], ms(start)
    while first < ms(end):
        length = min(60_000, ms(end) - first)
        found.append(Recording(channel, first, length, 1, 1000, "avc1.640028", Flag(0), ((0, 700),)))
        first += length
    return found


def ledger_of(
    db: Database, why: Lack = Lack.DEVICE_OFFLINE, opened: dict[str, tuple[int, int]] | None = None
) -> Ledger:
    return Ledger(db, why=lambda *_: why, opened=lambda: opened or {})


async def day(db: Database, source: Source = Source.PLATFORM, when: date = TODAY) -> bytes:
    found = {each.source: each.codes for each in await recording_ledger.days(db, "c1", when, when)}
    return found.get(source, recorded.blank())


async def begin(db: Database, when: datetime, plan: Plan = OURS) -> None:
    """Let the ledger begin at ``when``."""
    await ledger_of(db).settle({"c1": plan}, now=when + timedelta(seconds=ledger.SETTLED_S + 60))


async def test_a_gap_of_seven_minutes_is_found_classed_and_counted(db: Database) -> None:
    await recordings.add(db, [*files(at(0), at(10, 0, 20)), *files(at(10, 7, 20), at(12))])
    await begin(db, at(0))
    await ledger_of(db).settle({"c1": OURS}, now=at(12))
    assert recorded.gaps(TODAY, await day(db)) == [Gap(at(10, 0, 20), at(10, 7, 20), Lack.DEVICE_OFFLINE)]
    (found,) = await recording_ledger.sums(db, ["c1"], TODAY, TODAY)
    assert completeness([found.count]) == pytest.approx(1 - 7 / (12 * 60 - 2.5), abs=0.001)


async def test_minutes_are_looked_at_once_they_are_settled(db: Database) -> None:
    await recordings.add(db, files(at(8), at(9)))
    await begin(db, at(8))
    written = await ledger_of(db).settle({"c1": OURS}, now=at(8, 30))
    assert written == 26
    assert await ledger_of(db).settle({"c1": OURS}, now=at(8, 30)) == 0
    assert (await day(db)).rstrip(b"\0")[-27:] == b"\x3c" * 27


async def test_a_file_that_is_open_counts(db: Database) -> None:
    await begin(db, at(8))
    opened = {"c1": (ms(at(8)), ms(at(8, 10)))}
    await ledger_of(db, opened=opened).settle({"c1": OURS}, now=at(8, 10))
    assert (await day(db))[481:487] == b"\x3c" * 6


async def test_a_recorder_that_was_away_writes_what_it_missed(db: Database) -> None:
    await recordings.add(db, [*files(at(23, 30), at(23, 50)), *files(at(24, 10), at(25))])
    await begin(db, at(23, 30))
    await ledger_of(db, Lack.STORE_FAILED).settle({"c1": OURS}, now=at(25))
    assert recorded.gaps(TODAY, await day(db)) == [Gap(at(23, 50), at(24), Lack.STORE_FAILED)]
    tomorrow = TODAY + timedelta(days=1)
    assert recorded.gaps(tomorrow, await day(db, when=tomorrow)) == [Gap(at(24), at(24, 10), Lack.STORE_FAILED)]


async def test_files_that_turn_up_mend_the_ledger(db: Database) -> None:
    await begin(db, at(8))
    await ledger_of(db, Lack.STORE_FAILED).settle({"c1": OURS}, now=at(8, 30))
    found = files(at(8, 5), at(8, 20))
    await ledger.found(db, [(each.channel_id, each.start_ms, each.duration_ms) for each in found], now=at(9))
    assert [(each.start, each.end) for each in recorded.gaps(TODAY, await day(db))][-1] == (at(8, 20), at(8, 27))
    assert (await day(db))[485:500] == b"\x3c" * 15


async def test_outside_the_plan_nothing_lacks(db: Database) -> None:
    plan = read_plan({"by": "platform", "week": [[[0, 490]]] * 7})
    await begin(db, at(8), plan)
    await ledger_of(db).settle({"c1": plan}, now=at(9))
    assert [(each.start, each.end) for each in recorded.gaps(TODAY, await day(db))] == [(at(8), at(8, 10))]


async def test_while_a_camera_is_not_to_be_recorded_nothing_lacks(db: Database) -> None:
    await begin(db, at(8))
    await ledger_of(db).settle({"c1": read_plan({"by": "none"})}, now=at(9))
    await ledger_of(db).settle({"c1": OURS}, now=at(9, 10))
    gaps = recorded.gaps(TODAY, await day(db))
    assert [(each.start, each.end) for each in gaps][-1] == (at(8, 57), at(9, 7))


async def test_recordings_that_ended_by_age_have_expired(db: Database) -> None:
    await recordings.add(db, files(at(8), at(9)))
    await begin(db, at(8))
    await ledger_of(db).settle({"c1": OURS}, now=at(9))
    await ledger.ended(db, [("c1", ms(at(8, 0, 30)), 600_000)], now=at(10))
    assert [each.why for each in recorded.gaps(TODAY, await day(db))] == [Lack.EXPIRED]
    (found,) = await recording_ledger.sums(db, ["c1"], TODAY, TODAY)
    assert completeness([found.count]) == 1.0


class Nvr:
    """What a recorder answers and when it was offline."""

    def __init__(self, *spans: Span, offline: Sequence[Span] = (), partial: bool = False) -> None:
        self.spans, self.away, self.partial = spans, offline, partial
        self.silent = False

    async def records(self, channel: str, since: datetime, until: datetime) -> Listed:
        if self.silent:
            raise DeviceSilent(channel)
        return Listed([each for each in self.spans if each[1] > since and each[0] < until], self.partial)

    async def offline(self, *_: object) -> Sequence[Span]:
        return self.away

    async def verified(self, db: Database, *, now: datetime, whole: bool = False) -> list[str]:
        asked = ledger_of(db).verify_all(
            {"c1": THEIRS}, records=self.records, offline=self.offline, now=now, whole=whole
        )
        return await asked


async def test_a_recorders_gap_is_found_and_classed(db: Database) -> None:
    nvr = Nvr((at(-24), at(10)), (at(10, 7), at(14)), (at(14, 7), at(23)), offline=[(at(10), at(10, 8))])
    assert await nvr.verified(db, now=at(22)) == []
    assert recorded.gaps(TODAY, await day(db, Source.DEVICE)) == [
        Gap(at(10), at(10, 7), Lack.DEVICE_OFFLINE),
        Gap(at(14), at(14, 7), Lack.NOT_RECORDING),
    ]
    assert set((await day(db, Source.DEVICE))[22 * 60 - 10 :]) == {0}


async def test_what_a_recorder_lists_no_more_has_expired(db: Database) -> None:
    await Nvr((at(-24), at(23))).verified(db, now=at(22))
    await Nvr((at(2), at(23))).verified(db, now=at(22))
    assert recorded.gaps(TODAY, await day(db, Source.DEVICE)) == [Gap(at(0), at(2), Lack.EXPIRED)]


async def test_half_an_answer_proves_no_gap(db: Database) -> None:
    await Nvr((at(-24), at(10))).verified(db, now=at(10, 10))
    await Nvr((at(12), at(14)), partial=True).verified(db, now=at(16))
    gaps = recorded.gaps(TODAY, await day(db, Source.DEVICE))
    assert [(each.start, each.end, each.why) for each in gaps] == [
        (at(10), at(12), Lack.UNKNOWN),
        (at(14), at(15, 50), Lack.UNKNOWN),
    ]


async def test_a_recorder_that_does_not_answer_is_named_and_nothing_is_written(db: Database) -> None:
    nvr = Nvr()
    nvr.silent = True
    assert await nvr.verified(db, now=at(22)) == ["c1"]
    assert await recording_ledger.days(db, "c1", TODAY, TODAY) == []


async def test_thirty_days_are_proved(db: Database) -> None:
    await Nvr((at(-24 * 40), at(23))).verified(db, now=at(22), whole=True)
    assert await recording_ledger.kept_since(db, ["c1"]) == {"c1": TODAY - timedelta(days=30)}
    sums = await recording_ledger.sums(db, ["c1"], TODAY - timedelta(days=30), TODAY)
    assert completeness(each.count for each in sums) == 1.0


async def test_all_days_are_verified_once_a_day(db: Database) -> None:
    nvr, kept = Nvr((at(-24 * 40), at(23))), ledger_of(db)
    for now in (at(10), at(11)):
        await kept.verify_all({"c1": THEIRS}, records=nvr.records, offline=nvr.offline, now=now)
    rows = await recording_ledger.days(db, "c1", TODAY - timedelta(days=40), TODAY)
    assert [each.looked_at for each in rows] == [at(10)] * 30 + [at(11)]


async def test_a_camera_nobody_records_has_no_ledger(db: Database) -> None:
    await ledger_of(db).settle({"c1": read_plan({"by": "none"})}, now=datetime.now(UTC))
    assert await recording_ledger.looked(db, ["c1"], Source.PLATFORM) == {}
