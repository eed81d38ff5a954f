#include "connectors/postgres/conn_target.h"

#include <libpq-fe.h>
#include <strings.h>

#define PREFIX   "connection."
#define JVM_PSQL "org.postgresql.util.PSQLException"
/* libpq's "require" checks the chain when a root file exists, the JDBC driver's never does: point it to no file. */
#define NO_ROOT_FILE "/nonexistent/root.crt"

typedef struct build {
    const sink_conf_t *conf;
    cd_arena_t *arena;
    conn_target_t *t;
} build_t;

/** A driver property: the URL wins, then connection.<name>. */
static const char *prop(const build_t *b, const char *name)
{
    const char *v = jdbc_url_param(&b->conf->url, name);
    if (v != NULL) return v;
    if (strcmp(name, "user") == 0) return b->conf->k.user;
    if (strcmp(name, "password") == 0) return b->conf->k.password;
    const char *key = cd_arena_printf(b->arena, PREFIX "%s", name);
    return sink_conf_is_own(key) ? NULL : cd_config_get(b->conf->config, key);
}

static bool prop_true(const build_t *b, const char *name)
{
    const char *v = prop(b, name);
    return v != NULL && strcasecmp(v, "true") == 0;
}

static bool prop_false(const build_t *b, const char *name)
{
    const char *v = prop(b, name);
    return v != NULL && strcasecmp(v, "false") == 0;
}

static cd_err_t *prop_int(const build_t *b, const char *name, int32_t dflt, int32_t *ret_v)
{
    const char *v = prop(b, name);
    *ret_v = dflt;
    if (v == NULL || *v == '\0') return NULL;
    char *end;
    long n = strtol(v, &end, 10);
    if (*end != '\0' || n < 0 || n > INT32_MAX)
        return cd_err_new(CD_ERR_FATAL, JVM_PSQL, "%s parameter value must be an integer but was: %s", name, v);
    *ret_v = (int32_t)n;
    return NULL;
}

static void set(const build_t *b, const char *key, const char *value)
{
    if (value == NULL || b->t->n == CONN_TARGET_MAX) return;
    b->t->keys[b->t->n] = key;
    b->t->values[b->t->n++] = value;
}

/** Newer libpq knows keys that an older one refuses: ask before setting those. */
static bool libpq_knows(const char *key)
{
    PQconninfoOption *all = PQconndefaults();
    bool known = false;
    for (PQconninfoOption *o = all; o != NULL && o->keyword != NULL; o++)
        if (strcmp(o->keyword, key) == 0) known = true;
    PQconninfoFree(all);
    return known;
}

static const char *join(const char *const *items, uint32_t n, cd_arena_t *arena)
{
    const char *all = n > 0 ? items[0] : "";
    for (uint32_t i = 1; i < n; i++) all = cd_arena_printf(arena, "%s,%s", all, items[i]);
    return all;
}

static cd_err_t *build_ssl(const build_t *b)
{
    static const char *const modes[] = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full", NULL};
    const char *ssl = prop(b, "ssl"), *mode = prop(b, "sslmode"), *factory = prop(b, "sslfactory");
    const char *root = prop(b, "sslrootcert");
    if (mode == NULL) mode = ssl != NULL && (*ssl == '\0' || strcasecmp(ssl, "true") == 0) ? "verify-full" : "prefer";
    uint32_t i = 0;
    while (modes[i] != NULL && strcasecmp(modes[i], mode) != 0) i++;
    if (modes[i] == NULL) return cd_err_new(CD_ERR_FATAL, JVM_PSQL, "Invalid sslmode value: %s", mode);
    mode = modes[i];
    if (factory != NULL && strcmp(factory, "org.postgresql.ssl.NonValidatingFactory") == 0) {
        mode = "require";
        root = NULL;
    } else if (factory != NULL && strcmp(factory, "org.postgresql.ssl.DefaultJavaSSLFactory") == 0) {
        root = "system";
    } else if (factory != NULL && *factory != '\0' && strcmp(factory, "org.postgresql.ssl.LibPQFactory") != 0 &&
               strcmp(factory, "org.postgresql.ssl.jdbc4.LibPQFactory") != 0) {
        return cd_err_new(CD_ERR_FATAL, JVM_PSQL,
                          "The SSLSocketFactory class provided %s could not be instantiated; use sslmode, sslrootcert, "
                          "sslcert and sslkey.",
                          factory);
    }
    const char *key = prop(b, "sslkey");
    size_t key_len = key != NULL ? strlen(key) : 0;
    if (key_len > 4 && (strcasecmp(key + key_len - 4, ".p12") == 0 || strcasecmp(key + key_len - 4, ".pfx") == 0))
        return cd_err_new(CD_ERR_FATAL, JVM_PSQL,
                          "The key file %s is PKCS#12, which is not supported; convert it to PEM and set sslcert and "
                          "sslkey.",
                          key);
    bool verifies = strncmp(mode, "verify", 6) == 0;
    set(b, "sslmode", mode);
    set(b, "sslrootcert", verifies ? root : NO_ROOT_FILE);
    set(b, "sslcert", prop(b, "sslcert"));
    set(b, "sslkey", key);
    set(b, "sslpassword", prop(b, "sslpassword"));
    return NULL;
}

