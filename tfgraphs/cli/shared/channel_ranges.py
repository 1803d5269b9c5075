"""Parses numbers of channels: 139, 0-63, or 3,5,9-12."""

import re

from tfgraphs.cli.shared.command import UsageError


def parse(text: str, count: int) -> list[int]:
    """Returns the numbers in a text, each once.

    Args:
        text: numbers and ranges, separated by commas.
        count: number of channels of the layer.

    Raises:
        UsageError: the text is something else, or there is no such channel.
    """
    wanted: list[int] = []
    for part in text.split(","):
        if not re.fullmatch(r"\d{1,99}(-\d{1,99})?", part.strip()):
            raise UsageError(f"--channels={text} is no number, range or list of them: 139, 0-63, 3,5,9-12")
        first, _, last = part.strip().partition("-")
        if not int(first) <= int(last or first) < count:
            raise UsageError(f"--channels={text}: the layer has the channels 0 to {count - 1}")
        wanted.extend(range(int(first), int(last or first) + 1))
    return list(dict.fromkeys(wanted))
