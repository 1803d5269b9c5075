"""Neural style: what a step costs beside the bare gradient and beside PyTorch, what optimizers reach, memory.

    python benchmarks/neural_style.py [step] [optimizers] [sizes] [memory] [waits] [--rounds=15] [--plot=optimizers.png]

Needs the extras `bench`, `lbfgs` and `plot`. A step is a shift inside a mirrored margin, the forward pass to all layers
of content and style, the losses, their gradient, Adam's update and clipping; ten steps are one call. The bare gradient
is that of the mean square of the deepest of these layers with respect to a picture of 512 px, and nothing else. PyTorch
does the same step with the same layers, once with channels first, its default, and once with channels last. The sides
take turns; ratios are medians over the rounds.

`optimizers` minimises one loss, at one size and without shifts, from one start with Adam, whose rate falls over the
given number of steps, and with L-BFGS, and prints the loss after some seconds. `sizes` measures the memory that the
last size of a painting takes alone, and the time per pixel of its steps, as a whole and in tiles; `memory` that of
complete paintings, in tiles where these are the default. `waits` measures a complete painting of
640 x 480, one in one pass, both in a process that is already running, and the training of a network at 256 px,
extrapolated from two reports.

Measured in November 2026 on two cores of a shared machine, SqueezeNet with average pooling. The default loss, on a
machine with AVX-512:

    loss at 256 px after      2 s      5 s     10 s     20 s     30 s     45 s
    Adam, 400 steps        1.3834   0.3022   0.2254   0.2132   0.2132   0.2132
    Adam, 900 steps        1.9941   0.3407   0.2320   0.1660   0.1527   0.1508
    L-BFGS                      -   0.3404   0.2391   0.1868   0.1704   0.1570

    megapixels            0.26    1.02    1.92    3.15   12.58
    a painting, MB       1,537   2,345   3,213   2,961   4,943

The first is painted 1.5 times as large, the last two in tiles. `neural_style` takes 1,786 MB for 640 x 480, and with
--supersampling=1 1,331.

Gram matrices at one octave, eight shifts and no palette, the default of then, without AVX-512:

    512 px     our step : bare gradient 1.34, : PyTorch's step 0.46, : the same with channels last 0.46

    megapixels            0.26    1.02    1.92    3.15   12.58
    a painting, MB       1,167   1,994   3,209   2,840   3,391
    a step, MB           1,086   1,968       -   4,300       -
    the same in tiles    1,123   1,430       -   1,784   2,922
    time a pixel          1.00    0.70       -    0.64       -
    the same in tiles     1.00    1.38       -    1.61    1.72

    a painting of 640 x 480   69.7 s     in one pass   0.2 s     training   850 s

What was tried, each as our step : bare gradient, and what it does to the final loss at all positions:
- Gram matrices at all positions, each with a gradient of one product rather than two: 1.9; loss 0.1693 after 400 steps.
- At every second position down and across, another corner in each step: 0.1687; every third 0.1689. As slices with
  strides that is 2.1 where memory is slow, as these and their gradients take half of the step; gathered by number 1.6.
- Layers of 1,024 positions and more rather than of 4,096: 1.33 after 1.52, at a loss higher by 0.8 %; every third
  position instead 1.43, by 0.7 %; both 1.30, by 3.4 %.
- As many positions of each layer as leave about 2,048, a quarter at most: 1.35 after 1.46, by 0.2 %; 1,024: by 0.9 %.
- Total variation: 53 ms of a step as slices, whose gradients are padded; 12 as splits of rows, whose gradients are
  joined; 8 as these in one compiled program, which takes 470 MB less of a painting of 12 megapixels. Since TensorFlow
  keeps 150 kB of each graph that calls one, only pictures in tiles use it.
- Adam's update compiled: no less memory, no faster. Tiles of 768 px: no less memory either.
- A scalar condition that replaces gradients that are not finite: `tf.where` 4 ms, `multiply_no_nan` 1 ms.
- TensorFlow's rewriting of graphs: no difference.
"""

import argparse
import statistics
import sys

