"""Each frame is shown at its time, and the film ends when it should."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.pictures.films.timing import Timing, steady, timing_of

MS = Fraction(1, 1000)
delays_in_ms = st.lists(st.integers(20, 3000), min_size=1, max_size=30)


def timing(delays, unit=MS, rates=()):
    *begins, end = itertools.accumulate([7, *delays])
    rate = Fraction(len(delays)) / (sum(delays) * unit)
    return timing_of(begins, end, unit, [*rates, rate], Fraction(0))


@given(delays_in_ms)
def test_times_are_kept_within_their_unit(delays):
    found = timing(delays)
    times = [float(found.seconds(number)) for number in range(len(delays) + 1)]
    np.testing.assert_allclose(times, np.cumsum([0, *delays]) / 1000, atol=0.00102)


@given(delays_in_ms, st.sampled_from([(1000, 11), (100, 2)]))
def test_what_is_rounded_off_comes_later(delays, format):
    parts, shortest = format
    shown = list(itertools.islice(timing(delays).delays(parts, shortest, 10**6), len(delays)))
    np.testing.assert_allclose(np.cumsum(shown) / parts, np.cumsum(delays) / 1000, atol=0.5 / parts + 0.00102)


def test_a_frame_that_is_too_short_is_made_up_for_by_those_after_it():
    found = Timing(MS, np.array([0, 1, 2, 100, 200]))
    assert list(found.delays(100, 2, 100)) == [2, 2, 6, 10]
    assert list(found.delays(1000, 11, 50)) == [11, 11, 50, 50]


@pytest.mark.parametrize("rate", [Fraction(30), Fraction(30000, 1001), Fraction(24), Fraction(48), Fraction(1, 3)])
@pytest.mark.parametrize("unit", [MS, Fraction(1, 90_000), Fraction(1, 10**9)])
def test_a_steady_rate_is_found_behind_rounded_times(rate, unit):
    delays = np.diff([round(number / rate / unit) for number in range(100)])
    assert timing(delays.tolist(), unit, [rate]) == Timing(1 / rate)


@pytest.mark.parametrize("delays", [[40, 200, 40], [40] * 99 + [2000], [40, 40, 80, 40]])
def test_a_pause_is_no_steady_rate(delays):
    found = timing(delays, rates=[Fraction(25)])
    np.testing.assert_array_equal(found.ticks, np.cumsum([0, *delays]))
    assert (found.count, found.seconds(len(delays))) == (len(delays), sum(delays) * MS)


def test_a_dropped_frame_of_a_coarse_clock_is_kept():
    assert timing([1, 2, 1], Fraction(1, 25), [Fraction(25)]).seconds(3) == Fraction(4, 25)


def test_nanoseconds_become_units_that_a_film_can_have():
    found = timing([10**9 + 1, 10**7, 10**8], Fraction(1, 10**9))
    assert found.unit == Fraction(1, 90_000)
    assert float(found.seconds(3)) == pytest.approx(1.11, abs=2e-5)


@pytest.mark.parametrize("begins", [[0, 0, 0], [5, 3, 9], [2**62, 0, 1], [-(2**62), 0, 2**62], [0, 10**12, 5]])
def test_impossible_times_still_increase(begins):
    found = timing_of(begins, begins[-1], MS, [Fraction(25)], Fraction(0))
    times = [found.tick(number) for number in range(4)]
    assert times[0] == 0
    assert (np.diff(times) >= 1).all()
    assert found.seconds(3) <= 2_000_000


@pytest.mark.parametrize("rate", [0.1, 12.5, 23.976, 29.97, 60])
def test_steady_frames_never_end(rate):
    found = steady(rate)
    assert found.count is None
    assert float(found.seconds(1000)) == pytest.approx(1000 / rate)
    assert sum(itertools.islice(found.delays(1000, 1, 10**6), 1000)) == pytest.approx(1_000_000 / rate, abs=1)
