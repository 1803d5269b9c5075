"""SVG as text: it is XML whatever is written, and colours say the sign."""

import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.studio import svg

PRINTABLE = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"))


@given(PRINTABLE, PRINTABLE)
def test_any_text_comes_back_from_the_drawing(content, name):
    drawn = svg.drawing(10, 20.5, svg.text(content, 1, 2.25, class_=name), label=name)
    root = ElementTree.fromstring(drawn)
    (written,) = root
    assert root.get("viewBox") == "0 0 10 20.5"
    assert (written.text or "") == content
    assert written.attrib == {"x": "1", "y": "2.25", "class": name}


def test_attributes_without_a_value_are_left_out():
    assert svg.element("g", fill=None, stroke_width=1.5) == '<g stroke-width="1.5"/>'


def channels(value):
    text = svg.colour(value)
    return [int(text[place : place + 2], 16) for place in (1, 3, 5)]


@pytest.mark.parametrize("value", [0.1, 0.5, 2.0, 100.0])
def test_red_is_positive_and_blue_is_negative(value):
    red, blue = channels(value), channels(-value)
    assert red[0] > red[2]
    assert blue[2] > blue[0]


def test_no_value_is_grey_and_far_values_saturate():
    assert len(set(channels(0.0))) == 1
    assert svg.colour(50.0) == svg.colour(1e9) != svg.colour(0.5)


@pytest.mark.parametrize(
    ("text", "width"), [("cat", 3), ("国王", 3.6), ("ｶﾅ", 2), ("é", 1), ("e\u0301", 1), ("한국", 3.6)]
)
def test_wide_letters_count_as_more_than_one_and_marks_as_none(text, width):
    assert svg.letters(text) == pytest.approx(width)
