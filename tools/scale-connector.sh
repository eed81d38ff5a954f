#!/usr/bin/env bash
# Changes the number of tasks of a connector.
set -euo pipefail
# shellcheck source=tools/lib/connect.sh
. "$(dirname "$(readlink -f "$0")")/lib/connect.sh"

usage() {
    cat <<'TEXT'
Usage: scale-connector.sh [--url URL] CONNECTOR N
       scale-connector.sh [--connect-url URL] --connector CONNECTOR --tasks N

  N    1 to 50
  -y, --yes   do not ask before giving a SQL Server source more than one task
  URL  of a Connect worker; default $KAFKA_CONNECT_URL, then http://localhost:8083

Exit status: 0 scaled (or the question was answered with no), 1 wrong call, 2 no such connector, 3 request refused or not done in time.
TEXT
}

readonly SCALE_SECONDS=65
# A connector may make fewer tasks than allowed; that many seconds without a change make it the final number.
readonly STABLE_SECONDS=15

name='' count='' url='' assume_yes=no

parse() {
    split_options "$@"
    set -- "${ARGS[@]}"
    while [ $# -gt 0 ]; do
        case $1 in
            -u | --url | --connect-url) option_value "$1" $#; url=$2; shift ;;
            -c | --connector) option_value "$1" $#; name=$2; shift ;;
            -t | --tasks) option_value "$1" $#; count=$2; shift ;;
            -y | --yes) assume_yes=yes ;;
            -h | --help) usage; exit 0 ;;
            -*) usage_error "unknown option $1" ;;
            *)
                if [ -z "$name" ]; then
                    name=$1
                elif [ -z "$count" ]; then
                    count=$1
                else
                    usage_error "too many arguments: $1"
                fi
                ;;
        esac
        shift
    done
    [ -n "$name" ] || usage_error "no connector given"
    [ -n "$count" ] || usage_error "no number of tasks given"
    [[ $count =~ ^[0-9]+$ ]] || { log_error "tasks.max must be a positive integer"; exit 1; }
    # Length first: bash arithmetic wraps on numbers that do not fit.
    if [ ${#count} -gt 3 ] || [ "$((10#$count))" -lt 1 ] || [ "$((10#$count))" -gt 50 ]; then
        log_error "tasks.max must be between 1 and 50"
        exit 1
    fi
    count=$((10#$count))
}

unknown_connector() {
    log_error "connector '$name' does not exist"
    if request GET /connectors && succeeded; then
        log_info "available connectors:"
        jq -r '.[] | "  " + .' <<<"$RESPONSE_BODY"
    fi
    exit 2
}

last_count=-1 stable_since=0
scaled() {
    fetch_status "$name" || return 1
    status_is '.connector.state == "RUNNING" and (.tasks | length) > 0 and all(.tasks[]; .state == "RUNNING")' || { last_count=-1; return 1; }
    local now
    now=$(jq '.tasks | length' <<<"$STATUS")
    [ "$now" -ne "$count" ] || return 0
    if [ "$now" -ne "$last_count" ]; then
        last_count=$now
        stable_since=$SECONDS
    fi
    [ "$now" -lt "$count" ] && [ $((SECONDS - stable_since)) -ge "${CONNECT_STABLE_SECONDS:-$STABLE_SECONDS}" ]
}

main() {
    need_commands
    parse "$@"
    resolve_url "$url"
    local path config
    path=/connectors/$(encode "$name")/config
    if ! request GET "$path"; then
        log_error "no Kafka Connect worker answers at $CONNECT_URL: $(response_message)"
        exit 3
    fi
    [ "$RESPONSE_STATUS" != 404 ] || unknown_connector
    if ! succeeded; then
        log_error "cannot read the configuration of $name (HTTP $RESPONSE_STATUS): $(response_message)"
        exit 3
    fi
    config=$RESPONSE_BODY
    log_info "connector $name: tasks.max $(jq -r '."tasks.max" // "1"' <<<"$config") -> $count"
    if [ "$count" -gt 1 ] && jq -e '."connector.class" // "" | contains("SqlServerConnector")' <<<"$config" >/dev/null; then
        log_warning "the SQL Server source runs at most one task per database; more than one helps only with several databases"
        if [ "$assume_yes" = no ] && ! ask "Scale $name to $count tasks all the same?"; then
            log_info "nothing was changed"
            exit 0
        fi
    fi

    request PUT "$path" "$(jq -c --arg n "$count" '."tasks.max" = $n' <<<"$config")" || true
    if ! succeeded || jq -e '.error_code' <<<"$RESPONSE_BODY" >/dev/null 2>&1; then
        log_error "the worker refused tasks.max=$count (HTTP $RESPONSE_STATUS): $(response_message)"
        exit 3
    fi
    settle
    if ! wait_for "$SCALE_SECONDS" 1 scaled; then
        log_error "connector $name does not run with $count tasks"
        if [ -n "$STATUS" ]; then
            pretty "$STATUS"
            print_failures
        fi
        exit 3
    fi
    print_tasks
    local now
    now=$(jq '.tasks | length' <<<"$STATUS")
    if [ "$now" -lt "$count" ]; then
        log_warning "tasks.max is $count; the connector has work for $now task(s) and runs $now"
    else
        log_success "Connector $name runs with $count task(s)"
    fi
}

main "$@"
