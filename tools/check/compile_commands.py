#!/usr/bin/env python3
"""compile_commands.json for clang-tidy and editors. usage: compile_commands.py "COMMAND" (run from the root)"""
import json
import os
import subprocess
import sys

# What clang does not know, and what only makes objects, is left out.
DROP = ("-fno-plt", "-MMD", "-MP")


def main():
    base = [a for a in sys.argv[1].split() if a not in DROP]
    files = subprocess.check_output(["git", "ls-files", "*.c"], text=True).split()
    entries = []
    for f in files:
        extra = ["-Itools/sqlserver-sim"] if "sqlserver-sim" in f or "fuzz_tds" in f or "fuzz_tsql" in f else []
        if f.startswith("connectors/postgres") or f.startswith("test/"):
            extra += subprocess.check_output(["pkg-config", "--cflags", "libpq"], text=True).split()
        entries.append({"directory": os.getcwd(), "file": f, "arguments": [*base, *extra, "-c", f]})
    json.dump(entries, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
