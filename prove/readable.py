"""Nobody who takes the disk reads a person off it: no name, number, phone or face in the database or the pictures.

A community keeps faces and persons whose members name people, of a known camera and of a stranger, whole requests and
broken ones, and a visitor nobody shall let in. Then every file of its data folder is searched, the database's own files
and its log among them, and every table as COPY tells it. The keys lie in the folder too: they are what a thief of the
database or of the pictures does not have.
"""

import asyncio
import base64
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import psycopg
from psycopg import sql

from anju.engines import Postgres
from anju.simulators.plate_picture import draw_face, jpeg
from anju.simulators.viid_camera import Faults
from prove.cameras import FIRST, PASSWORD, cameras
from prove.tiers import Tier, checked

NAME, USED_NAME, DOCUMENT, PHONE = "欧阳静怡", "端木小满", "510802199003070029", "13981201357"
VISITOR, OWNER = "司马长风", "尉迟远山"
STRANGER = "51080200011190009999"
MARK = b"nobody reads this of a face 7f3a"
CHUNK, OVERLAP = 8 * 1024 * 1024, 256


def face_picture() -> bytes:
    """Return a JPEG with MARK in a comment: whoever finds MARK has found the picture in clear."""
    plain = jpeg(draw_face(7))
    comment = b"\xff\xfe" + (len(MARK) + 2).to_bytes(2, "big") + MARK
    return plain[:2] + comment + plain[2:]


def needles(picture: bytes) -> dict[bytes, str]:
    """Return what must not be found, in every dress it may wear, and what it would be."""
    texts = {"name": NAME, "used name": USED_NAME, "document": DOCUMENT, "phone": PHONE, "visitor": VISITOR}
    texts["owner"] = OWNER
    found = {MARK: "face", **dict.fromkeys(in_base64(MARK), "face in base64")}
    found |= {base64.b64encode(picture[600:660]): "face in base64", picture[2000:2040]: "face"}
    for what, text in texts.items():
        for charset in ("utf-8", "gbk", "utf-16-le"):
            found[text.encode(charset)] = what
        found |= dict.fromkeys(in_base64(text.encode()), f"{what} in base64")
        found[json.dumps(text).strip('"').encode()] = what
        found[text.encode().hex().encode()] = f"{what} in hex"
    return found


def in_base64(plain: bytes) -> Iterator[bytes]:
    """Yield how the inside of ``plain`` looks in base64 at each of the three alignments."""
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + plain)
        yield whole[4 : len(whole) - 4]


def person(kind: str, device: str, number: int, picture: bytes) -> dict[str, Any]:
    """Return a face or a person whose members name somebody."""
    basic = f"{device}022026112508153{number % 10}{number:05}"
    shot = {"ImageID": basic, "EventSort": 10, "DeviceID": device, "Type": "11", "FileFormat": "Jpeg"}
    shot |= {"ShotTime": "20261125081530", "Width": 200, "Height": 200, "Data": base64.b64encode(picture).decode()}
    named = {"Name": NAME, "UsedName": USED_NAME, "IDType": "111", "IDNumber": DOCUMENT, "PhoneNumber": PHONE}
    subtype = "06" if kind == "Face" else "01"
    return {f"{kind}ID": f"{basic}{subtype}{number:05}", "InfoKind": 1, "SourceID": basic, "DeviceID": device} | {
        **named,
        "ShotTime": "20261125081530",
        **dict(zip(("LeftTopX", "LeftTopY", "RightBtmX", "RightBtmY"), (41, 18, 150, 170), strict=True)),
        "SubImageList": {"SubImageInfoObject": [shot]},
    }


def vehicle(device: str, picture: bytes) -> dict[str, Any]:
    """Return a vehicle whose sender tells its owner in members of its own."""
    told = person("MotorVehicle", device, 77, picture)
    return told | {
        "PlateNo": "川HA5Q68",
        "PlateColor": "5",
        "OwnerName": OWNER,
        "OwnerPhone": PHONE,
        "OwnerID": DOCUMENT,
    }


async def post(tier: Tier, picture: bytes) -> Counter[int]:
    """Post everything that may carry a person; return the answers by status."""
    answers: Counter[int] = Counter()
    url, auth = f"http://127.0.0.1:{tier.ports['intake']}/VIID", httpx2.DigestAuth(FIRST, PASSWORD)
    headers = {"User-Identify": FIRST, "Content-Type": "application/VIID+JSON"}
    async with httpx2.AsyncClient(trust_env=False, headers=headers, auth=auth, timeout=20) as client:
        await registered(client, url)
        for path, body in bodies(picture):
            answers[(await client.post(f"{url}/{path}", content=body)).status_code] += 1
    return answers


async def registered(client: httpx2.AsyncClient, url: str) -> None:
    """Register; the door learns of a device within a moment, and five wrong tries lock out."""
    for left in (3, 2, 1, 0):
        await asyncio.sleep(1.0)
        answer = await client.post(f"{url}/System/Register", json={"RegisterObject": {"DeviceID": FIRST}})
        if answer.status_code == 200 or not left:
            checked(answer)
            return


