"""Plate and face cameras at a tier: registered, posting pictures for ever; what of that is kept, byte for byte."""

import asyncio
import hashlib
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from anju.control.seed import registry_seed
from anju.demo_site import spec
from anju.process import clock
from anju.security.blob_keys import BlobKeys
from anju.security.sealing import Sealer
from anju.simulators.viid_camera import Acknowledged, Camera, Faults, fleet
from anju.simulators.viid_habits import HABITS
from anju.store.blobs import Blobs
from anju.store.log import this_node
from prove.tiers import Tier

FIRST = "51080200011210000001"
PASSWORD = "prove-cameras-7"
FACES = 0.25
Name = tuple[str, str]  # device code, object id


@dataclass(slots=True)
class Cameras:
    """Cameras of several makes, and what they were told is kept."""

    tier: Tier
    found: Sequence[Camera]
    done: list[Acknowledged] = field(default_factory=list)

    @property
    def names(self) -> set[Name]:
        """Return what was acknowledged."""
        return {(each.device, each.object_id) for each in self.done}

    async def run(self, every_s: float, batch: int) -> None:
        """Let all post for ever, each a batch every so often."""
        async with asyncio.TaskGroup() as group:
            for each in self.found:
                group.create_task(self._post(each, every_s, batch))

    async def _post(self, camera: Camera, every_s: float, batch: int) -> None:
        while True:
            self.done += await camera.deliver(camera.see(batch))
            await asyncio.sleep(every_s)

    async def unlike(self) -> int:
        """Return how many acknowledged pictures are not kept as they were sent."""
        kept = await _pictures(self.tier)
        wanted = [(each.device, each.object_id, digest) for each in self.done for digest in each.pictures]
        return sum(each not in kept for each in wanted)


async def tidy(tier: Tier) -> bool:
    """Repair and check the pictures by the command line; print what it says; return whether all is whole."""
    words = ("-m", "anju", "blobs", "repair", "--settled", "0", "--config", str(tier.folder / "anju.toml"))
    child = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.PIPE)
    said = (await child.communicate())[0].decode()
    print("\n".join(f"{tier.name}: {line}" for line in said.splitlines()))
    return child.returncode == 0 and "all whole" in said


async def cameras(tier: Tier, count: int, faults: Faults) -> Cameras:
    """Register ``count`` cameras at ``tier``, a share of them for faces, of all makes in turn."""
    found = fleet(
        "127.0.0.1",
        tier.ports["intake"],
        count,
        first=FIRST,
        password=PASSWORD,
        makes=tuple(HABITS),
        faces=FACES,
        faults=faults,
        retry_s=0.3,
    )
    told = spec("community", 1)
    told["sites"][0]["devices"] = [
        {"kind": "lane", "name": each.code, "place": "东围墙", "protocol": "viid", "account": each.code}
        | {"credential": PASSWORD}
        for each in found
    ]
    async with tier.opened() as db, db.transaction() as tx:
        seal = Sealer(tier.folder / "data" / "keys").seal
        await registry_seed(tx, told, node=await this_node(tx), at=clock(), seal=seal)
    return Cameras(tier, found)


_THERE = """
    SELECT d.account, o.object_id FROM (
        SELECT device_id, object_id FROM passage UNION ALL SELECT device_id, object_id FROM sighting) AS o
    JOIN device d ON d.id = o.device_id
"""
_BODIES = """
    SELECT d.account, o.object_id, o.body->'pictures' FROM (
        SELECT device_id, object_id, body FROM passage UNION ALL SELECT device_id, object_id, body FROM sighting) AS o
    JOIN device d ON d.id = o.device_id
"""


async def there(tier: Tier) -> Counter[Name]:
    """Return how often each object is kept at ``tier``."""
    async with tier.opened() as db:
        return Counter((row[0], row[1]) for row in await db.fetch(_THERE))


async def _pictures(tier: Tier) -> set[tuple[str, str, str]]:
    """Return device, object and digest of every picture that can be read back whole."""
    data = tier.folder / "data"
    async with tier.opened() as db:
        blobs, found = Blobs(db, data / "blobs", BlobKeys(data / "keys"), clock=clock), set()
        for account, object_id, pictures in await db.fetch(_BODIES):
            for each in pictures:
                read, _ = await blobs.read(each["blob_id"])
                found.add((account, object_id, hashlib.sha256(read).hexdigest()))
        await blobs.close()
        return found
