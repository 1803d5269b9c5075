"""A font with the sizes and distances of formulas, for browsers on systems that have none.

It is STIX Two Math of the package ziamath (Open Font License); no code of the package runs. The signs of formulas are
taken out of it and become part of a style sheet, as a page that was opened as a file may load no font.
"""

import base64
import importlib.metadata
import io

from fontTools import subset
from fontTools.ttLib import TTFont

FONT = "ziamath/fonts/STIXTwoMath-Regular.ttf"
SIGNS = [(0x20, 0x7E), (0xA0, 0xFF), (0x300, 0x36F), (0x370, 0x3FF), (0x2000, 0x206F), (0x20D0, 0x20EF)]
SIGNS += [(0x2100, 0x214F), (0x2190, 0x22FF), (0x2300, 0x23FF), (0x27C0, 0x27EF), (0x2A00, 0x2AFF), (0x1D400, 0x1D7FF)]
STYLE = """
@font-face {{ font-family: "Formulas"; src: url("data:font/woff;base64,{font}") format("woff"); }}
math {{ font-size: 1.12em; font-family: "Cambria Math", "STIX Two Math", "Latin Modern Math", "Formulas", math; }}
"""


def style() -> str:
    """Returns the style sheet of formulas."""
    font = TTFont(importlib.metadata.distribution("ziamath").locate_file(FONT), lazy=False)
    subsetter = subset.Subsetter(subset.Options(layout_features=["ssty", "dtls", "flac"], notdef_outline=True))
    subsetter.populate(unicodes=[number for first, last in SIGNS for number in range(first, last + 1)])
    subsetter.subset(font)
    font.flavor, packed = "woff", io.BytesIO()
    font.save(packed)
    return STYLE.format(font=base64.b64encode(packed.getvalue()).decode())
