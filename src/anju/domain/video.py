"""Words of video: cameras as channels, what is asked of them, and why there is no picture.

A channel (通道) is one camera as GB/T 28181 names it: the only one of an IP camera, one of many behind a recorder or
behind a platform below. Source: 4.2.1.2, 5.4.1, 5.4.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from anju.domain.devices import Words


class Purpose(StrEnum):
    """What a stream is for."""

    LIVE = "live"
    PLAYBACK = "playback"
    DOWNLOAD = "download"


class Grade(StrEnum):
    """Which of a camera's streams: 主码流 or 子码流."""

    MAIN = "main"
    SUB = "sub"


class Transport(StrEnum):
    """How a device's RTP comes: ``tcp_passive``: it connects to us; ``tcp_active``: we connect to it."""

    UDP = "udp"
    TCP_PASSIVE = "tcp_passive"
    TCP_ACTIVE = "tcp_active"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One stream the media plane asks the signalling side for; it listens on ``port`` before it asks.

    ``host`` is the address the device shall send to, '' for the one it reaches us at. ``start`` and ``end`` bound a
    recording, ``speed`` is that of a download.
    """

    channel_id: str
    purpose: Purpose
    grade: Grade
    transport: Transport
    port: int
    host: str = ""
    start: datetime | None = None
    end: datetime | None = None
    speed: int = 1


@dataclass(frozen=True, slots=True)
class Agreed:
    """What the device answered. ``ssrc`` is a hint; ``host`` and ``port`` are where its media comes from, or listens.

    ``payloads`` names RTP payload types by number: ``{96: "PS"}``. ``size`` is that of a download in bytes, where told.
    """

    call_id: str
    ssrc: int | None
    host: str
    port: int
    payloads: Mapping[int, str] = field(default_factory=dict)
    size: int | None = None


class PlayAct(StrEnum):
    """What may be done to a running playback."""

    PAUSE = "pause"
    RESUME = "resume"
    SEEK = "seek"  # value: seconds from its start
    SPEED = "speed"  # value: 0.125 to 16


@dataclass(frozen=True, slots=True)
class PlayControl:
    """One step on a running playback."""

    act: PlayAct
    value: float = 0.0


class PtzAct(StrEnum):
    """What may be done to a camera by PTZCmd and its relatives."""

    MOVE = "move"  # pan, tilt, zoom: -255 to 255, 0 stops
    FOCUS = "focus"  # value: -255 near to 255 far
    IRIS = "iris"  # value: -255 close to 255 open
    PRESET_SET = "preset_set"
    PRESET_CALL = "preset_call"
    PRESET_DELETE = "preset_delete"
    CRUISE_ADD = "cruise_add"
    CRUISE_REMOVE = "cruise_remove"
    CRUISE_SPEED = "cruise_speed"
    CRUISE_DWELL = "cruise_dwell"
    CRUISE_START = "cruise_start"
    CRUISE_STOP = "cruise_stop"
    SCAN_START = "scan_start"
    SCAN_LEFT = "scan_left"
    SCAN_RIGHT = "scan_right"
    SCAN_SPEED = "scan_speed"
    SCAN_STOP = "scan_stop"
    AUX = "aux"  # number: 1 wiper; value: 1 on, 0 off
    DRAG_IN = "drag_in"  # box: x, y, width, height of 0..1 in the picture
    DRAG_OUT = "drag_out"
    HOME = "home"  # watch position: number preset, value reset seconds, 0 off
    KEY_FRAME = "key_frame"
    REBOOT = "reboot"
    RECORD = "record"  # value: 1 starts, 0 stops the device's own recording
    GUARD = "guard"  # value: 1 arms, 0 disarms
    ALARM_RESET = "alarm_reset"


@dataclass(frozen=True, slots=True)
class Ptz:
    """One instruction to a camera."""

    act: PtzAct
    pan: int = 0
    tilt: int = 0
    zoom: int = 0
    value: int = 0
    number: int = 0
    extra: int = 0
    name: str = ""
    box: tuple[float, float, float, float] | None = None


class ChannelState(StrEnum):
    """Whether a camera's picture can be had."""

    ONLINE = "online"
    OFFLINE = "offline"
    FAULT = "fault"  # it answers, and says that its picture is lost or broken
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Channel:
    """One camera. ``code`` is its 20-digit code, ``device_id`` the registered device it stands behind."""

    id: str
    device_id: str
    site_id: str
    place_id: str
    place_path: str
    jurisdiction: str
    code: str
    name: str
    parent_code: str
    state: ChannelState
    reason: str
    state_at: datetime
    ptz_type: str = ""
    longitude: float | None = None
    latitude: float | None = None
    info: Mapping[str, Any] = field(default_factory=dict)
    plan: Mapping[str, Any] = field(default_factory=dict)
    version: int = 1
    retired_at: datetime | None = None


