#!/usr/bin/env python3
"""Run each fuzz target over its seeds and over damaged copies of them; a crash fails. usage: run_seeds.py DIR NAME..."""
import pathlib
import random
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
MUTANTS_PER_SEED = 40


def mutants(seed, rnd):
    """Cheap damage that finds missing bounds checks: cuts, flips, doubled pieces, huge lengths."""
    for _ in range(MUTANTS_PER_SEED):
        b = bytearray(seed)
        for _ in range(rnd.randint(1, 4)):
            if not b:
                break
            i = rnd.randrange(len(b))
            kind = rnd.randrange(5)
            if kind == 0:
                b[i] ^= 1 << rnd.randrange(8)
            elif kind == 1:
                del b[i:]
            elif kind == 2:
                b[i:i] = b[i:i + rnd.randint(1, 16)]
            elif kind == 3:
                b[i:i + 4] = b"\xff\xff\xff\x7f"
            else:
                b[i] = rnd.choice((0, 0x7F, 0x80, 0xFF))
        yield bytes(b)


def main():
    folder, names = pathlib.Path(sys.argv[1]), sys.argv[2:]
    passed = failed = 0
    for name in names:
        seeds = sorted(p for p in (HERE / name).glob("*") if p.is_file()) if (HERE / name).is_dir() else []
        if not seeds:
            print(f"FAIL {name}: no seeds in test/fuzz/{name}/")
            failed += 1
            continue
        rnd = random.Random(name)
        with tempfile.TemporaryDirectory() as tmp:
            files = [str(s) for s in seeds]
            for seed in seeds:
                for i, m in enumerate(mutants(seed.read_bytes(), rnd)):
                    path = pathlib.Path(tmp) / f"{seed.name}.{i}"
                    path.write_bytes(m)
                    files.append(str(path))
            p = subprocess.run([str(folder / name), *files], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               timeout=300, check=False)
        if p.returncode == 0:
            passed += 1
            print(f"ok   fuzz seeds {name} ({len(files)} inputs)")
        else:
            failed += 1
            print(f"FAIL fuzz seeds {name}\n{p.stdout.decode(errors='replace')[-4000:]}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
