"""Devices as the registry knows them: kinds, particulars, states in words, arming.

Source: 4.2.1 (one management of all devices), 4.2.1.5, 4.1.3 (certificates), 5.1.3-a.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from anju.domain.alarms import LIFE
from anju.domain.events import Event, EventKind
from anju.errors import Invalid


class Words(NamedTuple):
    """The same in both languages."""

    zh: str
    en: str


class Kind(NamedTuple):
    """A kind of device: its names, the type digits of its 20-digit code, the protocols it may speak."""

    zh: str
    en: str
    type_code: str
    protocols: tuple[str, ...]


KINDS = {
    "alarm_panel": Kind("报警主机", "alarm panel", "117", ("dc09",)),
    "perimeter": Kind("周界主机", "perimeter controller", "117", ("dc09",)),
    "fire_transmitter": Kind("消防用户信息传输装置", "fire transmitter", "117", ("gb26875",)),
    "camera": Kind("摄像机", "camera", "132", ("gb28181", "viid", "onvif", "none")),
    "recorder": Kind("录像机", "recorder", "118", ("gb28181", "onvif", "none")),
    "face_camera": Kind("人脸抓拍机", "face camera", "119", ("viid", "gb28181", "none")),
    "lane": Kind("车辆道口设备", "vehicle lane", "121", ("viid", "http", "none")),
    "barrier": Kind("道闸", "barrier", "141", ("http", "mqtt", "none")),
    "door_controller": Kind("门禁控制器", "door controller", "124", ("http", "mqtt", "none")),
    "intercom": Kind("对讲主机", "intercom station", "142", ("gb28181", "http", "none")),
    "sensor": Kind("传感器", "sensor", "134", ("mqtt", "modbus", "none")),
    "siren": Kind("声光警号", "siren", "135", ("mqtt", "modbus", "none")),
    "meter": Kind("计量表", "meter", "139", ("dlt645", "cjt188", "modbus", "mqtt", "none")),
    "gateway": Kind("接入网关", "gateway", "209", ("mqtt", "modbus", "http", "none")),
    "platform": Kind("下级平台", "lower platform", "200", ("gb28181",)),
}
CAPTURE_CLASSES = {
    "1": Words("一类点", "class 1 point"),
    "2": Words("二类点", "class 2 point"),
    "3": Words("三类点", "class 3 point"),
    "9": Words("其他点", "other point"),
}
POSITION_TYPES = {
    "1": Words("省际检查站", "provincial checkpoint"),
    "2": Words("党政机关", "party or government"),
    "3": Words("车站码头", "station or port"),
    "4": Words("中心广场", "square"),
    "5": Words("体育场馆", "stadium"),
    "6": Words("商业中心", "commercial centre"),
    "7": Words("宗教场所", "religious site"),
    "8": Words("校园周边", "school"),
    "9": Words("治安复杂区域", "complex area"),
    "10": Words("交通干线", "trunk road"),
    "11": Words("医院周边", "hospital"),
    "12": Words("金融机构周边", "finance"),
    "13": Words("危险物品场所周边", "dangerous goods"),
    "14": Words("博物馆展览馆", "museum"),
    "15": Words("重点水域航道", "waters"),
}
DIRECTIONS = {
    "1": Words("东", "east"),
    "2": Words("西", "west"),
    "3": Words("南", "south"),
    "4": Words("北", "north"),
    "5": Words("东南", "south-east"),
    "6": Words("东北", "north-east"),
    "7": Words("西南", "south-west"),
    "8": Words("西北", "north-west"),
}
"""The directions and position types of GB/T 28181 and GA/T 1400; ours for capture classes 1 to 3 are its PointType."""


class DeviceState(StrEnum):
    """Whether a device is there."""

    UNKNOWN = "unknown"
    ONLINE = "online"
    OFFLINE = "offline"


NEVER, HEARD, SILENT = "never heard", "heard", "silent"
NO_KEEPALIVE, UNREGISTERED = "no keepalive", "unregistered"
REGISTERED, KEEPALIVE_TIMEOUT, EXPIRED = "registered", "keepalive-timeout", "expired"
STATE_WORDS = {
    NEVER: Words("登记后从未收到过信号", "never heard since it was registered"),
    HEARD: Words("信号正常", "its signals arrive"),
    SILENT: Words("失联：两个巡检周期又30秒未收到任何信号", "silent: nothing heard for two intervals and 30 s"),
    NO_KEEPALIVE: Words(
        "失联：三个保活周期未收到保活或数据", "silent: neither keepalive nor data for three keepalive periods"
    ),
    UNREGISTERED: Words("设备已主动注销", "the device signed off"),
    REGISTERED: Words("已注册，保活正常", "registered, and its keepalives arrive"),
    KEEPALIVE_TIMEOUT: Words("保活超时：连续多个周期未收到保活", "its keepalives stay away"),
    EXPIRED: Words("注册已过期，设备未续约", "its registration ran out and was not renewed"),
}


@dataclass(frozen=True, slots=True)
class Certificate:
    """What allows a product to be used."""

    number: str = ""
    issuer: str = ""
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class ViidAccess:
    """How a device speaks GA/T 1400. Several devices with one ``user`` may report for each other: a gateway does.

    ``user`` is its digest user name, nothing where that is its code. ``addresses`` are the only ones it may come
    from, each an address or a network; none: any. ``every_request``: a digest each time, not only at Register.
    ``strict``: what deviates from the standard is refused, not flagged. ``created`` answers 201 where others expect
    200, ``text_status`` writes StatusCode as text. Source: 4.3 (GA/T 1400 part 4).
    """

    user: str = ""
    addresses: tuple[str, ...] = ()
    every_request: bool = False
    strict: bool = False
    created: bool = False
    text_status: bool = False

    def admits(self, address: str) -> bool:
        """Return whether a peer may come from ``address``."""
        if not self.addresses:
            return True
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in ip_network(each) for each in self.addresses)


@dataclass(frozen=True, slots=True)
class Gb28181Access:
    """How a device speaks GB/T 28181: each quirk met in the field, by name; the defaults are what most devices want.

    ``user`` is its digest user name, nothing where that is its code. ``addresses``: as with GA/T 1400. ``media`` is how
    its RTP comes, ``media_host`` the address it shall send to where that is not the one it reaches us at.
    ``charset``: of its texts, nothing where that is found out. ``set_clock``: it takes its time from our answers.
    ``check_ssrc``: streams of another SSRC than agreed are dropped. ``sub_stream`` is how the offer asks for the
    sub-stream. ``control`` is the version token of playback control. ``to_contact``: requests go to its Contact, not to
    where its last message came from. ``roams``: a keepalive from another address moves it there without a new
    registration. ``guard``: it reports alarms only once it is armed. ``subscribe``: catalog, alarms and, with
    ``position_s``, positions are subscribed. ``talk_on_ack``: speech starts at its ACK, not at our answer.
    ``keepalive_s`` and ``missed`` are what its silence is judged by. Source: 5.4.1, 5.4.3 (GB/T 28181).
    """

    user: str = ""
    addresses: tuple[str, ...] = ()
    media: str = "udp"
    media_host: str = ""
    charset: str = ""
    set_clock: bool = True
    check_ssrc: bool = False
    sub_stream: str = "streamnumber"
    control: str = "RTSP"
    to_contact: bool = False
    roams: bool = False
    guard: bool = False
    subscribe: bool = True
    position_s: int | None = None
    talk_on_ack: bool = False
    talk_target: str = ""
    keepalive_s: float | None = None
    missed: int = 3

    def admits(self, address: str) -> bool:
        """Return whether a peer may come from ``address``."""
        return ViidAccess(addresses=self.addresses).admits(address)


MEDIA = ("udp", "tcp_passive", "tcp_active")
SUB_STREAMS = ("streamnumber", "streamprofile", "stream", "streammode", "none")
CONTROLS = ("RTSP", "MANSRTSP")
CHARSETS = ("", "utf-8", "gb18030")


def check_addresses(addresses: Sequence[str]) -> tuple[str, ...]:
    """Return ``addresses`` as they are kept. Raises Invalid for what is neither an address nor a network."""
    try:
        return tuple(str(ip_network(each.strip(), strict=False)) for each in addresses)
    except ValueError as error:
        raise Invalid("bad_address", f"{error}: write 192.0.2.10 or 192.0.2.0/24") from error


@dataclass(frozen=True, slots=True)
class Particulars:
    """What is written on a device's page. Codes are those of GA/T 1400 and GB/T 28181; lengths are bounded at the door.

    ``supervision_s`` is how often it must be heard, None where that is learned; ``save_days`` how long it records.
    Source: 4.1.3, 4.3, 5.1.4.
    """

    capture_class: str = ""
    position: str = ""
    position_type: str = ""
    direction: str = ""
    unit: str = ""
    contact: str = ""
    maker: str = ""
    model: str = ""
    serial: str = ""
    address: str = ""
    certificate: Certificate = field(default_factory=Certificate)
    save_days: int | None = None
    supervision_s: float | None = None
    note: str = ""
    viid: ViidAccess = field(default_factory=ViidAccess)
    gb28181: Gb28181Access = field(default_factory=Gb28181Access)
    passes: str = ""  # in or out: the way all traffic under this device goes, nothing where it goes both


@dataclass(frozen=True, slots=True)
class Zone:
    """One detector or loop of a panel. ``kind`` overrides what the panel's code says of an alarm from here."""

    area: str
    number: str
    name: str
    place_id: str
    place_path: str
    place_name: str = ""
    kind: EventKind | None = None
    bypassed_until: datetime | None = None
    bypass_reason: str = ""


