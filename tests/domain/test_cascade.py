"""The tree an upper sees: by place, with codes that are unique and stay; what changed in it."""

from dataclasses import replace

import pytest

from anju.domain.cascade import (
    Directory,
    Numbers,
    Shared,
    Standing,
    Tree,
    Turn,
    by_places,
    check_directories,
    numbered,
    turns,
)
from anju.domain.video import ChannelState
from anju.errors import Invalid

ROOT = "51080200012000000001"
GROUP, SECOND = "51080200012150000001", "51080200012160000001"


def camera(number: int, *path: str, state: ChannelState = ChannelState.ONLINE, code: str = "") -> Standing:
    own = code or f"5108020101132000000{number}"
    return Standing(f"c{number}", own, f"{number} 号", state, path, "/510802/" + "/".join(path) + "/")


NAMES = {"site": "东坝一号院", "wall": "西围墙", "gate": "东门"}
CAMERAS = [camera(1, "site", "wall"), camera(2, "site", "wall"), camera(3, "site", "gate"), camera(4, "site")]


def tree(cameras: list[Standing] = CAMERAS, known: dict[str, Directory] | None = None) -> Tree:
    return by_places(cameras, known or {}, NAMES, Numbers(ROOT, ()), ROOT)


def test_a_site_is_a_group_and_the_places_in_it_are_organisations() -> None:
    found = tree()
    assert [(each.code[10:13], each.parent, each.name) for each in found.directories] == [
        ("215", ROOT, "东坝一号院"),
        ("216", found.directories[0].code, "西围墙"),
        ("216", found.directories[0].code, "东门"),
    ]
    assert [each.directory for each in found.cameras][-1] == found.directories[0].code
    assert set(found.groups().values()) == {found.directories[0].code}


def test_places_that_were_shown_before_keep_their_codes() -> None:
    first = tree()
    known = {each.place_id: each for each in first.directories}
    again = by_places(CAMERAS[2:], known, NAMES, Numbers(ROOT, [each.code for each in first.directories]), ROOT)
    assert {each.code for each in again.directories} == {first.directories[0].code, first.directories[2].code}


def test_a_camera_whose_code_is_not_its_alone_gets_one_of_ours_and_keeps_it() -> None:
    twice = [camera(1, "site"), camera(2, "site", code=camera(1).code), camera(3, "site", code="short")]
    found = numbered(tree(twice), {}, Numbers(ROOT, ()))
    codes = [each.code for each in found.cameras]
    assert codes[0] == camera(1).code
    assert [each[:13] for each in codes[1:]] == [ROOT[:10] + "132"] * 2
    assert len(set(codes)) == 3
    mapped = {"c2": codes[1], "c3": codes[2]}
    assert numbered(tree(twice), mapped, Numbers(ROOT, codes)) == found


def test_part_of_a_tree_is_a_node_with_all_under_it_or_one_camera() -> None:
    found = tree()
    wall = found.directories[1]
    assert [each.camera.channel_id for each in found.under(wall.code).cameras] == ["c1", "c2"]
    assert [each.camera.channel_id for each in found.under(CAMERAS[3].code).cameras] == ["c4"]
    assert found.under("51080200012160009999") == Tree()


def test_what_changed_is_told_once_and_plainly() -> None:
    before = tree()
    off = replace(CAMERAS[0], state=ChannelState.OFFLINE)
    renamed = replace(CAMERAS[1], name="新名")
    known = {each.place_id: each for each in before.directories}
    after = by_places([off, renamed, CAMERAS[3], camera(5, "site")], known, NAMES, Numbers(ROOT, ()), ROOT)
    gone = [Turn("DEL", CAMERAS[2].code), Turn("DEL", before.directories[2].code)]
    changed = [Turn("ADD", camera(5).code), Turn("OFF", CAMERAS[0].code), Turn("UPDATE", CAMERAS[1].code)]
    assert turns(before, after) == [*gone, *changed]
    assert turns(after, after) == []


def test_directories_are_put_in_order_and_none_hangs_in_the_air() -> None:
    inner, outer = Directory(SECOND, GROUP, "西侧"), Directory(GROUP, ROOT, "一期")
    assert check_directories([inner, outer], ROOT) == (outer, inner)
    for wrong in ([inner], [outer, outer], [Directory(GROUP, GROUP, "x")], [Directory(ROOT, ROOT, "x")]):
        with pytest.raises(Invalid):
            check_directories(wrong, ROOT)


def test_codes_are_ours_and_none_is_given_twice() -> None:
    numbers = Numbers(ROOT, ["51080200011320000001"])
    assert [numbers.take("132"), numbers.take("132"), numbers.take("215")] == [
        "51080200011320000002",
        "51080200011320000003",
        "51080200012150000001",
    ]


def test_a_camera_directly_under_the_platform_has_no_directory() -> None:
    alone = tree([camera(1)])
    assert alone == Tree((), (Shared(camera(1), camera(1).code),))
