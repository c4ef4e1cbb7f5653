"""Every trouble with recording has words in both languages."""

from anju.domain.recording_trouble import GOOD, TROUBLE_WORDS, Trouble


def test_every_trouble_has_words() -> None:
    assert set(TROUBLE_WORDS) == set(Trouble)
    assert all(each.zh and each.en for each in TROUBLE_WORDS.values())


def test_what_is_well_again_is_among_them() -> None:
    assert set(Trouble) > GOOD
