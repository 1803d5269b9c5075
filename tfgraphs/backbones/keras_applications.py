"""The networks of keras.applications: how each is built, what pictures it takes, where its weights are published."""

import contextlib
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.backbones.downloads import Download
from tfgraphs.backbones.foreign import said
from tfgraphs.backbones.weights import WeightsError

_ADDRESS = "https://storage.googleapis.com/tensorflow/keras-applications/"
_EFFICIENTNET = "https://storage.googleapis.com/keras-applications/"
_DEVIATIONS = (0.229, 0.224, 0.225)  # of ImageNet's pictures, red, green and blue in 0..1
_SUFFIXES = (".h5", ".hdf5")


@dataclass(frozen=True)
class Application:
    """A network of keras.applications.

    Attributes:
        name: "mobilenet_v2".
        address: where its weights are published, those of the layers that tell the classes among them.
        digest: "md5:" or "sha256:" and the hexadecimal digits, as Keras has them; empty if it has none.
    """

    name: str
    address: str
    digest: str

    @property
    def download(self) -> Download | None:
        """The published weights; None where nothing tells whether a file is them."""
        return Download(self.address, self.digest) if self.digest else None

    @property
    def builder(self) -> Callable[..., keras.Model]:
        """Keras' function that makes it, keras.applications.MobileNetV2."""
        functions = ((name, made) for name, made in vars(keras.applications).items() if callable(made))
        return next(made for name, made in functions if _letters(name) == _letters(self.name))

    def preprocess(self, pictures: tf.Tensor) -> tf.Tensor:
        """RGB in 0..1 to what the network was trained on, by Keras' own function for it."""
        return sys.modules[self.builder.__module__].preprocess_input(pictures * 255, data_format="channels_last")

    def build(self, weights: Path) -> keras.Model:
        """Builds the network with weights from a file, of all layers or of all but those that tell the classes.

        Raises:
            WeightsError: they are not weights of this network, or not finite.
        """
        if weights.suffix not in _SUFFIXES:
            raise WeightsError(f"the weights of {self.name} should be in a file *.h5 of Keras, not in {weights}")
        if not weights.is_file():
            raise WeightsError(f"there is no file {weights}")
        faults = []
        for whole in (True, False):
            with weights_stay(), warnings.catch_warnings(action="ignore"):  # that no size of pictures was given
                model = self.builder(weights=None, include_top=whole)
            try:
                model.load_weights(weights)
            except Exception as error:  # what a damaged file raises cannot be foreseen
                faults.append(error)
                continue
            check_finite(model, weights)
            if self.name.startswith("efficientnet_b"):
                _divide_by_roots(model.get_layer("stem_conv"))
            return model
        raise WeightsError(f"{weights} does not hold the weights of {self.name}: {said(faults[0])}") from faults[0]


def _divide_by_roots(layer: Any) -> None:
    """Brings the pictures of EfficientNet into the range of its training.

    There they were divided by the deviation, not by its root as in the layer before; with weights of its own Keras
    inserts another layer for that (github.com/tensorflow/tensorflow/issues/49930). Here the kernel does it.
    """
    layer.kernel.assign(layer.kernel / np.sqrt(_DEVIATIONS, dtype=np.float32)[:, None])


@contextlib.contextmanager
def weights_stay() -> Iterator[None]:
    """Variables made in the block are not trainable, so that no gradient is taken with respect to them."""

    def create(make: Callable[..., tf.Variable], **options: Any) -> tf.Variable:
        return make(**options | {"trainable": False})

    with tf.variable_creator_scope(create):
        yield


def check_finite(model: keras.Model, path: Path) -> None:
    """Raises WeightsError if a weight of a model is no finite number; `path` is where it is from."""
    for weight in model.weights:
        if not np.isfinite(weight.numpy()).all():
            raise WeightsError(f"{path} is damaged: it holds numbers in {weight.path} that are not finite")


def find(name: str) -> Application | None:
    """The network of that name in any spelling: "inception_v3", "InceptionV3", "efficientnetv2-b0"."""
    return _BY_LETTERS.get(_letters(name))


def find_by_model(model: keras.Model) -> Application | None:
    """The network to which Keras gives the name of this model, "mobilenetv2_1.00_224"."""
    return find(re.sub(r"_\d\.\d+_\d+$", "", model.name))


def _letters(name: str) -> str:
    return re.sub(r"[-_]", "", name).lower()


def _read(line: str) -> Application:
    name, address, digits = line.split()
    folder = _EFFICIENTNET if name.startswith("efficientnet_b") else _ADDRESS
    algorithm = "sha256:" if len(digits) == 64 else "md5:"
    full = folder + address.replace("*", "_weights_tf_dim_ordering_tf_kernels.h5")
    return Application(name, full, "" if digits == "-" else algorithm + digits)