from backbones import NETWORK, TORCH_LAYERS
from sides import Side

from tfgraphs.cli.shared.command import print_table

TILE = 1024
STEPS = 10

PAINTER = (
    NETWORK
    + """
def load(name):
    from tfgraphs import backbones
    return backbones.load(name, "average") if name == "squeezenet" else network(name)
"""
)

OURS = (
    """
import os
import time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
from tfgraphs.graphs.start import start
start(device=globals().get("DEVICE", "auto"))  # as the commands do
"""
    + PAINTER
    + """
from tfgraphs import backbones
from tfgraphs.pictures.images import resize
from tfgraphs.neural_style import Style, StyleSettings, transfer
from tfgraphs.neural_style.regions import regions
from tfgraphs.optimize.pyramid import Level

def pictures(height, width):
    # Smooth patches rather than noise, with different statistics.
    random = np.random.default_rng(1)
    coarse = [random.uniform(size=(24, 32, 3)).astype(np.float32) ** power for power in (1, 3)]
    return [np.clip(resize(one, (height, width)), 0, 1) for one in coarse]

def canvas_of(content, painting, backbone, settings, steps):
    size, painter = content.shape[:2], transfer.Painter(painting, backbone, settings)
    targets, canvas = painter._scale(0, Level(*size, steps), regions([Style(painting)], size), False, 3, 1.0)
    targets.set_photograph(content, None)
    return canvas

def prepare(height, width, tile_size, name="squeezenet"):
    global content, bare, following
    backbone = load(name)
    content, painting = pictures(height, width)
    settings = StyleSettings(tile_size=tile_size, statistic="gram", octaves=1, palette_weight=0.0)
    painting = painting[:1024, :1024]
    canvas = canvas_of(content, painting, backbone, settings, 10_000)
    following = canvas.improve(content[None], 10_000, steps_per_report=STEPS)
    deepest = [*settings.layers(backbone)[1]][-1]
    @tf.function
    def bare(picture):
        with tf.GradientTape() as tape:
            tape.watch(picture)
            excited = tf.reduce_mean(backbone(picture, [deepest])[deepest] ** 2)
        return tape.gradient(excited, picture)
    return step()

def step():
    return timed(lambda: next(following)[0].step)[0] / STEPS

def gradient():
    return timed(lambda: [bare(tf.constant(content[None])).numpy().shape for _ in range(STEPS)])[0] / STEPS

def gradient_values():
    # Of the bare gradient, as many numbers as fit into an answer.
    return bare(tf.constant(content[None])).numpy().ravel()[:10_000].tolist()

def memory():
    return resident("VmHWM")

def painting(height, width):
    content, painting = pictures(height, width)
    backbone = backbones.load("squeezenet", "average")
    for _ in transfer.paint(content, painting[:1024, :1024], backbone, StyleSettings(steps=12)):
        pass
    return memory()

def whole():
    content, painting = pictures(480, 640)
    backbone = backbones.load("squeezenet", "average")
    return timed(lambda: [one.step for one in transfer.paint(content, painting, backbone, StyleSettings())])[0]

def one_pass():
    import tempfile
    from tfgraphs.neural_style.one_pass.network import TransformationNetwork
    from tfgraphs.neural_style.one_pass.stylize import StyleModel, export_network
    with tempfile.TemporaryDirectory() as folder:
        export_network(folder + "/model", TransformationNetwork())
        model = StyleModel(folder + "/model")
    content, _ = pictures(480, 640)
    model(content)
    return float(np.median([timed(lambda: model(content).shape)[0] for _ in range(5)]))

def training():
    from tfgraphs.neural_style.one_pass.network import TransformationNetwork
    from tfgraphs.neural_style.one_pass.settings import NetworkSettings
    from tfgraphs.neural_style.one_pass.training import train
    from tfgraphs.pictures.photographs import Photographs, packaged
    backbone, settings = backbones.load("squeezenet", "average"), NetworkSettings()
    _, painting = pictures(480, 640)
    run = train(TransformationNetwork(), painting, Photographs(packaged(), 256), backbone, settings=settings)
    first = next(run).step
    seconds, last = timed(lambda: next(run).step)
    return seconds / (last - first) * settings.steps

def race(size, name, count, seconds):
    # [seconds, loss] from the first report on, of one optimizer at one size without shifts.
    from tfgraphs.neural_style import octaves, shifts, style_loss, targets
    shifts.SHIFTS = octaves.SHIFTS = targets.SHIFTS = 1
    style_loss.STYLE_SHIFTS = (0,)
    backbone = backbones.load("squeezenet", "average")
    content, painting = pictures(size, size)
    settings, options = StyleSettings(optimizer=name, statistic="covariance"), {}
    canvas = canvas_of(content, painting, backbone, settings, count)
    if name != "lbfgs":
        options["steps_per_report"] = 5
    found, started = [], time.monotonic()
    for report, _ in canvas.improve(np.full_like(content, 0.5)[None], count, **options):
        found.append([time.monotonic() - started, report.loss])
        if found[-1][0] > seconds:
            break
    return found
""".replace("STEPS", str(STEPS))
)

