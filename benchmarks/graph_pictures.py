"""Which graphs `draw_graphs.py` draws: runs with small inputs, and the scopes of their graphs that are shown."""

from typing import NamedTuple

TEXT = (
    "the king and the queen rule the land while a man and a woman plough the field by the river near the town\n" * 3000
)
_WORDS = "word2vec --corpus={folder}/text.txt --min_count=1 --dim=16 --epochs=1 --workers=1"
_DREAM = "deepdream --input=sample:coffee --size=120 --iterations=1"
_FEATURE = "visualize feature --steps=1"
_PAINTING = "neural_style --input=sample:cat --style=sample:embers --size=100 --steps=4"
_TWO_LAYERS = f"{_PAINTING} --octaves=1 --style_layers=fire2,fire3 --content_layer=fire5"
RUNS = {
    "words": _WORDS,
    "cbow": f"{_WORDS} --architecture=cbow --cbow_gradient=mean",
    "softmax": f"{_WORDS} --loss=softmax --damping=0",
    "tree": f"{_WORDS} --loss=hierarchical_softmax",
    "dream": _DREAM,
    "layer": f"{_DREAM} --layer=fire5",
    "guide": f"{_DREAM} --layer=fire5 --guide=sample:rocket",
    "tiles": "deepdream --input=sample:coffee --size=200 --iterations=1 --layer=fire5 --tile_size=128",
    "laplacian": f"{_DREAM} --layer=fire5 --normalize=laplacian",
    "mixture": f"{_DREAM} '--objective=fire5 - 20*fire9:139'",
    "channel": f"{_FEATURE} --objective=fire8:14 --style=naive",
    "class": f"{_FEATURE} --objective=class:ladybug --style=naive",
    "diversity": f"{_FEATURE} --objective=fire8:14 --style=naive --batch=2 --diversity=1",
    "fourier": f"{_FEATURE} --objective=fire8:14 --style=fourier",
    "maco": f"{_FEATURE} --objective=fire8:14 --style=maco",
    "painting": _PAINTING,
    "gram": f"{_TWO_LAYERS} --statistic=gram",
    "covariance": f"{_TWO_LAYERS} --statistic=covariance",
    "moments": f"{_TWO_LAYERS} --statistic=mean_variance",
    "sliced": f"{_TWO_LAYERS} --statistic=sliced_wasserstein",
    "transport": f"{_TWO_LAYERS} --statistic=transport",
    "octaves": f"{_PAINTING} --size=300 --octaves=3 --statistic=covariance --style_layers=fire2,fire3",
    "masked": _TWO_LAYERS + " --statistic=gram --content_mask={folder}/left.png",
    "network": "neural_style --train_style=sample:swirls --train_steps=1 --train_batch=1 --train_size=64"
    " --style_layers=fire2,fire3 --export_dir={folder}/model",
}
"""Commands by name. `{folder}` has their inputs, and takes what they write."""

PROGRAMS = {
    "film": """
import sys
import numpy as np
import tfgraphs
from tfgraphs.monitor.tensorboard import EventLog
from tfgraphs.neural_style import StyleSettings
from tfgraphs.neural_style.anchor import Anchor
from tfgraphs.neural_style.transfer import Painter

cat, swirls = (tfgraphs.load_picture(f"sample:{name}", size=100) for name in ("cat", "swirls"))
ones, log = np.ones((*cat.shape[:2], 1), np.float32), EventLog(sys.argv[1], {}, 50)
painter = Painter(swirls, tfgraphs.load_backbone("squeezenet", "average"), StyleSettings(steps=1, supersampling=1.0))
for progress in painter.paint(cat, anchor=Anchor(cat, ones[..., 0], 100.0, ones), on_graph=log.graph):
    log.progress(progress)
log.close()
"""
}
"""Programs that log to their argument."""


class View(NamedTuple):
    """What of a graph is shown.

    Attributes:
        opened: scopes that are opened; those that they are in, too.
        shown: scopes that are shown, and the lines between them: by default those in `opened`; `*`: all.
            One that ends with a star stands for all whose names begin so, and one that begins with a minus is hidden.
            `SCOPE~~*` are the lines from or to a scope that is itself not shown.
        scale: how much larger it is than TensorBoard's own unit, in which letters are 6 to 9 px high.
    """

    opened: str
    shown: str = ""
    scale: float = 1.6


