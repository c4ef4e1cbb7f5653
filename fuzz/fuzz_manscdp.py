"""Any body: a command or a WireError, within bounds; what was read can be written and reads the same again.

The first byte chooses between the bytes as they are and a body grown from the standard's names.
Run ``python fuzz/fuzz_manscdp.py -max_total_time=60``.
"""

import sys
from contextlib import suppress
from typing import Any

import atheris

with atheris.instrument_imports():
    from anju.errors import WireError
    from anju.protocols import (
        manscdp,
        manscdp_aims,
        manscdp_alarms,
        manscdp_catalog,
        manscdp_config,
        manscdp_control,
        manscdp_devices,
        manscdp_positions,
        manscdp_presets,
        manscdp_records,
        manscdp_sessions,
        manscdp_voice,
    )

READERS = (
    manscdp_devices.read_keepalive,
    manscdp_devices.read_info,
    manscdp_devices.read_status,
    manscdp_catalog.read_catalog,
    manscdp_records.read_records,
    manscdp_records.read_record_query,
    manscdp_records.read_media_status,
    manscdp_alarms.read_alarm,
    manscdp_alarms.read_alarm_query,
    manscdp_presets.read_presets,
    manscdp_config.read_config,
    manscdp_config.read_config_query,
    manscdp_positions.read_positions,
    manscdp_positions.read_interval,
    manscdp_voice.read_broadcast,
    manscdp_control.read_order,
    manscdp_aims.read_aim,
    manscdp_aims.read_home_answer,
    manscdp_sessions.read_uploaded,
    manscdp_sessions.read_upgraded,
)
NAMES = (
    *("CmdType", "SN", "DeviceID", "SumNum", "DeviceList", "Item", "Name", "ParentID", "Status", "Event", "Info"),
    *("RecordList", "StartTime", "EndTime", "FileSize", "AlarmMethod", "AlarmTime", "AlarmTypeParam", "EventType"),
    *("PresetList", "PresetID", "BasicParam", "HeartBeatInterval", "Longitude", "Latitude", "PTZCmd", "DragZoomIn"),
    *("HomePosition", "GuardCmd", "AlarmCmd", "Alarmstatus", "ConfigType", "SourceID", "TargetID", "DeviceTime"),
)
WORDS = (
    "Catalog",
    "Alarm",
    "51080201011180000001",
    "2026-03-01T08:00:00",
    "1e309",
    "-1",
    "9" * 18,
    "ON",
    "&",
    "<",
    "门",
)


def one(data: bytes) -> None:
    """Read ``data``, or what grows from it, by every reader."""
    source = atheris.FuzzedDataProvider(data)
    body = _grown(source) if source.ConsumeBool() else source.ConsumeBytes(100_000)
    with suppress(WireError):
        found = manscdp.read(body, source.PickValueInList([None, "GB2312", "UTF-8"]))
        assert len(found.device_id) <= 64
        for each in READERS:
            with suppress(WireError):
                each(found)
        again = manscdp.read(manscdp.write(found, "UTF-8"), "UTF-8")
        assert (again.root, again.cmd_type, again.sn, again.device_id) == (
            found.root,
            found.cmd_type,
            found.sn,
            found.device_id,
        )


def _grown(source: Any) -> bytes:
    root = source.PickValueInList([each.value for each in manscdp.Root])
    inside = "".join(_element(source, 3) for _ in range(source.ConsumeIntInRange(0, 12)))
    text = f"<{root}><CmdType>{source.PickValueInList(list(manscdp.COMMANDS))}</CmdType>{inside}</{root}>"
    body = text.encode(source.PickValueInList(["utf-8", "gb18030", "gb2312"]), "replace")
    return body[: source.ConsumeIntInRange(0, len(body))] if source.ConsumeIntInRange(0, 5) == 0 else body


def _element(source: Any, depth: int) -> str:
    name = source.PickValueInList(list(NAMES))
    if depth and source.ConsumeBool():
        inside = "".join(_element(source, depth - 1) for _ in range(source.ConsumeIntInRange(0, 4)))
    else:
        inside = source.PickValueInList(list(WORDS)) if source.ConsumeBool() else source.ConsumeUnicode(12)
    return f"<{name}>{inside}" + ("" if source.ConsumeIntInRange(0, 15) == 0 else f"</{name}>")


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
