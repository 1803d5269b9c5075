"""Writes state dicts as PyTorch saves them, and such as it never would, without PyTorch."""

import io
import pickle
import struct
import zipfile
import zlib
from base64 import b85decode
from collections import OrderedDict
from collections.abc import Callable

import ml_dtypes
import numpy as np

from tfgraphs.backbones.networks import resnet

MAGIC = 0x1950A86A20F9469CFC6C
DTYPES = {
    "FloatStorage": "f4",
    "DoubleStorage": "f8",
    "HalfStorage": "f2",
    "BFloat16Storage": ml_dtypes.bfloat16,
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
STORAGES = {np.dtype(dtype): name for name, dtype in DTYPES.items()}
NUMBERS = np.arange(24, dtype=np.float32)

# torch.save of PyTorch 2.13, as it is by default and with _use_new_zipfile_serialization=False, of
# {"conv.weight": arange(6).reshape(2, 3) / 4, "conv.turned": that.t()[1:], "half": [1.5, -2], "bfloat": [1.5, -2],
#  "count": 7, "parameter": Parameter([1, 1])}
SAVED_ZIP = zlib.decompress(
    b85decode(
        b"c-o~^%WvaE7@s(alXamlmTk8{m)Gtl&`tfwlU+6|3t31;qBUA6>Lu$YZfxPk`J72BI8{O|a9g20a6*U^SGd59{TDct6SoywArAZt%-E^x@hZ*I"
        b"j^y}}`8~$-eLrvL=?p^oJbGr#qeW!;9oyNn*1IM)OM_2cO`Szs%sAjW9nW>G4tBi$Q25yITE5l&!0BKCP|<)?p*2IuI$nRTv~M{*8w1zD9^oyu"
        b"N7!+PLff~tM~>TVW2-;({PvzKK)O(9<p^v@W|}<<G9g6JT+hUxgbxMCwo+t{2z)C|B?cqN={$z~rjB$@PanZ0J*}sXK=|6GR%S4~V8Dx~e(=ce"
        b"TV0s7iJYCWvo>!B1aq5uiV$!|Fi$QB&q7GBh~XszF1N@FL$>Mez{??WZ0<wyDDrkC@Fu|$q2w?u2c8b$s-8N8m5}Zg46hpST8k$Ww|D5uV3i?M"
        b"gXK!qi1b=OD#Pm`=^JCxH!0~`A?e!~t{ZTpl?@g->SMUcaDL?Vdl6qD;8UPT_)-|&A$-MR$n!3SH3M$7E|CcX(>Hf5Z23@{uyxT40oG66X24wr"
        b"G4v{py~@<95^9t&R1Bzo72MRmgt`HZQE5ZZ<$r$oPu1WMqQ}O>3SC0Qs6tCSp1*72_MYVrNhNCP^+cgg7!sBH<=;QQpl<0gS#AZ@PUXgx**0CL"
        b"*Wb1JSW}hfQ)EZAObs;m;cv23#GPqi0W~87+n-^}qs^wNx6h+{GF%5^*P<Q{-+ywImLh+qhgo!&NriP$Q{TIQfspm!F8OI9bdMYd<oLcx9T|T;"
        b"y|zsLSf1i&jddhxYT>yZk>xz5TGiv@N3^dqQ?%}}TC%3zxyb9^dfW{4bDLXF&Y`bdR6jRnrXB`=JoTt(eu{@XtcS9u*3tR*{~*|Ns{e44Kc22X"
        b"hi*suQMcF5Yd{gG^6%gE?oaQ(RV1GVK(O?o<vSz+J~!#tukCa-we&xYh+?H8HAJaiQDjl6G{joHCP|816J<$iG^(|RR2QqY3U&FQ`O~04d=vtg"
        b"DQY(I8BfglXPhU$<4JTp0GAl#4;-45u}PA6h^?@}l}2YIXObr#L<<bhH!+?l0F&@|YRoe5D;bo?t|T^|0xb5&Bvwjd;~mUmFJ}{2If;#T9*cdH"
        b"#41T_ylYtOGM~Vflh}CO&oS6<W7rA%9WTdK2E3R<QyOJM=lQjhwo2cMkTZ$%Z(Ml(HFpwId~mfdg!kbWJIjZdnP7f6_dk1@Zc6"
    )
)
SAVED_LEGACY = zlib.decompress(
    b85decode(
        b"c-nPS*>2N76!n&by0ny?vX<Rp35k<B4G#@Ms6uiJ)V$0KvRr2x8yP#-9tVL`DK8C$Z{UGPJ|n-wCm`{__0m9!8OdYMoqNwYckxL0B748SZv0$%"
        b"`~B5&Z6s{{5OLoFP9aMi#|^@O1$N+>LmEbI-~*2iWC3qHmobl;)bF{L55fVF(a1gws2RB*X$0aPND3*TF>->CK}i>gh$q))P}U_PB^ZI<hl(!6"
        b"F>=~S<58O-OC-Mxdo-lIXRgg;;Hn1j3Yo_UJMf3K_tfn>3<R46q3zVnn7Ljgn<3qaU9V>{>PJCn4pkXMMIn_$0(x3~3Q`s#Z+L;lUS~!bN@Njz"
        b"IxVfPHMF{_w%e^1lvB0#AVz`Z7YvSV>zpp=;uz+1QRl}Xe|8dK^9+s~u<%D6i$kCGV9`NxM{)|mPdFLq(zebcs4#|;_<`7`GSJfu&KPhuEs|q-"
        b"yKpW;%jG{u(^UQWS%L=Q*Wm&Z2uQG;s@{i-I=>H>GVsd`t{8BYlrd~)H>m_%n}L6tmZzajDOQf;&`}#2T+b<P<P<j(idz}QZ3cG?xSO`$4q|M%"
        b"GQ+Tmjh~`dk0zkD*5DqZ^N4;Q(W})A^#Oy22Gq!0GMH9qy`zkV@aR8dF!hk3{%<ep?WVTcY+^4Oc^+z>M>ENzl`*a|&<toFq=&Un&@td~GOKTr"
        b"|DynlFG@uyYLHko7E)22OSC3%hilYL9zH)+^7r(9otu=ozt?CTH;j4G&0@cG4}B+HZt@$*xB-a"
    )
)


class Name:
    """Pickled as the name of something in a module, which need not exist."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __call__(self) -> None:
        """pickle asks for this of what a file will call."""


class Call:
    """Pickled as the call of a name, with an optional state."""

    def __init__(self, name: Callable, arguments: tuple, *state: object) -> None:
        self.reduced = (name, arguments, *state)

    def __reduce__(self) -> tuple:
        return self.reduced


class Storage:
    """Numbers that a file holds beside its pickle.

    Args:
        numbers: 1-D.
        key: by which the pickle refers to them.
        said: other things to say of them: kind, size.
    """

    def __init__(self, numbers: np.ndarray, key: object = "0", **said: object) -> None:
        self.numbers, self.key, self.said = numbers, key, said

    def identity(self) -> tuple:
        kind = self.said.get("kind", Name("torch", STORAGES[self.numbers.dtype.newbyteorder("=")]))
        return "storage", kind, self.key, "cpu", self.said.get("size", len(self.numbers))


class TorchPickler(pickle._Pickler):
    """Pickles names, and refers to storages as PyTorch does."""

    def __init__(self, file: io.BytesIO, legacy: bool = False) -> None:
        super().__init__(file, protocol=2)
        self.legacy = legacy
        self.storages: dict[object, Storage] = {}

    def save(self, value: object, save_persistent_id: bool = True) -> None:
        if isinstance(value, Name):
            self.write(pickle.GLOBAL + f"{value.module}\n{value.name}\n".encode())
        else:
            super().save(value, save_persistent_id)

    def persistent_id(self, value: object) -> object:
        if not isinstance(value, Storage):
            return None
        self.storages.setdefault(value.key, value)
        return (*value.identity(), *([value.said.get("part")] if self.legacy else []))


def tensor(
    storage: object, offset: object, shape: object, strides: object, function: str = "_rebuild_tensor_v2"
) -> Call:
    rest = (False, OrderedDict()) if function == "_rebuild_tensor_v2" else ()
    return Call(Name("torch._utils", function), (storage, offset, shape, strides, *rest))


def whole(array: np.ndarray, key: str = "0") -> Call:
    """A tensor with a storage of its own."""
    array = np.ascontiguousarray(array)
    strides = tuple(stride // array.itemsize for stride in array.strides)
    return tensor(Storage(array.ravel(), key), 0, array.shape, strides)


def zip_file(tree: object, order: str | None = "little", **more: bytes) -> bytes:
    """As torch.save writes it since version 1.6."""
    pickled, file = io.BytesIO(), io.BytesIO()
    pickler = TorchPickler(pickled)
    pickler.dump(tree)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickled.getvalue())
        if order:
            archive.writestr("archive/byteorder", order)
        for key, storage in pickler.storages.items():
            archive.writestr(f"archive/data/{key}", storage.numbers.tobytes())
        archive.writestr("archive/version", "3\n")
        for name, content in more.items():
            archive.writestr(f"archive/{name}", content)
    return file.getvalue()


def legacy_file(tree: object) -> bytes:
    """As torch.save wrote it before version 1.6."""
    file = io.BytesIO()
    for value in (MAGIC, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}):
        pickle.dump(value, file, protocol=2)
    pickler = TorchPickler(file, legacy=True)
    pickler.dump(tree)
    pickle.dump(sorted(pickler.storages, key=str), file, protocol=2)
    for key in sorted(pickler.storages, key=str):
        numbers = pickler.storages[key].numbers
        file.write(struct.pack("<q", len(numbers)) + numbers.tobytes())
    return file.getvalue()


def resnet_arrays(name: str) -> dict[str, np.ndarray]:
    """Random weights of a ResNet by torchvision's names and shapes."""
    random, arrays = np.random.default_rng(0), {}

    def layer(convolution: str, normalization: str, before: int, after: int, side: int) -> None:
        arrays[f"{convolution}.weight"] = random.normal(0, (2 / side**2 / before) ** 0.5, (after, before, side, side))
        for part in ("weight", "running_var"):
            arrays[f"{normalization}.{part}"] = random.uniform(0.5, 1.5, after)
        for part in ("bias", "running_mean"):
            arrays[f"{normalization}.{part}"] = random.normal(0, 0.1, after)

    layer("conv1", "bn1", 3, 64, 7)
    plain, before = name in ("resnet18", "resnet34"), 64
    for stage, depth in enumerate(resnet.DEPTHS[name]):
        width = 64 << stage
        after = width if plain else 4 * width
        for block in range(depth):
            inside = f"layer{stage + 1}.{block}"
            sizes = [(before, width, 3), (width, width, 3)]
            if not plain:
                sizes = [(before, width, 1), (width, width, 3), (width, after, 1)]
            for number, size in enumerate(sizes, 1):
                layer(f"{inside}.conv{number}", f"{inside}.bn{number}", *size)
            if block == 0 and before != after:
                layer(f"{inside}.downsample.0", f"{inside}.downsample.1", before, after, 1)
            before = after
    arrays["fc.weight"], arrays["fc.bias"] = random.normal(0, 0.05, (1000, before)), random.normal(0, 0.1, 1000)
    return {key: value.astype(np.float32) for key, value in arrays.items()}