def _both(run: str, scale: float) -> tuple[str, View, View]:
    """The top level, and next to it the loss opened."""
    return run, View("", "*", scale), View("loss", "*", scale)


_LEVEL = "sub Square_4 Mean_4 Sqrt_4 Maximum_4 truediv_4 add_3 EnsureShape Conv2D conv2d_transpose Shape"
_FINEST = "gradients/transform/smooth~~* gradients/transform/mul~~* " + " ".join(
    f"gradients/transform/laplacian/{name}" for name in _LEVEL.split()
)

PICTURES: dict[str, tuple[str, *tuple[View, ...]]] = {
    "graph_words": _both("words", 1.8),
    "graph_dream": _both("dream", 1.8),
    "graph_painting": _both("painting", 1.5),
    # words
    "graphs/lookup": ("words", View("loss/lookup")),
    "graphs/context": ("cbow", View("loss/context")),
    "graphs/softmax": ("softmax", View("loss/softmax")),
    "graphs/word_gradients": ("softmax", View("gradients/loss/softmax", "gradients/loss", 1.5)),
    "graphs/matrices": ("words", View("", "*")),
    "graphs/hierarchical_softmax": ("tree", View("loss/hierarchical_softmax")),
    "graphs/negative_sampling": ("words", View("loss/negative_sampling")),
    "graphs/noise": ("words", View("loss/noise")),
    "graphs/text": ("words", View("loss/text")),
    "graphs/window": ("cbow", View("loss/window")),
    "graphs/learning_rate": ("words", View("optimizer/input_vectors/SGD", scale=1.45)),
    "graphs/scores": ("words", View("loss/negative_sampling/scores")),
    "graphs/damping": ("words", View("loss/damping")),
    # dreams
    "graphs/fire5": ("layer", View("loss/squeezenet", "loss/squeezenet/fire5*")),
    "graphs/channel": ("channel", View("loss/objective")),
    "graphs/step": ("channel", View("", "*")),
    "graphs/layer_l2": ("layer", View("loss/objective/layer_l2")),
    "graphs/mean_abs": ("layer", View("gradients/transform/mean_abs")),
    "graphs/jitter": ("layer", View("loss/transforms/jitter")),
    "graphs/smooth": ("layer", View("gradients/transform/smooth")),
    "graphs/guided": ("guide", View("loss/objective/guided", scale=1.5)),
    "graphs/tiles": ("tiles", View("loss")),
    "graphs/laplacian": ("laplacian", View("gradients/transform/laplacian", _FINEST)),
    "graphs/fourier": ("fourier", View("loss/fourier")),
    "graphs/maco": ("maco", View("loss/maco")),
    "graphs/transforms": ("fourier", View("loss/transforms")),
    "graphs/objective": ("mixture", View("loss/objective", "loss/objective -loss/objective/truediv")),
    "graphs/diversity": ("diversity", View("loss/objective/diversity", scale=1.5)),
    "graphs/class_logit": ("class", View("loss/objective")),
    # paintings
    "graphs/painting": ("gram", View("loss")),
    "graphs/content": ("gram", View("loss/content")),
    "graphs/gram": ("gram", View("loss/style/fire3/gram", scale=1.5)),
    "graphs/style": ("gram", View("loss/style/fire3/error", "loss/style/fire3")),
    "graphs/adam": ("gram", View("optimizer/Adam", scale=1.4)),
    "graphs/shift": ("gram", View("loss/shift")),
    "graphs/octaves": ("octaves", View("loss", scale=1.45)),
    "graphs/covariance": ("covariance", View("loss/style/fire3/covariance", scale=1.5)),
    "graphs/mean_variance": ("moments", View("loss/style/fire3/mean_variance")),
    "graphs/sliced_wasserstein": ("sliced", View("loss/style/fire3/sliced_wasserstein")),
    "graphs/transport": ("transport", View("loss/style/fire3/transport", scale=1.25)),
    "graphs/palette": ("transport", View("loss/style/palette/error", "loss/style/palette", 1.5)),
    "graphs/total_variation": ("gram", View("loss/variation/total_variation", scale=1.4)),
    "graphs/masked": ("masked", View("loss/style/fire3/gram", scale=1.5)),
    "graphs/temporal": ("film", View("loss/temporal"), View("loss/anchor")),
    "graphs/network": ("network", View("loss")),
    "graphs/instance_normalization": ("network", View("loss/network/down_1")),
}
"""By name of the picture: the run and what is shown of its graph, side by side."""
