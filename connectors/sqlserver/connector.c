/* The connector instance: validation with a connection test, and the split of databases over tasks. */
#include <strings.h>

#include "connectors/sqlserver/catalog.h"
#include "connectors/sqlserver/conf.h"
#include "connectors/sqlserver/conf_rules.h"
#include "connectors/sqlserver/connector.h"

typedef struct connector {
    cd_ctx_t *ctx;
    const cd_config_t *config;
} connector_t;

static void report_problem(void *arg, const cd_key_t *key, const char *problem)
{
    cd_problems_t *p = arg;
    size_t n = strlen(key->name) + strlen(problem) + 40;
    char *text = malloc(n);
    if (text == NULL) abort();
    (void)snprintf(text, n, "The '%s' value is invalid: %s", key->name, problem);
    p->report(p, key->name, text);
    free(text);
}

static cd_err_t *open_for(cd_ctx_t *ctx, const cd_config_t *config, const char *database, conn_t **ret_conn)
{
    conn_options_t o;
    const char *port = cd_config_get(config, "database.port");
    const char *wait = cd_config_get(config, "connection.validation.timeout.ms");
    cd_err_t *err =
        conn_options(config, cd_config_get(config, "database.hostname"),
                     port != NULL ? (int32_t)strtol(port, NULL, 10) : 1433, cd_config_get(config, "database.instance"),
                     cd_config_get(config, "database.user"), cd_config_get(config, "database.password"), database, &o);
    if (err != NULL) return err;
    int64_t most = wait != NULL ? strtoll(wait, NULL, 10) : 60000;
    if (most > 0) o.query_timeout_ms = most;
    return conn_open(ctx, &o, ret_conn);
}

/* What a user wants to know before starting: can we log in, and is change data capture there? */
static cd_err_t *test_connection(cd_ctx_t *ctx, const cd_config_t *config, cd_arena_t *arena, const char **ret_no_cdc)
{
    const char **names;
    uint32_t n = conf_split(cd_config_get(config, "database.names"), arena, &names);
    const char *mode = rule_trim(cd_config_get(config, "snapshot.mode"), arena);
    bool initial_only = mode != NULL && strcasecmp(mode, "initial_only") == 0;
    conn_t *c = NULL;
    *ret_no_cdc = NULL;
    cd_err_t *err = open_for(ctx, config, n == 1 ? names[0] : NULL, &c);
    if (err == NULL) err = conn_exec(c, "SELECT @@VERSION");
    for (uint32_t i = 0; i < n && err == NULL; i++) {
        const char *real = NULL;
        bool visible = true;
        err = catalog_database(c, names[i], arena, &real);
        if (err == NULL && !initial_only) err = catalog_cdc_visible(c, real, &visible);
        if (err == NULL && !visible)
            *ret_no_cdc = *ret_no_cdc == NULL ? names[i] : cd_arena_printf(arena, "%s, %s", *ret_no_cdc, names[i]);
    }
    conn_close(c);
    return err;
}

void connector_validate(cd_ctx_t *ctx, const cd_config_t *config, cd_problems_t *problems)
{
    if (conf_check(config, report_problem, problems) > 0) return;
    cd_arena_t arena = {0};
    const char *no_cdc = NULL;
    cd_err_t *err = test_connection(ctx, config, &arena, &no_cdc);
    if (err != NULL) {
        const char *text = cd_arena_printf(
            &arena, "Unable to connect. Check this and other connection properties. Error: %s", err->message);
        problems->report(problems, "database.hostname", text);
        cd_err_free(err);
    } else if (no_cdc != NULL) {
        const char *user = cd_config_get(config, "database.user");
        const char *text = cd_arena_printf(
            &arena,
            "User %s does not have access to CDC schema in the following databases: %s. This user can only be used in "
            "initial_only snapshot mode",
            user != NULL ? user : "", no_cdc);
        problems->report(problems, "database.user", text);
    }
    cd_arena_done(&arena);
}

cd_err_t *connector_start(cd_ctx_t *ctx, const cd_config_t *config, void **ret_connector)
{
    conf_t conf;
    cd_err_t *err = conf_load(ctx, config, "SqlServerConnector", &conf);
    if (err != NULL) return err;
    conf_done(&conf);
    connector_t *c = calloc(1, sizeof(*c));
    if (c == NULL) abort();
    *c = (connector_t){.ctx = ctx, .config = config};
    *ret_connector = c;
    return NULL;
}

/* All settings of the connector with its share of databases and its number. */
static void add_task(const connector_t *c, cd_task_configs_t *out, const char *databases, uint32_t id,
                     cd_arena_t *arena)
{
    cd_pair_t *pairs = cd_arena_array(arena, cd_pair_t, (size_t)c->config->n + 2);
    cd_config_t task = {.n = 0, .pairs = pairs};
    for (uint32_t i = 0; i < c->config->n; i++) {
        const char *name = c->config->pairs[i].name;
        if (strcmp(name, "database.names") == 0 || strcmp(name, "task.id") == 0) continue;
        pairs[task.n++] = c->config->pairs[i];
    }
    pairs[task.n++] = (cd_pair_t){"database.names", databases};
    pairs[task.n++] = (cd_pair_t){"task.id", cd_arena_printf(arena, "%u", id)};
    out->add(out, &task);
}

cd_err_t *connector_task_configs(void *connector, int32_t max_tasks, cd_task_configs_t *out)
{
    const connector_t *c = connector;
    cd_arena_t arena = {0};
    const char **names;
    conn_t *conn = NULL;
    uint32_t n = conf_split(cd_config_get(c->config, "database.names"), &arena, &names);
    cd_err_t *err = NULL;
    if (n == 0) {
        err = cd_err_new(CD_ERR_CONFIG, "java.lang.IllegalArgumentException",
                         "Only a single connector task may be started in single-partition mode");
        goto out;
    }
    err = open_for(c->ctx, c->config, n == 1 ? names[0] : NULL, &conn);
    for (uint32_t i = 0; i < n && err == NULL; i++) err = catalog_database(conn, names[i], &arena, &names[i]);
    if (err != NULL) {
        if (err->cls != CD_ERR_CONFIG)
            err = cd_err_wrap(err, CD_ERR_RETRIABLE, CD_JVM_CONNECT, "Could not build task configs");
        goto out;
    }
    uint32_t ntasks = max_tasks > 0 && (uint32_t)max_tasks < n ? (uint32_t)max_tasks : n;
    for (uint32_t t = 0; t < ntasks; t++) {
        const char *share = names[t];
        for (uint32_t i = t + ntasks; i < n; i += ntasks) share = cd_arena_printf(&arena, "%s,%s", share, names[i]);
        add_task(c, out, share, t, &arena);
    }
out:
    conn_close(conn);
    cd_arena_done(&arena);
    return err;
}

void connector_stop(void *connector)
{
    free(connector);
}
