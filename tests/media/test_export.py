"""An export is bit by bit what was recorded, plays anywhere, and its manifest is checked by sha256sum."""

import asyncio
import hashlib
import json
import shutil
import subprocess
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from anju.errors import Invalid, NotFound, Refused
from anju.media.download import Download
from anju.media.export import Asked, Manifest, export, zip_up
from anju.media.library import Library
from anju.protocols.frames import CLOCK, Codec
from anju.store.database import Database
from anju.store.volumes import pair
from tests.media import pictures
from tests.media.test_record import T0, Site, probed

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest_asyncio.fixture
async def site(db: Database, tmp_path: Path) -> AsyncIterator[Site]:
    volumes = await pair(db, [tmp_path / "volume"], node="n", reserve=0, at=datetime.now(UTC))
    found = Site(db, volumes)
    task = asyncio.create_task(found.recorder.run())
    await asyncio.sleep(0)
    yield found
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def at(second: float) -> datetime:
    return datetime.fromtimestamp(T0 + second, UTC)


async def recorded(site: Site, codec: Codec = Codec.H264, *, gap: bool = False) -> None:
    channel = site.camera(codec=codec)
    await site.feed(channel, pictures.frames(T0, 130, codec), pictures.sound(T0, 130))
    if gap:
        channel.state("stalled")
        await site.feed(channel, pictures.frames(T0 + 550, 30, codec, pts=7_000 + 550 * CLOCK))
    channel.stop()
    await site.files()


async def exported(site: Site, folder: Path, since: float, until: float, **more: bytes) -> Manifest:
    files = await Library(site.db, clock=site.clock).between(
        "c1", round((T0 + since) * 1000), round((T0 + until) * 1000)
    )
    asked = Asked("c1", at(since), at(until), {"reason": "盗窃案", "officers": ["甲", "乙"]}, more)
    return await export(files, asked, folder, now=NOW, told=lambda *_: None)


