"""Every parameter of security that somebody may set, with its bounds and its words. Nothing of it is hidden.

Source: 6.3.1 (log-in failures and log-out configured by policy).
"""

from dataclasses import dataclass
from enum import StrEnum

from anju.errors import Invalid

Value = int | bool


class Kind(StrEnum):
    """What a policy's value is."""

    INTEGER = "integer"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class Policy:
    """One parameter: ``least`` and ``most`` bound an integer, both included; ``zh`` and ``en`` say what it does."""

    key: str
    default: Value
    zh: str
    en: str
    least: int | None = None
    most: int | None = None
    unit: str = ""

    @property
    def kind(self) -> Kind:
        """Return what its value is."""
        return Kind.BOOLEAN if isinstance(self.default, bool) else Kind.INTEGER

    def check(self, value: object) -> Value:
        """Return ``value``. Raises Invalid where it is of another kind or out of bounds."""
        if self.kind is Kind.BOOLEAN:
            if isinstance(value, bool):
                return value
            raise Invalid("wrong_kind", f"{self.key} is true or false")
        if not isinstance(value, int) or isinstance(value, bool):
            raise Invalid("wrong_kind", f"{self.key} is a whole number")
        if (self.least is not None and value < self.least) or (self.most is not None and value > self.most):
            raise Invalid("out_of_bounds", f"{self.key} is from {self.least} to {self.most}")
        return value


LEAST_LENGTH = "password.least_length"
LEAST_CLASSES = "password.least_classes"
HISTORY = "password.history"
EXPIRES_DAYS = "password.expires_days"
FAILURES = "login.failures"
LOCK_MINUTES = "login.lock_minutes"
IDLE_MINUTES = "session.idle_minutes"
ABSOLUTE_HOURS = "session.absolute_hours"
FRESH_MINUTES = "session.reauthentication_minutes"
MOST_SESSIONS = "session.most_per_account"
PIN_ALLOWED = "pin.allowed"
PIN_LENGTH = "pin.least_length"
STALE_DAYS = "account.stale_days"

POLICIES: dict[str, Policy] = {
    each.key: each
    for each in (
        Policy(LEAST_LENGTH, 10, "口令最短长度", "Shortest password", 8, 64, "characters"),
        Policy(
            LEAST_CLASSES,
            3,
            "口令至少含几类字符(大写、小写、数字、其他)",
            "Kinds of characters a password has at least (upper, lower, digit, other)",
            2,
            4,
        ),
        Policy(HISTORY, 5, "不得重复使用最近几个口令", "Last passwords that may not be used again", 0, 24, "passwords"),
        Policy(
            EXPIRES_DAYS,
            90,
            "口令有效天数(0 为不过期)",
            "Days until a password must be changed (0: never)",
            0,
            365,
            "days",
        ),
        Policy(
            FAILURES, 5, "连续失败几次后锁定", "Failures in a row until an account is locked out", 3, 10, "failures"
        ),
        Policy(LOCK_MINUTES, 15, "登录失败锁定时长", "Minutes an account stays locked out", 1, 1440, "minutes"),
        Policy(
            IDLE_MINUTES,
            15,
            "无操作多久后退出登录(值班台为锁定)",
            "Minutes without action until log-out (a guard's desk is locked instead)",
            1,
            120,
            "minutes",
        ),
        Policy(ABSOLUTE_HOURS, 12, "一次登录最长时间", "Hours a log-in lasts at most", 1, 24, "hours"),
        Policy(
            FRESH_MINUTES,
            5,
            "导出与改设置前重新验证的有效时间",
            "Minutes a re-authentication holds for exports and settings",
            1,
            30,
            "minutes",
        ),
        Policy(MOST_SESSIONS, 3, "同一账号最多同时登录数", "Log-ins of one account at the same time", 1, 20, "log-ins"),
        Policy(
            PIN_ALLOWED,
            True,
            "值班台可用 PIN 解锁和交接班",
            "A guard's desk may be unlocked and handed over by PIN",
        ),
        Policy(PIN_LENGTH, 6, "PIN 最短位数", "Shortest PIN", 4, 12, "digits"),
        Policy(
            STALE_DAYS,
            90,
            "多少天未登录视为闲置账号",
            "Days without log-in until an account counts as stale",
            7,
            365,
            "days",
        ),
    )
}
