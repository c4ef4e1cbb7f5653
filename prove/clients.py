"""Clients that others wrote, at a real node: each registers by digest and posts; what was acknowledged is kept.

curl, the JDK's HttpURLConnection and cpp-httplib; each posts passages with pictures, which are read back byte for byte.
"""

import asyncio
import base64
import hashlib
import json
import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.interop.clients import command, missing, talk

from anju.control.seed import registry_seed
from anju.demo_site import spec
from anju.process import clock
from anju.security.blob_keys import BlobKeys
from anju.security.sealing import Sealer
from anju.store.blobs import Blobs
from anju.store.log import this_node
from prove.tiers import Tier

PASSWORD = "prove-clients-7"
CODES = {"curl": "51080200011210000001", "java": "51080200011210000002", "cpp": "51080200011210000003"}
EACH = 40
BEIJING = timedelta(hours=8)


def passages(code: str, pictures: list[bytes]) -> dict[str, Any]:
    """Return one MotorVehicle for each of ``pictures``."""
    at = datetime.now(UTC) + BEIJING
    return {"MotorVehicleListObject": {"MotorVehicleObject": [_one(code, at, n, p) for n, p in enumerate(pictures)]}}


def _one(code: str, at: datetime, number: int, picture: bytes) -> dict[str, Any]:
    basic, time = f"{code}02{at:%Y%m%d%H%M%S}{number:05}", f"{at:%Y%m%d%H%M%S}"
    shot = {"ImageID": basic, "EventSort": 1, "DeviceID": code, "Type": "01", "FileFormat": "Jpeg", "ShotTime": time}
    shot |= {"Width": 1920, "Height": 1080, "Data": base64.b64encode(picture).decode()}
    return {
        "MotorVehicleID": f"{basic}0200001",
        "InfoKind": 1,
        "SourceID": basic,
        "DeviceID": code,
        "PlateClass": "02",
        "PlateColor": "5",
        "PlateNo": f"川H{number:05}",
        "VehicleColor": "2",
        "PassTime": time,
        "SubImageList": {"SubImageInfoObject": [shot]},
    }


async def register(tier: Tier) -> None:
    """Register one lane for each client."""
    told = spec("community", 1)
    told["sites"][0]["devices"] += [
        {"kind": "lane", "name": name, "place": "东围墙", "protocol": "viid", "account": code, "credential": PASSWORD}
        for name, code in CODES.items()
    ]
    async with tier.opened() as db, db.transaction() as tx:
        seal = Sealer(tier.folder / "data" / "keys").seal
        await registry_seed(tx, told, node=await this_node(tx), at=clock(), seal=seal)


async def kept(tier: Tier, code: str) -> list[str]:
    """Return the digests of the pictures kept of device ``code``, each read back whole."""
    data = tier.folder / "data"
    async with tier.opened() as db:
        blobs = Blobs(db, data / "blobs", BlobKeys(data / "keys"), clock=clock)
        rows = await db.fetch(
            """SELECT p.body FROM passage p JOIN device d ON d.id = p.device_id WHERE d.account = %(code)s""", code=code
        )
        found = [await blobs.read(each["blob_id"]) for row in rows for each in row[0]["pictures"]]
        await blobs.close()
        return sorted(hashlib.sha256(data).hexdigest() for data, _ in found)


async def proved(tier: Tier, name: str, folder: Path) -> bool:
    """Let one client do its work; return whether all it sent is kept."""
    pictures = [os.urandom(60_000) for _ in range(EACH)]
    file = folder / f"{name}.json"
    file.write_text(json.dumps(passages(CODES[name], pictures), ensure_ascii=False))
    url = f"http://127.0.0.1:{tier.ports['intake']}"
    answers = await talk(await command(name, folder), url, CODES[name], PASSWORD, file)
    acknowledged = answers[1][1].count('"StatusCode":0') if len(answers) > 1 else 0
    whole = await kept(tier, CODES[name]) == sorted(hashlib.sha256(each).hexdigest() for each in pictures)
    print(f"{name}: {[status for status, _ in answers]}, {acknowledged} acknowledged, kept byte for byte: {whole}")
    return [status for status, _ in answers] == [200] * 4 and acknowledged == EACH and whole


async def prove() -> bool:
    """Return whether every client on this machine got in and lost nothing."""
    held = True
    with tempfile.TemporaryDirectory(prefix="anju-prove-") as name:
        Path(name).chmod(0o755)
        tier = Tier("community", Path(name) / "community", "separate")
        tier.write()
        await tier.start()
        try:
            await tier.set_up(1)
            await register(tier)
            await asyncio.sleep(1)  # the registry is compared twice a second
            for client in CODES:
                if reason := missing(client):
                    print(f"{client}: not tried: {reason}")
                    held = False
                else:
                    held &= await proved(tier, client, Path(name))
        finally:
            await tier.stop()
    return held


if __name__ == "__main__":
    raise SystemExit(0 if asyncio.run(prove()) else 1)
