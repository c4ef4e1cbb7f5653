"""A catalog as devices write it becomes channels: parents, statuses, kinds, positions; partial ones delete nothing."""

import pytest

from anju.domain.channels import (
    INFO_MOST,
    INFO_VALUE_MOST,
    ChannelKind,
    Item,
    ItemEvent,
    Status,
    event_of,
    kept,
    kind_of,
    merged,
    parents_of,
    reason_words,
    state_of,
    status_after,
    turns,
)
from anju.domain.devices import EXPIRED, DeviceState
from anju.domain.video import ChannelState

NVR, FIRST, SECOND = "51080201011180000001", "51080201011320000001", "51080201011320000002"


@pytest.mark.parametrize(
    ("told", "group", "parents"),
    [
        ((NVR,), "", (NVR,)),
        ((NVR, "51080201012160000001"), "", (NVR, "51080201012160000001")),
        ((NVR, NVR, ""), "", (NVR,)),
        ((), "51080201012150000001", ("51080201012150000001",)),
        ((NVR,), "51080201012150000001", (NVR,)),
        ((FIRST,), "", ()),
        ((), "", ()),
    ],
)
def test_all_forms_of_parents_are_understood(told: tuple[str, ...], group: str, parents: tuple[str, ...]) -> None:
    assert parents_of(told, group, code=FIRST) == parents


@pytest.mark.parametrize(
    ("code", "holds", "kind"),
    [
        (FIRST, False, ChannelKind.CAMERA),
        ("51080201011310000001", False, ChannelKind.CAMERA),
        ("51080201011340000001", False, ChannelKind.ALARM_INPUT),
        ("51080201011370000001", False, ChannelKind.SPEAKER),
        ("51080201012150000001", False, ChannelKind.GROUP),
        ("51080201012160000001", False, ChannelKind.GROUP),
        ("510802", False, ChannelKind.GROUP),
        ("5108020001", False, ChannelKind.GROUP),
        ("51080200012000000001", True, ChannelKind.DEVICE),
        ("51080201011180000009", True, ChannelKind.DEVICE),
        ("51080201011180000009", False, ChannelKind.CAMERA),
        (NVR, False, ChannelKind.DEVICE),
        ("camera-7", False, ChannelKind.CAMERA),
        ("510802010113200001", False, ChannelKind.CAMERA),
    ],
)
def test_kinds_follow_from_codes(code: str, holds: bool, kind: ChannelKind) -> None:  # noqa: FBT001
    assert kind_of(code, account=NVR, holds=holds) is kind


def test_what_else_is_told_is_bounded() -> None:
    told = {f"Name{number}": "x" * 1_000 for number in range(1_000)} | {"Empty": "", "None": None}
    found = kept(told)
    assert (len(found), max(map(len, found.values()))) == (INFO_MOST, INFO_VALUE_MOST)


def items(*codes: str) -> list[Item]:
    return [Item(each, ChannelKind.CAMERA, each) for each in codes]


def test_a_whole_catalog_says_what_is_no_more() -> None:
    assert merged([FIRST, SECOND], items(FIRST), whole=True).gone == (SECOND,)


def test_a_partial_catalog_deletes_nothing() -> None:
    assert merged([FIRST, SECOND], items(FIRST), whole=False).gone == ()


def test_an_empty_whole_catalog_deletes_nothing() -> None:
    assert merged([FIRST, SECOND], [], whole=True).gone == ()


def test_an_item_told_twice_counts_once() -> None:
    assert len(merged([], items(FIRST, FIRST), whole=True).put) == 1


def test_events_put_channels_into_statuses() -> None:
    assert status_after(ItemEvent.LOST) == (Status.FAULT, "video-lost")
    assert status_after(ItemEvent.UPDATE) is None
    assert event_of("off") is ItemEvent.OFF
    assert event_of("") is None


@pytest.mark.parametrize(
    ("device", "status", "state", "reason"),
    [
        (DeviceState.ONLINE, Status.ON, ChannelState.ONLINE, "catalog-on"),
        (DeviceState.ONLINE, Status.OFF, ChannelState.OFFLINE, "catalog-on"),
        (DeviceState.ONLINE, Status.FAULT, ChannelState.FAULT, "catalog-on"),
        (DeviceState.OFFLINE, Status.ON, ChannelState.OFFLINE, "device-offline"),
        (DeviceState.UNKNOWN, Status.ON, ChannelState.UNKNOWN, "device-unknown"),
    ],
)
def test_a_channel_goes_with_its_device(device: DeviceState, status: Status, state: ChannelState, reason: str) -> None:
    assert state_of(device, status, "catalog-on") == (state, reason)


def test_the_reason_says_why_the_device_is_away() -> None:
    assert "注册已过期" in reason_words("device-offline", EXPIRED).zh


def test_a_fixed_camera_does_not_turn() -> None:
    assert [turns(each) for each in ("1", "3", "")] == [True, False, True]
