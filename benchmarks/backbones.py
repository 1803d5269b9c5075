"""Networks: forward, and forward with the gradient of the picture, beside Keras and PyTorch, taking turns.

    python benchmarks/backbones.py [--size=384] [--rounds=9] [vgg19 resnet50 ...]

needs the extra `bench`. Weights are random, as speed does not depend on them. PyTorch runs the very same layers with
the same weights, which their result must confirm, once in its default order of numbers (channels first) and once with
channels last, which few programs ask for; Inception v3 is compared with Keras only. Each side is a process of its own
with as many threads as the machine has cores; a figure is the best of three in each round, as other work only adds to
it. Tables have medians in milliseconds and behind them the median of ours as a part of theirs.

Two cores without AVX-512, 384 px (forward, gradient). Two processes of ours beside each other differ by up to 8 %.
VGG-19 and ResNets are of 3 rounds, but ResNet-34 and 50 of 9; these had 1.06, 1.17 and 1.10, 1.09 of PyTorch in
a run of 3:

    tfgraphs : Keras     vgg16 0.98, 0.62   vgg19 0.50, 0.70   resnet50 0.75, 0.85   resnet101 0.79, 0.83
                         resnet152 0.72, 0.84   inception_v3 0.86, 1.05
    tfgraphs : PyTorch   squeezenet 0.86, 0.77   alexnet 0.71, 0.69   vgg16 0.86, 0.78   vgg19 0.91, 0.90
                         googlenet 0.42, 0.51   resnet18 0.96, 0.93   resnet34 0.95, 1.03   resnet50 1.00, 1.00
                         resnet101 0.99, 1.04   resnet152 0.89, 1.03
    with channels last   squeezenet 1.30, 1.06   alexnet 0.76, 0.66   vgg16 1.02, 0.89   vgg19 1.06, 0.91
                         googlenet 0.62, 0.58   resnet18 1.06, 1.05   resnet34 0.93, 0.98   resnet50 1.03, 1.07
                         resnet101 0.90, 0.99   resnet152 1.00, 1.00
    up to a layer        squeezenet fire5 0.66, 0.70   resnet50 conv3_block4_out 0.48, 0.48
                         googlenet mixed4a 0.63, 0.74   vgg19 conv3_1 0.32, 0.29

What was tried (SqueezeNet and ResNet at 384 px, quiet):
- oneDNN, which TensorFlow leaves out on processors without AVX-512: SqueezeNet's gradient 112 to 80 ms, as that of max
  pooling falls from 33 to 4 ms and those of convolutions to a half; its plain convolutions forward are slower.
- Convolutions as the transpose of the mirrored kernel, 150 billion operations a second with oneDNN, where the plain
  form has 45 to 120: VGG-16 forward 1,011 to 620 ms. Without oneDNN the plain form is the faster one. Kernels of one
  position gain nothing.
- The same on two cores with AVX-512 (AMD EPYC), 288 px, the transpose beside the plain form, forward and gradient:
  SqueezeNet 9.8 : 9.2 and 26.0 : 20.9 ms, ResNet-50 54.7 : 53.0 and 120.6 : 114.5, VGG-19 up to conv3_4 306.7 : 267.4
  and 616.8 : 602.8. So plain convolutions stand there (`tfgraphs/graphs/processor.py`).
- Kernels of one position with a stride on what the stride leaves, gathered: ResNet-50 forward 252 to 234 ms.
- Explicit zeros around a strided convolution rather than its `padding`, whose gradient oneDNN does not do: a step on
  ResNet-18 234 to 156 ms.
- `tf.reverse` for the order of colours rather than a slice with a negative stride: 23 to 7 ms of a step at 512 px.
- One operation for convolution, bias and rectifier, weights as constants, 1 x 1 convolutions as matrix products there
  or on the way back, another allocator: no difference beyond noise. oneDNN's work on the calling thread too: 1.16.
- The gradient of a strided first layer with one channel for each position in a stride: 22 to 8 ms in AlexNet, 17 to 14
  of ResNet's 440, and 1.00 of a whole step on ResNet-34 over 15 rounds.
"""

import argparse
import statistics

from sides import Side

from tfgraphs.cli.shared.command import print_table

# The layer up to which a network is computed, and what it is called in Keras.
NETWORKS = {
    "squeezenet": ("conv10", None),
    "alexnet": ("pool5", None),
    "vgg16": ("pool5", "VGG16"),
    "vgg19": ("pool5", "VGG19"),
    "googlenet": ("mixed5b", None),
    "resnet18": ("conv5_block2_out", None),
    "resnet34": ("conv5_block3_out", None),
    "resnet50": ("conv5_block3_out", "ResNet50"),
    "resnet101": ("conv5_block3_out", "ResNet101"),
    "resnet152": ("conv5_block3_out", "ResNet152"),
    "inception_v3": ("mixed10", "InceptionV3"),
}
NO_TORCH = {"inception_v3"}  # which is Keras' own graph of layers
HALFWAY = {"squeezenet": "fire5", "vgg19": "conv3_1", "resnet50": "conv3_block4_out", "googlenet": "mixed4a"}

