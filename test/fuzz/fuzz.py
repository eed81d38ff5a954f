#!/usr/bin/env python3
"""Build fuzz targets with libFuzzer, ASan and UBSan and run them. usage: fuzz.py [NAME] SECONDS
A crash input is left in build/fuzz/NAME/ and printed; make it a seed in test/fuzz/NAME/."""
import pathlib
import re
import subprocess
import sys

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
    subprocess.run(cmd, check=True)
    return out


def main():
    wanted, seconds = sys.argv[1], int(sys.argv[2])
    names = sorted(p.stem[len("fuzz_"):] for p in HERE.glob("fuzz_*.c"))
    if wanted and wanted not in names:
        sys.exit(f"no fuzz target '{wanted}'; there are: {', '.join(names)}")
    for name in [wanted] if wanted else names:
        out = build(name)
        corpus = out / "corpus"
        corpus.mkdir(exist_ok=True)
        args = [str(out / "target"), str(corpus), str(HERE / name), f"-max_total_time={seconds}", "-max_len=65536",
                f"-artifact_prefix={out}/", "-print_final_stats=1", "-rss_limit_mb=2048"]
        if (HERE / f"{name}.dict").exists():
            args.append(f"-dict={HERE / (name + '.dict')}")
        subprocess.run(args, check=True)


if __name__ == "__main__":
    main()
