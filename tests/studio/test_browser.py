"""The page in Chromium: the main thing of each tab, with no request that leaves the machine and no error."""

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import chromium
import numpy as np
import pytest
from PIL import Image

from tfgraphs.files.packaged import PackageError
from tfgraphs.studio import fonts
from tfgraphs.vectors.loading import load_glove

CHECKOUT = Path(__file__).resolve().parents[2]
expect = chromium.needed().expect
MOUNTED = {  # what is there when a tab works
    "pairs": "#pairs [data-part=network] svg",
    "words": "#words [data-part=drawing] svg",
    "dream": "#dream .samples img",
    "paint": "#paint .samples img",
    "look": "#look [data-part=strongest] button",
}
TABS = list(MOUNTED)

PATIENCE = 60_000.0  # milliseconds
expect.set_options(timeout=PATIENCE)


NAMELESS = """
tab => [...document.querySelectorAll(`#${tab} :is(button, input, select, textarea, a, img, [role=button])`)]
    .filter(one => one.checkVisibility() && !one.closest("button img"))
    .filter(one => !(one.ariaLabel || one.alt || one.labels?.length || one.title || one.textContent.trim()
        || one.querySelector("img[alt]")))
    .map(one => one.outerHTML)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("studio")


@pytest.fixture(scope="module")
def address(folder):
    """The address of a running Studio."""
    command = [sys.executable, "-m", "tfgraphs.cli.studio", "--no_browser", "--port=0"]
    studio = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(CHECKOUT)}
    )
    yield re.search(r"http://\S+", studio.stdout.readline())[0]
    studio.terminate()
    studio.wait(timeout=60)


@pytest.fixture(scope="module")
def browser():
    with chromium.started() as browser:
        yield browser


@pytest.fixture
def page(browser, address):
    """A page that notes what must not happen, and fails if it did."""
    with watched(browser, address) as page:
        yield page


def is_wrong(message):
    """Whether a line of the console is an error; the browser writes one for each answer that refuses a mistake."""
    return message.type in ("error", "warning") and "status of 400" not in message.text


@contextlib.contextmanager
def watched(browser, address, **options):
    context = browser.new_context(accept_downloads=True, **options)
    context.set_default_timeout(PATIENCE)
    page, wrong = context.new_page(), []
    page.on("console", lambda message: wrong.append(message.text) if is_wrong(message) else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: wrong.append(request.url) if not request.url.startswith(address) else None)
    try:
        yield page
    finally:
        context.close()
    assert not wrong


def pixels_of(path):
    return np.asarray(Image.open(path))


def kept(page, tab):
    """The file that the link Keep of a tab brings."""
    with page.expect_download() as download:
        page.locator(f"#{tab} .viewer a.main").click()
    return download.value.path()


def test_pairs_next_moves_half_a_step_and_then_the_weights(page, address):
    page.goto(f"{address}pairs")
    network = page.locator("#pairs [data-part=network]")
    expect(network.locator("svg")).to_be_visible()
    expect(network.locator(".arrow")).to_have_count(0)
    cell = page.locator("#pairs [data-part=inputs] rect").first
    before = cell.get_attribute("fill")
    page.click("#pairs [data-do=next]")
    expect(network.locator(".arrow")).to_have_count(2)
    expect(page.locator("#pairs [data-part=pair]")).to_contain_text("step 0; now pair 1 of 12: eat|apple")
    page.click("#pairs [data-do=next]")
    expect(page.locator("#pairs [data-part=pair]")).to_contain_text("step 1; next pair 2")
    page.click('#pairs [data-do="500"]')
    expect(page.locator("#pairs [data-part=pair]")).to_contain_text("step 501")
    assert cell.get_attribute("fill") != before


def test_pairs_a_neuron_lights_up_under_the_mouse_and_stays_when_clicked(page, address):
    page.goto(f"{address}pairs?step=500")
    drink, eat = (page.locator(f"#pairs [data-word={word}]") for word in ("drink", "eat"))
    chances = page.locator("#pairs [data-part=probabilities] tr")
    drink.hover()
    expect(chances.first).to_contain_text(re.compile("milk|juice|water"))
    page.locator("#pairs [data-part=pair]").hover()
    expect(chances).to_have_count(0)
    eat.click()
    expect(eat).to_have_attribute("aria-pressed", "true")
    page.locator("#pairs [data-part=pair]").hover()
    expect(chances.first).to_contain_text(re.compile("apple|orange|rice"))


def test_pairs_the_keyboard_reaches_the_neurons(page, address):
    page.goto(f"{address}pairs")
    first = page.locator("#pairs [data-word=apple]")
    first.focus()
    page.keyboard.press("Enter")
    expect(first).to_have_attribute("aria-pressed", "true")
    expect(first).to_be_focused()


@pytest.fixture
def glove():
    try:
        load_glove()
    except PackageError as error:
        pytest.skip(str(error))


@pytest.mark.usefixtures("glove")
def test_words_are_found_as_they_are_typed(page, address):
    page.goto(f"{address}words")
    table = page.locator("#words [data-part=near-table]")
    expect(table).to_contain_text("queen")
    page.locator("#words [name=query]").fill("coffee")
    expect(table).to_contain_text("tea")


@pytest.mark.usefixtures("glove")
def test_words_a_point_of_the_plane_shows_its_neighbours(page, address):
    page.goto(f"{address}words")
    point = page.locator("#words [data-word=aunt]").first
    point.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#words")).to_contain_text("grandmother")


def test_look_units_respond_where_one_points(page, address, photo):
    page.goto(f"{address}look?network=squeezenet&layer=fire5")
    with page.expect_response(lambda answer: answer.request.method == "POST" and answer.url.endswith("/api/pictures")):
        page.set_input_files("#look .picker input", photo)
    page.wait_for_load_state("networkidle")
    expect(page.locator("#look [data-part=strongest] button")).to_have_count(15)
    page.locator("#look [data-part=stage]").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#look [data-part=units] li").first).to_be_visible()


def test_a_link_holds_the_whole_state(page, address, browser):
    page.goto(f"{address}pairs")
    page.select_option("#pairs [name=preset]", "King and queen")
    page.click('#pairs [data-do="100"]')
    expect(page.locator("#pairs [data-part=pair]")).to_contain_text("step 100")
    page.click("#pairs [data-do=axes]")
    page.click("#pairs [data-word=king]")
    expect(page.locator("#pairs [data-word=king]")).to_have_attribute("aria-pressed", "true")
    page.wait_for_url(re.compile("active="))
    numbers = page.locator("#pairs [data-part=numbers]").inner_text()
    with watched(browser, address) as other:
        other.goto(page.url)
        expect(other.locator("#pairs [data-part=numbers]")).to_have_text(numbers)
        expect(other.locator("#pairs [data-word=king]")).to_have_attribute("aria-pressed", "true")
        assert other.input_value("#pairs [name=preset]") == "King and queen"


def test_a_mistake_is_shown_and_the_page_goes_on(page, address):
    page.goto(f"{address}pairs")
    expect(page.locator("#pairs [data-part=network] svg")).to_be_visible()
    page.fill("#pairs [name=data]", "no pairs")
    with contextlib.suppress(AssertionError):
        page.click("#pairs [type=submit]")
    expect(page.locator("#message")).to_contain_text("'no pairs' is not context|target")
    page.fill("#pairs [name=data]", "a|b, b|a")
    page.click("#pairs [type=submit]")
    expect(page.locator("#pairs [data-part=pair]")).to_contain_text("of 2: a|b")
    expect(page.locator("#message")).to_be_hidden()


@pytest.fixture(scope="module")
def photo(folder):
    path = folder / "photo.png"
    pixels = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    Image.fromarray(pixels).save(path)
    return path


def test_a_dream_grows_and_is_the_command_s(page, address, folder, photo, forked):
    page.goto(f"{address}dream?layer=fire2&steps=12&octaves=2&size=96")
    page.set_input_files("#dream [data-part=picture] input", photo)
    expect(page.locator("#dream .picker img").first).to_be_visible()
    page.click("#dream [type=submit]")
    expect(page.locator("#dream .viewer [role=status]")).to_contain_text("done")
    slider = page.locator("#dream .viewer input[type=range]")
    assert int(slider.get_attribute("max")) >= 2
    last = page.locator("#dream .viewer img").get_attribute("src")
    slider.fill("0")
    expect(page.locator("#dream .viewer img")).not_to_have_attribute("src", last)
    flags = ["--layer=fire2", "--steps=12", "--octaves=2", "--size=96", "--output=command.png"]
    assert forked("deepdream", "photo.png", *flags, cwd=folder).returncode == 0
    assert np.array_equal(pixels_of(kept(page, "dream")), pixels_of(folder / "command.png"))
    page.reload()
    expect(page.locator("#dream .viewer [role=status]")).to_contain_text("done")


def test_a_dream_is_stopped_and_kept(page, address, photo):
    page.goto(f"{address}dream?layer=fire5&steps=2000&size=96")
    page.set_input_files("#dream [data-part=picture] input", photo)
    page.click("#dream [type=submit]")
    status = page.locator("#dream .viewer [role=status]")
    expect(status).to_contain_text("octave")
    page.get_by_role("button", name="Stop, and keep what there is").first.click()
    expect(status).to_contain_text("stopped")
    assert pixels_of(kept(page, "dream")).ndim == 3


@pytest.mark.parametrize(("file", "outcome"), [("photo.png", "done"), ("text.png", "is not a picture")])
def test_a_run_waits_for_its_picture(page, address, folder, photo, file, outcome):
    """Or says why it did not come."""
    (folder / "text.png").write_text("no picture")
    held = []
    page.route(
        "**/api/pictures", lambda route: held.append(route) if route.request.method == "POST" else route.continue_()
    )
    page.goto(f"{address}dream?layer=fire2&steps=2&octaves=1&size=64")
    with page.expect_request(lambda request: request.method == "POST" and request.url.endswith("/api/pictures")):
        page.set_input_files("#dream [data-part=picture] input", folder / file)
    page.click("#dream [type=submit]")
    page.wait_for_timeout(200)  # for a run that does not wait
    expect(page.locator("#message")).to_be_hidden()
    held.pop().continue_()
    expect(page.locator("#dream .viewer [role=status], #message").filter(has_text=outcome)).to_be_visible()


def test_a_mask_is_painted_with_the_mouse(page, address, photo):
    page.goto(f"{address}dream?layer=fire2&steps=2&octaves=1&size=128")
    page.set_input_files("#dream [data-part=picture] input", photo)
    page.click("#dream [data-part=mask-part] summary")
    canvas = page.locator("#dream canvas")
    expect(canvas).to_be_visible()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"], steps=4)
    page.mouse.up()
    expect(page.locator("#dream [data-part=command]")).to_have_text(re.compile("--mask=mask.jpg"), use_inner_text=False)
    page.click("#dream [type=submit]")
    expect(page.locator("#dream .viewer [role=status]")).to_contain_text("done")
    changed = np.abs(pixels_of(kept(page, "dream")).astype(int) - pixels_of(photo)).sum(axis=2) > 0
    assert changed[:, :48].any()
    assert not changed[:, 64:].any()


def test_a_photograph_is_painted_in_one_pass(page, address, photo):
    page.goto(f"{address}paint?size=96")
    page.set_input_files("#paint [data-part=picture] input", photo)
    page.check("#paint [name=one_pass]")
    page.click("#paint [type=submit]")
    expect(page.locator("#paint .viewer [role=status]")).to_contain_text("done")
    assert pixels_of(kept(page, "paint")).shape == (72, 96, 3)


def test_tabs_are_changed_by_the_keyboard_and_the_address_follows(page, address):
    page.goto(f"{address}pairs")
    expect(page.locator("#pairs [data-part=network] svg")).to_be_visible()
    page.locator("#tab-pairs").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-pairs")).to_have_attribute("aria-selected", "false")
    expect(page.locator("#pairs")).to_be_hidden()
    assert not page.url.endswith("pairs")
    page.go_back()
    expect(page.locator("#pairs")).to_be_visible()


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(browser, address, tab, scheme):
    with watched(browser, address, viewport={"width": 360, "height": 740}, color_scheme=scheme) as page:
        page.goto(f"{address}{tab}")
        expect(page.locator(MOUNTED[tab]).first).to_be_visible()
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("tab", TABS)
def test_everything_that_can_be_used_has_a_name(page, address, tab):
    page.goto(f"{address}{tab}")
    expect(page.locator(MOUNTED[tab]).first).to_be_visible()
    page.wait_for_load_state("networkidle")
    nameless = page.evaluate(NAMELESS, tab)
    assert not nameless


BARE = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>
"""


