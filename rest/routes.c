#include "rest/routes.h"

#include "runtime/base/str.h"

#include <errno.h>

static const route_t routes[] = {
    {"GET", "", ROUTE_ANY_TYPE, serve_root_get},
    {"GET", "health", ROUTE_ANY_TYPE, serve_health_get},
    {"GET", "connectors", 0, serve_connectors_list},
    {"POST", "connectors", ROUTE_BODY, serve_connectors_create},
    {"GET", "connectors/{name}", 0, serve_connector_get},
    {"DELETE", "connectors/{name}", 0, serve_connector_delete},
    {"GET", "connectors/{name}/config", 0, serve_connector_config_get},
    {"PUT", "connectors/{name}/config", ROUTE_BODY, serve_connector_config_put},
    {"PATCH", "connectors/{name}/config", ROUTE_BODY, serve_connector_config_patch},
    {"GET", "connectors/{name}/status", 0, serve_connector_status},
    {"GET", "connectors/{name}/tasks", 0, serve_connector_tasks},
    {"GET", "connectors/{name}/tasks-config", 0, serve_connector_tasks_config},
    {"GET", "connectors/{name}/tasks/{task}/status", 0, serve_task_status_get},
    {"POST", "connectors/{name}/tasks/{task}/restart", 0, serve_task_restart},
    {"POST", "connectors/{name}/restart", 0, serve_connector_restart},
    {"PUT", "connectors/{name}/pause", 0, serve_connector_pause},
    {"PUT", "connectors/{name}/resume", 0, serve_connector_resume},
    {"PUT", "connectors/{name}/stop", 0, serve_connector_stop},
    {"GET", "connectors/{name}/topics", 0, serve_connector_topics},
    {"PUT", "connectors/{name}/topics/reset", 0, serve_connector_topics_reset},
    {"GET", "connectors/{name}/offsets", 0, serve_connector_offsets},
    {"GET", "connector-plugins", 0, serve_plugins_list},
    {"GET", "connector-plugins/{name}/config", 0, serve_plugin_config},
    {"PUT", "connector-plugins/{name}/config/validate", ROUTE_BODY, serve_plugin_validate},
    {"GET", "admin/loggers", ROUTE_ADMIN, serve_loggers_list},
    {"GET", "admin/loggers/{name}", ROUTE_ADMIN, serve_logger_get},
    {"PUT", "admin/loggers/{name}", ROUTE_ADMIN | ROUTE_BODY, serve_logger_put},
};

#define NROUTES (sizeof(routes) / sizeof(routes[0]))

/* Java's Integer.parseInt over the decoded segment: a sign and digits, inside an int. */
static bool parse_task(const char *text, int32_t *ret)
{
    char *end;
    const char *digits = text[0] == '-' || text[0] == '+' ? text + 1 : text;
    if (*digits < '0' || *digits > '9') return false;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (*end != '\0' || errno != 0 || v < INT32_MIN || v > INT32_MAX) return false;
    *ret = (int32_t)v;
    return true;
}

/* Matrix parameters (";a=b") belong to no segment. */
static size_t segment_len(const char *s, const char *end)
{
    size_t n = 0;
    while (s + n < end && s[n] != '/') n++;
    return n;
}

static enum route_result match_one(const route_t *route, const char *path, const char *end, call_t *c)
{
    const char *want = route->path;
    while (*want != '\0') {
        size_t want_len = strcspn(want, "/"), len = segment_len(path, end);
        const char *semicolon = memchr(path, ';', len);
        size_t bare = semicolon != NULL ? (size_t)(semicolon - path) : len;
        if (path >= end || bare == 0) return ROUTE_NO_PATH;
        if (want[0] == '{') {
            const char *text = call_decode(&c->arena, path, bare);
            if (text == NULL) return ROUTE_BAD_PATH;
            if (strncmp(want, "{task}", want_len) != 0)
                c->name = text;
            else if (!parse_task(text, &c->task))
                return ROUTE_NO_PATH;
        } else if (bare != want_len || strncmp(want, path, want_len) != 0) {
            return ROUTE_NO_PATH;
        }
        want += want_len + (want[want_len] == '/');
        path += len;
        if (*want == '\0') break;
        if (path >= end) return ROUTE_NO_PATH;
        path++;
    }
    return path == end ? ROUTE_FOUND : ROUTE_NO_PATH;
}

enum route_result routes_match(const char *method, const char *path, size_t path_len, call_t *c,
                               const route_t **ret_route, const char **ret_allow)
{
    const char *end = path + path_len;
    if (path_len == 0 || path[0] != '/') return ROUTE_NO_PATH;
    path++;
    if (end > path && end[-1] == '/' && end - path > 1) end--; /* one slash at the end is fine */
    const char *allow = NULL;
    enum route_result result = ROUTE_NO_PATH;
    bool head = strcmp(method, "HEAD") == 0;
    for (size_t i = 0; i < NROUTES; i++) {
        enum route_result r = match_one(&routes[i], path, end, c);
        if (r == ROUTE_BAD_PATH) return r;
        if (r != ROUTE_FOUND) continue;
        allow = allow == NULL ? routes[i].method : cd_arena_printf(&c->arena, "%s, %s", allow, routes[i].method);
        if (strcmp(routes[i].method, "GET") == 0) allow = cd_arena_printf(&c->arena, "%s, HEAD", allow);
        result = ROUTE_NO_METHOD;
        *ret_route = &routes[i];
        if (strcmp(method, routes[i].method) == 0 || (head && strcmp(routes[i].method, "GET") == 0)) return ROUTE_FOUND;
    }
    if (allow != NULL) *ret_allow = cd_arena_printf(&c->arena, "%s, OPTIONS", allow);
    return result;
}
