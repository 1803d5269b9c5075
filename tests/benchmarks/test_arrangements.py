"""Pictures side by side, and with their tiles in another order."""

import numpy as np

from benchmarks.arrangements import row, shuffled

GAP = 8


def test_shuffled_tiles_are_the_tiles_of_the_picture():
    picture = np.random.default_rng(1).random((12, 12, 3))
    result = shuffled(picture, tile=4)
    found, wanted = (
        sorted(one[y : y + 4, x : x + 4].tobytes() for y in (0, 4, 8) for x in (0, 4, 8)) for one in (result, picture)
    )
    assert found == wanted
    assert not np.array_equal(result, picture)


def test_a_row_has_its_pictures_on_one_line():
    small, large = np.zeros((2, 3, 3)), np.full((5, 4, 3), 0.5)
    drawn = row([small, large], GAP)
    assert drawn.shape == (5, 3 + GAP + 4, 3)
    np.testing.assert_array_equal(drawn[3:, :3], small)
    np.testing.assert_array_equal(drawn[:, 3 + GAP :], large)
    assert (drawn[:3, :3] == 1).all()
