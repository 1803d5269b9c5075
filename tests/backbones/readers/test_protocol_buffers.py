import numpy as np
import pytest

from tfgraphs.backbones.readers.protocol_buffers import Messages, add_array
from tfgraphs.backbones.readers.weights import WeightsError


def test_a_shape_without_end_is_refused_at_once():
    """The product of its sides would take minutes."""
    with pytest.raises(WeightsError, match="not have as many numbers"):
        add_array({}, "a", np.ones(1), [2**62] * 1_000_000)


def test_messages_of_two_programs_with_one_name_do_not_disturb_each_other():
    """Fields 1 and 2 of the same message, each known to one of them."""
    first, second = (Messages({"Blob": {"number": (field, "int64")}}) for field in (1, 2))
    content = bytes([1 << 3, 5, 2 << 3, 7])
    assert (first.parse("Blob", content).number, second.parse("Blob", content).number) == (5, 7)
