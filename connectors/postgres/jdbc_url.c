#include "connectors/postgres/jdbc_url.h"

#include <strings.h>

#define DEFAULT_HOST "localhost"
#define DEFAULT_PORT "5432"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/** Undo form encoding. @return NULL for a broken escape or an encoded NUL */
static const char *decode(const char *s, size_t len, cd_arena_t *arena)
{
    char *out = cd_arena_alloc(arena, len + 1), *at = out;
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '+') {
            *at++ = ' ';
        } else if (s[i] == '%') {
            if (len - i < 3) return NULL;
            int hi = hex_value(s[i + 1]), lo = hex_value(s[i + 2]);
            if (hi < 0 || lo < 0 || (hi == 0 && lo == 0)) return NULL;
            *at++ = (char)(hi << 4 | lo);
            i += 2;
        } else {
            *at++ = s[i];
        }
    }
    *at = '\0';
    return out;
}

static bool port_is_valid(const char *p, size_t len)
{
    int v = 0;
    if (len == 0 || len > 5) return false;
    for (size_t i = 0; i < len; i++) {
        if (p[i] < '0' || p[i] > '9') return false;
        v = v * 10 + (p[i] - '0');
    }
    return v >= 1 && v <= 65535;
}

static bool parse_address(const char *s, size_t len, cd_arena_t *arena, jdbc_url_t *url)
{
    const char *host = s, *port = NULL;
    size_t host_len = len;
    const char *close = len > 0 && s[0] == '[' ? memchr(s, ']', len) : NULL;
    if (len > 0 && s[0] == '[') {
        if (close == NULL) return false;
        host = s + 1;
        host_len = (size_t)(close - host);
        if (close + 1 < s + len) {
            if (close[1] != ':') return false;
            port = close + 2;
        }
    } else {
        const char *colon = len > 0 ? memrchr(s, ':', len) : NULL;
        if (colon != NULL) {
            if (memchr(s, ':', (size_t)(colon - s)) != NULL) return false; /* IPv6 needs its brackets */
            host_len = (size_t)(colon - s);
            port = colon + 1;
        }
    }
    size_t port_len = port != NULL ? (size_t)(s + len - port) : 0;
    if (port != NULL && !port_is_valid(port, port_len)) return false;
    if (url->nhosts == JDBC_URL_HOSTS_MAX) return false;
    url->hosts[url->nhosts] = host_len > 0 ? cd_arena_strndup(arena, host, host_len) : DEFAULT_HOST;
    url->ports[url->nhosts] = port != NULL ? cd_arena_strndup(arena, port, port_len) : DEFAULT_PORT;
    url->nhosts++;
    return true;
}

static bool parse_server(const char *s, size_t len, cd_arena_t *arena, jdbc_url_t *url)
{
    const char *database = s;
    size_t database_len = len;
    if (len >= 2 && s[0] == '/' && s[1] == '/') {
        s += 2;
        len -= 2;
        const char *slash = len > 0 ? memchr(s, '/', len) : NULL;
        if (slash == NULL && len > 0) return false;
        size_t hosts_len = slash != NULL ? (size_t)(slash - s) : 0;
        database = slash != NULL ? slash + 1 : s;
        database_len = slash != NULL ? len - hosts_len - 1 : 0;
        if (database_len > 0 && memchr(database, '/', database_len) != NULL) return false;
        if (hosts_len > 0) {
            url->has_authority = true;
            for (const char *p = s, *end = s + hosts_len; p <= end;) {
                const char *comma = memchr(p, ',', (size_t)(end - p));
                const char *stop = comma != NULL ? comma : end;
                if (!parse_address(p, (size_t)(stop - p), arena, url)) return false;
                p = stop + 1;
            }
        }
    } else if (len > 0 && memchr(s, '/', len) != NULL) {
        return false;
    }
    if (url->nhosts == 0) (void)parse_address("", 0, arena, url);
    if (database_len > 0) {
        url->database = decode(database, database_len, arena);
        if (url->database == NULL) return false;
    }
    return true;
}

