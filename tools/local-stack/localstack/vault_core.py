"""The real Vault core behind a small main (pins/vault), built once with Go. Nobody waits five minutes without having asked."""

import os

from . import fetch, golang, paths

SOURCE = os.path.join(paths.PINS, "vault")


def _key():
    return fetch.file_hash(*(os.path.join(SOURCE, f) for f in ("main.go", "go.mod", "go.sum")))


def if_built():
    """Its path, or None."""
    path = os.path.join(paths.cache_dir(), f"vault-core-{_key()}", "vaultd")
    return path if os.path.exists(path) else None


def built():
    """Its path; FetchError without Go."""

    def build(work):
        fetch.say("vault core: compiling (several minutes, once)")
        golang.build_program(SOURCE, os.path.join(work, "vaultd"), at_least=(1, 25))

    return os.path.join(fetch.once("vault-core", _key(), build), "vaultd")
