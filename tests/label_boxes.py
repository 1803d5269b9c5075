"""Boxes around labels in pictures of words."""

import itertools


def overlapping(boxes) -> list[tuple[int, int]]:
    """Pairs of boxes, (left, below, right, above) each, that have an area in common."""
    return [
        (i, j)
        for (i, one), (j, two) in itertools.combinations(enumerate(boxes), 2)
        if min(one[2], two[2]) > max(one[0], two[0]) and min(one[3], two[3]) > max(one[1], two[1])
    ]
