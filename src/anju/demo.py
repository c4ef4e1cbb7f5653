"""``anju demo``: city, county and community on this machine, paired, with simulated panels, on loopback only.

One PostgreSQL and one NATS serve the three nodes, each with a database of its own; the upper tiers run in one process.
"""

import asyncio
import os
import secrets
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import msgspec
import structlog

from anju.app import console_answers, docking_certificate
from anju.config import Config, load
from anju.demo_cameras import filming, record_some, with_video
from anju.demo_site import FIRST_FACE, FIRST_LANE, FIRST_PANEL, LANES, ZONES, spec
from anju.domain.cascade import Upper as Upper28181
from anju.domain.docking import Lower, LowerState, Upper, UpperState
from anju.engines import NatsServer, Postgres
from anju.engines.child import becoming, closed_above
from anju.errors import ConfigError, DatabaseAway
from anju.process import clock, together
from anju.security import setup
from anju.security.keys import NodeKeys
from anju.security.pairing import key_fingerprint
from anju.security.sealing import Sealer
from anju.simulators import viid_camera, viid_habits
from anju.simulators.alarm_panel import Faults, Panel, drive, fleet
from anju.store import links
from anju.store.cascade import new_upper_id
from anju.store.database import Database
from anju.store.log import this_node
from anju.supervisor import locked
from anju.wire.tls import fingerprint

NODES = ("city", "county", "community")
READY_S = 60.0
REPORT_EVERY_S, SUPERVISE_EVERY_S = 20.0, 10.0
PASSING_PER_S, FOR_EVER_S = 0.2, 1e9
_log = structlog.get_logger(__name__)

_ABOUT: dict[str, dict[str, Any]] = {
    "city": {"id": "gy-city", "name": "广元市平台", "region": "510800", "docking": 8722},
    "county": {"id": "gy-lizhou", "name": "利州区平台", "region": "510802", "docking": 8712},
    "community": {"id": "gy-dongba", "name": "东坝社区平台", "region": "510802", "dc09": 8707},
}
_PORTS = {
    "city": {"web": 8720, "intake": 8721, "viewers": 8725, "sip": 8726, "rtp_first": 42000, "rtp_last": 42999},
    "county": {"web": 8710, "intake": 8711, "viewers": 8715, "sip": 8716, "rtp_first": 41000, "rtp_last": 41999},
    "community": {"web": 8700, "intake": 8701, "viewers": 8705, "sip": 8706, "rtp_first": 40000, "rtp_last": 40499},
}


def demo_folder() -> Path:
    """Return where the demo keeps its data: here, or in /var/lib where root works in a folder closed to others."""
    here = Path("build/demo").resolve()
    return Path("/var/lib/anju/demo") if os.geteuid() == 0 and closed_above(here) else here


async def run_demo(data: Path, *, panels: int, quiet: bool) -> None:
    """Run the demo until cancelled; print where to log in."""
    with locked(data):
        async with _engines(data) as (postgres, nats):
            configs = [await _config(data, name, postgres, nats) for name in NODES]
            credential = await asyncio.to_thread(_credential, data / "cameras")
            children = [await _spawn(data / name / "anju.toml") for name in NODES]
            try:
                async with asyncio.timeout(READY_S):
                    urls = [await console_answers(config) for config in configs]
                await _furnish(configs, panels, credential)
                await _tell(configs, urls)
                await together(
                    *(_watched(child) for child in children),
                    _same_accounts(configs),
                    _live(panels, quiet=quiet),
                    _pass_by(credential, quiet=quiet),
                    _film(configs[-1], credential, data / "loops"),
                )
            finally:
                await asyncio.gather(*(_end(child) for child in children))


@asynccontextmanager
async def _engines(data: Path) -> AsyncIterator[tuple[Postgres, NatsServer]]:
    postgres, nats = Postgres(data), NatsServer(data)
    try:
        await postgres.start()
        await nats.start()
        yield postgres, nats
    finally:
        await nats.stop()
        await postgres.stop()


async def _config(data: Path, name: str, postgres: Postgres, nats: NatsServer) -> Config:
    """Write one node's configuration, and make its database."""
    about, ports, database = _ABOUT[name], _PORTS[name], f"anju_{name}"
    await postgres.create_database(database)
    lines = [
        f'tier = "{name}"',
        'data = "."',
        f'processes = "{"separate" if name == "community" else "single"}"',
        f'[node]\nid = "{about["id"]}"\nname = "{about["name"]}"\nregion = "{about["region"]}"',
        f'[database]\nurl = "{postgres.app_url(database)}"\nowner_url = "{postgres.owner_url(database)}"',
        f'[bus]\nurls = ["{nats.url}"]',
        f"[web]\nport = {ports['web']}",
        f"[intake]\nport = {ports['intake']}",
        f"[docking]\nport = {about['docking']}" if "docking" in about else f"[gateway]\ndc09 = {about['dc09']}",
        "[video]",
        *(f"{each} = {ports[each]}" for each in ("sip", "viewers", "rtp_first", "rtp_last")),
    ]
    path = data / name / "anju.toml"
    await asyncio.to_thread(_write, path, "\n".join(lines) + "\n")
    return load(path)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    path.write_text(text)


