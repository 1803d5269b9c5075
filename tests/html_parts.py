"""Reads HTML back: the cells of its tables, its text, its elements and its pictures."""

import base64
import io
from html.parser import HTMLParser

import numpy as np
from PIL import Image


class Parts(HTMLParser):
    """What a page consists of.

    Attributes:
        elements: (name, {attribute: value}) of each element, in their order.
        rows: the texts of the cells of each row of its tables.
        text: all of its text, in pieces.
    """

    def __init__(self, page):
        super().__init__()
        self.elements, self.rows, self.text = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        self.text.append(data)
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.strip("\n")

    @property
    def names(self):
        return {name for name, _ in self.elements}

    def attributes(self, element):
        """The attributes of the only element of a name."""
        (found,) = [attributes for name, attributes in self.elements if name == element]
        return found

    @property
    def picture(self):
        """The pixels of the only picture, 0..255."""
        return decoded(base64.b64decode(self.attributes("img")["src"].removeprefix("data:image/png;base64,")))


def decoded(png):
    with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
        return np.asarray(image)
