"""Where the weights of the networks are published, and what they must be.

Keras' digests are those in its sources (keras/src/applications, MD5), Caffe's those of its model zoo's readme (SHA-1).
torchvision publishes the first eight digits of the SHA-256 in the names of its files.
"""

from tfgraphs.backbones import googlenet
from tfgraphs.backbones.downloads import Download

_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications"
_TORCH = "https://download.pytorch.org/models"


def _vgg(name: str, digest: str, part: str = "") -> Download:
    return Download(f"{_KERAS}/{name}/{name}_weights_tf_dim_ordering_tf_kernels{part}.h5", digest)


def _resnet(name: str, digest: str) -> Download:
    return Download(f"{_KERAS}/resnet/{name}_weights_tf_dim_ordering_tf_kernels.h5", digest)


WHOLE = {
    "vgg16": _vgg("vgg16", "md5:64373286793e3c8b2b4e3219cbf3544b"),
    "vgg19": _vgg("vgg19", "md5:cbe5617147190e668d6c5d5026f83318"),
    "resnet50": _resnet("resnet50", "md5:2cb95161c43110f7111970584f804107"),
    "resnet101": _resnet("resnet101", "md5:f1aeb4b969a6efcfb50fad2f0c20cfc5"),
    "resnet152": _resnet("resnet152", "md5:100835be76be38e30d865e96f2aaae62"),
    "resnet18": Download(f"{_TORCH}/resnet18-f37072fd.pth", "sha256:f37072fd"),
    "resnet34": Download(f"{_TORCH}/resnet34-b627a593.pth", "sha256:b627a593"),
    "alexnet": Download(
        "http://dl.caffe.berkeleyvision.org/bvlc_alexnet.caffemodel", "sha1:9116a64c0fbe4459d18f4bb6b56d647b63920377"
    ),
    "googlenet": Download(googlenet.URL, f"sha256:{googlenet.SHA256}"),
}
"""Whole networks, by name."""

TRUNKS = {
    "vgg16": _vgg("vgg16", "md5:6d6bbae143d832006294945121d1f1fc", "_notop"),
    "vgg19": _vgg("vgg19", "md5:253f8cb515780f3b799900260a226db6", "_notop"),
}
"""The same without the fully connected layers, where these are most of it: 80 MB instead of 574."""
