#include "runtime/main/worker_config.h"

#include "runtime/base/log.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/config/config_key.h"

#include <ctype.h>
#include <unistd.h>

#define LOGGER "org.apache.kafka.connect.runtime.WorkerConfig"

static cd_err_t *config_err(const char *fmt, ...) CD_PRINTF(1, 2);
static cd_err_t *config_err(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    cd_err_t *err = cd_err_vwrap(NULL, CD_ERR_CONFIG, CD_JVM_CONFIG, "worker_config", fmt, args);
    va_end(args);
    return err;
}

/* ---- Listeners ---- */

/* "proto://host:port"; brackets around an IPv6 host are dropped. */
static bool parse_listener(const char *text, cd_arena_t *arena, worker_listener_t *ret, bool *ret_known)
{
    const char *sep = strstr(text, "://");
    if (sep == NULL || sep == text) return false;
    size_t n = (size_t)(sep - text);
    *ret_known = (n == 4 && strncasecmp(text, "http", 4) == 0) || (n == 5 && strncasecmp(text, "https", 5) == 0);
    const char *host = sep + 3, *colon = strrchr(host, ':');
    if (colon == NULL) return false;
    char *end;
    long port = strtol(colon + 1, &end, 10);
    if (!isdigit((unsigned char)colon[1]) || *end != '\0' || port > 65535) return false;
    size_t host_len = (size_t)(colon - host);
    if (host_len >= 2 && host[0] == '[' && host[host_len - 1] == ']') {
        host++;
        host_len -= 2;
    } else if (memchr(host, ':', host_len) != NULL || memchr(host, '/', host_len) != NULL) {
        return false;
    }
    *ret =
        (worker_listener_t){.https = n == 5, .host = cd_arena_strndup(arena, host, host_len), .port = (uint16_t)port};
    return true;
}

static cd_err_t *parse_listeners(const char *key, const cd_list_t *texts, cd_arena_t *arena, worker_listeners_t *ret)
{
    worker_listener_t *items = cd_arena_array(arena, worker_listener_t, texts->n);
    for (uint32_t i = 0; i < texts->n; i++) {
        bool known = true;
        if (str_empty(texts->items[i])) return config_err("Empty URL found when parsing %s list.", key);
        if (!parse_listener(texts->items[i], arena, &items[i], &known))
            return config_err("Listener doesn't have the right format (protocol://hostname:port).");
        if (!known) return config_err("Listener protocol must be either \"http\" or \"https\".");
    }
    *ret = (worker_listeners_t){.n = texts->n, .items = items};
    return NULL;
}

static cd_err_t *read_listeners(worker_config_t *c)
{
    if (c->listener_texts.n == 0 || (c->listener_texts.n == 1 && str_empty(c->listener_texts.items[0])))
        return config_err("Invalid value for listeners, at least one URL is expected, ex: "
                          "http://localhost:8080,https://localhost:8443.");
    cd_err_t *err = parse_listeners("listeners", &c->listener_texts, &c->arena, &c->listeners);
    c->has_admin_listeners = props_get(&c->raw, "admin.listeners") != NULL;
    if (c->admin_listener_texts.n == 1 && str_empty(c->admin_listener_texts.items[0])) c->admin_listener_texts.n = 0;
    if (err == NULL) err = parse_listeners("admin.listeners", &c->admin_listener_texts, &c->arena, &c->admin_listeners);
    return err;
}

/* Settings that Connect dropped long ago and old files still carry. */
static void honour_legacy(worker_config_t *c)
{
    static const char *const ignored[] = {"internal.key.converter",
                                          "internal.value.converter",
                                          "internal.key.converter.schemas.enable",
                                          "internal.value.converter.schemas.enable",
                                          "config.storage.partitions",
                                          "config.storage.cleanup.policy",
                                          "offset.storage.cleanup.policy",
                                          "status.storage.cleanup.policy",
                                          NULL};
    const char *port = props_get(&c->raw, "rest.port"), *host = props_get(&c->raw, "rest.host.name");
    for (const char *const *k = ignored; *k != NULL; k++)
        if (props_has(&c->raw, *k)) log_write(CD_LOG_WARN, LOGGER, NULL, "The setting '%s' is ignored", *k);
    if (props_has(&c->raw, "listeners") || (str_empty(port) && str_empty(host))) return;
    log_write(CD_LOG_WARN, LOGGER, NULL,
              "The settings 'rest.host.name' and 'rest.port' are outdated: use 'listeners' instead");
    props_set(&c->raw, "listeners",
              cd_arena_printf(&c->arena, "http://%s:%s", str_empty(host) ? "" : host, str_empty(port) ? "8083" : port));
}

