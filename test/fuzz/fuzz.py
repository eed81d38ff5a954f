#!/usr/bin/env python3
"""Build fuzz targets with libFuzzer, ASan and UBSan and run them. usage: fuzz.py SECONDS [NAME...]
As many at a time as there are cores.
A crash input is left in build/fuzz/NAME/ and printed; make it a seed in test/fuzz/NAME/."""
import os
import pathlib
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ROOMS = ("base", "data", "config", "client", "plugin", "store")
PLUGIN_ROOMS = ("converters", "transforms", "providers")


def pkg(*names):
    return subprocess.check_output(["pkg-config", "--cflags", "--libs", *names], text=True).split()


def build(name):
    out = ROOT / "build" / "fuzz" / name
    out.mkdir(parents=True, exist_ok=True)
    source = HERE / f"fuzz_{name}.c"
    extra = re.search(r"^/\* links: (.*) \*/", source.read_text(), re.M)
    files = [source, *(ROOT / f for f in (extra.group(1).split() if extra else []))]
    if name.startswith(("tds", "tsql")):
        files += [f for f in (ROOT / "tools/sqlserver-sim").rglob("*.c") if f.name != "main.c"]
    else:
        for room in ROOMS:
            files += sorted((ROOT / "runtime" / room).glob("*.c"))
        for room in PLUGIN_ROOMS:
            files += sorted((ROOT / "plugins" / room).glob("*.c"))
    files = list(dict.fromkeys(files))
    cmd = ["clang", "-std=gnu11", "-O1", "-g", "-D_GNU_SOURCE", f"-I{ROOT}", f"-I{ROOT}/runtime", f"-I{ROOT}/plugins/api",
           f"-I{ROOT}/tools/sqlserver-sim", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=undefined",
           "-o", str(out / "target"), *map(str, files),
           *pkg("libh2o", "libuv", "openssl", "rdkafka", "jansson", "libcurl", "libpcre2-8", "sqlite3", "libpq"),
           "-lsybdb", "-lm", "-lpthread", "-ldl"]
    subprocess.run(cmd, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return out


def fuzz(name, seconds):
    """Build and run one target. @return (what it printed, whether it found nothing)"""
    try:
        out = build(name)
    except subprocess.CalledProcessError as e:
        return e.stdout.decode(errors="replace"), False
    corpus = out / "corpus"
    corpus.mkdir(exist_ok=True)
    args = [str(out / "target"), str(corpus), str(HERE / name), f"-max_total_time={seconds}", "-max_len=65536",
            f"-artifact_prefix={out}/", "-print_final_stats=1", "-rss_limit_mb=2048"]
    if (HERE / f"{name}.dict").exists():
        args.append(f"-dict={HERE / (name + '.dict')}")
    p = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return p.stdout.decode(errors="replace"), p.returncode == 0


def main():
    seconds, wanted = int(sys.argv[1]), sys.argv[2:]
    names = sorted(p.stem[len("fuzz_"):] for p in HERE.glob("fuzz_*.c"))
    for name in wanted:
        if name not in names:
            sys.exit(f"no fuzz target '{name}'; there are: {', '.join(names)}")
    failed = 0
    wanted = wanted or names
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for name, (text, clean) in zip(wanted, pool.map(lambda n: fuzz(n, seconds), wanted)):
            runs = re.search(r"stat::number_of_executed_units: *(\d+)", text)
            print(f"{'ok  ' if clean else 'FAIL'} fuzz {name} ({runs[1] if runs else 0} inputs in {seconds} s)", flush=True)
            if not clean:
                failed += 1
                print(text[-6000:], flush=True)
    print(f"{len(wanted) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
