#!/usr/bin/env bash
# Installs the Debian packages that connectd needs, and only those that are missing.
#
#   tools/install-deps.sh [build|test|clients|fuzz|lint|all]...     default: build
#   tools/install-deps.sh --list [GROUP]...                         print the package names and leave
#
#   build    compiler and libraries: enough for `make`
#   test     what `make test` and `make demo` run against (PostgreSQL, Java, Maven, nginx, command-line clients); includes build
#   clients  what the clients of `make test-sim` run on (a JDK, Node, Go); includes test
#   fuzz     the compiler and the runtime of libFuzzer; includes build
#   lint     formatter, static analysis, sanitizer runtimes, coverage; includes build
#
# A second run finds nothing missing and asks the network nothing. No service is started, and no PostgreSQL cluster is
# created: the tests make private ones in a directory of their own.
set -euo pipefail

readonly BUILD_PACKAGES="gcc make pkg-config libc6-dev libh2o-dev libuv1-dev libavro-dev libjansson-dev freetds-dev libpq-dev
    librdkafka-dev libcurl4-openssl-dev libpcre2-dev libsqlite3-dev libssl-dev python3"
readonly TEST_PACKAGES="libcmocka-dev postgresql-15 openjdk-17-jre-headless maven nginx-light jq kcat freetds-bin tdsodbc curl python3-venv
    util-linux ca-certificates procps"
readonly FUZZ_PACKAGES="clang libclang-rt-14-dev"
readonly LINT_PACKAGES="clang-tidy clang-format valgrind bear gcovr lcov shellcheck"

say() { printf 'install-deps: %s\n' "$*"; }
die() {
    printf 'install-deps: %s\n' "$*" >&2
    exit 1
}

# A command from elsewhere does as well as Debian's, and next to it Debian's package may not even install.
client_packages() {
    command -v javac >/dev/null || echo openjdk-17-jdk-headless
    command -v node >/dev/null || echo nodejs
    command -v npm >/dev/null || echo npm
    command -v go >/dev/null || echo golang-go
}

packages_of() {
    case $1 in
        build) echo "$BUILD_PACKAGES" ;;
        test) echo "$BUILD_PACKAGES $TEST_PACKAGES" ;;
        clients) echo "$BUILD_PACKAGES $TEST_PACKAGES $(client_packages)" ;;
        fuzz) echo "$BUILD_PACKAGES $FUZZ_PACKAGES" ;;
        lint) echo "$BUILD_PACKAGES $FUZZ_PACKAGES $LINT_PACKAGES" ;;
        all) echo "$BUILD_PACKAGES $TEST_PACKAGES $(client_packages) $FUZZ_PACKAGES $LINT_PACKAGES" ;;
        *) die "unknown group '$1'; the groups are build, test, clients, fuzz, lint and all" ;;
    esac
}

missing_of() {
    # One dpkg-query for all names; it fails for names it has never seen, which is an answer too. A package counts as present
    # under its own name only: virtual packages would hide a wrong version.
    local installed name
    installed=$(dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' "$@" 2>/dev/null | awk '$2 ~ /^ii/ {print $1}' || true)
    for name in "$@"; do
        grep -qxF -- "$name" <<<"$installed" || echo "$name"
    done
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

# Package scripts start what they install unless this file says no (exit 101 = action forbidden by policy).
policy=/usr/sbin/policy-rc.d
policy_is_ours=no
forbid_service_starts() {
    [ -e "$policy" ] && return 0
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    policy_is_ours=yes
    as_root chmod 755 "$policy"
}
allow_service_starts() {
    [ "$policy_is_ours" = no ] || as_root rm -f "$policy"
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

main() {
    local list_only=no groups=() wanted=() missing=() group
    for group in "$@"; do
        case $group in
            --list) list_only=yes ;;
            -h | --help)
                sed -n '2,14s/^# \{0,1\}//p' "$0"
                return 0
                ;;
            *) groups+=("$group") ;;
        esac
    done
    [ ${#groups[@]} -gt 0 ] || groups=(build)
    local names=""
    for group in "${groups[@]}"; do
        names+=" $(packages_of "$group")" || exit 1
    done
    mapfile -t wanted < <(tr -s ' \n' '\n' <<<"$names" | sed '/^$/d' | sort -u)
    if [ "$list_only" = yes ]; then
        printf '%s\n' "${wanted[@]}"
        return 0
    fi

    command -v dpkg-query >/dev/null || die "this is not a Debian system; install the equivalents of: ${wanted[*]}"
    mapfile -t missing < <(missing_of "${wanted[@]}")
    if [ ${#missing[@]} -eq 0 ]; then
        say "all ${#wanted[@]} packages for '${groups[*]}' are installed"
        return 0
    fi
    say "installing ${#missing[@]} of ${#wanted[@]} packages for '${groups[*]}': ${missing[*]}"
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
        die "needs root or sudo. Run as root: apt-get install --no-install-recommends ${missing[*]}"
    fi

    trap allow_service_starts EXIT
    forbid_service_starts
    as_root apt-get update -q
    if printf '%s\n' "${missing[@]}" | grep -qx 'postgresql-15' && [ -n "$(missing_of postgresql-common)" ]; then
        # A machine that never had PostgreSQL gets its tools and no cluster. Where the package is already there, the
        # administrator's choice in this file stays as it is.
        apt_install postgresql-common
        as_root sed -i 's/^#\{0,1\}create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
    fi
    apt_install "${missing[@]}"
    mapfile -t missing < <(missing_of "${wanted[@]}")
    [ ${#missing[@]} -eq 0 ] || die "still missing after apt-get: ${missing[*]}"
    say "done"
}

main "$@"
