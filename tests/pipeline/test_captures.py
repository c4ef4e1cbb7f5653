"""Whose is an object: the sender's, a device's behind it, somebody else's, nobody's."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import pytest_asyncio

from anju.domain.changes import Fate
from anju.domain.devices import Particulars, ViidAccess, sealed_for
from anju.domain.rights import EVERYWHERE
from anju.domain.supervision import Supervision
from anju.errors import Conflict, DatabaseAway
from anju.pipeline.accept import Acceptor
from anju.pipeline.captures import HELD_EACH, CaptureAcceptor, Owned, run_again
from anju.pipeline.keep import Keeper
from anju.pipeline.registry import Registry
from anju.protocols.viid import Bad, SubImage, ViidObject
from anju.security.sealing import Sealer
from anju.store import devices, quarantine
from anju.store.database import Database
from anju.store.devices import NewDevice
from anju.store.log import NodeId
from anju.store.places import Editor
from tests.conftest import FrozenClock
from tests.registry import Estate, make_estate

GATEWAY, BEHIND, OTHER, STRANGER = (f"5108020001119000000{n}" for n in range(1, 5))
PICTURE = b"\xff\xd8\xff\xe0a face"


def face(device: str, number: int = 1, kind: str = "face") -> ViidObject:
    image = SubImage("i", "11", "Jpeg", None, 9, 9, 10, "", PICTURE, feature=False)
    members = {"FaceID": f"f{number}", "Name": "张三", "DeviceID": device}
    return ViidObject(kind, f"f{number}", device, "", "", None, "", members, (image,), ())


async def nothing(_: object) -> None: ...


@dataclass(slots=True)
class Stand:
    """A gateway, a camera behind it, and a camera of its own, at one intake process."""

    db: Database
    node: NodeId
    clock: FrozenClock
    estate: Estate
    sealer: Sealer
    registry: Registry
    acceptor: Acceptor
    captures: CaptureAcceptor = field(init=False)
    kept: list[Owned] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        how = {"seal": self.sealer.seal, "heard": self.heard.append, "clock": self.clock}
        self.captures = CaptureAcceptor(self.db, self.registry, self.acceptor, self.keep, **how)  # type: ignore[arg-type]

    async def keep(self, owned: Sequence[Owned], _raw: bytes, _peer: str) -> Sequence[Fate]:
        self.kept += owned
        return [Fate.KEPT] * len(owned)

    async def register(self, code: str, user: str = "", password: bytes | None = None) -> str:
        new = NewDevice("face_camera", f"相机 {code[-1]}", "viid", code, particulars=Particulars(viid=ViidAccess(user)))
        sealed = None if password is None else lambda name: self.sealer.seal(password, sealed_for(name))
        async with self.db.transaction() as tx:
            made = await devices.add(
                tx, self.estate.wall, new, Editor(self.node, "安装员", self.clock()), sealed=sealed
            )
        await self.registry.refresh()
        return made.id

    async def emit(self, *objects: ViidObject) -> list[Fate | Bad]:
        sender = self.registry.find("viid", GATEWAY)
        assert sender is not None
        return await self.captures.emit(objects, b"{}", sender, "192.0.2.10")

    async def held(self) -> list[quarantine.Held]:
        rows = await self.db.fetch("SELECT id FROM quarantine ORDER BY held_at, id")
        return [await quarantine.find(self.db, EVERYWHERE, row[0]) for row in rows]


@pytest_asyncio.fixture(loop_scope="session")
async def stand(db: Database, node: NodeId, clock: FrozenClock, tmp_path: Path) -> AsyncIterator[Stand]:
    sealer = Sealer(tmp_path)
    registry = Registry(db, node, clock=clock, open_sealed=sealer.open)
    keeper = Keeper(db, node, clock=clock, on_committed=nothing, on_unsaved=nothing)
    how = {"clock": clock, "told": nothing, "supervision": Supervision("viid", since=clock())}
    acceptor = Acceptor(db, node, registry, keeper, **how)  # type: ignore[arg-type]
    made = Stand(db, node, clock, await make_estate(db, node, clock()), sealer, registry, acceptor)
    await registry.load()
    await made.register(GATEWAY, "gateway", b"gw")
    await made.register(BEHIND, "gateway")
    await made.register(OTHER, "gateway", b"its own")
    yield made


async def test_a_sender_reports_for_itself_and_for_what_is_behind_it(stand: Stand) -> None:
    fates = await stand.emit(face(GATEWAY), face(BEHIND), face(""))
    assert fates == [Fate.KEPT] * 3
    assert [each.known.device.account for each in stand.kept] == [GATEWAY, BEHIND, GATEWAY]
    assert len(stand.heard) == 2


async def test_what_another_device_could_only_say_itself_is_refused_and_the_rest_kept(stand: Stand) -> None:
    first, second, third = await stand.emit(face(GATEWAY), face(OTHER), face(BEHIND))
    assert (first, third) == (Fate.KEPT, Fate.KEPT)
    assert isinstance(second, Bad)
    assert (second.code, second.reason) == (4, "identity not allowed")


async def test_a_stranger_waits_in_quarantine_with_its_pictures_and_can_be_run_again(stand: Stand) -> None:
    assert await stand.emit(face(STRANGER), face(GATEWAY)) == [Fate.HELD, Fate.KEPT]
    (held,) = await stand.held()
    assert (held.reason, held.source_id, held.value["pictures"]) == ("unknown_device", f"viid:{STRANGER}", 1)
    with pytest.raises(Conflict):
        await run_again(held, stand.registry, stand.keep, open_sealed=stand.sealer.open)
    await stand.register(STRANGER, "gateway")
    assert await run_again(held, stand.registry, stand.keep, open_sealed=stand.sealer.open) is Fate.KEPT
    assert stand.kept[-1].told == replace(face(STRANGER), flags=("late", "rerun"))


async def test_what_waits_names_nobody_and_shows_no_face(stand: Stand) -> None:
    await stand.emit(face(STRANGER))
    (row,) = await stand.db.fetch("SELECT value::text FROM quarantine")
    assert "张三" not in row[0]
    assert "/9j/" not in row[0]


async def test_strangers_are_held_up_to_a_bound_and_then_told_so(stand: Stand) -> None:
    fates = await stand.emit(*(face(STRANGER, n) for n in range(HELD_EACH + 3)))
    assert fates[:HELD_EACH] == [Fate.HELD] * HELD_EACH
    assert [each.reason for each in fates[HELD_EACH:] if isinstance(each, Bad)] == ["unknown_device"] * 3
    assert len(await stand.held()) == HELD_EACH
    stand.clock.forward(3_600)
    assert await stand.emit(face(STRANGER, 999)) == [Fate.HELD]


async def test_an_outage_uses_up_no_bound(stand: Stand) -> None:
    closed = Database("postgresql://nobody@127.0.0.1:1/none")
    how = {"seal": stand.sealer.seal, "heard": stand.heard.append, "clock": stand.clock}
    away = CaptureAcceptor(closed, stand.registry, stand.acceptor, stand.keep, **how)  # type: ignore[arg-type]
    sender = stand.registry.find("viid", GATEWAY)
    assert sender is not None
    for _ in range(HELD_EACH + 1):
        with pytest.raises(DatabaseAway):
            await away.emit([face(STRANGER)], b"{}", sender, "192.0.2.10")


async def test_a_description_of_a_device_changes_no_registry(stand: Stand) -> None:
    known, unknown = await stand.emit(face(GATEWAY, kind="ape"), face(STRANGER, kind="ape"))
    assert known is Fate.DUPLICATE
    assert isinstance(unknown, Bad)
    assert (stand.kept, await stand.held()) == ([], [])
