"""Makes the sheet of what units see, from which Studio lets people choose.

    bin/visualize feature --output=striking
    for layer in fire2 fire3 fire4; do bin/visualize feature --layer=$layer --channels=0-9 --output=$layer; done
    python benchmarks/draw_units.py tfgraphs/studio/static fire2 fire3 fire4 striking

Writes units.jpg, the pictures side by side, and units.json, their objectives in the same order.
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from tfgraphs.pictures import images

SIDE, COLUMNS = 104, 10  # px, pictures in a row


def main(output: str, *folders: str) -> None:
    paths = [path for folder in folders for path in sorted(Path(folder).glob("*_[0-9][0-9][0-9][0-9].png"))]
    tiles = [images.resize(images.load(path).over(0.5), (SIDE, SIDE)) for path in paths]
    rows = -(-len(tiles) // COLUMNS)
    tiles += [np.full((SIDE, SIDE, 3), 0.5, np.float32)] * (rows * COLUMNS - len(tiles))
    sheet = np.concatenate([np.concatenate(tiles[row * COLUMNS :][:COLUMNS], axis=1) for row in range(rows)])
    Image.fromarray(images.to_uint8(sheet)).save(Path(output) / "units.jpg", quality=85)
    objectives = [f"{path.stem.rpartition('_')[0]}:{int(path.stem.rpartition('_')[2])}" for path in paths]
    about = {"side": SIDE, "columns": COLUMNS, "network": "squeezenet", "objectives": objectives}
    (Path(output) / "units.json").write_text(json.dumps(about) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