NETWORK = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf

class Random(dict):
    # Weights of any name: small numbers in the shape that is asked for.
    def __contains__(self, name):
        return name not in ("fc1/kernel", "fc6/0", "predictions/kernel", "fc.weight", "conv1.weight", "conv1/0")

def network(name):
    from tfgraphs import backbones
    from tfgraphs.backbones.networks import alexnet, googlenet, resnet, vgg
    random = np.random.default_rng(0)
    def take(arrays, network, name, shape):
        if name.endswith(("variance", "gamma")):
            return np.ones(shape, np.float32)
        return random.normal(0, max(1, np.prod(shape[:-1])) ** -0.5, shape).astype(np.float32)
    if name == "squeezenet":
        return backbones.load(name)
    if name == "inception_v3":
        from tfgraphs.backbones.imported import keras_applications, keras_network
        application = keras_applications.find(name)
        return keras_network.KerasNetwork(name, application.untrained(whole=False), application.preprocess)
    for module in (alexnet, googlenet, resnet, vgg):
        module.take = take
    if name == "googlenet":
        return googlenet.build(name, Random())
    module = alexnet if name == "alexnet" else vgg if name in vgg.DEPTHS else resnet
    return module.build(name, Random())

def compiled(activation):
    def excitement(pictures):
        return tf.reduce_sum(activation(pictures) ** 2)
    def gradient(pictures):
        with tf.GradientTape() as tape:
            tape.watch(pictures)
            excited = excitement(pictures)
        return tape.gradient(excited, pictures)
    return tf.function(excitement), tf.function(gradient)

def picture(size):
    return np.random.default_rng(1).uniform(size=(1, size, size, 3)).astype(np.float32)

def excited():
    # A number that tells whether two sides compute the same.
    return float(np.asarray(functions[0](pictures)))

def measure():
    # The best of three, as other work on the machine only adds to the time.
    def once(function):
        return timed(lambda: np.asarray(function(pictures)).sum().item())[0]
    return [min(once(function) for _ in range(3)) for function in functions]
"""

TFGRAPHS = (
    "from tfgraphs.graphs.start import start; start()"  # as the commands do
    + NETWORK
    + """
def prepare(name, layer, size):
    global functions, pictures
    backbone, pictures = network(name), tf.constant(picture(size))
    functions = compiled(lambda pictures: backbone(pictures, [layer])[layer])
    return measure()
"""
)

KERAS = (
    NETWORK
    + """
def prepare(name, layer, size):
    global functions, pictures
    import keras
    model = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(None, None, 3))
    pictures = tf.constant(picture(size))
    application = keras.applications.inception_v3 if name == "InceptionV3" else keras.applications.vgg16
    functions = compiled(lambda pictures: model(application.preprocess_input(pictures * 255)))
    return measure()
"""
)

TORCH_LAYERS = """
import numpy as np
import torch
import torch._dynamo  # with Triton, which crashes the process if it is loaded after TensorFlow
import torch.nn.functional as F

