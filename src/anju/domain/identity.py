"""Who may be given what: classes of accounts, the words of every action, built-in roles, good passwords.

Three administrators are kept apart: system (accounts, devices, links), security (roles, grants, policies), audit (the
operator log). No account is of two classes, and no role mixes what two of them may do.
Source: 4.2.1.1 (classified and graded users), 6.3.1 (identity), 6.3.2 (administrators, operators, maintainers apart).
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from anju.domain.rights import Action, ScopeKind
from anju.errors import Conflict, Forbidden, Invalid


class AccountClass(StrEnum):
    """What kind of person an account is for. An account keeps its class for life."""

    OPERATOR = "operator"
    SYSTEM = "system"
    SECURITY = "security"
    AUDIT = "audit"


_O, _SY, _SE, _AU = AccountClass
ADMINISTRATORS = frozenset({_SY, _SE, _AU})


@dataclass(frozen=True, slots=True)
class ActionWords:
    """What an action is called, and which classes of roles may hold it."""

    zh: str
    en: str
    classes: frozenset[AccountClass]


def _words(zh: str, en: str, *classes: AccountClass) -> ActionWords:
    return ActionWords(zh, en, frozenset(classes))


ACTIONS: dict[Action, ActionWords] = {
    Action.PLACES_READ: _words("查看场所", "See places", _O, _SY, _SE, _AU),
    Action.PLACES_WRITE: _words("维护场所", "Keep places", _O, _SY),
    Action.DEVICES_READ: _words("查看设备", "See devices", _O, _SY),
    Action.DEVICES_WRITE: _words("维护设备", "Keep devices", _O, _SY),
    Action.EVENTS_READ: _words("查看事件", "See events", _O, _SY),
    Action.EVENTS_RAW: _words("查看原始报文", "See raw frames", _O, _SY),
    Action.ALARMS_READ: _words("查看报警", "See alarms", _O),
    Action.ALARMS_HANDLE: _words("处理报警", "Handle alarms", _O),
    Action.ALARMS_REVIEW: _words("复核报警", "Review alarms", _O),
    Action.ALARMS_SHELVE: _words("搁置报警", "Shelve alarms", _O),
    Action.ALARMS_DRILL: _words("组织演练", "Hold drills", _O),
    Action.ALARMS_EXPORT: _words("导出报警", "Export alarms", _O),
    Action.COMMANDS_ARM: _words("布防与撤防", "Arm and disarm", _O),
    Action.COMMANDS_OUTPUT: _words("控制输出", "Switch outputs", _O),
    Action.LINKAGE_READ: _words("查看联动规则", "See linkage rules", _O, _SY),
    Action.LINKAGE_WRITE: _words("维护联动规则", "Keep linkage rules", _O, _SY),
    Action.QUARANTINE_READ: _words("查看隔离区", "See the quarantine", _O, _SY),
    Action.QUARANTINE_FIX: _words("处置隔离数据", "Mend or discard what is held", _O, _SY),
    Action.STATISTICS_READ: _words("查看统计", "See statistics", _O, _SY),
    Action.VEHICLES_READ: _words("查看车辆通行", "See vehicles passing", _O),
    Action.VEHICLES_CORRECT: _words("更正车辆识读", "Correct readings of vehicles", _O),
    Action.VEHICLES_EXPORT: _words("导出车辆通行", "Export vehicles passing", _O),
    Action.WATCH_READ: _words("查看布控名单", "See the watch list", _O),
    Action.WATCH_WRITE: _words("维护布控名单", "Keep the watch list", _O),
    Action.PEOPLE_READ: _words("查看人员抓拍", "See persons sighted", _O),
    Action.PICTURES_LOCK: _words("图片固证与解除", "Keep pictures as evidence, and release them", _O),
    Action.PICTURES_ERASE: _words("抹除图片", "Erase pictures", _O),
    Action.VIDEO_READ: _words("查看视频资源", "See cameras and how they stand", _O, _SY),
    Action.VIDEO_LIVE: _words("实时预览", "Watch live video", _O),
    Action.VIDEO_PLAYBACK: _words("录像回放", "Play recordings back", _O),
    Action.VIDEO_PTZ: _words("云台控制", "Steer cameras", _O),
    Action.VIDEO_TALK: _words("语音对讲", "Talk through cameras", _O),
    Action.VIDEO_EXPORT: _words("导出录像证据", "Export recordings as evidence", _O),
    Action.VIDEO_WRITE: _words("维护视频资源", "Keep cameras and recording plans", _O, _SY),
    Action.LINKS_READ: _words("查看级联", "See links between tiers", _O, _SY),
    Action.LINKS_WRITE: _words("维护级联", "Keep links between tiers", _SY),
    Action.USERS_READ: _words("查看账号", "See accounts", _SY, _SE, _AU),
    Action.USERS_WRITE: _words("维护账号", "Keep accounts", _SY),
    Action.ROLES_READ: _words("查看角色", "See roles", _SY, _SE, _AU),
    Action.ROLES_WRITE: _words("维护角色与授权", "Keep roles and grants", _SE),
    Action.POLICIES_READ: _words("查看安全策略", "See policies", _SY, _SE, _AU),
    Action.POLICIES_WRITE: _words("设置安全策略", "Set policies", _SE),
    Action.OPERATOR_LOG_READ: _words("查看操作日志", "Read the operator log", _AU),
    Action.OPERATOR_LOG_VERIFY: _words("校验操作日志", "Verify the operator log", _AU),
    Action.PERSONAL_REVEAL: _words("查看个人信息明文", "Reveal personal data", _O, _SY),
    Action.SYSTEM_READ: _words("查看系统状态", "See the system's state", _O, _SY),
    Action.SYSTEM_BACKUP: _words("备份与恢复", "Back up and restore", _SY),
    Action.SITE_EXPORT: _words("导出小区档案", "Export a community's file", _O, _SY, _SE),
    Action.SITE_IMPORT: _words("导入小区档案", "Import a community's file", _O, _SY, _SE),
    Action.BLOBS_CHECK: _words("检查图片存储", "Check the stored pictures", _SY),
}


@dataclass(frozen=True, slots=True)
class BuiltinRole:
    """A role every node has from the start; its actions cannot be changed."""

    id: str
    zh: str
    en: str
    account_class: AccountClass
    actions: frozenset[Action]


_SEE = {
    Action.PLACES_READ,
    Action.DEVICES_READ,
    Action.EVENTS_READ,
    Action.ALARMS_READ,
    Action.STATISTICS_READ,
}
_VEHICLES = {Action.VEHICLES_READ, Action.WATCH_READ}
_WATCH = {Action.VIDEO_READ, Action.VIDEO_LIVE, Action.VIDEO_PLAYBACK}
_STEER = {Action.VIDEO_PTZ, Action.VIDEO_TALK}
_GUARD = _SEE | _VEHICLES | _WATCH | _STEER | {Action.ALARMS_HANDLE, Action.COMMANDS_ARM, Action.VEHICLES_CORRECT}
_LEADER = _GUARD | {
    Action.PICTURES_LOCK,
    Action.VIDEO_EXPORT,
    Action.VEHICLES_EXPORT,
    Action.WATCH_WRITE,
    Action.PEOPLE_READ,
    Action.ALARMS_REVIEW,
    Action.ALARMS_SHELVE,
    Action.ALARMS_DRILL,
    Action.ALARMS_EXPORT,
    Action.COMMANDS_OUTPUT,
    Action.LINKAGE_READ,
    Action.LINKS_READ,
    Action.SYSTEM_READ,
}
_INSTALLER = {
    Action.PLACES_READ,
    Action.DEVICES_READ,
    Action.DEVICES_WRITE,
    Action.EVENTS_READ,
    Action.EVENTS_RAW,
    Action.VEHICLES_READ,
    Action.VIDEO_READ,
    Action.VIDEO_LIVE,
    Action.VIDEO_PTZ,
    Action.VIDEO_WRITE,
    Action.LINKAGE_READ,
    Action.LINKAGE_WRITE,
    Action.QUARANTINE_READ,
    Action.QUARANTINE_FIX,
    Action.SYSTEM_READ,
    Action.SITE_EXPORT,
    Action.SITE_IMPORT,
}
_MANAGER = (
    _SEE
    | _VEHICLES
    | _WATCH
    | {
        Action.VIDEO_EXPORT,
        Action.VIDEO_WRITE,
        Action.VEHICLES_EXPORT,
        Action.WATCH_WRITE,
        Action.PICTURES_ERASE,  # and nobody who erases also releases evidence
        Action.SITE_EXPORT,
        Action.PLACES_WRITE,
        Action.ALARMS_REVIEW,
        Action.ALARMS_DRILL,
        Action.ALARMS_EXPORT,
        Action.LINKAGE_READ,
    }
)
_UPPER = (
    _SEE
    | _VEHICLES
    | _WATCH
    | {
        Action.VIDEO_PTZ,
        Action.VIDEO_EXPORT,
        Action.VIDEO_WRITE,
        Action.VEHICLES_EXPORT,
        Action.PEOPLE_READ,
        Action.ALARMS_HANDLE,
        Action.ALARMS_REVIEW,
        Action.ALARMS_EXPORT,
        Action.LINKS_READ,
        Action.SYSTEM_READ,
        Action.QUARANTINE_READ,
    }
)
_POLICE = (
    _SEE
    | _VEHICLES
    | _WATCH
    | {
        Action.PICTURES_LOCK,
        Action.VIDEO_EXPORT,
        Action.ALARMS_EXPORT,
        Action.VEHICLES_EXPORT,
        Action.WATCH_WRITE,
        Action.PEOPLE_READ,
    }
)
_INSPECTOR = _SEE | {Action.VEHICLES_READ, Action.VIDEO_READ, Action.LINKS_READ, Action.SYSTEM_READ}
_SYSTEM = {action for action, words in ACTIONS.items() if _SY in words.classes} - {
    Action.PERSONAL_REVEAL,
    Action.EVENTS_RAW,
}
_SECURITY = {action for action, words in ACTIONS.items() if _SE in words.classes}
_AUDIT = {action for action, words in ACTIONS.items() if _AU in words.classes}


def _role(
    name: str, zh: str, en: str, actions: Iterable[Action], account_class: AccountClass = AccountClass.OPERATOR
) -> BuiltinRole:
    return BuiltinRole(name, zh, en, account_class, frozenset(actions))


BUILTIN_ROLES = (
    _role("system_admin", "系统管理员", "System administrator", _SYSTEM, _SY),
    _role("security_admin", "安全管理员", "Security administrator", _SECURITY, _SE),
    _role("audit_admin", "审计管理员", "Audit administrator", _AUDIT, _AU),
    _role("shift_leader", "值班长", "Shift leader", _LEADER),
    _role("guard", "值班员", "Guard", _GUARD),
    _role("property_manager", "物业经理", "Property manager", _MANAGER),
    _role("installer", "安装维护人员", "Installer", _INSTALLER),
    _role("county_operator", "县区值守员", "County operator", _UPPER),
    _role("city_operator", "市级值守员", "City operator", _UPPER - {Action.QUARANTINE_READ}),
    _role("police_station", "派出所民警", "Police station", _POLICE),
    _role("inspector", "检查人员", "Inspector", _INSPECTOR),
)
ADMIN_ROLES = {_SY: "system_admin", _SE: "security_admin", _AU: "audit_admin"}


def check_actions(actions: Collection[str], account_class: AccountClass) -> None:
    """Raise Invalid where a role of ``account_class`` may not hold one of ``actions``, or there is no such action.

    Source: 6.3.2.
    """
    for name in sorted(actions):
        if name not in set(Action):
            raise Invalid("no_action", f"there is no action {name}")
        if account_class not in ACTIONS[Action(name)].classes:
            raise Invalid("separated", f"{name} is not for roles of class {account_class}")


@dataclass(frozen=True, slots=True)
class WantedGrant:
    """A grant as the security administrator wants it."""

    role_id: str
    role_class: AccountClass
    scope_kind: ScopeKind
    scope_value: str
    expires_at: datetime | None


_SCOPE_VALUES = {
    ScopeKind.EVERYTHING: re.compile(""),
    ScopeKind.PLACE: re.compile(r"/([0-9A-Za-z_-]{1,40}/){1,14}"),
    ScopeKind.JURISDICTION: re.compile(r"[0-9]{6}([0-9]{2}){0,3}"),
}


def check_grant(wanted: WantedGrant, *, account_class: AccountClass, now: datetime) -> None:
    """Raise where ``wanted`` must not be given to an account of ``account_class``.

    Nobody holds two classes; administrators are administrators of the whole node.
    Source: 6.3.2.
    """
    if wanted.role_class is not account_class:
        raise Forbidden("separated", f"a role of class {wanted.role_class} is not for an account of {account_class}")
    if wanted.expires_at is not None and wanted.expires_at <= now:
        raise Invalid("in_the_past", "a grant must end in the future")
    if account_class in ADMINISTRATORS and wanted.scope_kind is not ScopeKind.EVERYTHING:
        raise Invalid("bad_scope", "administrators are administrators of everything here")
    if not _SCOPE_VALUES[wanted.scope_kind].fullmatch(wanted.scope_value):
        raise Invalid("bad_scope", f"{wanted.scope_value[:64]!r} is no value for {wanted.scope_kind}")


def check_other(actor_id: str, account_id: str, act: str) -> None:
    """Raise Forbidden where somebody would ``act`` on himself."""
    if actor_id == account_id:
        raise Forbidden("yourself", f"nobody may {act} himself")


def check_reset(actor_class: AccountClass, account_class: AccountClass) -> None:
    """Raise Forbidden where resetting a password would let one administrator become another.

    Security and audit administrators are reset by a colleague of their own class only.
    Source: 6.3.2.
    """
    apart = {AccountClass.SECURITY, AccountClass.AUDIT}
    allowed = actor_class is account_class if account_class in apart else actor_class is AccountClass.SYSTEM
    if not allowed:
        raise Forbidden("separated", f"a password of class {account_class} is not yours to reset")


def check_not_last(account_class: AccountClass, others: int) -> None:
    """Raise Conflict where a class would be left without an active administrator; ``others`` remain."""
    if account_class in ADMINISTRATORS and others == 0:
        raise Conflict("last_administrator", f"this is the last active {account_class} administrator")


_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{2,31}")


def is_username(text: str) -> bool:
    """Return whether ``text`` can be a user name: 3 to 32 letters a-z, digits, dots, dashes, underscores."""
    return _USERNAME.fullmatch(text) is not None


def username(text: str) -> str:
    """Return a user name in the form it is kept in. Raises Invalid where it is none."""
    name = text.strip().lower()
    if not is_username(name):
        raise Invalid("bad_username", "a user name has 3 to 32 letters a-z, digits, dots, dashes, underscores")
    return name


MOST_PASSWORD = 128  # characters
_SPECIAL: tuple[Callable[[str], bool], ...] = (str.isupper, str.islower, str.isdigit)
_COMMON = frozenset(
    [
        "password",
        "passw0rd",
        "p@ssw0rd",
        "p@ssword",
        "qwerty",
        "qwertyuiop",
        "1q2w3e4r",
        "1qaz2wsx",
        "admin",
        "administrator",
        "root",
        "anju",
        "letmein",
        "welcome",
        "iloveyou",
        "woaini",
        "abc123",
        "admin123",
        "test",
        "guest",
        "security",
        "community",
        "xiaoqu",
        "baoan",
    ]
)


@dataclass(frozen=True, slots=True)
class PasswordRules:
    """What policy asks of a password."""

    least_length: int
    least_classes: int


def check_password(password: str, rules: PasswordRules, *, names: Collection[str] = ()) -> None:
    """Raise Invalid ``weak_password`` with the first reason why ``password`` is not good enough.

    ``names`` are the words it must not contain: user name, name.
    Source: 6.3.1.
    """
    for reason in _weaknesses(password, rules, names):
        raise Invalid("weak_password", reason)


def _weaknesses(password: str, rules: PasswordRules, names: Collection[str]) -> Iterable[str]:
    folded = password.casefold()
    if len(password) < rules.least_length:
        yield f"a password has at least {rules.least_length} characters"
    if len(password) > MOST_PASSWORD:
        yield f"a password has at most {MOST_PASSWORD} characters"
    if kinds_of_characters(password) < rules.least_classes:
        yield f"a password has at least {rules.least_classes} of: upper case, lower case, digits, others"
    if any(len(name) >= (3 if name.isascii() else 2) and name.casefold() in folded for name in names):
        yield "a password does not contain its person's name"
    if len(set(folded)) < 5 or re.sub(r"[\W\d_]+$", "", folded) in _COMMON or folded in _COMMON:
        yield "this password is among the first to be guessed"


def kinds_of_characters(password: str) -> int:
    """Return how many of upper case, lower case, digits and others ``password`` has, 0 to 4."""
    found = {next((index for index, is_kind in enumerate(_SPECIAL) if is_kind(each)), 3) for each in password}
    return len(found)


def check_pin(pin: str, least_length: int) -> None:
    """Raise Invalid ``weak_pin`` where ``pin`` is too short, no digits, one digit, or a run of digits."""
    if not re.fullmatch(r"[0-9]{4,12}", pin) or len(pin) < least_length:
        raise Invalid("weak_pin", f"a PIN has {least_length} to 12 digits")
    if len(set(pin)) < 3 or pin in "01234567890123" or pin in "98765432109876":
        raise Invalid("weak_pin", "this PIN is among the first to be guessed")


def masked_phone(phone: str) -> str:
    """Return ``phone`` as lists show it: 138****5678."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 9 else "****"


_SHARED_NAMES = frozenset(
    [
        "guard",
        "guards",
        "baoan",
        "security",
        "desk",
        "duty",
        "zhiban",
        "monitor",
        "user",
        "users",
        "operator",
        "test",
        "guest",
        "common",
        "public",
        "gongyong",
    ]
)
_SHARED_WORDS = ("值班", "保安", "岗", "公用", "共用", "测试", "中控", "监控室")


def looks_shared(user: str, name: str) -> bool:
    """Return whether an account is named after a post, not a person."""
    return user.rstrip("0123456789_-.") in _SHARED_NAMES or any(word in name for word in _SHARED_WORDS)
