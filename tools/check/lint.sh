#!/usr/bin/env bash
# Style and static checks over tracked files: clang-format, clang-tidy, shellcheck, and the rules of this house.
# LINT_FAST=1 leaves out clang-tidy, which takes minutes.
set -u
cd "$(dirname "$0")/../.." || exit 1
failed=0

say() { printf '%s\n' "$*"; }
check() { # name, command...
    local name=$1
    shift
    if out=$("$@" 2>&1); then say "ok   $name"; else
        say "FAIL $name"
        say "$out" | head -n 60
        failed=$((failed + 1))
    fi
}

mapfile -t c_files < <(git ls-files '*.c' '*.h')
mapfile -t sources < <(git ls-files '*.c')
mapfile -t scripts < <(git ls-files '*.sh' 'tools/local-stack/stack' '.ci/run' | while read -r f; do
    head -n 1 "$f" | grep -q 'sh$' && echo "$f"; done)

check "clang-format" clang-format --dry-run --Werror "${c_files[@]}"
check "house rules" python3 tools/check/house_rules.py
if [ "${#scripts[@]}" -gt 0 ] && command -v shellcheck >/dev/null; then check "shellcheck" shellcheck "${scripts[@]}"; fi
if [ "${LINT_FAST:-0}" != 1 ]; then
    # shellcheck disable=SC2016  # the inner shell expands them
    check "clang-tidy" sh -c 'printf "%s\n" "$@" | xargs -P "$(nproc)" -n 4 clang-tidy -p . --quiet' _ "${sources[@]}"
fi
say "$([ $failed -eq 0 ] && echo 'lint: clean' || echo "lint: $failed checks failed")"
exit $((failed > 0))