static cd_err_t *build_server_type(const build_t *b)
{
    static const struct {
        const char *java, *libpq;
    } types[] = {{"any", "any"},
                 {"primary", "primary"},
                 {"master", "primary"},
                 {"secondary", "standby"},
                 {"slave", "standby"},
                 {"preferSecondary", "prefer-standby"},
                 {"preferSlave", "prefer-standby"},
                 {"preferPrimary", "primary"}};
    const char *type = prop(b, "targetServerType");
    if (type == NULL) type = "any";
    b->t->server_type = type;
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        if (strcasecmp(types[i].java, type) != 0) continue;
        b->t->prefer_primary = strcasecmp(type, "preferPrimary") == 0;
        set(b, "target_session_attrs", types[i].libpq);
        return NULL;
    }
    return cd_err_new(CD_ERR_FATAL, JVM_PSQL, "Invalid targetServerType value: %s", type);
}

/** The options parameter splits at blanks: escape those, and the escape itself. */
static const char *options_escape(const char *v, cd_arena_t *arena)
{
    char *out = cd_arena_alloc(arena, strlen(v) * 2 + 1), *at = out;
    for (; *v != '\0'; v++) {
        if (*v == ' ' || *v == '\\') *at++ = '\\';
        *at++ = *v;
    }
    *at = '\0';
    return out;
}

static void build_options(const build_t *b)
{
    const char *schema = prop(b, "currentSchema"), *options = prop(b, "options");
    if (schema != NULL && *schema != '\0') {
        const char *path = cd_arena_printf(b->arena, "-c search_path=%s", options_escape(schema, b->arena));
        options = options != NULL ? cd_arena_printf(b->arena, "%s %s", options, path) : path;
    }
    set(b, "options", options);
}

static void build_addresses(const build_t *b)
{
    const jdbc_url_t *url = &b->conf->url;
    const char *service = prop(b, "service");
    b->t->nhosts = url->nhosts;
    b->t->shown_host = url->hosts[0];
    b->t->shown_port = url->ports[0];
    set(b, "service", service);
    if (service == NULL || url->has_authority) {
        set(b, "host", join(url->hosts, url->nhosts, b->arena));
        set(b, "port", join(url->ports, url->nhosts, b->arena));
    }
    set(b, "dbname", url->database);
    set(b, "user", prop(b, "user"));
    set(b, "password", prop(b, "password"));
}

static void build_new_keys(const build_t *b)
{
    if (prop_true(b, "loadBalanceHosts") && libpq_knows("load_balance_hosts")) set(b, "load_balance_hosts", "random");
    if (prop(b, "requireAuth") != NULL && libpq_knows("require_auth")) set(b, "require_auth", prop(b, "requireAuth"));
    if (prop(b, "sslNegotiation") != NULL && libpq_knows("sslnegotiation"))
        set(b, "sslnegotiation", prop(b, "sslNegotiation"));
}

/** The zone the JVM would announce: that of the process, when it is a plain name. */
static const char *process_zone(cd_arena_t *arena)
{
    const char *zone = getenv("TZ"); // NOLINT(concurrency-mt-unsafe): nothing sets the environment after main
    if (zone == NULL || *zone == '\0' || *zone == ':' || *zone == '/') return "UTC";
    tz_t *tz = tz_open(zone);
    bool known = tz != NULL;
    tz_free(tz);
    return known ? cd_arena_strdup(arena, zone) : "UTC";
}

cd_err_t *conn_target_build(const sink_conf_t *conf, cd_arena_t *arena, conn_target_t *ret_target)
{
    if (!conf->url_ok)
        return cd_err_new(CD_ERR_FATAL, "java.sql.SQLException", "Unable to parse URL %s", conf->shown_url);
    conn_target_t t = {.error_detail = true};
    build_t b = {conf, arena, &t};
    build_addresses(&b);
    cd_err_t *err = build_ssl(&b);
    if (err == NULL) err = build_server_type(&b);
    if (err == NULL) err = prop_int(&b, "connectTimeout", 10, &t.connect_timeout_s);
    if (err == NULL) err = prop_int(&b, "loginTimeout", 0, &t.login_timeout_s);
    if (err == NULL) err = prop_int(&b, "socketTimeout", 0, &t.socket_timeout_s);
    int32_t threshold = 5;
    if (err == NULL) err = prop_int(&b, "prepareThreshold", 5, &threshold);
    if (err != NULL) return err;
    const char *mode = prop(&b, "preferQueryMode"), *strings = prop(&b, "stringtype");
    t.no_prepare = threshold == 0 || (mode != NULL && strcasecmp(mode, "simple") == 0);
    t.string_unspecified = strings != NULL && strcasecmp(strings, "unspecified") == 0;
    t.error_detail = !prop_false(&b, "logServerErrorDetail");
    build_options(&b);
    const char *application = prop(&b, "ApplicationName");
    set(&b, "application_name", application != NULL ? application : "PostgreSQL JDBC Driver");
    set(&b, "keepalives", prop_true(&b, "tcpKeepAlive") ? "1" : "0");
    set(&b, "channel_binding", prop(&b, "channelBinding"));
    set(&b, "gssencmode", prop(&b, "gssEncMode"));
    set(&b, "krbsrvname", prop(&b, "kerberosServerName"));
    set(&b, "client_encoding", "UTF8");
    build_new_keys(&b);
    t.zone = process_zone(arena);
    *ret_target = t;
    return NULL;
}

const char *conn_target_get(const conn_target_t *t, const char *key)
{
    for (uint32_t i = 0; i < t->n; i++)
        if (strcmp(t->keys[i], key) == 0) return t->values[i];
    return NULL;
}
