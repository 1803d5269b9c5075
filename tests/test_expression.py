import math
import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.expression import ExpressionError, parse


def weights(text: str) -> list[tuple[str, float]]:
    return [(term.word, term.weight) for term in parse(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("king", [("king", 1)]),
        ("king - man + woman", [("king", 1), ("man", -1), ("woman", 1)]),
        ("king -man +woman", [("king", 1), ("man", -1), ("woman", 1)]),
        ("(Shanghai - China) + Japan", [("Shanghai", 1), ("China", -1), ("Japan", 1)]),
        ("(Shanghai - China)+Japan", [("Shanghai", 1), ("China", -1), ("Japan", 1)]),
        ("man - girl + love", [("man", 1), ("girl", -1), ("love", 1)]),
        ("0.5*red + blue", [("red", 0.5), ("blue", 1)]),
        (".5 * red + 2*blue", [("red", 0.5), ("blue", 2)]),
        ("red + red", [("red", 1), ("red", 1)]),
        ("\tred\n+  blue ", [("red", 1), ("blue", 1)]),
    ],
)
def test_sum_of_words(text, expected):
    assert weights(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-king", [("king", -1)]),
        ("+king", [("king", 1)]),
        ("- king + queen", [("king", -1), ("queen", 1)]),
        ("a - (b - c)", [("a", 1), ("b", -1), ("c", 1)]),
        ("a - (b - (c - d))", [("a", 1), ("b", -1), ("c", 1), ("d", -1)]),
        ("-(-(-a))", [("a", -1)]),
        ("a - (-b)", [("a", 1), ("b", 1)]),
        ("2*(a - 0.5*(b + c))", [("a", 2), ("b", -1), ("c", -1)]),
        ("-3*(a)", [("a", -3)]),
        ("a + -1*b", [("a", 1), ("b", -1)]),
        ("a - -0.5*(b - c)", [("a", 1), ("b", 0.5), ("c", -0.5)]),
        ("a + +2*b", [("a", 1), ("b", 2)]),
        ("-−2*a", [("a", 2)]),
        ("0*(a - b)", [("a", 0), ("b", 0)]),
    ],
)
def test_signs_and_factors_reach_into_brackets(text, expected):
    assert weights(text) == expected


@pytest.mark.parametrize(
    "word",
    [
        "well-known",
        "c++",
        "New_York",
        "1984",
        "3.14",
        "rock'n'roll",
        "o'clock",
        "'tis",
        "U.S.A.",
        "Straße",
        "北京",
        "Москва",
        "القاهرة",
        "naïve",
        "😀",
    ],
)
@pytest.mark.parametrize("pattern", ["{}", "{} - war", "war - {}", "({} - war)", "2*{}"])
def test_word_with_unusual_letters_is_one_word(word, pattern):
    assert word in [term.word for term in parse(pattern.format(word))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"New York" - city', [("New York", 1), ("city", -1)]),
        ("'New York' - city", [("New York", 1), ("city", -1)]),
        ('city - "a - b"', [("city", 1), ("a - b", -1)]),
        ('"f(x)" + "2*x"', [("f(x)", 1), ("2*x", 1)]),
        ('"-" + "+"', [("-", 1), ("+", 1)]),
        ('0.5*"New York"', [("New York", 0.5)]),
        ("('New York' - city)", [("New York", 1), ("city", -1)]),
        ("\"rock'n'roll\"", [("rock'n'roll", 1)]),
    ],
)
def test_quotes_make_one_word(text, expected):
    assert weights(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("king -", "a word is missing at the end"),
        ("king - - man", "a word is missing before '- man'"),
        ("king - - - 2*man", "a word is missing before '- - 2*man'"),
        ("king + * man", "a word is missing before '* man'"),
        ("* king", "a word is missing before '* king'"),
        ("2 *", "a word is missing at the end"),
        ("2*3*king", "a word is missing before '3*king'"),
        ("king - ()", "a word is missing before ')'"),
        ("king man", "an operator (+ or -) is missing before 'man'"),
        ("(king) man", "an operator (+ or -) is missing before 'man'"),
        ("king * 2", "an operator (+ or -) is missing before '* 2'"),
        ("king)", "is missing before ')'"),
        ("(king - man", "a ')' is missing at the end"),
        ("((king - man) + woman", "a ')' is missing at the end"),
        ("(king man)", "a ')' is missing before 'man)'"),
        ("", "nothing is asked"),
        ("   ", "nothing is asked"),
        ("\t\n\u00a0", "nothing is asked"),
        ("(" * 51 + "king" + ")" * 51, "too many brackets before 'king"),
        ("(" * 100_000, "too many brackets before '("),
        (f"red + {'9' * 400}*king", "a number is too large before '99"),
        (f"{'9' * 200}*({'9' * 200}*king)", "a number is too large before '99"),
        (f"0*({'9' * 400}*king)", "a number is too large before '99"),
    ],
)
def test_error_names_the_place(text, message):
    with pytest.raises(ExpressionError, match=re.escape(message)):
        parse(text)


