"""What a notebook displays, in a form in which two runs on different machines can be compared."""

import base64
import io
import re

from PIL import Image

_TIME = r"\d+ (?:s|min|h)(?: \d+ (?:s|min))?|[\d,]+ words/s"  # differs from run to run


def texts(cell):
    """The texts that a cell displays, without times and speeds."""
    found = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.get("outputs", [])]
    return [re.sub(_TIME, "TIME", text) for text in found]


def picture_sizes(cell):
    """Width and height of each picture that a cell displays, alone or as part of HTML."""
    found = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        encoded = re.findall(r"data:image/png;base64,([\w+/=]+)", data.get("text/html", ""))
        for png in [*filter(None, [data.get("image/png")]), *encoded]:
            with Image.open(io.BytesIO(base64.b64decode(png)), formats=["PNG"]) as image:
                found.append(image.size)
    return found


def kinds(cell):
    """How a cell displays each of its results: the formats, and the elements of HTML."""
    return [
        (output["output_type"], sorted(output.get("data", {})), _elements(output.get("data", {}).get("text/html", "")))
        for output in cell.get("outputs", [])
    ]


def _elements(html):
    return sorted(set(re.findall(r"<(\w+)", html)))


def streams(cell):
    """The names of the streams to which a cell writes."""
    return {output["name"] for output in cell.get("outputs", []) if output["output_type"] == "stream"}
