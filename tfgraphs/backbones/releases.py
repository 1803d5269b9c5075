"""Where the weights of networks that are built here are published, with their digests.

Keras' digests are from its sources, Caffe's (SHA-1) from the readme of its model zoo. torchvision publishes the first
eight digits of the SHA-256 in the names of its files.
"""

from tfgraphs.files.downloads import Download

_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications"
_KERNELS = "weights_tf_dim_ordering_tf_kernels"
_TORCH = "https://download.pytorch.org/models"

WHOLE = {
    "alexnet": Download(
        "http://dl.caffe.berkeleyvision.org/bvlc_alexnet.caffemodel", "sha1:9116a64c0fbe4459d18f4bb6b56d647b63920377"
    ),
    "googlenet": Download(
        "https://storage.googleapis.com/download.tensorflow.org/models/inception5h.zip",
        "sha256:d13569f6a98159de37e92e9c8ec4dae8f674fbf475f69fe6199b514f756d4364",
    ),
    "resnet18": Download(f"{_TORCH}/resnet18-f37072fd.pth", "sha256:f37072fd"),
    "resnet34": Download(f"{_TORCH}/resnet34-b627a593.pth", "sha256:b627a593"),
    "resnet50": Download(f"{_KERAS}/resnet/resnet50_{_KERNELS}.h5", "md5:2cb95161c43110f7111970584f804107"),
    "resnet101": Download(f"{_KERAS}/resnet/resnet101_{_KERNELS}.h5", "md5:f1aeb4b969a6efcfb50fad2f0c20cfc5"),
    "resnet152": Download(f"{_KERAS}/resnet/resnet152_{_KERNELS}.h5", "md5:100835be76be38e30d865e96f2aaae62"),
    "vgg16": Download(f"{_KERAS}/vgg16/vgg16_{_KERNELS}.h5", "md5:64373286793e3c8b2b4e3219cbf3544b"),
    "vgg19": Download(f"{_KERAS}/vgg19/vgg19_{_KERNELS}.h5", "md5:cbe5617147190e668d6c5d5026f83318"),
}
"""Whole networks, by name."""

TRUNKS = {
    "vgg16": Download(f"{_KERAS}/vgg16/vgg16_{_KERNELS}_notop.h5", "md5:6d6bbae143d832006294945121d1f1fc"),
    "vgg19": Download(f"{_KERAS}/vgg19/vgg19_{_KERNELS}_notop.h5", "md5:253f8cb515780f3b799900260a226db6"),
}
"""Networks without the fully connected layers, where these are most of the file: 80 MB instead of 574."""