def test_fifty_brackets_are_allowed():
    assert weights("(" * 50 + "king" + ")" * 50) == [("king", 1)]


def test_brackets_side_by_side_are_not_counted_as_nested():
    assert weights(" + ".join(["(king)"] * 200)) == [("king", 1)] * 200


bare_words = st.text(min_size=1, max_size=8).filter(
    lambda word: not re.search(r"[\s()*]", word) and word[0] not in "+-\"'"
)
any_words = st.text(st.characters(codec="utf-8", exclude_characters='"'), min_size=1, max_size=8)
factors = st.one_of(st.none(), st.integers(0, 999).map(str), st.decimals(0, 99, places=3).map(str))
spaces = st.sampled_from(["", " ", "  ", "\t"])
gaps = st.sampled_from([" ", "  ", "\n"])


@st.composite
def sums(draw: st.DrawFn, depth: int = 2) -> tuple[str, list[tuple[str, Fraction]]]:
    """An expression, and what it means: every word with the exact product of the signs and factors around it."""
    text, meaning = "", []
    for position in range(draw(st.integers(1, 3))):
        sign = draw(st.sampled_from(["+", "-"] if position else ["+", "-", ""]))
        factor = draw(factors)
        if depth and draw(st.booleans()):
            inner, terms = draw(sums(depth=depth - 1))
            term = f"({draw(spaces)}{inner}{draw(spaces)})"
        elif draw(st.booleans()):
            word = draw(any_words)
            term, terms = f'"{word}"', [(word, Fraction(1))]
        else:
            word = draw(bare_words)
            term, terms = word, [(word, Fraction(1))]
        product = term if factor is None else f"{factor}{draw(spaces)}*{draw(spaces)}{term}"
        text += f"{draw(gaps) if position else draw(spaces)}{sign}{draw(spaces)}{product}"
        scale = Fraction(factor or 1) * (-1 if sign == "-" else 1)
        meaning += [(word, scale * weight) for word, weight in terms]
    return text, meaning


@given(sums())
def test_rendered_tree_parses_to_its_weights(rendered):
    text, meaning = rendered
    assert weights(text) == [(word, pytest.approx(float(weight), rel=1e-12)) for word, weight in meaning]


@given(st.one_of(st.text(), st.text("ab19.+-*()\"' \n", max_size=30)))
def test_any_text_is_a_sum_of_words_or_a_one_line_error(text):
    terms, message = [], ""
    try:
        terms = parse(text)
    except ExpressionError as error:
        message = str(error)
    assert bool(terms) != bool(message)
    assert all(term.word and math.isfinite(term.weight) for term in terms)
    assert len(message.splitlines()) <= 1


def test_the_typographic_minus_is_a_minus():
    assert parse("king − man") == parse("king - man")


def test_a_bracket_too_many_is_named():
    with pytest.raises(ExpressionError, match=r"a '\(' is missing"):
        parse("king)")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("king-man+woman", [("king", 1), ("man", -1), ("woman", 1)]),
        ("king−man", [("king", 1), ("man", -1)]),
        ("well-known-man", [("well-known", 1), ("man", -1)]),
        ("man-well-known", [("man", 1), ("well-known", -1)]),
        ("well-known", [("well-known", 1)]),
        ("king-man + well-known", [("king", 1), ("man", -1), ("well-known", 1)]),
        ("- king+man", [("king", -1), ("man", 1)]),
        ("-king+man", [("king", -1), ("man", 1)]),
        ("0.5*king+man", [("king", 0.5), ("man", 1)]),
        ("king-0.5*man", [("king", 1), ("man", -0.5)]),
        ("2*(king-man)", [("king", 2), ("man", -2)]),
        ("king-duke", [("king-duke", 1)]),
        ("'king-man'", [("king-man", 1)]),
        ("king-", [("king-", 1)]),
        ("a-" * 40, [("a-" * 40, 1)]),
    ],
)
def test_unknown_words_are_cut_at_signs_if_all_parts_are_known(text, expected):
    known = {"king", "man", "woman", "well", "well-known", "a"}.__contains__
    assert [(term.word, term.weight) for term in parse(text, known=known)] == expected
