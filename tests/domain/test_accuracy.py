"""What judged readings prove about the rate, day and night apart."""

from datetime import UTC, datetime

import pytest

from anju.domain.accuracy import Accuracy, Light, at_least, light_at


@pytest.mark.parametrize(
    ("n", "wrong", "rate"),
    [(598, 0, 0.995), (947, 1, 0.995), (1258, 2, 0.995), (199, 0, 0.985), (315, 1, 0.985), (418, 2, 0.985)],
)
def test_as_many_samples_prove_a_rate_as_the_tables_say(n: int, wrong: int, rate: float) -> None:
    assert at_least(n, wrong) >= rate
    assert at_least(n - 1, wrong) < rate


@pytest.mark.parametrize(("n", "wrong"), [(1, 1), (1_000_000, 1_000_000)])
def test_where_all_are_wrong_nothing_is_proved(n: int, wrong: int) -> None:
    assert at_least(n, wrong) == 0


def test_a_large_sample_is_bounded_closely() -> None:
    assert at_least(1_000_000, 5_000) == pytest.approx(0.99488, abs=1e-5)


@pytest.mark.parametrize(("n", "wrong"), [(0, 0), (3, 4), (3, -1)])
def test_counts_that_cannot_be_are_refused(n: int, wrong: int) -> None:
    with pytest.raises(ValueError, match="wrong of"):
        at_least(n, wrong)


def test_nothing_judged_is_no_rate() -> None:
    assert (Accuracy(0, 0).rate, Accuracy(0, 0).bound) == (None, None)


def test_a_rate_is_never_below_its_bound() -> None:
    found = Accuracy(237, 12)
    assert found.rate == pytest.approx(0.949, abs=1e-3)
    assert found.bound is not None
    assert found.rate is not None
    assert found.bound < found.rate


@pytest.mark.parametrize(("hour", "light"), [(6, "night"), (7, "day"), (18, "day"), (19, "night"), (0, "night")])
def test_day_is_from_seven_to_seven(hour: int, light: str) -> None:
    assert light_at(datetime(2026, 11, 22, hour, 59, tzinfo=UTC)) == Light(light)