@dataclass(frozen=True, slots=True)
class Device:
    """A registered device, all of its public state. ``keyed``: a credential is agreed; it never leaves its node."""

    id: str
    site_id: str
    place_id: str
    place_path: str
    jurisdiction: str
    kind: str
    name: str
    protocol: str
    account: str
    code: str
    state: DeviceState
    state_reason: str
    state_at: datetime
    heard_at: datetime | None
    interval_s: float | None
    silent: bool
    longitude: float | None
    latitude: float | None
    particulars: Particulars
    home_node: str
    version: int
    updated_at: datetime
    retired_at: datetime | None
    keyed: bool
    zones: tuple[Zone, ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()  # (space, code)


@dataclass(frozen=True, slots=True)
class Armed:
    """What an arming report says of one area of a panel."""

    device_id: str
    area: str
    armed: bool
    mode: str
    at: datetime
    by_user: str


_VIID = re.compile(r"[0-9]{20}|[0-9A-Za-z_-]{5,32}")  # the rule, and what stands in the field all the same
_DC09 = re.compile(r"(?:(?P<line>[0-9A-Fa-f]{1,6})/)?(?P<account>[0-9A-Fa-f]{3,16})")
_MODES = {"403": "automatic", "407": "remote", "408": "quick", "409": "key", "441": "stay", "456": "partial"}
_SIA_MODES = {"CA": "automatic", "CP": "automatic", "OA": "automatic", "CF": "forced"}


def check_kind(kind: str, protocol: str) -> None:
    """Raise Invalid where there is no such kind, or it does not speak ``protocol``."""
    if kind not in KINDS:
        raise Invalid("unknown_kind", f"there is no device kind {kind!r}")
    if protocol not in KINDS[kind].protocols:
        raise Invalid("wrong_protocol", f"{kind} speaks {', '.join(KINDS[kind].protocols)}")


def canonical_account(protocol: str, account: str) -> str:
    """Return ``account`` as the wire tells it: DC-09 names ``line/account`` in capitals. Raises Invalid.

    GA/T 1400 has 20 digits; other codes stand in the field, and only who is registered may use one.
    """
    if protocol in {"viid", "gb28181"}:
        if not _VIID.fullmatch(account.strip()):
            raise Invalid("bad_account", "a device code is 20 digits; old ones have 5 to 32 letters, digits")
        return account.strip()
    if protocol != "dc09":
        return account.strip()
    found = _DC09.fullmatch(account.strip())
    if found is None:
        raise Invalid("bad_account", "a DC-09 account is 3 to 16 hex digits, with its line in front: 0/1234")
    return f"{found['line'] or '0'}/{found['account']}".upper()


def read_key(protocol: str, text: str) -> bytes:
    """Return the secret that ``text`` stands for; DC-09 takes 32, 48 or 64 hex digits of an AES key. Raises Invalid."""
    if protocol != "dc09":
        return text.encode()
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) not in {16, 24, 32}:
        raise Invalid("bad_key", "a DC-09 key is 32, 48 or 64 hex digits")
    return key


