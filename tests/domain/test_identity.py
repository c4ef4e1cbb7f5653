"""Which class may hold what; which passwords, PINs and names are good enough."""

import pytest

from anju.domain.identity import (
    ACTIONS,
    BUILTIN_ROLES,
    AccountClass,
    PasswordRules,
    check_actions,
    check_password,
    check_pin,
    looks_shared,
    masked_phone,
)
from anju.domain.policies import POLICIES, Kind
from anju.domain.rights import Action
from anju.errors import Invalid

RULES = PasswordRules(least_length=10, least_classes=3)
KEPT_APART = [
    (AccountClass.SYSTEM, Action.USERS_WRITE),
    (AccountClass.SECURITY, Action.ROLES_WRITE),
    (AccountClass.SECURITY, Action.POLICIES_WRITE),
    (AccountClass.AUDIT, Action.OPERATOR_LOG_READ),
    (AccountClass.AUDIT, Action.OPERATOR_LOG_VERIFY),
]


def test_every_action_has_words_and_a_class() -> None:
    assert set(ACTIONS) == set(Action)
    assert all(words.zh and words.en and words.classes for words in ACTIONS.values())


@pytest.mark.parametrize(("account_class", "action"), KEPT_APART)
def test_what_makes_an_administrator_belongs_to_his_class_alone(account_class: AccountClass, action: Action) -> None:
    assert ACTIONS[action].classes == {account_class}


@pytest.mark.parametrize("role", BUILTIN_ROLES, ids=lambda role: role.id)
def test_built_in_roles_keep_to_their_class(role: object) -> None:
    found = next(each for each in BUILTIN_ROLES if each is role)
    check_actions(found.actions, found.account_class)


def test_only_guards_leaders_and_upper_tiers_handle_alarms() -> None:
    handle = {role.id for role in BUILTIN_ROLES if Action.ALARMS_HANDLE in role.actions}
    assert handle == {"guard", "shift_leader", "county_operator", "city_operator"}


@pytest.mark.parametrize("password", ["Quiet-River-71", "安居乐业Abc123!", "x" * 100 + "Y7zzy8w"])
def test_a_good_password(password: str) -> None:
    check_password(password, RULES, names=("ligang", "李刚"))


@pytest.mark.parametrize(
    "password",
    [
        "Short-1",
        "alllowercaseletters",
        "lowercase12345",
        "Ligang-2026x",
        "我是李刚Abc123!",
        "Aa1-Aa1-Aa1-",
        "Password123!",
        "A1-" + "b" * 126,
    ],
)
def test_a_bad_password(password: str) -> None:
    with pytest.raises(Invalid):
        check_password(password, RULES, names=("ligang", "李刚"))


def test_a_pin_of_digits_that_are_no_run() -> None:
    check_pin("739251", 6)


@pytest.mark.parametrize("pin", ["73925", "123456", "654321", "111111", "121212", "73925a", "٧٣٩٢٥١", "7" * 13, ""])
def test_a_bad_pin(pin: str) -> None:
    with pytest.raises(Invalid):
        check_pin(pin, 6)


@pytest.mark.parametrize(("phone", "shown"), [("13812345678", "138****5678"), ("8612345", "****"), ("", "****")])
def test_a_phone_is_masked(phone: str, shown: str) -> None:
    assert masked_phone(phone) == shown


@pytest.mark.parametrize(
    ("username", "name", "shared"),
    [("guard1", "李刚", True), ("ligang", "东门岗", True), ("zhiban", "x", True), ("ligang", "李刚", False)],
)
def test_an_account_named_after_a_post_looks_shared(username: str, name: str, *, shared: bool) -> None:
    assert looks_shared(username, name) is shared


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_every_policy_has_words_and_a_default_inside_its_bounds(policy: object) -> None:
    found = next(each for each in POLICIES.values() if each is policy)
    assert found.check(found.default) == found.default
    assert found.zh
    assert found.en
    assert (found.kind is Kind.BOOLEAN) == (found.least is None)


def test_whoever_sits_at_a_desk_sees_vehicles_and_only_leaders_and_above_see_persons() -> None:
    vehicles = {role.id for role in BUILTIN_ROLES if Action.VEHICLES_READ in role.actions}
    people = {role.id for role in BUILTIN_ROLES if Action.PEOPLE_READ in role.actions}
    assert {"guard", "shift_leader", "property_manager", "county_operator", "police_station"} <= vehicles
    assert people == {"shift_leader", "county_operator", "city_operator", "police_station"}


def test_system_administrators_see_no_vehicle_and_no_person() -> None:
    personal = {Action.VEHICLES_READ, Action.VEHICLES_EXPORT, Action.WATCH_READ, Action.PEOPLE_READ}
    assert not any(AccountClass.SYSTEM in ACTIONS[action].classes for action in personal)
