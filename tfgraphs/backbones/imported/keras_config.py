"""What the description of a Keras model may hold: exact classes and functions of Keras, at every depth.

Keras looks up whatever names a description gives it, so that one may name functions that open files or call Python.
Here a description is written anew from what is known: each class by its exact module and name, each function by the
name of an activation, and nothing else.
"""

import re
from typing import Any

from tfgraphs.backbones.imported.keras_2 import OPERATIONS, as_of_keras_3
from tfgraphs.files.trust import TrustError

_ALLOWED = {
    "keras": "DTypePolicy Sequential",
    "keras.activations": """
        celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear
        log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus
        sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink threshold
    """,
    "keras.constraints": "MaxNorm MinMaxNorm NonNeg UnitNorm",
    "keras.dtype_policies": "DTypePolicyMap Int4DTypePolicy QuantizedDTypePolicy",
    "keras.initializers": """
        Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal LecunUniform Ones Orthogonal
        RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros
    """,
    "keras.layers": """
        Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D
        AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add AdditiveAttention AlphaDropout Attention
        AutoContrast Average AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization Bidirectional
        CenterCrop Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D
        ConvLSTM2D ConvLSTM3D Cropping1D Cropping2D Cropping3D Dense DepthwiseConv1D DepthwiseConv2D Dot Dropout ELU
        EinsumDense Embedding Equalization Flatten GRU GRUCell GaussianDropout GaussianNoise GlobalAveragePooling1D
        GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D
        GroupNormalization GroupQueryAttention Identity InputLayer LSTM LSTMCell LayerNormalization LeakyReLU Masking
        MaxPooling1D MaxPooling2D MaxPooling3D Maximum Minimum MultiHeadAttention Multiply Normalization PReLU Permute
        RMSNormalization RNN RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop
        RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective
        RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation RandomZoom
        ReLU RepeatVector Rescaling Reshape Resizing SeparableConv1D SeparableConv2D SimpleRNN SimpleRNNCell Softmax
        Solarization SpatialDropout1D SpatialDropout2D SpatialDropout3D SpectralNormalization StackedRNNCells Subtract
        TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D
        ZeroPadding3D
    """,
    "keras.quantizers": "AbsMaxQuantizer Int4QuantizationConfig Int8QuantizationConfig",
    "keras.random": "SeedGenerator",
    "keras.regularizers": "L1 L1L2 L2 OrthogonalRegularizer",
    "keras.src.applications.convnext": "LayerScale StochasticDepth",
    "keras.src.applications.inception_resnet_v2": "CustomScaleLayer",
    "keras.src.models.functional": "Functional",
    "keras.src.ops.core": "Cast SaturateCast Slice SliceUpdate StopGradient Unstack",
    "keras.src.ops.image": """
        AffineTransform CropImages ExtractPatches GaussianBlur HSVToRGB PadImages RGBToGrayscale RGBToHSV Resize
        ScaleAndTranslate
    """,
    "keras.src.ops.math": "Erf Erfc Erfinv Logsumexp Rsqrt TopK",
    "keras.src.ops.nn": """
        AdaptiveAveragePool AdaptiveMaxPool AveragePool BatchNorm Celu Conv ConvTranspose DepthToSpace DepthwiseConv
        DotProductAttention Elu Gelu Glu HardShrink HardSigmoid HardSilu HardTanh LayerNorm LeakyRelu LogSigmoid
        LogSoftmax MaxPool Moments Normalize OneHot RMSNorm Relu Relu6 Selu SeparableConv Sigmoid Silu SoftShrink
        Softmax Softplus Softsign SpaceToDepth SparsePlus SparseSigmoid Sparsemax Squareplus TanhShrink Threshold
    """,
    "keras.src.ops.numpy": """
        Abs Absolute Add All Amax Amin Any Append Arccos Arccosh Arcsin Arcsinh Arctan Arctan2 Arctanh Argmax Argmin
        Argsort Average BroadcastTo Cbrt Ceil Clip Concatenate Copy Cos Cosh CountNonzero Cross Cumprod Cumsum Diag
        Diagonal Diff Divide DivideNoNan Dot Einsum Equal Exp Exp2 ExpandDims Expm1 Fabs Flip Fliplr Flipud Floor
        FloorDivide Full FullLike GetItem Greater GreaterEqual Hstack Hypot Inner Isfinite Isinf Isnan Less LessEqual
        Linspace Log Log10 Log1p Log2 Logaddexp LogicalAnd LogicalNot LogicalOr LogicalXor Matmul Max Maximum Mean
        Median Meshgrid Min Minimum Mod Moveaxis Multiply NanToNum Ndim Negative NotEqual OnesLike Outer Pad Power Prod
        Ravel Reciprocal Repeat Reshape Roll Rot90 Round Select Sign Sin Sinh Size Sort Split Sqrt Square Squeeze Stack
        Std Subtract Sum Swapaxes Take TakeAlongAxis Tan Tanh Tensordot Tile Transpose Tril Triu TrueDivide Trunc Var
        Vdot Vstack Where ZerosLike
    """,
}
_ACTIVATIONS = set(_ALLOWED.pop("keras.activations").split())
CLASSES = {(module, name) for module, names in _ALLOWED.items() for name in names.split()}