TORCH = (
    PAINTER
    + TORCH_LAYERS
    + """
def prepare(height, width, memory, name="squeezenet", device="cpu", compiles=False):
    global state
    from tfgraphs.graphs.start import start
    start(device="cpu")  # for the backbone
    from tfgraphs.neural_style import StyleSettings
    torch.set_default_device(device)
    backbone, settings = load(name), StyleSettings()
    content_layer, weights = settings.layers(backbone)
    chain, order = layers(backbone, [*weights][-1]), getattr(torch, memory)
    random = np.random.default_rng(1)
    content, painting, beginning = (
        torch.tensor(random.uniform(size=(1, 3, height, width)).astype(np.float32)).contiguous(memory_format=order)
        for _ in range(3)
    )
    def see(picture):
        found = {"input": picture.flip(1) * 255 - torch.tensor([103.939, 116.779, 123.68]).reshape(1, 3, 1, 1)}
        for name, inputs, function in chain:
            found[name] = function(*(found[source] for source in inputs))
        return found
    def gram(activation):
        features = activation.flatten(2)
        return features @ features.transpose(1, 2) / features.shape[2]
    def shifted(picture, shift):
        down, across = shift, 3 * shift % 16
        return F.pad(picture, (19 - across, 5 + across, 19 - down, 5 + down), "reflect")
    with torch.no_grad():
        content_targets = [see(shifted(content, shift))[content_layer] for shift in range(16)]
        style = see(shifted(painting, 0))
        grams = {layer: gram(style[layer]) for layer in weights}
    def relative(value, target):
        return ((value - target) ** 2).mean() / (target ** 2).mean()
    def loss(picture, shift):
        found = see(shifted(picture, shift))
        total = 0.15 * relative(found[content_layer], content_targets[shift])
        for layer, weight in weights.items():
            total = total + weight / sum(weights.values()) * relative(gram(found[layer]), grams[layer])
        down, across = picture[:, :, 1:] - picture[:, :, :-1], picture[..., 1:] - picture[..., :-1]
        return total + 1.1 * ((down ** 2).mean() + (across ** 2).mean())
    picture = beginning.requires_grad_(True)
    if compiles:
        loss = torch.compile(loss, dynamic=False)
    adam = torch.optim.Adam([picture], 6 / 255, betas=(0.9, 0.99), eps=1e-14)
    state = picture, adam, loss
    return step()

def step():
    picture, adam, loss = state
    random = np.random.default_rng(0)
    def run():
        for _ in range(STEPS):
            adam.zero_grad()
            loss(picture, int(random.integers(8))).backward()
            adam.step()
            with torch.no_grad():
                picture.clamp_(0, 1)
        return picture.sum().item()
    return timed(run)[0] / STEPS
""".replace("STEPS", str(STEPS))
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list(PARTS))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--plot", default="optimizers.png")
    options = parser.parse_args()
    for part in options.parts:
        print(f"{part} ...", file=sys.stderr)
        PARTS[part](options)


