"""Where things are: the tree, the build output, the cache outside the tree."""

import os

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
PINS = os.path.join(TREE, "tools", "local-stack", "pins")
CONFIGS = os.path.join(TREE, "configs")
# make says where it built; without make it is the place of the mode that users run.
OUT = os.path.join(TREE, os.environ.get("OUT") or os.path.join("build", os.environ.get("BUILD") or "release"))


def cache_dir():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    path = os.path.join(base, "connectd")
    os.makedirs(path, exist_ok=True)
    return path


def build_path(name):
    return os.path.join(OUT, name)


def require_binary(name, make_target):
    """The path of something that `make` builds, or an error that names the command to run."""
    path = build_path(name)
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{os.path.relpath(path, TREE)} is not built; run `{make_target}` first")
    return path
