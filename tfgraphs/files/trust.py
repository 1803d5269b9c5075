"""What files from outside may do: the one policy of this package.

- Data (pictures, vectors, weights) can run nothing. It is parsed, never executed, takes no more memory than its file
  makes plausible, and is read from regular files only: a pipe, a device, or a file that consists of holes never ends.
- Programs (SavedModels, models of TensorFlow Hub, Keras models, frozen graphs) are checked before they run, whichever
  command or function loads them. Their graphs may use the operations of `OPERATIONS`, which compute tensors and change
  the program's own variables and tables, and nothing else: no operation reads or writes files, prints, calls Python or
  uses the network. Keras models may use the classes and functions that `keras_model_file` lists.
- A program reads no file but those of its own folder: its variables, and the assets that fill its tables. Links and
  paths that lead out of the folder, and addresses, are refused.

A program that passes can still give wrong results, or take long and much memory.
"""

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tfgraphs.errors import TfgraphsError, reason

_SLACK = 64 * 2**20  # bytes that any file may expand to: small arrays of zeros shrink a thousandfold
_RATIO = 32  # further bytes for each stored byte; weights hardly shrink at all

# A list of what is forbidden would admit every new operation of TensorFlow; its mark "stateful" does not help, as
# reading a file is not stateful to it.
_COMPUTATIONS = """
    Abs Acos Acosh Add AddN AddV2 All Any ApproximateEqual ArgMax ArgMin Asin Asinh Atan Atan2 Atanh BatchMatMul
    BatchMatMulV2 BatchMatMulV3 BiasAdd BiasAddV1 Bincount BitwiseAnd BitwiseOr BitwiseXor Bucketize Cast Ceil
    ClipByValue Cos Cosh Cumprod Cumsum DenseBincount Div DivNoNan Einsum Elu Equal Erf Erfc EuclideanNorm Exp Expm1
    Floor FloorDiv FloorMod Greater GreaterEqual Inv Invert InvertPermutation IsFinite IsInf IsNan L2Loss LeakyRelu
    LeftShift Less LessEqual Log Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr LowerBound MatMul Max Maximum Mean Min
    Minimum Mod Mul MulNoNan Neg NotEqual Pow Prod RealDiv Reciprocal Relu Relu6 RightShift Rint Round Rsqrt SegmentMax
    SegmentMean SegmentMin SegmentProd SegmentSum Select SelectV2 Selu Sigmoid Sign Sin Sinh Softmax Softplus Softsign
    Sqrt Square SquaredDifference Sub Sum Tan Tanh TopKV2 TruncateDiv TruncateMod UnsortedSegmentMax UnsortedSegmentMin
    UnsortedSegmentProd UnsortedSegmentSum UpperBound Xdivy Xlogy

    AvgPool Conv2D Conv2DBackpropInput DepthwiseConv2dNative Dilation2D FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars
    FakeQuantWithMinMaxVarsPerChannel FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 LRN MaxPool MaxPoolV2
    MaxPoolWithArgmax

    BatchToSpaceND Bitcast BroadcastArgs BroadcastTo Concat ConcatOffset ConcatV2 Const CropAndResize DecodeRaw
    DepthToSpace DynamicPartition DynamicStitch EnsureShape ExpandDims ExtractImagePatches FakeParam Fill Gather
    GatherNd GatherV2 Identity IdentityN LinSpace ListDiff MatrixBandPart MatrixDiag MatrixDiagV3 MatrixSetDiagV3
    MirrorPad OneHot OnesLike Pack Pad PadV2 Placeholder PlaceholderWithDefault PreventGradient RGBToHSV Range Rank
    Reshape ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor Reverse ReverseSequence ReverseV2 Roll
    ScaleAndTranslate ScatterNd Shape ShapeN Size Slice SpaceToBatchND SpaceToDepth Split SplitV Squeeze StopGradient
    StridedSlice TensorScatterAdd TensorScatterUpdate Tile Transpose Unique UniqueV2 UniqueWithCounts UniqueWithCountsV2
    Unpack Where ZerosLike

    DecodeImage EncodePng

    RaggedBincount RaggedGather RaggedRange RaggedTensorToSparse RaggedTensorToTensor SparseConcat SparseFillEmptyRows
    SparseReduceSum SparseReorder SparseReshape SparseSegmentMean SparseSegmentMeanWithNumSegments SparseSegmentSqrtN
    SparseSegmentSqrtNWithNumSegments SparseSegmentSum SparseSegmentSumWithNumSegments SparseSlice
    SparseTensorDenseMatMul SparseToDense

    AsString DecodeBase64 EncodeBase64 ReduceJoin RegexFullMatch RegexReplace ShardedFilename StaticRegexFullMatch
    StaticRegexReplace StringFormat StringJoin StringLength StringLower StringNGrams StringSplit StringSplitV2
    StringStrip StringToHashBucket StringToHashBucketFast StringToHashBucketStrong StringToNumber StringUpper Substr
    UnicodeDecode UnicodeDecodeWithOffsets UnicodeEncode UnicodeScript UnicodeTranscode UnsortedSegmentJoin

    Assert Case ControlTrigger Enter Exit If LoopCond Merge NextIteration NoOp PartitionedCall StatefulPartitionedCall
    StatelessCase StatelessIf StatelessWhile Switch While

    EmptyTensorList TensorListConcatV2 TensorListElementShape TensorListFromTensor TensorListGather TensorListGetItem
    TensorListLength TensorListPopBack TensorListPushBack TensorListReserve TensorListResize TensorListScatter
    TensorListSetItem TensorListSplit TensorListStack

    RandomStandardNormal RandomUniform RandomUniformInt StatelessRandomGetKeyCounter StatelessRandomNormalV2
    StatelessRandomUniformV2 StatelessTruncatedNormalV2 TruncatedNormal
"""