/** PGHOST, PGPORT and PGDBNAME (aliases host, port, dbname) override what stands before the question mark. */
static bool apply_aliases(jdbc_url_t *url, cd_arena_t *arena)
{
    const char *hosts = NULL, *ports = NULL;
    for (uint32_t i = 0; i < url->nparams; i++) {
        const char *name = url->params[i].name, *value = url->params[i].value;
        if (strcmp(name, "PGHOST") == 0 || strcasecmp(name, "host") == 0)
            hosts = value;
        else if (strcmp(name, "PGPORT") == 0 || strcasecmp(name, "port") == 0)
            ports = value;
        else if (strcmp(name, "PGDBNAME") == 0 || strcasecmp(name, "dbname") == 0)
            url->database = *value != '\0' ? value : NULL;
    }
    if (hosts != NULL) {
        uint32_t n = 0;
        url->has_authority = true;
        for (const char *p = hosts;; p++) {
            size_t len = strcspn(p, ",");
            if (n == JDBC_URL_HOSTS_MAX) return false;
            const char *from = p;
            size_t host_len = len;
            if (len >= 2 && p[0] == '[' && p[len - 1] == ']') {
                from++;
                host_len -= 2;
            }
            url->hosts[n] = host_len == 0 ? DEFAULT_HOST : cd_arena_strndup(arena, from, host_len);
            if (n >= url->nhosts) url->ports[n] = DEFAULT_PORT;
            n++;
            p += len;
            if (*p == '\0') break;
        }
        url->nhosts = n;
    }
    if (ports != NULL) {
        uint32_t n = 0;
        for (const char *p = ports;; p++) {
            size_t len = strcspn(p, ",");
            if (n == url->nhosts || (len > 0 && !port_is_valid(p, len))) return false;
            url->ports[n++] = len == 0 ? DEFAULT_PORT : cd_arena_strndup(arena, p, len);
            p += len;
            if (*p == '\0') break;
        }
        if (n != url->nhosts) return false;
    }
    return true;
}

static bool parse_params(const char *p, cd_arena_t *arena, jdbc_url_t *url)
{
    while (*p != '\0') {
        size_t len = strcspn(p, "&");
        size_t name_len = strcspn(p, "=&");
        if (len > 0) {
            if (url->nparams == JDBC_URL_PARAMS_MAX) return false;
            const char *value = name_len < len ? decode(p + name_len + 1, len - name_len - 1, arena) : "";
            if (value == NULL) return false;
            url->params[url->nparams++] = (cd_pair_t){cd_arena_strndup(arena, p, name_len), value};
        }
        p += len;
        if (*p == '&') p++;
    }
    return true;
}

enum jdbc_url_status jdbc_url_parse(const char *text, cd_arena_t *arena, jdbc_url_t *ret_url)
{
    *ret_url = (jdbc_url_t){0};
    if (strncmp(text, "jdbc:", 5) != 0) return JDBC_URL_NOT_JDBC;
    const char *sub = text + 5, *colon = strchr(sub, ':');
    if (colon == NULL || colon == sub) return JDBC_URL_NOT_JDBC;
    if (colon - sub != 10 || strncasecmp(sub, "postgresql", 10) != 0) return JDBC_URL_NOT_POSTGRESQL;
    const char *server = colon + 1;
    size_t server_len = strcspn(server, "?");
    jdbc_url_t url = {.hosts = cd_arena_array(arena, const char *, JDBC_URL_HOSTS_MAX),
                      .ports = cd_arena_array(arena, const char *, JDBC_URL_HOSTS_MAX),
                      .params = cd_arena_array(arena, cd_pair_t, JDBC_URL_PARAMS_MAX)};
    const char *params = server[server_len] == '?' ? server + server_len + 1 : "";
    if (!parse_params(params, arena, &url) || !parse_server(server, server_len, arena, &url) ||
        !apply_aliases(&url, arena))
        return JDBC_URL_UNPARSABLE;
    *ret_url = url;
    return JDBC_URL_OK;
}

const char *jdbc_url_param(const jdbc_url_t *url, const char *name)
{
    for (uint32_t i = url->nparams; i-- > 0;)
        if (strcmp(url->params[i].name, name) == 0) return url->params[i].value;
    return NULL;
}

const char *jdbc_url_mask(const char *url, cd_arena_t *arena)
{
    size_t len = strlen(url);
    char *out = cd_arena_alloc(arena, len * 2 + 16), *at = out;
    for (size_t i = 0; i < len;) {
        *at++ = url[i];
        if (url[i] != '?' && url[i] != '&') {
            i++;
            continue;
        }
        i++;
        size_t name_len = strcspn(url + i, "=&");
        const char *name_end = url + i + name_len;
        bool secret = false;
        for (const char *p = url + i; !secret && p + 8 <= name_end && *name_end == '='; p++)
            secret = strncasecmp(p, "password", 8) == 0;
        memcpy(at, url + i, name_len);
        at += name_len;
        i += name_len;
        if (secret) {
            memcpy(at, "=****", 5);
            at += 5;
            i += strcspn(url + i, "&");
        }
    }
    *at = '\0';
    return out;
}
