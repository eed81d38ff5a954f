# shellcheck shell=bash
# Shared by the connector scripts: messages, options, requests to a Kafka Connect worker.
# Needs bash, curl and jq. Works against any Connect worker.

readonly DEFAULT_CONNECT_URL=http://localhost:8083
# How long a request that meets a rebalance (HTTP 409) is repeated.
readonly CONFLICT_SECONDS=30

if [ -t 1 ]; then
    readonly C_INFO=$'\e[34m' C_GOOD=$'\e[32m' C_WARN=$'\e[33m' C_BAD=$'\e[31m' C_OFF=$'\e[0m'
else
    readonly C_INFO='' C_GOOD='' C_WARN='' C_BAD='' C_OFF=''
fi
log_info() { printf '%s[INFO]%s %s\n' "$C_INFO" "$C_OFF" "$*"; }
log_success() { printf '%s[SUCCESS]%s %s\n' "$C_GOOD" "$C_OFF" "$*"; }
log_warning() { printf '%s[WARNING]%s %s\n' "$C_WARN" "$C_OFF" "$*"; }
log_error() { printf '%s[ERROR]%s %s\n' "$C_BAD" "$C_OFF" "$*" >&2; }

usage_error() {
    log_error "$1"
    usage >&2
    exit 1
}

need_commands() {
    local command
    for command in curl jq; do
        command -v "$command" >/dev/null && continue
        log_error "'$command' is not installed; run tools/install-deps.sh test, or install it with your package manager"
        exit 1
    done
}

# Splits --option=value into two words, so that each script knows one form only. Result in ARGS.
split_options() {
    ARGS=()
    local word
    for word in "$@"; do
        if [[ $word == --?*=* ]]; then
            ARGS+=("${word%%=*}" "${word#*=}")
        else
            ARGS+=("$word")
        fi
    done
}

# option_value NAME COUNT_OF_REMAINING_WORDS: an option at the very end has no value.
option_value() {
    [ "$2" -ge 2 ] || usage_error "option $1 needs a value"
}

# Option, then environment, then default; without trailing slashes.
resolve_url() {
    CONNECT_URL=${1:-${KAFKA_CONNECT_URL:-$DEFAULT_CONNECT_URL}}
    while [[ $CONNECT_URL == */ ]]; do CONNECT_URL=${CONNECT_URL%/}; done
}

encode() { jq -rn --arg text "$1" '$text | @uri'; }

# ask QUESTION: true for "yes"; end of input means no.
ask() {
    local answer=''
    printf '%s (yes/no): ' "$1"
    read -r answer || true
    [[ $answer == yes ]]
}

# The one place that waits: wait_for SECONDS INTERVAL COMMAND... is true as soon as COMMAND is.
wait_for() {
    local end=$((SECONDS + $1)) interval=$2
    shift 2
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep "$interval"
    done
}

# Gives a worker the time to notice a request before its status means anything.
settle() { sleep "${CONNECT_SETTLE_SECONDS:-2}"; }

# request METHOD PATH [BODY]: RESPONSE_STATUS and RESPONSE_BODY. False when no worker answered; a refusal is an answer.
# The body goes through standard input: it may hold passwords, and arguments are visible to everyone on the machine.
request_once() {
    local method=$1 path=$2 body=${3-} reply
    local options=(-sS --connect-timeout 5 --max-time 90 -X "$method" -H 'Accept: application/json' -w '\n%{http_code}')
    if [ $# -ge 3 ]; then
        reply=$(printf '%s' "$body" | curl "${options[@]}" -H 'Content-Type: application/json' --data-binary @- "$CONNECT_URL$path" 2>&1) || {
            RESPONSE_STATUS=000 RESPONSE_BODY=$reply
            return 1
        }
    else
        reply=$(curl "${options[@]}" "$CONNECT_URL$path" 2>&1) || {
            RESPONSE_STATUS=000 RESPONSE_BODY=$reply
            return 1
        }
    fi
    RESPONSE_STATUS=${reply##*$'\n'}
    RESPONSE_BODY=${reply%$'\n'*}
}

request_unless_conflict() {
    TRANSPORT=0
    request_once "$@" || TRANSPORT=1
    # "already exists" is a 409 as well, and no patience will change it.
    [ "$RESPONSE_STATUS" != 409 ] || [[ $RESPONSE_BODY == *'already exists'* ]]
}

request() {
    wait_for "$CONFLICT_SECONDS" 1 request_unless_conflict "$@" || true
    [ "$TRANSPORT" -eq 0 ]
}

succeeded() { [[ $RESPONSE_STATUS == 2?? ]]; }

# The worker's message, or what curl said.
response_message() {
    local message
    message=$(jq -r '.message // empty' <<<"$RESPONSE_BODY" 2>/dev/null) || message=''
    printf '%s' "${message:-$RESPONSE_BODY}"
}

pretty() { jq . <<<"$1" 2>/dev/null || printf '%s\n' "$1"; }

# 0 exists, 1 does not, 2 no usable answer.
connector_exists() {
    request GET "/connectors/$(encode "$1")" || return 2
    case $RESPONSE_STATUS in
        200) return 0 ;;
        404) return 1 ;;
        *) return 2 ;;
    esac
}

# STATUS: the status document; false when there is none (yet).
fetch_status() {
    STATUS=''
    request GET "/connectors/$(encode "$1")/status" || return 1
    [ "$RESPONSE_STATUS" = 200 ] || return 1
    STATUS=$RESPONSE_BODY
}

status_is() { jq -e "$@" <<<"$STATUS" >/dev/null 2>&1; }

print_tasks() {
    jq -r '.tasks | sort_by(.id)[] | "  Task \(.id): \(.state) (worker: \(.worker_id))"' <<<"$STATUS"
}

# First line of each trace: the sentence that says what is wrong.
print_failures() {
    jq -r '[.connector] + .tasks | .[] | select(.state == "FAILED")
        | "\(if .id == null then "connector" else "task \(.id)" end): \((.trace // "(no trace)") | split("\n")[0])"' <<<"$STATUS" |
        while IFS= read -r line; do log_error "$line"; done
}