_READING = """
    HashTable HashTableV2 LookupTableExport LookupTableExportV2 LookupTableFind LookupTableFindV2 LookupTableSize
    LookupTableSizeV2 MutableDenseHashTableV2 MutableHashTable MutableHashTableV2 ReadVariableOp ResourceGather
    ResourceGatherNd VarHandleOp Variable VariableShape VariableV2
"""

_WRITING = """
    Assign AssignAdd AssignAddVariableOp AssignSub AssignSubVariableOp AssignVariableOp DestroyResourceOp
    DisableCopyOnRead InitializeTable InitializeTableFromTextFile InitializeTableFromTextFileV2 InitializeTableV2
    IsVariableInitialized LookupTableImport LookupTableImportV2 LookupTableInsert LookupTableInsertV2 VarIsInitializedOp
"""

PURE = frozenset((_COMPUTATIONS + _READING).split())
"""Operations that make tensors of tensors, and read the variables and tables of the program itself."""

OPERATIONS = PURE | frozenset(_WRITING.split())
"""All operations of which programs may consist: also those that change the program's own variables and tables.

`InitializeTableFromTextFile` reads a file: `saved_models` admits it for assets of the program only.
"""


class TrustError(TfgraphsError):
    """A file from outside is refused."""


def check_operations(nodes: Iterable[Any], program: str, allowed: frozenset[str] = OPERATIONS) -> None:
    """Checks each node (NodeDef) of a program.

    Args:
        nodes: of its graph and of all functions in it.
        program: what the error calls it, a path or a handle.
        allowed: names of operations.

    Raises:
        TrustError: a node is another operation.
    """
    for node in nodes:
        if node.op not in allowed:
            raise TrustError(
                f"{program} is refused: its node {node.name!r} is the operation {node.op!r}, "
                "which is not among the pure computations that a program may consist of"
            )


def check_inside(path: Path, folder: Path, program: str) -> None:
    """Checks that a file of a program is a regular file within its folder, wherever links lead.

    Raises:
        TrustError: it is not.
    """
    if not path.resolve().is_relative_to(folder.resolve()):
        raise TrustError(f"{program} is refused: {path} leads out of its folder; copy the files that it needs into it")
    check_regular_file(path)


def plausible_size(stored: int) -> int:
    """Returns how many bytes a file of `stored` bytes may expand to, when it is inflated or its holes are filled."""
    return _SLACK + _RATIO * stored


def check_regular_file(path: str | Path, kind: type[TfgraphsError] = TrustError) -> int:
    """Checks that a file from outside can be read to its end, and returns its size in bytes.

    Args:
        path: the file. Links are followed.
        kind: class of the error.

    Raises:
        TfgraphsError: of `kind`: there is no such file; it is a folder, a pipe, a device or a socket; or it claims far
            more bytes than it stores (a sparse file).
    """
    try:
        found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            raise kind(f"cannot read {path}: it is a folder")
        if not stat.S_ISREG(found.st_mode):
            raise kind(f"cannot read {path}: it is a pipe, a device or a socket; copy its content into a file")
        if found.st_size > plausible_size(512 * found.st_blocks) and not _stores(path, found.st_size):
            raise kind(f"cannot read {path}: it claims {found.st_size:,} bytes, but stores next to none")
    except OSError as error:
        raise kind(f"cannot read {path}: {reason(error)}") from error
    return found.st_size


def _stores(path: str | Path, size: int) -> bool:
    """Whether the data between the holes of a file makes its size plausible; some file systems count no blocks."""
    with open(path, "rb", buffering=0) as file:
        place = stored = 0
        while place < size:
            try:
                start = os.lseek(file.fileno(), place, os.SEEK_DATA)
            except OSError:  # there is no data behind
                return False
            place = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            stored += place - start
            if plausible_size(stored) >= size:
                return True
    return False
