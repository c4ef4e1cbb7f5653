"""What stands where in the demo: a region, a closed and an open community, their panels, lanes and cameras."""

from typing import Any

FIRST_PANEL = 0x1001
ZONES = 8
FIRST_LANE, FIRST_FACE = "51080200011210000001", "51080200011190000001"
LANES = (
    ("东大门入口", "东大门", "in"),
    ("东大门出口", "东大门", "out"),
    ("南门入口", "南门", "in"),
    ("南门出口", "南门", "out"),
)
"""Name, gate and way of each lane of the closed community."""

REGIONS = (
    {"code": "510800", "kind": "city", "name": "广元市", "longitude": 105.8433, "latitude": 32.4355},
    {"code": "510802", "kind": "county", "name": "利州区", "longitude": 105.8450, "latitude": 32.4330},
    {"code": "510802001", "kind": "street", "name": "东坝街道", "longitude": 105.8280, "latitude": 32.4410},
    {"code": "510802001001", "kind": "community", "name": "天成社区"},
)
JURISDICTION = {"code": "510802450000", "name": "利州区公安分局东坝派出所"}


def spec(tier: str, panels: int, *, credential: str = "") -> dict[str, Any]:
    """Return the region's places, and at the community its sites, panels and zones.

    With a ``credential`` plate and face cameras stand at the gates, and prove with it who they are.
    """
    regions = list(REGIONS[:1] if tier == "city" else REGIONS[:2] if tier == "county" else REGIONS)
    if tier != "community":
        return {"regions": regions, "jurisdictions": [JURISDICTION], "sites": []}
    return {"regions": regions, "jurisdictions": [JURISDICTION], "sites": _sites(panels, credential)}


def _sites(panels: int, credential: str) -> list[dict[str, Any]]:
    closed: dict[str, Any] = {
        "name": "东坝一号院",
        "jurisdiction": JURISDICTION["code"],
        "profile": {"era": "new", "form": "closed", "households": 864},
        "longitude": 105.8296,
        "latitude": 32.4402,
        "places": [{"kind": "area", "name": each} for each in ("东围墙", "南围墙", "西围墙", "北围墙", "管理中心")]
        + [{"kind": "gate", "name": each} for each in ("东大门", "南门")]
        + [{"kind": "building", "name": f"{number} 号楼"} for number in range(1, 5)],
    }
    open_site: dict[str, Any] = {
        "name": "利州老街小区",
        "jurisdiction": JURISDICTION["code"],
        "profile": {"era": "built", "form": "open", "households": 412},
        "longitude": 105.8243,
        "latitude": 32.4449,
        "places": [{"kind": "building", "name": f"{number} 号楼"} for number in range(1, 4)],
    }
    where = ("西围墙", "北围墙", "东围墙", "南围墙", "管理中心")
    closed["devices"] = [_panel(FIRST_PANEL + n, where[n % len(where)]) for n in range(panels - panels // 3)]
    closed["devices"] += _cameras(credential) if credential else []
    rest = range(panels - panels // 3, panels)
    open_site["devices"] = [_panel(FIRST_PANEL + n, f"{n % 3 + 1} 号楼") for n in rest]
    return [closed, open_site]


def _panel(account: int, place: str) -> dict[str, Any]:
    centre = place == "管理中心"
    zones = [
        {"area": "01", "number": f"{n:03}", "name": f"{place} {n} 号" + ("紧急按钮" if centre else "防区")}
        | ({"kind": "panic"} if centre else {})
        for n in range(1, ZONES + 1)
    ]
    return {
        "kind": "alarm_panel",
        "name": f"{place}报警主机",
        "place": place,
        "protocol": "dc09",
        "account": f"0/{account:04X}",
        "zones": zones,
    }


def _cameras(credential: str) -> list[dict[str, Any]]:
    """Return the plate cameras of LANES and a face camera, which speak GA/T 1400 with ``credential``."""
    lanes = [
        {"kind": "lane", "name": f"{name}车道", "place": gate, "passes": way, "account": _following(FIRST_LANE, n)}
        for n, (name, gate, way) in enumerate(LANES)
    ]
    face = {"kind": "face_camera", "name": "东大门人脸抓拍机", "place": "东大门", "account": FIRST_FACE}
    return [{**each, "protocol": "viid", "credential": credential} for each in (*lanes, face)]


def _following(code: str, number: int) -> str:
    return f"{int(code) + number:020}"