def steps(options: argparse.Namespace) -> None:
    """A step at 512 px."""
    with Side(OURS) as ours, Side(TORCH) as torch, Side(TORCH) as last:
        ours("prepare", 512, 512, 0)
        torch("prepare", 512, 512, "contiguous_format")
        last("prepare", 512, 512, "channels_last")
        rounds = [(ours("step"), ours("gradient"), torch("step"), last("step")) for _ in range(options.rounds)]
    names = ("bare gradient", "PyTorch's step", "the same, channels last")
    medians = [1000 * statistics.median(times) for times in zip(*rounds, strict=True)]
    rows = [("our step", f"{medians[0]:.0f}", "")]
    for place, name in enumerate(names, 1):
        ratio = statistics.median(times[0] / times[place] for times in rounds)
        rows.append((name, f"{medians[place]:.0f}", f"{ratio:.2f}"))
    print_table(["512 px", "ms", "ours : it"], rows)


def optimizers(options: argparse.Namespace) -> None:
    """The loss against seconds, as a table and a plot."""
    seconds, marks = 45, (2, 5, 10, 20, 30, 45)
    races = {"Adam, 400 steps": ("adam", 400), "Adam, 900 steps": ("adam", 900), "L-BFGS": ("lbfgs", 900)}
    curves = {}
    for name, (optimizer, count) in races.items():
        with Side(OURS) as side:
            curves[name] = side("race", 256, optimizer, count, seconds)
    rows = []
    for name, curve in curves.items():
        reached = [min((loss for at, loss in curve if at <= mark), default=float("nan")) for mark in marks]
        rows.append((name, *(f"{loss:.4f}" for loss in reached)))
    print_table(["loss at 256 px after", *(f"{mark} s" for mark in marks)], rows)
    plot(curves, options.plot)


def plot(curves: dict[str, list[list[float]]], path: str) -> None:
    """Draws the curves of losses."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.2), layout="constrained")
    for name, curve in curves.items():
        axes.plot(*zip(*curve, strict=True), label=name)
    axes.set(xlabel="seconds", ylabel="loss", yscale="log")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110)
    print(path)


SIZES = ((640, 400), (1200, 850), (1600, 1200), (2048, 1536), (4096, 3072))


def sizes(options: argparse.Namespace) -> None:
    """Time and memory of the last size, from 0.25 to 12 megapixels, whole and in tiles."""
    rows, first = [[f"{width} x {height}"] for width, height in SIZES], {}
    for tile_size in (0, TILE):
        for row, (width, height) in zip(rows, SIZES, strict=True):
            with Side(OURS) as side:
                if not tile_size and width * height > 4_000_000:
                    row += ["", ""]
                    continue
                side("prepare", height, width, tile_size)
                time = min(side("step") for _ in range(3)) / width / height
                row += [f"{time / first.setdefault(tile_size, time):.2f}", f"{side('memory'):,.0f}"]
    print_table(["picture", "whole: time a pixel", "MB", "in tiles: time a pixel", "MB"], rows)


def memory(options: argparse.Namespace) -> None:
    """Memory of whole paintings, from 0.25 to 12 megapixels."""
    rows = []
    for width, height in SIZES:
        with Side(OURS) as side:
            taken, pixels = side("painting", height, width), width * height / 1e6
            rows.append((f"{width} x {height}", f"{pixels:.2f}", f"{taken:,.0f}"))
    print_table(["painting", "megapixels", "MB"], rows)


def waits(options: argparse.Namespace) -> None:
    """What people wait for, in seconds."""
    questions = {"a painting of 640 x 480": "whole", "640 x 480 in one pass": "one_pass", "training": "training"}
    rows = []
    for name, question in questions.items():
        with Side(OURS) as side:
            rows.append((name, f"{side(question):,.1f}"))
    print_table(["", "seconds"], rows)


PARTS = {"step": steps, "optimizers": optimizers, "sizes": sizes, "memory": memory, "waits": waits}


if __name__ == "__main__":
    main()