/* ---- Rules over several settings ---- */

static bool list_has(const cd_list_t *list, const char *item)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (strcmp(list->items[i], item) == 0) return true;
    return false;
}

static char *lower(const char *s, cd_arena_t *arena)
{
    char *copy = cd_arena_strdup(arena, s);
    for (char *p = copy; *p != '\0'; p++) *p = (char)tolower((unsigned char)*p);
    return copy;
}

static cd_err_t *check_distributed(worker_config_t *c)
{
    if (c->heartbeat_interval_ms >= c->session_timeout_ms)
        return config_err("Heartbeat must be set lower than the session timeout");
    if (c->inter_worker_verification_algorithms.n == 0)
        return config_err("At least one signature verification algorithm must be provided");
    if (!list_has(&c->inter_worker_verification_algorithms, c->inter_worker_signature_algorithm))
        return config_err("Signature algorithm must be present in inter.worker.verification.algorithms list");
    c->connect_protocol = lower(c->connect_protocol, &c->arena);
    c->exactly_once = lower(c->exactly_once, &c->arena);
    c->eos = strcmp(c->exactly_once, "enabled") == 0     ? WORKER_EOS_ENABLED
             : strcmp(c->exactly_once, "preparing") == 0 ? WORKER_EOS_PREPARING
                                                         : WORKER_EOS_DISABLED;
    if (props_has(&c->raw, "reconnect.backoff.ms") && !props_has(&c->raw, "reconnect.backoff.max.ms"))
        c->reconnect_backoff_max_ms = c->reconnect_backoff_ms;
    c->client_base = str_empty(c->client_id) ? cd_arena_printf(&c->arena, "%s-", c->group_id)
                                             : cd_arena_printf(&c->arena, "%s-%s-", c->group_id, c->client_id);
    return NULL;
}

cd_err_t *worker_config_new(bool is_distributed, props_t *props, worker_config_t **ret_config)
{
    worker_config_t *c = mem_new0(worker_config_t);
    c->distributed = is_distributed;
    c->raw = *props;
    *props = (props_t){0};
    honour_legacy(c);
    c->props = props_view(&c->raw);
    cd_err_t *err = config_parse(worker_config_keys(is_distributed), sizeof(cd_key_t), &c->props, &c->arena, c, NULL);
    if (err == NULL) err = read_listeners(c);
    c->client_base = "connect-";
    if (err == NULL && is_distributed) err = check_distributed(c);
    if (err == NULL) {
        *ret_config = c;
        c = NULL;
    }
    worker_config_free(c);
    return err;
}

void worker_config_free(worker_config_t *c)
{
    if (c == NULL) return;
    props_done(&c->raw);
    cd_arena_done(&c->arena);
    free(c);
}

/* ---- Where others reach this worker ---- */

static bool advertised_https(const worker_config_t *c)
{
    bool http = false, https = false;
    if (c->advertised_listener != NULL) return strcasecmp(c->advertised_listener, "https") == 0;
    for (uint32_t i = 0; i < c->listeners.n; i++) {
        http = http || !c->listeners.items[i].https;
        https = https || c->listeners.items[i].https;
    }
    return https && !http;
}

void worker_config_advertised(const worker_config_t *c, uint16_t bound_port, cd_arena_t *arena, const char **ret_url,
                              const char **ret_id)
{
    bool https = advertised_https(c);
    const worker_listener_t *l = NULL;
    for (uint32_t i = 0; i < c->listeners.n && l == NULL; i++)
        if (c->listeners.items[i].https == https) l = &c->listeners.items[i];
    const char *host = c->advertised_host;
    if (str_empty(host) && l != NULL) host = l->host;
    char local[256];
    if (str_empty(host)) {
        if (gethostname(local, sizeof(local)) != 0) (void)snprintf(local, sizeof(local), "localhost");
        local[sizeof(local) - 1] = '\0';
        host = local;
    }
    int port = c->advertised_port > 0 ? c->advertised_port : l != NULL && l->port > 0 ? l->port : bound_port;
    *ret_id = strchr(host, ':') != NULL ? cd_arena_printf(arena, "[%s]:%d", host, port)
                                        : cd_arena_printf(arena, "%s:%d", host, port);
    *ret_url = cd_arena_printf(arena, "%s://%s/", https ? "https" : "http", *ret_id);
}
