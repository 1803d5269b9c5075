"""Where Keras publishes the weights of keras.applications, with their digests.

Most are in tables of Keras' sources. The others stand in its code, from which they are copied here; Keras publishes
MobileNet 1 and 2 without a digest.
"""

from collections.abc import Iterator

from keras.src.applications import convnext, efficientnet, efficientnet_v2, mobilenet_v3, resnet

_BASE = "https://storage.googleapis.com/tensorflow/keras-applications/"
_KERNELS = "_weights_tf_dim_ordering_tf_kernels.h5"
_IN_CODE = {
    "densenet121": (f"densenet/densenet121{_KERNELS}", "9d60b8095a5708f2dcce2bca79d332c7"),
    "densenet169": (f"densenet/densenet169{_KERNELS}", "d699b8f76981ab1b30698df4c175e90b"),
    "densenet201": (f"densenet/densenet201{_KERNELS}", "1ceb130c1ea1b78c3bf6114dbdfd8807"),
    "inception_resnet_v2": (f"inception_resnet_v2/inception_resnet_v2{_KERNELS}", "e693bd0210a403b3192acc6073ad2e96"),
    "inception_v3": (f"inception_v3/inception_v3{_KERNELS}", "9a0d58056eeedaa3f26cb7ebd46da564"),
    "mobilenet": ("mobilenet/mobilenet_1_0_224_tf.h5", ""),
    "mobilenet_v2": ("mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5", ""),
    "nasnet_large": ("nasnet/NASNet-large.h5", "11577c9a518f0070763c2b964a382f17"),
    "nasnet_mobile": ("nasnet/NASNet-mobile.h5", "020fb642bf7360b370c678b08e0adf61"),
    "vgg16": (f"vgg16/vgg16{_KERNELS}", "64373286793e3c8b2b4e3219cbf3544b"),
    "vgg19": (f"vgg19/vgg19{_KERNELS}", "cbe5617147190e668d6c5d5026f83318"),
    "xception": (f"xception/xception{_KERNELS}", "0a58e3b7378bc2990ea3b43d5981f1f6"),
}


def releases() -> dict[str, tuple[str, str]]:
    """{name: (address, digest)} of all networks; the digest is "md5:..." or "sha256:...", or empty if unknown."""
    found = {name: (_BASE + path, digits) for name, (path, digits) in _IN_CODE.items()}
    found |= {name: (address, digits) for name, address, digits in _in_tables()}
    return {name: (address, _digest(digits)) for name, (address, digits) in sorted(found.items())}


def _in_tables() -> Iterator[tuple[str, str, str]]:
    """Name, address and digits of networks in Keras' tables, {key: (whole network, without the last layers)}."""
    for key, (digits, _) in convnext.WEIGHTS_HASHES.items():
        yield key, f"{convnext.BASE_WEIGHTS_PATH}{key}.h5", digits
    for key, (digits, _) in efficientnet.WEIGHTS_HASHES.items():
        yield f"efficientnet_{key}", f"{efficientnet.BASE_WEIGHTS_PATH}efficientnet{key}.h5", digits
    for key, (digits, _) in efficientnet_v2.WEIGHTS_HASHES.items():
        size = key.removeprefix("-")
        yield f"efficientnet_v2_{size}", f"{efficientnet_v2.BASE_WEIGHTS_PATH}efficientnetv2-{size}.h5", digits
    for key, (digits, _) in resnet.WEIGHTS_HASHES.items():
        if key.startswith("resnet"):  # Keras has no function for its resnext
            yield key.replace("v2", "_v2"), f"{resnet.BASE_WEIGHTS_PATH}{key}{_KERNELS}", digits
    for size in ("large", "small"):
        key = f"{size}_224_1.0_float"
        address = f"{mobilenet_v3.BASE_WEIGHT_PATH}weights_mobilenet_v3_{key}.h5"
        yield f"mobilenet_v3_{size}", address, mobilenet_v3.WEIGHTS_HASHES[key][0]


def _digest(digits: str) -> str:
    return digits and f"{'sha256' if len(digits) == 64 else 'md5'}:{digits}"
