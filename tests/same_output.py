"""Whether two outputs are the same on different machines: the words are, and numbers are nearly."""

import math
import re

NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?")


def assert_same_lines(printed: list[str], expected: list[str], slack: float = 0.0) -> None:
    """Compares lines of output: words exactly, numbers as closely as other processors compute them.

    Args:
        printed: the lines of a run.
        expected: those that are shown.
        slack: numbers may differ by so much in any case.
    """
    assert [NUMBER.sub("#", " ".join(line.split())) for line in printed] == [
        NUMBER.sub("#", " ".join(line.split())) for line in expected
    ], "\n".join(printed)
    for one, other in zip(printed, expected, strict=True):
        for number, wanted in zip(NUMBER.findall(one), NUMBER.findall(other), strict=True):
            assert close(number, wanted, slack), f"{one!r} instead of {other!r}"


def close(number: str, wanted: str, slack: float = 0.0) -> bool:
    """Whether two numbers differ by at most 5 percent and one unit of the last digit that is shown, or by the slack."""
    decimals = len(wanted.partition("e")[0].partition(".")[2])
    one, other = (float(text.replace(",", "")) for text in (number, wanted))
    unit = 10.0**-decimals if decimals and "e" not in wanted else 0.0
    return math.isclose(one, other, rel_tol=0.05, abs_tol=max(1.01 * unit, slack))
