"""The networks that come with the package: each paints in the style of one sample painting, in one pass.

They are SavedModels as of `stylize.export_network`, trained with VGG-16 (extra `vgg`), ten minutes each on two cores:

    bin/neural_style --backbone=vgg16 --train_style=sample:NAME --train_batch=1 --content_weight=0.3 --export_dir=NAME

VGG's one pass has longer strokes and no fringes; SqueezeNet's networks take half that time, and ripple.
"""

from pathlib import Path

from tfgraphs.neural_style.regions import StyleError
from tfgraphs.pictures.samples import PREFIX

TRAINED = ("embers", "swirls")


def trained_network(painting: str) -> Path:
    """Returns the folder of the network that was trained on a painting, `sample:NAME`.

    Raises:
        StyleError: there is none for this painting.
    """
    known = {PREFIX + name: Path(__file__).parent / "networks" / name for name in TRAINED}
    if painting not in known:
        raise StyleError(
            f"there is no trained network for {painting}, only for {' and '.join(known)}; "
            f"train one: --train_style={painting} --export_dir=model, and paint with it: --model=model"
        )
    return known[painting]
