#!/usr/bin/env python3
"""The rules of this house that no general linter knows: arrows between rooms, forbidden calls, file sizes.
Run from the root of the tree. Prints each breach as file:line: reason and fails when there is one."""
import pathlib
import re
import subprocess
import sys

# room -> what its files may include (besides the plugin header and their own folder)
USES = {
    "runtime/base": (),
    "runtime/data": ("runtime/base",),
    "runtime/config": ("runtime/base", "runtime/data"),
    "runtime/client": ("runtime/base", "runtime/data", "runtime/config"),
    "runtime/plugin": ("runtime/base", "runtime/data", "runtime/config", "runtime/client", "plugins"),
    "plugins/converters": ("runtime/base", "runtime/data", "runtime/client"),
    "plugins/transforms": ("runtime/base", "runtime/data", "runtime/client"),
    "plugins/providers": ("runtime/base", "runtime/data", "runtime/client"),
    "runtime/store": ("runtime/base", "runtime/data", "runtime/config", "runtime/client"),
    "runtime/group": ("runtime/base", "runtime/client"),
    "connectors": (),
}
FORBIDDEN = {
    r"\b(sleep|usleep|nanosleep)\s*\(": "no sleeping: wait for a descriptor, a timer or a condition",
    r"\b(strcpy|strcat|sprintf|gets|strtok)\s*\(": "unbounded or hidden-state string call",
    r"\b(TODO|FIXME|XXX)\b": "unfinished work belongs into an issue",
}
LINES_MAX = 900


def room_of(path):
    for room in sorted(USES, key=len, reverse=True):
        if path.startswith(room + "/"):
            return room
    return None


def check_include(path, room, target):
    if target.startswith("plugins/api/") or target == "connectd_plugin.h":
        return None
    own = "/".join(path.split("/")[:2]) if room == "connectors" else room
    if "/" not in target or target.startswith(own + "/"):
        return None
    if any(target.startswith(u + "/") for u in USES[room]):
        return None
    return f"{room} may not include {target}"


def main():
    files = subprocess.check_output(["git", "ls-files", "*.c", "*.h"], text=True).split()
    breaches = []
    for f in files:
        lines = pathlib.Path(f).read_text(errors="replace").splitlines()
        if len(lines) > LINES_MAX:
            breaches.append(f"{f}:1: {len(lines)} lines: look for the second job inside")
        room = room_of(f)
        for n, line in enumerate(lines, 1):
            m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            reason = check_include(f, room, m.group(1)) if m and room else None
            if reason:
                breaches.append(f"{f}:{n}: {reason}")
            if f.startswith("test/"):
                continue
            code = re.sub(r'"(\\.|[^"\\])*"', '""', line)
            for pattern, why in FORBIDDEN.items():
                if re.search(pattern, code) and "//" not in code.split(pattern)[0]:
                    breaches.append(f"{f}:{n}: {why}")
    print("\n".join(breaches))
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
