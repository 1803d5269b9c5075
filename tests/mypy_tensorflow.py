"""Plugin of mypy that corrects types-tensorflow where its stubs are narrower than TensorFlow."""

from collections.abc import Callable

from mypy.nodes import MDEF, SymbolTableNode, Var
from mypy.plugin import ClassDefContext, FunctionSigContext, MethodContext, MethodSigContext, Plugin
from mypy.types import AnyType, FunctionLike, Instance, Type, TypeOfAny, UnionType, get_proper_type

ANY = AnyType(TypeOfAny.special_form)
# Arguments that take whatever becomes a tensor: arrays, lists, tuples, numbers of Python.
CONVERTED = {
    "tensorflow.Variable": {"initial_value"},
    "tensorflow.Tensor.__getitem__": {None},  # an Ellipsis, too; mypy drops the names of such arguments
    "tensorflow.concat": {"values", "axis"},
    "tensorflow.constant": {"value"},
    "tensorflow.nn.conv2d": {"padding"},  # a str that is no literal, too
    "tensorflow.pad": {"paddings"},
    "tensorflow.random.stateless_normal": {"shape", "seed"},
    "tensorflow.random.stateless_uniform": {"shape", "seed"},
}
# Their results are unions of which the program knows the member: static sizes, dense gradients.
UNIONS = {
    "tensorflow.TensorShape.__getitem__",
    "tensorflow.TensorShape.__iter__",
    "tensorflow.TensorShape.as_list",
    "tensorflow.autodiff.GradientTape.gradient",
}
MISSING = {
    "tensorflow.Tensor": ("__mod__", "__rmod__", "__rpow__", "__invert__", "__iter__"),
    "tensorflow.types.experimental.ConcreteFunction": ("structured_outputs",),
}


def _accept_converted(context: FunctionSigContext | MethodSigContext, names: set[str]) -> FunctionLike:
    signature = context.default_signature
    types = [
        ANY if name in names else kind for name, kind in zip(signature.arg_names, signature.arg_types, strict=True)
    ]
    return signature.copy_modified(arg_types=types)


def _without_unions(result: Type) -> Type:
    result = get_proper_type(result)
    if isinstance(result, UnionType):
        return ANY
    if isinstance(result, Instance):
        return result.copy_modified(args=[_without_unions(kind) for kind in result.args])
    return result


def _add_missing(context: ClassDefContext) -> None:
    info = context.cls.info
    for name in MISSING[info.fullname]:
        variable = Var(name, ANY)
        variable.info = info
        info.names[name] = SymbolTableNode(MDEF, variable)


class TensorFlowPlugin(Plugin):
    """Hooks for the names above."""

    def get_function_signature_hook(self, fullname: str) -> Callable[[FunctionSigContext], FunctionLike] | None:
        names = CONVERTED.get(fullname)
        return names and (lambda context: _accept_converted(context, names))

    def get_method_signature_hook(self, fullname: str) -> Callable[[MethodSigContext], FunctionLike] | None:
        names = CONVERTED.get(fullname)
        return names and (lambda context: _accept_converted(context, names))

    def get_method_hook(self, fullname: str) -> Callable[[MethodContext], Type] | None:
        return (lambda context: _without_unions(context.default_return_type)) if fullname in UNIONS else None

    def get_customize_class_mro_hook(self, fullname: str) -> Callable[[ClassDefContext], None] | None:
        return _add_missing if fullname in MISSING else None


def plugin(version: str) -> type[Plugin]:
    """Give mypy the plugin; its interface asks for this function."""
    return TensorFlowPlugin