def bodies(picture: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield collections and bodies: whole, of a stranger, with a bad object beside a good one, broken off, GBK."""
    for device in (FIRST, STRANGER):
        faces = [person("Face", device, number, picture) for number in (1, 2)]
        yield "Faces", json.dumps({"FaceListObject": {"FaceObject": faces}}, ensure_ascii=False).encode()
        people = [person("Person", device, 3, picture)]
        yield "Persons", json.dumps({"PersonListObject": {"PersonObject": people}}, ensure_ascii=False).encode("gbk")
        passed = {"MotorVehicleListObject": {"MotorVehicleObject": [vehicle(device, picture)]}}
        yield "MotorVehicles", json.dumps(passed).encode()
    bad = person("Face", FIRST, 4, picture) | {"FaceID": "", "SourceID": ""}
    good = person("Face", FIRST, 5, picture)
    both = json.dumps({"FaceListObject": {"FaceObject": [bad, good]}}, ensure_ascii=False).encode()
    yield "Faces", both
    yield "Faces", both[:-40]
    yield "Faces", both.replace(b'"FaceListObject"', b'"Faces"')
    yield "MotorVehicles", both


async def ban_a_visitor(tier: Tier) -> None:
    """Put a visitor on the watch list."""
    async with tier.as_("guard") as guard:
        tree = checked(await guard.get("/api/places/tree"))
        site = next(each["id"] for each in tree["items"] if each["kind"] == "site")
        ends = (datetime.now(UTC) + timedelta(days=30)).isoformat()
        entry = {"kind": "visitor", "place_id": site, "name": VISITOR, "phone": PHONE, "document": DOCUMENT}
        checked(
            await guard.post("/api/watch-list", json=entry | {"reason": "threatened a resident", "expires_at": ends})
        )


def in_files(folder: Path, wanted: dict[bytes, str]) -> tuple[list[str], int]:
    """Search every file below ``folder``; return what was found and how many bytes were read."""
    found, read = [], 0
    for path in (each for each in folder.rglob("*") if each.is_file()):
        with path.open("rb") as file:
            tail = b""
            while piece := file.read(CHUNK):
                read += len(piece)
                whole = tail + piece
                found += [f"{what} in {path.relative_to(folder)}" for needle, what in wanted.items() if needle in whole]
                tail = whole[-OVERLAP:]
    return sorted(set(found)), read


def in_tables(url: str, wanted: dict[bytes, str]) -> tuple[list[str], int]:
    """Search every table as COPY tells it, bytes in hex decoded; return what was found and how many rows there were."""
    found, rows = [], 0
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND c.relkind = 'r'"
        ).fetchall()
        for (name,) in names:
            with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(name))) as copy:
                for row in copy:
                    rows += 1
                    plain = bytes(row) + b"\n" + unhexed(bytes(row))
                    found += [f"{what} in table {name}" for needle, what in wanted.items() if needle in plain]
    return sorted(set(found)), rows


def unhexed(row: bytes) -> bytes:
    """Return the bytea columns of a row, decoded."""
    columns = [each[3:] for each in row.rstrip(b"\n").split(b"\t") if each.startswith(b"\\\\x")]
    return b"\n".join(bytes.fromhex(each.decode()) for each in columns)


async def proof(folder: Path) -> bool:
    """Return whether nothing is readable of what was kept, and that it was kept."""
    tier, picture = Tier("community", folder / "community", "separate"), face_picture()
    tier.write()
    await tier.start()
    try:
        await tier.set_up(1)
        await cameras(tier, 1, Faults())
        print("answers by status:", dict(sorted((await post(tier, picture)).items())))
        await ban_a_visitor(tier)
        server = Postgres(tier.folder / "data", port=tier.ports["postgres"])
        with psycopg.connect(server.root_url("anju"), autocommit=True) as root:
            root.execute("CHECKPOINT")
        for table in ("sighting", "passage", "quarantine", "raw_frame", "blob", "watch_entry"):
            print(f"{table}: {await tier.count(f'SELECT count(*) FROM {table}')} rows")
        return told(tier, server.root_url("anju"), needles(picture))
    finally:
        await tier.stop()


def told(tier: Tier, url: str, wanted: dict[bytes, str]) -> bool:
    """Search and print; return whether nothing was found."""
    tables, rows = in_tables(url, wanted)
    files, read = in_files(tier.folder, wanted)
    things = ", ".join(sorted({each.split(" in ")[0] for each in wanted.values()}))
    print(f"searched {rows:,} rows and {read / 1e6:,.0f} MB of files for {len(wanted)} forms of {things}")
    for each in (*tables, *files):
        print("READABLE:", each)
    return not tables and not files


def main() -> int:
    """Return 0 where nothing is readable."""
    with tempfile.TemporaryDirectory(prefix="anju-prove-") as name:
        Path(name).chmod(0o755)
        return 0 if asyncio.run(proof(Path(name))) else 1


if __name__ == "__main__":
    sys.exit(main())