def layers(backbone, last):
    # The same layers for PyTorch: (name, inputs, function), up to the last.
    same = backbone.name in ("squeezenet", "googlenet", "vgg16", "vgg19")  # these pad as TensorFlow does
    def channels_first(weight):
        return torch.tensor(weight.numpy()).permute(3, 2, 0, 1).contiguous()
    def padded(x, layer):
        # An activation and the zeros that are still to be put around it: PyTorch puts as many before as behind.
        zeros = layer.windows[0].before[1] > 0
        if not zeros or not same:
            return x, layer.kernel // 2 if zeros else 0
        down, across = (max(layer.kernel - (side % layer.stride or layer.stride), 0) for side in x.shape[2:])
        if down % 2 or across % 2:
            return F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2)), 0
        return x, (down // 2, across // 2)
    def normalize(layer):
        # PyTorch divides alpha by the size of the window: the radius on both sides, and the channel itself.
        radius, bias, alpha, beta = (5, 2.0, 1e-4, 0.5) if backbone.name == "googlenet" else (2, 1.0, 2e-5, 0.75)
        size = 2 * radius + 1
        return lambda x: F.local_response_norm(x, size, alpha * size, beta, bias)
    def function(layer):
        if layer.kind == "convolution":
            kernel, bias = channels_first(layer.weights[0]), torch.tensor(layer.weights[1].numpy())
            def convolve(x):
                x, margin = padded(x, layer)
                return F.conv2d(x, kernel, bias, layer.stride, margin, groups=x.shape[1] // kernel.shape[1])
            return convolve
        def pool(x):
            x, margin = padded(x, layer)
            rounds_up = 1 < layer.windows[0].needed < layer.kernel
            if layer.kind == "max pooling":
                return F.max_pool2d(x, layer.kernel, layer.stride, margin, ceil_mode=rounds_up)
            return F.avg_pool2d(x, layer.kernel, layer.stride, margin, rounds_up, count_include_pad=not same)
        return {
            "relu": torch.relu_,
            "max pooling": pool,
            "average pooling": pool,
            "normalization": normalize(layer),
            "concatenation": lambda *x: torch.cat(x, 1),
            "addition": lambda *x: sum(x[1:], x[0]),
        }[layer.kind]
    needed, order = {last}, []
    for layer in reversed(backbone.layers.values()):
        if layer.name in needed:
            needed |= {*layer.inputs}
            order.append((layer.name, layer.inputs, function(layer)))
    return order[::-1]

def prepared(backbone, pictures):
    # What the network takes, of RGB in 0..1.
    if backbone.name == "googlenet":
        return pictures * 255 - 117
    return pictures.flip(1) * 255 - torch.tensor([103.939, 116.779, 123.68]).reshape(1, 3, 1, 1)
"""

TORCH = (
    NETWORK
    + TORCH_LAYERS
    + """
def prepare(name, layer, size, memory):
    global functions, pictures
    backbone = network(name)
    chain = layers(backbone, layer)
    order = getattr(torch, memory)
    def activation(pictures):
        found = {"input": prepared(backbone, pictures)}
        for name, inputs, function in chain:
            found[name] = function(*(found[source] for source in inputs))
        return (found[layer] ** 2).sum()
    def forward(pictures):
        with torch.no_grad():
            return activation(pictures)
    def gradient(pictures):
        pictures = pictures.clone().requires_grad_(True)
        activation(pictures).backward()
        return pictures.grad
    pictures = torch.tensor(picture(size)).permute(0, 3, 1, 2).contiguous(memory_format=order)
    functions = forward, gradient
    return measure()
"""
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=list(NETWORKS))
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    heads = ["", "to", "tfgraphs", "Keras", "PyTorch", "PyTorch, channels last"]
    for name in options.networks:
        print_table(heads, compare(name, *NETWORKS[name], options))
        if name in HALFWAY:
            print_table(["up to", "forward", "gradient"], [part(name, options)])


def compare(name: str, layer: str, keras: str | None, options: argparse.Namespace) -> list[tuple[str, ...]]:
    """Rows of a table: forward and gradient of a network on each side."""
    with Side(TFGRAPHS) as ours, Side(KERAS) as theirs, Side(TORCH) as torch, Side(TORCH) as last:
        sides = {"ours": ours} | ({"keras": theirs} if keras else {})
        ours("prepare", name, layer, options.size)
        if keras:
            theirs("prepare", keras, "", options.size)
        if name not in NO_TORCH:
            sides |= {"torch": torch, "last": last}
            torch("prepare", name, layer, options.size, "contiguous_format")
            last("prepare", name, layer, options.size, "channels_last")
            found, expected = (ask("excited") for ask in (ours, torch))
            if abs(found / expected - 1) > 0.001:
                raise SystemExit(f"{name}: tfgraphs and PyTorch do not compute the same: {found:g} and {expected:g}")
        rounds = [{side: ask("measure") for side, ask in sides.items()} for _ in range(options.rounds)]
    rows = []
    for place, figure in enumerate(("forward", "gradient")):
        medians = {side: 1000 * statistics.median(figures[side][place] for figures in rounds) for side in sides}
        cells = [
            f"{medians[side]:,.0f} ({_ratio(rounds, side, place):.2f})" if side in medians else ""
            for side in ("keras", "torch", "last")
        ]
        rows.append((f"{name}, {figure}", layer, f"{medians['ours']:,.0f}", *cells))
    return rows


def _ratio(rounds: list[dict[str, list[float]]], side: str, place: int) -> float:
    """Our time as a part of another side's: the median of all rounds, as other work comes and goes on the machine."""
    return statistics.median(figures["ours"][place] / figures[side][place] for figures in rounds)


def part(name: str, options: argparse.Namespace) -> tuple[str, ...]:
    """What a network costs up to a layer halfway, as a part of the whole."""
    with Side(TFGRAPHS) as half, Side(TFGRAPHS) as whole:
        half("prepare", name, HALFWAY[name], options.size)
        whole("prepare", name, NETWORKS[name][0], options.size)
        rounds = [(half("measure"), whole("measure")) for _ in range(options.rounds)]
    ratios = [statistics.median(one[place] / other[place] for one, other in rounds) for place in (0, 1)]
    return (f"{name} {HALFWAY[name]}", *(f"{ratio:.2f} of {NETWORKS[name][0]}" for ratio in ratios))


if __name__ == "__main__":
    main()