async def _spawn(config: Path) -> asyncio.subprocess.Process:
    with (config.parent / "anju.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "anju",
            "run",
            "--config",
            str(config),
            stdout=log,
            stderr=log,
            preexec_fn=becoming(None),
        )


async def _watched(child: asyncio.subprocess.Process) -> None:
    code = await child.wait()
    raise ConfigError(f"a node of the demo ended with {code}: see the anju.log of its folder")


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        child.terminate()
        await child.wait()


@asynccontextmanager
async def _database(config: Config) -> AsyncIterator[Database]:
    db = Database(config.database.url, application="anju demo")
    await db.open()
    try:
        yield db
    finally:
        await db.close()


def _credential(path: Path) -> str:
    """Return the digest password of the simulated cameras, made on first use."""
    if not path.is_file():
        _write(path, secrets.token_urlsafe(18))
    return path.read_text()


async def _furnish(configs: list[Config], panels: int, credential: str) -> None:
    """Give the community its places, panels and cameras, and pair the tiers; what is there already stays."""
    from anju.control.seed import registry_seed

    names = {"county": configs[2], "city": configs[1]}
    for config in configs:
        below = names.get(config.tier)
        async with _database(config) as db, db.transaction() as tx:
            told, seal = spec(config.tier, panels, credential=credential), Sealer(config.data / "keys").seal
            told = with_video(told, credential, (below.node.name, below.platform) if below else None)
            await registry_seed(tx, told, node=await this_node(tx), at=clock(), seal=seal)
    city, county, community = configs
    for lower, upper, region in ((community, county, "/510800/510802/"), (county, city, "/510800/")):
        await _pair(lower, upper, region=region)
        await _cascade(lower, upper, credential)


async def _cascade(lower: Config, upper: Config, credential: str) -> None:
    """Let the lower tier register at the upper one by GB/T 28181 and share all of its cameras."""
    from anju.control.seed import upper_seed

    assert upper.video is not None  # noqa: S101 - the demo has it at all tiers
    platform = Upper28181(
        *(new_upper_id(), upper.node.name, upper.platform, upper.platform[:10], "127.0.0.1", lower.platform),
        port=upper.video.sip,
        username=lower.platform,
        ptz=True,
        playback=True,
        mode="places",
        alarm_level=0,  # alarms go up by the link between the tiers: once is enough
    )
    seal = Sealer(lower.data / "keys").seal
    async with _database(lower) as db, db.transaction() as tx:
        await upper_seed(tx, platform, password=credential, node=await this_node(tx), seal=seal)


async def _pair(lower: Config, upper: Config, *, region: str) -> None:
    """Do what two administrators would do with a code; what is paired already stays."""
    certificate, _ = docking_certificate(upper)
    pem = await asyncio.to_thread(certificate.read_text)
    public = NodeKeys.load_or_make(lower.data).public
    port = upper.docking.port if upper.docking else 0
    async with _database(lower) as below, _database(upper) as above:
        if await links.upper(below) is not None:
            return
        asking = Lower(lower.node.id, lower.node.name, lower.tier, public, key_fingerprint(public), LowerState.PENDING)
        link = Upper(
            f"https://127.0.0.1:{port}", pem, upper.node.id, upper.node.name, fingerprint(pem), UpperState.WAITING
        )
        async with above.transaction() as tx:
            await links.ask_in(tx, asking, at=clock())
            await links.approve(tx, lower.node.id, region=region, by="demo")
        async with below.transaction() as tx:
            await links.put_upper(tx, link, at=clock())


async def _tell(configs: list[Config], urls: list[str]) -> None:
    """Print the addresses and, while nobody set the demo up, the one link that does."""
    for config, url in zip(configs, urls, strict=True):
        print(f"{config.node.name}: {url}", flush=True)  # noqa: T201 - what its user must read
    async with _database(configs[-1]) as db:
        if await setup.needed(db):
            link = f"{urls[-1]}#/setup?token={await setup.make_link(db)}"
            print(f"Set-up link (once, 24 h; the accounts hold at all three tiers): {link}", flush=True)  # noqa: T201


_ACCOUNTS = ("role", "account", "role_grant")
_NEWER = {
    "account": """(id) DO UPDATE SET password_hash = EXCLUDED.password_hash, must_change = EXCLUDED.must_change,
        password_changed_at = EXCLUDED.password_changed_at
        WHERE account.password_changed_at < EXCLUDED.password_changed_at"""
}


async def _same_accounts(configs: list[Config]) -> None:
    """Make the demo's accounts at county and city as well, so that one set-up opens all three."""
    *uppers, community = configs
    while True:
        try:
            async with _database(community) as source:
                for config in uppers:
                    async with _database(config) as target:
                        await _copy_accounts(source, target)
        except DatabaseAway as away:
            _log.info("accounts are compared later", reason=str(away))
        await asyncio.sleep(1.0)


