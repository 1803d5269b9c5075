"""Pictures that are brought to the page, and works that are run without it."""

import io

import numpy as np
from PIL import Image


def png(pixels):
    """The bytes of a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def bring(uploads, pixels):
    """The key of a picture that is brought."""
    data = png(pixels)
    return uploads.add(io.BytesIO(data), len(data))


def blocks():
    """A small picture of coloured blocks, uint8 [72, 96, 3]."""
    return np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8).repeat(6, axis=0).repeat(6, axis=1)


def finished(work, folder, steps=None):
    """Runs a work, or only some of its steps, and returns its states, the file and what else is told."""
    states = []
    for state in work.run():
        states.append(state)
        if len(states) == steps:
            break
    result = work.finish(states[-1])
    return states, folder / result["name"], result
