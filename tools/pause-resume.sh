#!/usr/bin/env bash
# Pauses, resumes or restarts a connector, or all of them, or shows how they are.
set -euo pipefail
# shellcheck source=tools/lib/connect.sh
. "$(dirname "$(readlink -f "$0")")/lib/connect.sh"

usage() {
    cat <<'TEXT'
Usage: pause-resume.sh [--url URL] pause|resume|status|restart CONNECTOR
       pause-resume.sh [--url URL] pause|resume|status|restart --all
       pause-resume.sh [--connect-url URL] --connector CONNECTOR --action ACTION

  -y, --yes   do not ask before acting on all connectors
  URL  of a Connect worker; default $KAFKA_CONNECT_URL, then http://localhost:8083

Exit status: 0 done (a state that is slow to come is a warning), 1 wrong call, 2 no such connector, 3 no worker or request refused.
TEXT
}

readonly PAUSE_SECONDS=${CONNECT_PAUSE_SECONDS:-23} RESUME_SECONDS=33

name='' action='' url='' all=no assume_yes=no

is_action() { [[ $1 =~ ^(pause|resume|status|restart)$ ]]; }

parse() {
    split_options "$@"
    set -- "${ARGS[@]}"
    while [ $# -gt 0 ]; do
        case $1 in
            -u | --url | --connect-url) option_value "$1" $#; url=$2; shift ;;
            -c | --connector) option_value "$1" $#; name=$2; shift ;;
            -a | --action) option_value "$1" $#; action=$2; shift ;;
            --all) all=yes ;;
            -y | --yes) assume_yes=yes ;;
            -h | --help) usage; exit 0 ;;
            -*) usage_error "unknown option $1" ;;
            *)
                if [ -z "$action" ] && is_action "$1"; then
                    action=$1
                elif [ -z "$name" ]; then
                    name=$1
                else
                    usage_error "too many arguments: $1"
                fi
                ;;
        esac
        shift
    done
    [ -n "$action" ] || usage_error "no action given"
    is_action "$action" || usage_error "unknown action '$action'"
    if [ "$all" = yes ]; then
        [ -z "$name" ] || usage_error "either a connector or --all, not both"
    else
        [ -n "$name" ] || usage_error "no connector given"
    fi
}

unreachable() {
    log_error "no Kafka Connect worker answers at $CONNECT_URL: $(response_message)"
    exit 3
}

show_status() {
    if ! fetch_status "$1"; then
        [ "$RESPONSE_STATUS" != 000 ] || unreachable
        log_error "connector '$1': $(response_message)"
        [ "$RESPONSE_STATUS" != 404 ] || return 2
        return 3
    fi
    jq -r '"Connector: \(.name)", "State: \(.connector.state)", "Worker: \(.connector.worker_id)", "Tasks:"' <<<"$STATUS"
    print_tasks
    print_failures
}

# The connector and all of its tasks are in that state.
reached() {
    # shellcheck disable=SC2016  # $s is jq's variable
    fetch_status "$1" && status_is --arg s "$2" '.connector.state == $s and all(.tasks[]; .state == $s)'
}

change() {
    local connector=$1 method=$2 verb=$3 wanted=$4 limit=$5
    request "$method" "/connectors/$(encode "$connector")/$verb" || unreachable
    if [ "$RESPONSE_STATUS" = 404 ]; then
        log_error "connector '$connector' does not exist"
        return 2
    fi
    if ! succeeded; then
        log_error "$verb of $connector was refused (HTTP $RESPONSE_STATUS): $(response_message)"
        return 3
    fi
    settle
    if [ -z "$wanted" ]; then
        log_success "Connector $connector restarted"
    elif wait_for "$limit" 1 reached "$connector" "$wanted"; then
        log_success "Connector $connector is $wanted"
        return 0
    else
        log_warning "connector $connector is not $wanted after $limit s"
    fi
    show_status "$connector" || true
}

act() {
    case $action in
        pause) change "$1" PUT pause PAUSED "$PAUSE_SECONDS" ;;
        resume) change "$1" PUT resume RUNNING "$RESUME_SECONDS" ;;
        restart) change "$1" POST restart '' 0 ;;
        status) show_status "$1" ;;
    esac
}

act_on_all() {
    local names=() connector result=0
    request GET /connectors || unreachable
    succeeded || { log_error "cannot list the connectors (HTTP $RESPONSE_STATUS): $(response_message)"; exit 3; }
    mapfile -t names < <(jq -r '.[]' <<<"$RESPONSE_BODY")
    if [ ${#names[@]} -eq 0 ]; then
        log_warning "there are no connectors"
        return 0
    fi
    if [ "$action" != status ] && [ "$assume_yes" = no ]; then
        log_info "connectors: ${names[*]}"
        if ! ask "$action all ${#names[@]} connectors?"; then
            log_info "nothing was changed"
            return 0
        fi
    fi
    for connector in "${names[@]}"; do
        act "$connector" || result=$?
    done
    return "$result"
}

main() {
    need_commands
    parse "$@"
    resolve_url "$url"
    if [ "$all" = yes ]; then act_on_all; else act "$name"; fi
}

main "$@"