async def _copy_accounts(source: Database, target: Database) -> None:
    copied = 0
    async with target.transaction() as tx:
        for table in _ACCOUNTS:
            rows = await source.fetch(f"SELECT to_jsonb(t)::text FROM {table} AS t")
            for (row,) in rows:
                copied += await tx.execute(
                    f"""INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, %(row)s::jsonb)
                        ON CONFLICT {_NEWER.get(table, "DO NOTHING")}""",
                    row=row,
                )
        if copied:
            await tx.execute("UPDATE version SET value = value + 1 WHERE name = 'rights'")


async def _live(panels: int, *, quiet: bool) -> None:
    """Keep the panels alive; unless ``quiet``, let one report an intrusion now and then."""
    found = fleet("127.0.0.1", _ABOUT["community"]["dc09"], panels, first=FIRST_PANEL)
    await together(*(_supervise(panel) for panel in found), *(() if quiet else (_intrude(found),)))


async def _pass_by(credential: str, *, quiet: bool) -> None:
    """Be the cameras at the gates; unless ``quiet``, let a vehicle or a person pass now and then."""
    port, rate = _PORTS["community"]["intake"], 0.001 if quiet else PASSING_PER_S
    cameras = [
        *viid_camera.fleet("127.0.0.1", port, len(LANES), first=FIRST_LANE, password=credential),
        *viid_camera.fleet("127.0.0.1", port, 1, first=FIRST_FACE, password=credential, faces=1.0),
    ]
    await viid_camera.drive(cameras, rate, FOR_EVER_S, on_acknowledged=lambda _: None)


async def _film(config: Config, credential: str, loops: Path) -> None:
    """Be the community's cameras for video, and let the platform record a few of them."""
    async with filming(config, credential, loops), _database(config) as db:
        await record_some(db)
        await asyncio.Event().wait()


async def _supervise(panel: Panel) -> None:
    while True:
        await panel.supervise()
        await asyncio.sleep(SUPERVISE_EVERY_S)


async def _intrude(panels: list[Panel]) -> None:
    number = 0
    while True:
        await asyncio.sleep(REPORT_EVERY_S)
        panel, zone = panels[number % len(panels)], f"{number % ZONES + 1:03}"
        await panel.report("130", zone)
        await asyncio.sleep(REPORT_EVERY_S / 4)
        await panel.report("130", zone, qualifier="3")
        number += 1


async def run_panels(
    host: str,
    port: int,
    *,
    first: str,
    panels: int,
    rate: float,
    seconds: float,
    faults: Mapping[str, float],
    udp: bool,
) -> None:
    """Be a fleet of panels for a while; print what was sent and acknowledged. Raises ConfigError for bad words."""
    try:
        chosen, account = Faults(**faults), int(first, 16)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{error}: faults are {', '.join(Faults.__slots__)}; accounts are hexadecimal") from error
    acknowledged: Counter[str] = Counter()
    found = fleet(host, port, panels, first=account, transport="udp" if udp else "tcp", faults=chosen)
    sent = await drive(found, rate, seconds, on_acknowledged=lambda each: acknowledged.update([each.source]))
    print(f"{sent} reports begun, {acknowledged.total()} acknowledged, by {len(acknowledged)} panels")  # noqa: T201


async def run_cameras(
    host: str,
    port: int,
    count: int,
    rate: float,
    seconds: float,
    *,
    batch: int,
    makes: Sequence[str] | None,
    faults: Mapping[str, float],
    told: Path | None,
    **how: Any,
) -> None:
    """Be a fleet of cameras for a while; print what was sent and acknowledged. Raises ConfigError for bad words.

    Each acknowledged object is a JSON line in ``told`` at once; ``how`` goes to the fleet.
    """
    named = sorted(viid_habits.HABITS) if makes == ["all"] else makes or ["book"]
    try:
        chosen = viid_camera.Faults(**faults)
        found = viid_camera.fleet(host, port, count, makes=named, faults=chosen, **how)
    except (TypeError, KeyError, ValueError) as error:
        known = f"faults are {', '.join(viid_camera.Faults.__slots__)}; makes are {', '.join(viid_habits.HABITS)}"
        raise ConfigError(f"{error}: {known}") from error
    acknowledged: Counter[str] = Counter()
    with told.open("a", encoding="utf-8", buffering=1) if told else nullcontext() as lines:

        def note(each: viid_camera.Acknowledged) -> None:
            acknowledged.update([each.device])
            if lines:
                lines.write(msgspec.json.encode(each).decode() + "\n")

        sent = await viid_camera.drive(found, rate, seconds, on_acknowledged=note, batch=batch)
    refused = sum(each.tally.refused for each in found)
    by = f"by {len(acknowledged)} cameras in {sum(each.tally.posts for each in found)} posts"
    print(f"{sent} objects begun, {acknowledged.total()} acknowledged, {refused} refused, {by}")  # noqa: T201
