#!/usr/bin/env bash
# Creates a connector or brings an existing one to the configuration in a file.
set -euo pipefail
# shellcheck source=tools/lib/connect.sh
. "$(dirname "$(readlink -f "$0")")/lib/connect.sh"

usage() {
    cat <<'TEXT'
Usage: deploy-connector.sh [-u|--url URL] FILE
       deploy-connector.sh --config FILE --connect-url URL
       deploy-connector.sh --connector NAME            deploy again: the file whose "name" it is
       deploy-connector.sh --status FILE|--connector NAME
       deploy-connector.sh --delete FILE|--connector NAME

  FILE holds {"name": ..., "config": {...}} or a bare configuration with a "name". Members that begin with _comment are left out.
  URL  of a Connect worker; default $KAFKA_CONNECT_URL, then http://localhost:8083
  CONNECTOR_CONFIG_DIRS  where --connector looks, colon-separated, first match wins

Exit status: 0 deployed and running (or deleted, or status printed), 1 anything else.
TEXT
}

readonly READY_SECONDS=30

file='' name='' url='' action=deploy

parse() {
    split_options "$@"
    set -- "${ARGS[@]}"
    while [ $# -gt 0 ]; do
        case $1 in
            -u | --url | --connect-url) option_value "$1" $#; url=$2; shift ;;
            -c | --config) option_value "$1" $#; file=$2; shift ;;
            --connector) option_value "$1" $#; name=$2; shift ;;
            -d | --delete) action=delete ;;
            -s | --status) action=status ;;
            -y | --yes) ;; # nothing is asked here; accepted for symmetry with the other scripts
            -h | --help) usage; exit 0 ;;
            -*) usage_error "unknown option $1" ;;
            *) [ -z "$file" ] || usage_error "more than one file: $file and $1"; file=$1 ;;
        esac
        shift
    done
    [ -n "$file$name" ] || usage_error "no configuration file given"
}

# Runtime configurations (written by a generator) win over the static ones beside them.
find_file() {
    local root dirs dir candidate
    root=$(dirname "$(dirname "$(readlink -f "$0")")")
    dirs=${CONNECTOR_CONFIG_DIRS:-docker/configs/runtime:$root/docker/configs/runtime:configs/runtime:$root/configs/runtime:docker/configs:$root/docker/configs:configs:$root/configs}
    while IFS= read -r -d : dir; do
        [ -d "$dir" ] || continue
        while IFS= read -r candidate; do
            if [ "$(jq -r '.name? // empty' "$candidate" 2>/dev/null)" = "$1" ]; then
                file=$candidate
                return 0
            fi
        done < <(find "$dir" -name '*.json' -type f | LC_ALL=C sort)
    done <<<"$dirs:"
    log_error "no file below ${dirs//:/, } has the name '$1'"
    exit 1
}

# Reads name and configuration out of the file.
load_file() {
    [ -f "$file" ] || { log_error "configuration file not found: $file"; exit 1; }
    jq -e 'type == "object"' "$file" >/dev/null 2>&1 || { log_error "not a JSON object: $file"; exit 1; }
    local own
    own=$(jq -r '.name // empty' "$file")
    [ -n "$own" ] || { log_error "no \"name\" in $file"; exit 1; }
    if [ -n "$name" ] && [ "$name" != "$own" ]; then
        log_error "$file is for the connector '$own', not '$name'"
        exit 1
    fi
    name=$own
    config=$(jq -c 'if (.config | type) == "object" then .config else with_entries(select(.key | startswith("_comment") | not)) end' "$file")
}

wait_for_worker() {
    answers() { request_once GET / && succeeded; }
    wait_for 60 2 answers && return 0
    log_error "no Kafka Connect worker answers at $CONNECT_URL: $(response_message)"
    exit 1
}

# Running with tasks is success at once. A failure has to be seen three times: right after an update the status may still be
# that of the instance before.
failures_seen=0
settled() {
    fetch_status "$name" || return 1
    if status_is '[.connector, .tasks[]] | any(.state == "FAILED")'; then
        failures_seen=$((failures_seen + 1))
        [ "$failures_seen" -ge 3 ]
        return
    fi
    failures_seen=0
    status_is '.connector.state == "RUNNING" and (.tasks | length) > 0 and all(.tasks[]; .state == "RUNNING")'
}

deploy() {
    local exists=0
    connector_exists "$name" || exists=$?
    case $exists in
        0)
            log_info "updating connector $name"
            request PUT "/connectors/$(encode "$name")/config" "$config" || true
            ;;
        1)
            log_info "creating connector $name"
            request POST /connectors "$(jq -cn --arg name "$name" --argjson config "$config" '{name: $name, config: $config}')" || true
            ;;
        *)
            log_error "cannot ask for connector $name: $(response_message)"
            exit 1
            ;;
    esac
    if ! succeeded; then
        log_error "the worker refused connector $name (HTTP $RESPONSE_STATUS): $(response_message)"
        exit 1
    fi
    pretty "$RESPONSE_BODY"

    settle
    wait_for "$READY_SECONDS" 1 settled || true
    if [ -z "$STATUS" ]; then
        log_error "connector $name has no status: $(response_message)"
        exit 1
    fi
    if status_is '[.connector, .tasks[]] | any(.state == "FAILED")'; then
        print_failures
        log_error "Connector $name is $(jq -r .connector.state <<<"$STATUS"), and not all of it runs"
        exit 1
    fi
    if ! status_is '.connector.state == "RUNNING"'; then
        log_error "Connector $name is $(jq -r .connector.state <<<"$STATUS")"
        exit 1
    fi
    print_tasks
    log_success "Connector $name is RUNNING"
}

delete() {
    request DELETE "/connectors/$(encode "$name")" || true
    case $RESPONSE_STATUS in
        204 | 200) log_success "Connector $name deleted" ;;
        404) log_warning "connector $name does not exist" ;;
        *)
            log_error "cannot delete connector $name (HTTP $RESPONSE_STATUS): $(response_message)"
            exit 1
            ;;
    esac
}

show_status() {
    if fetch_status "$name"; then
        pretty "$STATUS"
    else
        log_error "connector $name: $(response_message)"
        exit 1
    fi
}

main() {
    need_commands
    parse "$@"
    resolve_url "$url"
    if [ -z "$file" ] && [ "$action" = deploy ]; then
        find_file "$name"
        log_info "using $file"
    fi
    [ -z "$file" ] || load_file
    wait_for_worker
    case $action in
        deploy) deploy ;;
        delete) delete ;;
        status) show_status ;;
    esac
}

main "$@"