def test_chinese_words_are_drawn_by_a_browser_whose_system_has_no_font_for_them(browser, address, tmp_path):
    pytest.importorskip("noto_cjk_sans_otc", reason="needs the extra cjk")
    matplotlib = pytest.importorskip("matplotlib", reason="needs the fonts of the extra plot")
    (tmp_path / "fonts.conf").write_text(
        BARE.format(fonts=Path(matplotlib.get_data_path()) / "fonts", cache=tmp_path / "cache")
    )
    environment = {**os.environ, "FONTCONFIG_FILE": str(tmp_path / "fonts.conf")}
    bare = browser.browser_type.launch(executable_path=chromium.PROGRAM, args=chromium.ARGUMENTS, env=environment)
    try:
        with watched(bare, address) as page:
            page.goto(f"{address}pairs?data=国|国,王|王")
            names = page.locator("#pairs [data-part=network] .input text")
            expect(names).to_have_count(2)
            while not page.evaluate("[...document.fonts].some(font => font.status == 'loaded')"):
                assert page.evaluate("performance.now()") < PATIENCE
                page.wait_for_timeout(50)
            page.evaluate("document.fonts.ready")
            one, other = (pixels_of(io.BytesIO(names.nth(number).screenshot())) for number in (0, 1))
    finally:
        bare.close()
    assert not np.array_equal(one, other)  # boxes would be equal


def test_no_font_is_sent_for_latin_words(browser, address):
    pytest.importorskip("noto_cjk_sans_otc", reason="needs the extra cjk")
    with watched(browser, address) as page:
        sent = []
        page.on("request", lambda request: sent.append(request.url))
        page.goto(f"{address}pairs?data=cat|dog,dog|cat")
        expect(page.locator("#pairs [data-part=network] .input text").first).to_have_text("cat")
        page.wait_for_load_state("networkidle")
    assert [url for url in sent if "/fonts/" in url] == [f"{address}fonts/{fonts.STYLE}"]