def canonical_zone(protocol: str, area: str, number: str) -> tuple[str, str]:
    """Return how a zone is written in the registry: DC-09 areas have two digits, zones three."""
    if protocol != "dc09":
        return area.strip(), number.strip()
    area, number = area.strip().upper(), number.strip().upper()
    return area.zfill(2) if area else "", number.zfill(3)


def sealed_for(device_id: str) -> str:
    """Return what a device's credential is sealed about: moved to another device it does not open."""
    return f"device.credential|{device_id}"


def zone_names(area: str, number: str) -> set[tuple[str, str]]:
    """Return all ways a panel may write this zone: SIA sends ``1/3`` where Contact ID sends ``01/003``."""
    areas = {area, area.lstrip("0") or "0", area.zfill(2)} if area else {""}
    numbers = {number, number.lstrip("0") or "0", number.zfill(2), number.zfill(3)}
    return {(each, other) for each in areas for other in numbers}


def with_bypass(zone: Zone, until: datetime | None, reason: str) -> Zone:
    """Return ``zone`` quiet ``until`` a time, None for never."""
    return replace(zone, bypassed_until=until, bypass_reason=reason)


def still_bypassed(zone: Zone, before: Zone) -> Zone:
    """Return ``zone`` with the bypass it had; a zone that now stands for a life kind has none."""
    return zone if zone.kind in LIFE else with_bypass(zone, before.bypassed_until, before.bypass_reason)