def said(folder: Path, *command: str) -> tuple[int, str]:
    """Return how a command ended in a folder, and what it said."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.strip()


SUMS = ("sha256sum", "-c", "SHA256SUMS")


@pytest.mark.parametrize(("codec", "name"), [(Codec.H264, "h264"), (Codec.H265, "hevc")])
async def test_a_span_over_several_files_is_one_plain_file(site: Site, tmp_path: Path, codec: Codec, name: str) -> None:
    await recorded(site, codec)
    (clip,) = (await exported(site, tmp_path / "out", 31, 121)).clips
    path = tmp_path / "out" / clip.name
    assert probed(path) == (name, clip.pictures)
    assert (clip.start, clip.pictures) == (at(30), 92 * 25)
    assert b"moof" not in path.read_bytes()
    units, _ = pictures.loop(codec)
    found = pictures.pictures_of(path.read_bytes())
    assert found[7].endswith(units[7][-1])
    assert hashlib.sha256(b"".join(found)).hexdigest() == clip.pictures_sha256


async def test_the_pictures_hash_is_that_of_the_recording(site: Site, tmp_path: Path) -> None:
    await recorded(site)
    (clip,) = (await exported(site, tmp_path / "out", 0, 600)).clips
    whole = [each for file in await site.files() for each in pictures.pictures_of(site.path(file).read_bytes())]
    assert hashlib.sha256(b"".join(whole)).hexdigest() == clip.pictures_sha256


async def test_sha256sum_finds_all_in_order_and_what_was_changed(site: Site, tmp_path: Path) -> None:
    await recorded(site, gap=True)
    await exported(site, tmp_path / "out", 0, 600, **{"调阅登记.json": b"{}"})
    code, text = said(tmp_path / "out", *SUMS)
    assert code == 0
    assert {line.split(":")[0] for line in text.splitlines()} == {
        *("clip-1.mp4", "clip-1.wav", "clip-2.mp4", "manifest.json", "调阅登记.json")
    }
    with (tmp_path / "out" / "clip-1.mp4").open("r+b") as file:
        file.seek(100_000)
        file.write(b"!")
    assert said(tmp_path / "out", *SUMS)[0] == 1


async def test_no_file_bridges_a_gap(site: Site, tmp_path: Path) -> None:
    await recorded(site, gap=True)
    manifest = await exported(site, tmp_path / "out", 0, 600)
    assert [(each.start, each.end) for each in manifest.clips] == [(at(0), at(130)), (at(550), at(580))]
    assert manifest.gaps == [(at(130), at(550)), (at(580), at(600))]
    told = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert told["about"]["officers"] == ["甲", "乙"]


async def test_sound_is_a_plain_file_beside(site: Site, tmp_path: Path) -> None:
    await recorded(site)
    (clip,) = (await exported(site, tmp_path / "out", 0, 60)).clips
    asked = ("-show_entries", "stream=codec_name,duration", "-of", "csv=p=0")
    assert said(tmp_path / "out", "ffprobe", "-v", "error", *asked, clip.sound) == (0, "pcm_alaw,60.000000")


async def test_nothing_recorded_leaves_nothing(site: Site, tmp_path: Path) -> None:
    await recorded(site)
    with pytest.raises(NotFound):
        await exported(site, tmp_path / "out", 300, 400)
    with pytest.raises(Invalid):
        await exported(site, tmp_path / "out", 0, 13 * 3600)
    assert not (tmp_path / "out").exists()


async def test_too_little_space_is_refused_before(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await recorded(site)
    monkeypatch.setattr("anju.media.export.MARGIN", 10**18)
    with pytest.raises(Refused) as refused:
        await exported(site, tmp_path / "out", 0, 60)
    assert refused.value.code == "no_space"
    assert not (tmp_path / "out").exists()


async def test_a_stopped_export_leaves_nothing_and_tells_how_far_it_was(site: Site, tmp_path: Path) -> None:
    await recorded(site)
    files = await Library(site.db, clock=site.clock).between("c1", round(T0 * 1000), round((T0 + 600) * 1000))
    steps = list[tuple[int, int]]()

    def told(_: str, done: int, total: int) -> None:
        steps.append((done, total))
        if done:
            task.cancel()

    asked = Asked("c1", at(0), at(600))
    task = asyncio.create_task(export(files, asked, tmp_path / "out", now=NOW, told=told))
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert 0 < steps[-1][0] < steps[-1][1]
    assert not (tmp_path / "out").exists()


async def test_one_file_to_carry_away(site: Site, tmp_path: Path) -> None:
    await recorded(site)
    await exported(site, tmp_path / "out", 0, 60)
    zip_up(tmp_path / "out", tmp_path / "out.zip")
    shutil.rmtree(tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "out.zip") as packed:
        packed.extractall(tmp_path / "out")
    assert said(tmp_path / "out", *SUMS)[0] == 0


async def test_a_devices_recording_is_exported_alike(tmp_path: Path) -> None:
    _, track = pictures.loop()
    download = Download(tmp_path / "kept", "c1", T0, lambda: track)
    (tmp_path / "kept").mkdir()
    for each in pictures.frames(5e8, 30):
        download.take(each)
    for each in pictures.frames(5e8, 10, pts=7_000 + 90 * CLOCK):
        download.take(each)
    assert download.seconds == pytest.approx(100, abs=0.1)
    download.state("finished")
    assert await download.over() == "finished"
    files = await download.close()
    manifest = await export(files, Asked("c1", at(0), at(100)), tmp_path / "out", now=NOW, told=lambda *_: None)
    assert [(each.start, each.pictures) for each in manifest.clips] == [(at(0), 750), (at(90), 250)]
    assert probed(tmp_path / "out" / "clip-1.mp4") == ("h264", 750)


async def test_a_download_the_disk_does_not_take_is_refused(tmp_path: Path) -> None:
    download = Download(tmp_path / "gone", "c1", T0, lambda: pictures.loop()[1])
    for each in pictures.frames(5e8, 4):
        download.take(each)
    assert "disk" in await download.over()
    with pytest.raises(Refused):
        await download.close()
