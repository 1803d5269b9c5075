"""Where the weights of the networks are published, and what they must be.

Keras' digests are those in its sources, Caffe's those of its model zoo's readme (SHA-1). torchvision publishes the
first eight digits of the SHA-256 in the names of its files.
"""

from tfgraphs.backbones.networks import googlenet
from tfgraphs.files.downloads import Download

_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications/"
_EFFICIENTNET = "https://storage.googleapis.com/keras-applications/"
_TORCH = "https://download.pytorch.org/models"

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


def _read(line: str) -> tuple[str, tuple[str, str]]:
    name, address, digits = line.split()
    folder = _EFFICIENTNET if name.startswith("efficientnet_b") else _KERAS
    algorithm = "sha256:" if len(digits) == 64 else "md5:"
    full = folder + address.replace("*", "_weights_tf_dim_ordering_tf_kernels.h5")
    return name, (full, "" if digits == "-" else algorithm + digits)


KERAS = dict(map(_read, _TABLE.split("\n")[1:-1]))
"""Address and digest ("md5:..." or "sha256:...", empty if Keras has none) of the networks of keras.applications."""

WHOLE = {name: Download(*KERAS[name]) for name in ("vgg16", "vgg19", "resnet50", "resnet101", "resnet152")} | {
    "resnet18": Download(f"{_TORCH}/resnet18-f37072fd.pth", "sha256:f37072fd"),
    "resnet34": Download(f"{_TORCH}/resnet34-b627a593.pth", "sha256:b627a593"),
    "alexnet": Download(
        "http://dl.caffe.berkeleyvision.org/bvlc_alexnet.caffemodel", "sha1:9116a64c0fbe4459d18f4bb6b56d647b63920377"
    ),
    "googlenet": Download(googlenet.URL, f"sha256:{googlenet.SHA256}"),
}
"""Whole networks, by name."""

TRUNKS = {
    name: Download(KERAS[name][0].replace("_kernels", "_kernels_notop"), digest)
    for name, digest in (
        ("vgg16", "md5:6d6bbae143d832006294945121d1f1fc"),
        ("vgg19", "md5:253f8cb515780f3b799900260a226db6"),
    )
}
"""The same without the fully connected layers, where these are most of it: 80 MB instead of 574."""
