"""Times in words: examples, and what holds for all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.monitor.terminal import duration, time_left

UNITS = {"s": 1, "min": 60, "h": 3600}

times = st.floats(-1e6, 1e9)
shares = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)


def seconds_of(words):
    """Reads "3 h 20 min" back."""
    numbers, units = words.split()[::2], words.split()[1::2]
    return sum(int(number) * UNITS[unit] for number, unit in zip(numbers, units, strict=True))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (-3, "0 s"),
        (45, "45 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (125, "2 min 5 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 0 min"),
        (12_000, "3 h 20 min"),
        (360_000, "100 h 0 min"),
    ],
)
def test_a_duration_is_said_in_its_two_largest_units(seconds, words):
    assert duration(seconds) == words


@given(seconds=times)
def test_a_duration_is_never_negative(seconds):
    assert seconds_of(duration(seconds)) >= 0


@given(seconds=st.floats(0, 1e9))
def test_a_duration_is_right_to_half_a_second_and_from_an_hour_on_to_a_minute(seconds):
    tolerance = 0.5 if seconds < 3599.5 else 60
    assert seconds_of(duration(seconds)) == pytest.approx(seconds, abs=tolerance, rel=0)


@given(pair=st.tuples(times, times).map(sorted))
def test_a_longer_time_is_not_said_to_be_shorter(pair):
    assert seconds_of(duration(pair[0])) <= seconds_of(duration(pair[1]))


@pytest.mark.parametrize(
    ("seconds", "done", "already", "words"),
    [
        (30, 0.25, 0.0, "1 min 30 s"),
        (30, 0.75, 0.5, "30 s"),
        (30, 1.0, 0.0, "0 s"),
        (30, 0.0, 0.0, "some time"),
        (30, 0.5, 0.5, "some time"),
    ],
)
def test_the_time_left_follows_from_the_pace_so_far(seconds, done, already, words):
    assert time_left(seconds, done, already) == words


@given(seconds=st.floats(0, 1e6), milestones=st.lists(shares, min_size=3, max_size=3, unique=True).map(sorted))
def test_the_more_is_done_in_a_time_the_less_is_left(seconds, milestones):
    already, less, more = milestones
    assert seconds_of(time_left(seconds, more, already)) <= seconds_of(time_left(seconds, less, already))


@given(seconds=st.floats(0, 1e6), done=shares, already=shares)
def test_the_time_left_is_never_negative(seconds, done, already):
    words = time_left(seconds, done, already)
    assert words == "some time" or seconds_of(words) >= 0