_OF_KERAS_2 = {  # classes that had other names or modules before Keras 3
    "Functional": ("keras.src.models.functional", "Functional"),
    "Policy": ("keras", "DTypePolicy"),
    "Sequential": ("keras", "Sequential"),
}
_KERAS = re.compile(r"(tensorflow\.(python\.)?)?(tf_)?keras(\.|$)")
_OF_APPLICATIONS = {name: module for module, name in CLASSES if module.startswith("keras.src.applications")}
_OF_OPERATIONS = {name: module for module, name in CLASSES if module.startswith("keras.src.ops")}
_WITHOUT_MODULE = {name for _, name in CLASSES} | {"Model"}  # in files .h5, where Keras looks among its layers only
_VALUES = {"__bytes__", "__ellipsis__", "__keras_tensor__", "__numpy__", "__slice__", "__tensor__", "__tuple__"}
_KEYS = ("config", "build_config", "inbound_nodes", "items", "name", "shared_object_id")
_DEEPEST = 100  # parts within parts


def admitted(description: Any, path: str, depth: int = 0) -> Any:
    """Returns the description of a model, or a part of it, written anew from known classes and functions.

    Optimizers, losses and metrics (`compile_config`) are left out: they are not needed here, and may be of any make.

    Args:
        description: parsed JSON.
        path: of the file, for errors.
        depth: of the part.

    Raises:
        TrustError: it names anything else.
    """
    if depth > _DEEPEST:
        raise TrustError(f"{path} is refused: its description is more than {_DEEPEST} parts deep")
    if isinstance(description, list):
        return [admitted(part, path, depth + 1) for part in description]
    if not isinstance(description, dict):
        return description
    if "class_name" in description:
        return _object(description, path, depth)
    return {key: admitted(part, path, depth + 1) for key, part in description.items() if key != "compile_config"}


def _object(part: dict[str, Any], path: str, depth: int) -> Any:
    """Returns the description of an object or function that Keras makes."""
    part = as_of_keras_3(part)
    name, module, config = part["class_name"], part.get("module"), part.get("config")
    if name in OPERATIONS and isinstance(config, dict):
        raise TrustError(_refusal(path, f"tf.{config.get('function')}", None))
    if name == "function":
        if module in ("builtins", "keras.activations") and isinstance(config, str) and config in _ACTIVATIONS:
            return config
        raise TrustError(_refusal(path, config, module))
    if not isinstance(name, str):
        raise TrustError(_refusal(path, name, module))
    written: dict[str, Any] = {"class_name": name}
    if "module" in part and name not in _VALUES:
        pair = _class_of_keras_3(module, name) if isinstance(module, str) else None
        if pair is None:
            raise TrustError(_refusal(path, name, module))
        written = {"module": pair[0], "class_name": pair[1], "registered_name": None}
    elif name in _OF_APPLICATIONS or (name in _OF_OPERATIONS and _is_operation(part)):
        written |= {"module": (_OF_APPLICATIONS | _OF_OPERATIONS)[name], "registered_name": None}
    elif name not in _WITHOUT_MODULE | _VALUES:
        raise TrustError(_refusal(path, name, module))
    written |= {key: admitted(part[key], path, depth + 1) for key in _KEYS if key in part}
    return written


def _is_operation(part: dict[str, Any]) -> bool:
    """Whether a call in a file .h5 is that of an operation, `keras.ops.add`, and not of the layer of this name."""
    config = part.get("config")
    return isinstance(config, dict) and "trainable" not in config and "inbound_nodes" in part


def _class_of_keras_3(module: str, name: str) -> tuple[str, str] | None:
    """Returns module and name of an admitted class, which Keras 2 may have had elsewhere; None if it is not admitted.

    Of `keras.src.layers.core.dense` or `tensorflow.keras.layers` the part "layers" is in the names of both.
    """
    if (module, name) in CLASSES:
        return module, name
    if not _KERAS.match(module):
        return None
    if name in _OF_KERAS_2:
        return _OF_KERAS_2[name]
    parts = module.split(".")
    found = [
        pair
        for pair in CLASSES
        if pair[1] == name and pair[0].rpartition(".")[2] in parts and not pair[0].startswith("keras.src.ops")
    ]
    return found[0] if len(found) == 1 else None


def _refusal(path: str, name: object, module: object) -> str:
    place = "" if module is None else f" of the module {module!r}"
    return (
        f"{path} is refused: it holds {name!r}{place}, which is not among the layers and functions of Keras that "
        'compute and do nothing else; where that code is, model.export("folder") makes a SavedModel, which is read: '
        "--backbone=folder"
    )
