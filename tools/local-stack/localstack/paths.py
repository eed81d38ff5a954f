"""Where things are: the tree, the build output, the cache outside the tree."""

import os

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
PINS = os.path.join(TREE, "tools", "local-stack", "pins")
CONFIGS = os.path.join(TREE, "configs")
BUILD_MODE = os.environ.get("BUILD", "release")


def cache_dir():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    path = os.path.join(base, "connectd")
    os.makedirs(path, exist_ok=True)
    return path


def build_path(name, mode=None):
    return os.path.join(TREE, "build", mode or BUILD_MODE, name)


def require_binary(name, make_target, mode=None):
    """The path of something that `make` builds, or an error that names the command to run."""
    path = build_path(name, mode)
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{os.path.relpath(path, TREE)} is not built; run `{make_target}` first")
    return path