def arming(event: Event) -> Armed | None:
    """Return what ``event``, which is no repeat, says of arming; None where it says nothing.

    Ordered by our time: a panel's clock may be set back between two reports.
    Source: 5.1 (arming state).
    """
    if event.kind not in {EventKind.ARM, EventKind.DISARM}:
        return None
    area = event.zone.partition("/")[0]
    mode = (_SIA_MODES if event.code_space == "sia" else _MODES).get(event.code, "")
    user = str(event.detail.get("user", ""))[:32]
    return Armed(event.device_id, area, event.kind is EventKind.ARM, mode, event.received_at, user)


def bypassed(kind: EventKind, until: datetime | None, *, at: datetime) -> bool:
    """Return whether a zone bypassed ``until`` keeps quiet at ``at``. Fire, panic, duress and help never do."""
    return until is not None and at < until and kind not in LIFE


def state_words(reason: str) -> Words:
    """Return why a device is in its state."""
    return STATE_WORDS.get(reason) or Words(reason, reason)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is expected of a device beside what came of it. ``ok`` None: nothing to judge by."""

    field: str
    expected: object
    received: object
    ok: bool | None
    words: Words | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """What a device was last seen to do. ``reasons`` are those of frames refused since the last one that was kept."""

    heard_at: datetime | None
    peer: str = ""
    kept: bool = False
    reasons: tuple[str, ...] = ()
    clock_offset_ms: int | None = None
    interval_s: float | None = None
    strangers: tuple[str, ...] = ()  # accounts nobody registered that called lately


CLOCK_MOST_MS = 20_000  # a frame that is encrypted may run ahead by so much
_CAUSES = {
    "clear where encryption is agreed": (
        "key",
        "clear",
        Words(
            "登记了密钥，设备却发来明文：请在设备上启用加密并填入同一密钥，或在此清除密钥",
            "a key is registered and the device speaks in clear: switch encryption on there, or clear the key here",
        ),
    ),
    "no key for an encrypted frame": (
        "key",
        "encrypted",
        Words(
            "设备发来密文，这里没有登记密钥：请登记与设备相同的密钥",
            "the device encrypts and no key is registered: register the key it uses",
        ),
    ),
    "does not decrypt": (
        "key",
        "another key",
        Words(
            "密钥不一致：设备用的密钥与登记的不同，请两边重新填写",
            "the keys differ: enter the same key on both sides",
        ),
    ),
    "cipher text malformed": (
        "key",
        "not readable",
        Words(
            "密文长度不对：请检查设备的加密方式（AES-CBC）", "the cipher text is no AES-CBC: check the device's setting"
        ),
    ),
    "outside the time window": (
        "clock",
        "too far off",
        Words(
            "设备时钟偏差过大，密文按防重放规则拒收：请校准设备时间（UTC）",
            "the device's clock is too far off for encrypted frames: set its time (UTC)",
        ),
    ),
    "no Contact ID event": (
        "grammar",
        "no Contact ID event",
        Words(
            "报文里没有可识别的 Contact ID 事件：请检查设备的上报格式",
            "no Contact ID event inside: check the device's format",
        ),
    ),
    "no SIA event": (
        "grammar",
        "no SIA event",
        Words("报文里没有可识别的 SIA 事件：请检查设备的上报格式", "no SIA event inside: check the device's format"),
    ),
    "unknown token": (
        "grammar",
        "unknown token",
        Words(
            "设备用的上报格式不支持：请改为 ADM-CID 或 SIA-DCS",
            "the device reports in a format not supported: set it to ADM-CID or SIA-DCS",
        ),
    ),
    "two accounts in one frame": (
        "account",
        "two accounts",
        Words(
            "一帧里有两个不同的账号：请检查设备的账号设置", "one frame names two accounts: check the device's account"
        ),
    ),
    "bad digest": (
        "key",
        "another password",
        Words(
            "摘要认证不通过：请核对设备上的用户名和密码",
            "the digest is wrong: compare user name and password on the device",
        ),
    ),
    "no credential": (
        "key",
        "digest",
        Words(
            "设备要求认证，这里没有登记密码：请登记与设备相同的密码",
            "no password is registered: register the one the device uses",
        ),
    ),
    "locked out": (
        "key",
        "5 wrong digests",
        Words(
            "五分钟内五次认证失败，已暂时锁定：请核对密码后等待五分钟",
            "five wrong digests within five minutes, locked for a while: compare the password, then wait",
        ),
    ),
    "address not allowed": (
        "address",
        "another address",
        Words(
            "来源地址不在允许范围内：请核对设备地址或修改允许的地址",
            "it comes from an address that is not allowed: compare the address, or allow it here",
        ),
    ),
    "identity not allowed": (
        "account",
        "another device's code",
        Words(
            "设备用此账号报送了别的设备编码：请核对编码，或为该编码登记同一用户名",
            "it names the code of another device: compare the codes, or register that device with the same user name",
        ),
    ),
    "not registered": (
        "account",
        "no session",
        Words(
            "设备未注册就报送：请检查设备的注册设置",
            "it sends without having registered: check its registration setting",
        ),
    ),
    "wrong realm": (
        "realm",
        "another realm",
        Words(
            "设备按别的 SIP 域计算摘要：请把设备上的 SIP 服务器域改为期望值",
            "it makes its digest for another realm: enter the expected SIP domain on the device",
        ),
    ),
    "wrong user": (
        "account",
        "another user name",
        Words(
            "设备登录用的用户名与登记的不同：请改设备，或在兼容开关里登记它的用户名",
            "it logs in with another user name: change it there, or enter its user name among the switches here",
        ),
    ),
    "bad authorization": (
        "grammar",
        "no digest",
        Words("认证头读不懂：请检查设备固件", "its Authorization cannot be read: check its firmware"),
    ),
    "foreign address": (
        "address",
        "another address than it registered from",
        Words(
            "报文来自注册地址以外的地址：设备换了地址须重新注册；确属漫游的请打开“跟随保活地址”",
            "its messages come from another address than it registered from: let it register again, or let it roam",
        ),
    ),
    "json format": (
        "grammar",
        "no JSON",
        Words("报文不是合法的 JSON：请检查设备固件", "the body is no JSON: check the device's firmware"),
    ),
    "json content": (
        "grammar",
        "another object",
        Words(
            "报文不是 GA/T 1400 规定的对象：请检查设备的上报格式",
            "the body holds no object of GA/T 1400: check the device's format",
        ),
    ),
}


def diagnose(device: Device, received: Received, *, port: int | None = None, realm: str = "") -> list[Finding]:
    """Return what is expected of ``device`` beside what came of it, with the likely cause in words where it differs.

    ``realm``: our SIP domain, for devices of GB/T 28181. Source: 4.2.1.5 (devices' faults), 8-g.
    """
    caused = [_CAUSES[reason] for reason in received.reasons if reason in _CAUSES]
    expected = {"realm": realm}
    by_field = {
        name: Finding(name, expected.get(name) or _expected(device, name), told, False, words)
        for name, told, words in caused
    }
    found = [_account(device, received), _signal(device, received), _clock(received)]
    if port is not None:
        found.append(Finding("port", port, port if received.heard_at else None, True if received.heard_at else None))
    key = Finding("key", _expected(device, "key"), None, True if received.kept else None)
    if realm:
        found.insert(1, Finding("realm", realm, realm if received.kept else None, True if received.kept else None))
    judged = {each.field: each for each in (*found, key, *_unkeyed(device))} | by_field
    return list(judged.values())


def _unkeyed(device: Device) -> list[Finding]:
    """A device of GA/T 1400 without a password gets in only behind another one of its user name; others never."""
    alone = device.protocol == "gb28181" or (device.protocol == "viid" and not device.particulars.viid.user)
    if device.keyed or not alone:
        return []
    return [Finding("key", "digest", "no password registered", False, _CAUSES["no credential"][2])]


def _expected(device: Device, name: str) -> object:
    digest = device.protocol in {"viid", "gb28181"}
    access = device.particulars.gb28181 if device.protocol == "gb28181" else device.particulars.viid
    grammars = {"viid": "GA/T 1400 JSON", "gb28181": "MANSCDP XML"}
    return {
        "key": "digest" if digest else "encrypted" if device.keyed else "clear",
        "clock": "UTC ±20 s",
        "grammar": grammars.get(device.protocol, "ADM-CID, SIA-DCS"),
        "account": device.account,
        "address": list(access.addresses),
        "realm": "",
    }[name]


def _account(device: Device, received: Received) -> Finding:
    if received.heard_at or received.reasons:
        return Finding("account", device.account, device.account, True)
    if received.strangers:
        told = ", ".join(received.strangers)
        return Finding(
            "account",
            device.account,
            told,
            False,
            Words(
                f"此账号从未来报，但有未登记的账号在呼叫：{told}。请核对线路号与账号",
                f"this account never called, but accounts nobody registered do: {told}. Compare line and account",
            ),
        )
    return Finding(
        "account",
        device.account,
        None,
        None,
        Words(
            "从未收到此账号的任何信号：请检查设备上的平台地址、端口和网络",
            "nothing of this account ever arrived: check the address, the port and the network on the device",
        ),
    )


def _signal(device: Device, received: Received) -> Finding:
    expected = device.particulars.supervision_s or received.interval_s
    told = received.heard_at.isoformat() if received.heard_at else None
    if device.state is DeviceState.OFFLINE:
        return Finding("heard_at", expected, told, False, state_words(device.state_reason))
    return Finding("heard_at", expected, told, True if device.state is DeviceState.ONLINE else None)


def _clock(received: Received) -> Finding:
    offset = received.clock_offset_ms
    if offset is None:
        return Finding("offset_ms", 0, None, None)
    if abs(offset) <= CLOCK_MOST_MS:
        return Finding("offset_ms", 0, offset, True)
    return Finding(
        "offset_ms",
        0,
        offset,
        False,
        Words(
            "设备时钟不准：报警时间以平台时间为准，请校时", "the device's clock is off: Anju's own time counts; set it"
        ),
    )
