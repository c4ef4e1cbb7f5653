"""What goes wrong with recording, and when it is well again: told once each, never silent.

Source: 5.4.1 (recording and its days); 4.2.1.7 (faults of devices are told).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from anju.domain.devices import Words


class Trouble(StrEnum):
    """What happened. Those of a volume name its path, those of a camera its channel."""

    VOLUME_FULL = "volume_full"
    VOLUME_MISSING = "volume_missing"
    VOLUME_WRONG = "volume_wrong"
    VOLUME_FAILED = "volume_failed"
    VOLUME_OK = "volume_ok"
    NO_SPACE = "no_space"  # of a camera: it gave way
    NO_VOLUME = "no_volume"
    WRITE_FAILED = "write_failed"
    TOO_SLOW = "too_slow"
    RESUMED = "resumed"
    ROWS_LOST = "rows_lost"  # rows whose files are gone
    FLOOR_BROKEN = "floor_broken"  # recordings end before their days are over


TROUBLE_WORDS: Mapping[Trouble, Words] = {
    Trouble.VOLUME_FULL: Words("录像盘空间不足", "a recording volume is nearly full"),
    Trouble.VOLUME_MISSING: Words(
        "录像盘缺失：未挂载或已拔出", "a recording volume is missing: not mounted or taken out"
    ),
    Trouble.VOLUME_WRONG: Words("录像盘不符：挂载了其他平台的磁盘", "the wrong disk is mounted as a recording volume"),
    Trouble.VOLUME_FAILED: Words("录像盘读写失败", "a recording volume cannot be read or written"),
    Trouble.VOLUME_OK: Words("录像盘恢复正常", "a recording volume is well again"),
    Trouble.NO_SPACE: Words("磁盘空间不足，该摄像机已停止录像", "this camera is not recorded: no space is left for it"),
    Trouble.NO_VOLUME: Words("没有可用的录像盘，该摄像机未录像", "this camera is not recorded: no volume can be used"),
    Trouble.WRITE_FAILED: Words("录像写入失败", "its recording could not be written"),
    Trouble.TOO_SLOW: Words("磁盘过慢，部分录像丢失", "the disk is too slow: parts of the recording are lost"),
    Trouble.RESUMED: Words("录像已恢复", "recording goes on"),
    Trouble.ROWS_LOST: Words("部分录像文件丢失", "files of recordings are gone from the disk"),
    Trouble.FLOOR_BROKEN: Words(
        "磁盘空间不足，录像保存不满规定天数", "recordings end before their days are over: no space"
    ),
}
GOOD = frozenset({Trouble.VOLUME_OK, Trouble.RESUMED})
"""What ends an earlier trouble of the same volume or camera."""


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that is told. ``detail`` is for who mends it, in English."""

    trouble: Trouble
    channel_id: str = ""
    volume: str = ""
    detail: str = ""