NO_PICTURE: Mapping[str, Words] = {
    "offline": Words("摄像机离线", "the camera is offline"),
    "device_offline": Words("所属设备离线", "the device behind it is offline"),
    "not_registered": Words("设备未注册到平台", "the device is not registered here"),
    "wrong_password": Words("设备注册密码不正确", "the device's password is wrong"),
    "no_answer": Words("设备未应答点播请求", "the device does not answer the request"),
    "no_rtp": Words(
        "设备已应答，但没有收到码流：请检查媒体地址、端口和防火墙",
        "the device answered, but no stream arrives: check the media address, its ports and the firewall",
    ),
    "busy": Words("通道忙：设备已达到同时播放上限", "the channel is busy: the device serves no more streams at once"),
    "not_found": Words("设备上没有此通道", "the device has no such channel"),
    "refused": Words("设备拒绝了请求", "the device refused"),
    "media_refused": Words("设备不支持请求的码流格式", "the device does not offer such a stream"),
    "device_error": Words("设备内部错误", "the device reports an error of its own"),
    "stalled": Words("码流中断，正在重新请求", "the stream broke off; it is asked for again"),
    "ended_by_device": Words("设备结束了码流", "the device ended the stream"),
    "no_video": Words("码流中没有可识别的视频", "the stream holds no video that is understood"),
    "no_decoder": Words("本机未安装图像解码组件 av", "this machine lacks the package av, which decodes pictures"),
    "no_ports": Words("媒体端口已用尽", "all media ports are in use"),
    "no_recording": Words("该时段没有录像", "there is no recording of that time"),
    "signalling_away": Words("信令服务暂不可用，稍后自动重试", "signalling is away for a moment; it is tried again"),
    "media_away": Words("媒体服务暂不可用，稍后自动重试", "the media service is away for a moment; it is tried again"),
    "forbidden": Words("没有权限观看此画面", "you have no right to this picture"),
    "session_over": Words("登录已结束，请重新登录", "the session is over: log in again"),
    "locked": Words("席位已锁定，解锁后继续观看", "the desk is locked: unlock it to go on"),
    "too_many_viewers": Words("同时观看的画面过多", "too many pictures are watched at once"),
    "talk_unsupported": Words("设备不支持语音对讲或未应答", "the device offers no voice, or does not answer"),
    "ticket_over": Words("播放凭证已过期", "the ticket for this picture is over"),
}
"""Why there is no picture, by a stable code; the console shows it in words. Source: 5.1.2.4-c, 5.4.1."""


STREAM_STATES: Mapping[str, Words] = {
    "asking": Words("正在向摄像机请求码流", "the camera is asked for its stream"),
    "waiting": Words("摄像机已应答，等待画面", "the camera answered; its picture is awaited"),
    "playing": Words("正在播放", "playing"),
    "paused": Words("已暂停", "paused"),
    "finished": Words("播放完毕", "played to its end"),
    "left": Words("观看者已离开", "the viewer left"),
}
"""How a stream is while nothing is wrong with it."""


def why_words(code: str) -> Words:
    """Return how a stream is, or why there is no picture, in both languages."""
    return NO_PICTURE.get(code) or STREAM_STATES.get(code) or Words(code, code)