# Name, address and digest as the sources of Keras 3.15 have them (keras/src/applications/*.py).
_TABLE = """
convnext_base convnext/convnext_base.h5 52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6
convnext_large convnext/convnext_large.h5 070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6
convnext_small convnext/convnext_small.h5 ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c
convnext_tiny convnext/convnext_tiny.h5 8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff
convnext_xlarge convnext/convnext_xlarge.h5 c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee
densenet121 densenet/densenet121* 9d60b8095a5708f2dcce2bca79d332c7
densenet169 densenet/densenet169* d699b8f76981ab1b30698df4c175e90b
densenet201 densenet/densenet201* 1ceb130c1ea1b78c3bf6114dbdfd8807
efficientnet_b0 efficientnetb0.h5 902e53a9f72be733fc0bcb005b3ebbac
efficientnet_b1 efficientnetb1.h5 1d254153d4ab51201f1646940f018540
efficientnet_b2 efficientnetb2.h5 b15cce36ff4dcbd00b6dd88e7857a6ad
efficientnet_b3 efficientnetb3.h5 ffd1fdc53d0ce67064dc6a9c7960ede0
efficientnet_b4 efficientnetb4.h5 18c95ad55216b8f92d7e70b3a046e2fc
efficientnet_b5 efficientnetb5.h5 ace28f2a6363774853a83a0b21b9421a
efficientnet_b6 efficientnetb6.h5 165f6e37dce68623721b423839de8be5
efficientnet_b7 efficientnetb7.h5 8c03f828fec3ef71311cd463b6759d99
efficientnet_v2_b0 efficientnet_v2/efficientnetv2-b0.h5 21ecbf6da12460d5c40bb2f29ceb2188
efficientnet_v2_b1 efficientnet_v2/efficientnetv2-b1.h5 069f0534ff22adf035c89e2d9547a9dc
efficientnet_v2_b2 efficientnet_v2/efficientnetv2-b2.h5 424e49f28180edbde1e94797771950a7
efficientnet_v2_b3 efficientnet_v2/efficientnetv2-b3.h5 1f1fc43bd98a6e4fd8fdfd551e02c7a0
efficientnet_v2_l efficientnet_v2/efficientnetv2-l.h5 27e6d408b53c7ebc868fefa357689935
efficientnet_v2_m efficientnet_v2/efficientnetv2-m.h5 a3bf6aa3276309f4fc6a34aa114c95cd
efficientnet_v2_s efficientnet_v2/efficientnetv2-s.h5 e1d88a8495beba45748fedd0cecbe016
inception_resnet_v2 inception_resnet_v2/inception_resnet_v2* e693bd0210a403b3192acc6073ad2e96
inception_v3 inception_v3/inception_v3* 9a0d58056eeedaa3f26cb7ebd46da564
mobilenet mobilenet/mobilenet_1_0_224_tf.h5 -
mobilenet_v2 mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5 -
mobilenet_v3_large mobilenet_v3/weights_mobilenet_v3_large_224_1.0_float.h5 59e551e166be033d707958cf9e29a6a7
mobilenet_v3_small mobilenet_v3/weights_mobilenet_v3_small_224_1.0_float.h5 8768d4c2e7dee89b9d02b2d03d65d862
nasnet_large nasnet/NASNet-large.h5 11577c9a518f0070763c2b964a382f17
nasnet_mobile nasnet/NASNet-mobile.h5 020fb642bf7360b370c678b08e0adf61
resnet101 resnet/resnet101* f1aeb4b969a6efcfb50fad2f0c20cfc5
resnet101_v2 resnet/resnet101v2* 6343647c601c52e1368623803854d971
resnet152 resnet/resnet152* 100835be76be38e30d865e96f2aaae62
resnet152_v2 resnet/resnet152v2* a49b44d1979771252814e80f8ec446f9
resnet50 resnet/resnet50* 2cb95161c43110f7111970584f804107
resnet50_v2 resnet/resnet50v2* 3ef43a0b657b3be2300d5770ece849e0
vgg16 vgg16/vgg16* 64373286793e3c8b2b4e3219cbf3544b
vgg19 vgg19/vgg19* cbe5617147190e668d6c5d5026f83318
xception xception/xception* 0a58e3b7378bc2990ea3b43d5981f1f6
"""

APPLICATIONS = {application.name: application for application in map(_read, _TABLE.split("\n")[1:-1])}
_BY_LETTERS = {_letters(name): application for name, application in APPLICATIONS.items()}
