#include <ctype.h>
#include <strings.h>

#include "connectors/sqlserver/conf.h"
#include "connectors/sqlserver/conf_rules.h"

const char *conf_driver(const cd_config_t *config, const char *name)
{
    char key[128];
    (void)snprintf(key, sizeof(key), "database.%s", name);
    const char *v = cd_config_get(config, key);
    if (v != NULL) return v;
    (void)snprintf(key, sizeof(key), "driver.%s", name);
    return cd_config_get(config, key);
}

uint32_t conf_split(const char *text, cd_arena_t *arena, const char ***ret_items)
{
    size_t most = 1;
    for (const char *p = text; p != NULL && *p != '\0'; p++) most += *p == ',';
    const char **items = cd_arena_array(arena, const char *, most);
    uint32_t n = 0;
    for (const char *p = text; p != NULL && *p != '\0';) {
        size_t len = strcspn(p, ",");
        const char *item = rule_trim(cd_arena_strndup(arena, p, len), arena);
        if (*item != '\0') items[n++] = item;
        p += len;
        if (*p == ',') p++;
    }
    *ret_items = items;
    return n;
}

static const cd_key_t *key_named(const char *name)
{
    const cd_key_t *k = conf_keys;
    while (k->name != NULL && strcmp(k->name, name) != 0) k++;
    return k;
}

static bool given(const cd_config_t *config, const char *name)
{
    const char *v = cd_config_get(config, name);
    return v != NULL && *v != '\0';
}

typedef struct check {
    const cd_config_t *config;
    void (*report)(void *arg, const cd_key_t *key, const char *problem);
    void *arg;
    cd_arena_t *arena;
    uint32_t n;
} check_t;

static void problem(check_t *c, const char *key, const char *text)
{
    c->n++;
    c->report(c->arg, key_named(key), text);
}

static int64_t number_or(const cd_config_t *config, const char *name, int64_t dflt)
{
    const char *v = cd_config_get(config, name);
    return v == NULL ? dflt : strtoll(v, NULL, 10);
}

/* Rules over several settings. They speak only where the single settings were fine. */
static void check_together(check_t *c)
{
    static const char *const kinds[] = {"table", "column", "schema"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const char *include = cd_arena_printf(c->arena, "%s.include.list", kinds[i]);
        const char *exclude = cd_arena_printf(c->arena, "%s.exclude.list", kinds[i]);
        if (given(c->config, include) && given(c->config, exclude))
            problem(c, exclude, cd_arena_printf(c->arena, "\"%s\" is already specified", include));
    }
    int64_t queue = number_or(c->config, "max.queue.size", 8192), batch = number_or(c->config, "max.batch.size", 2048);
    if (queue <= 0) problem(c, "max.queue.size", "A positive queue size is required");
    if (queue <= batch) problem(c, "max.queue.size", "Must be larger than the maximum batch size");
    const char *channels = cd_config_get(c->config, "notification.enabled.channels");
    if (channels != NULL && strstr(channels, "sink") != NULL && !given(c->config, "notification.sink.topic.name"))
        problem(c, "notification.sink.topic.name",
                "Notification topic name must be provided when kafka notification channel is enabled");
    const char *mode = rule_trim(cd_config_get(c->config, "snapshot.mode"), c->arena);
    if (mode != NULL && strcasecmp(mode, "custom") == 0 && !given(c->config, "snapshot.mode.custom.name"))
        problem(c, "snapshot.mode.custom.name",
                "snapshot.mode.custom.name cannot be empty when snapshot.mode 'custom' is defined");
}

uint32_t conf_check(const cd_config_t *config, void (*report)(void *arg, const cd_key_t *key, const char *problem),
                    void *arg)
{
    cd_arena_t arena = {0};
    check_t c = {.config = config, .report = report, .arg = arg, .arena = &arena};
    for (const cd_key_t *k = conf_keys; k->name != NULL; k++) {
        const char *message = k->check != NULL ? k->check(k, cd_config_get(config, k->name), &arena) : NULL;
        if (message == NULL) continue;
        c.n++;
        report(arg, k, message);
    }
    check_together(&c);
    cd_arena_done(&arena);
    return c.n;
}

static uint32_t choice(const char *text, const char *const *names, uint32_t dflt, cd_arena_t *arena)
{
    const char *t = rule_trim(text, arena);
    for (uint32_t i = 0; t != NULL && names[i] != NULL; i++) {
        if (strcasecmp(t, names[i]) == 0) return i;
    }
    return dflt;
}

static void load_modes(conf_t *c)
{
    static const char *const profiles[] = {"A", "B", "B2", "C", "D", "E", NULL};
    static const char *const modes[] = {
        "initial",  "initial_only",        "no_data", "always", "when_needed", "when_needed_no_data",
        "recovery", "configuration_based", "custom",  NULL};
    static const char *const isolations[] = {"read_uncommitted", "read_committed", "repeatable_read",
                                             "snapshot",         "exclusive",      NULL};
    static const char *const decimals[] = {"precise", "double", "string", NULL};
    static const char *const binaries[] = {"bytes", "base64", "base64-url-safe", "hex", NULL};
    static const char *const times[] = {
        "adaptive", "adaptive_time_microseconds", "connect", "isostring", "microseconds", "nanoseconds", NULL};
    static const char *const adjusts[] = {"none", "avro", "avro_unicode", NULL};
    static const char *const failures[] = {"fail", "warn", "skip", NULL};
    static const char *const queries[] = {"direct", "function", NULL};
    cd_arena_t *a = &c->arena;
    const char *mode = rule_trim(c->k.snapshot_mode, a);
    c->mode = strcasecmp(mode, "schema_only") == 0 ? SNAPSHOT_NO_DATA : choice(mode, modes, SNAPSHOT_INITIAL, a);
    c->profile = choice(c->k.event_profile, profiles, PROFILE_A, a);
    c->isolation = choice(c->k.isolation_mode, isolations, ISOLATION_REPEATABLE_READ, a);
    c->decimal = choice(c->k.decimal_mode, decimals, DECIMAL_PRECISE, a);
    c->binary = choice(c->k.binary_mode, binaries, BINARY_BYTES, a);
    c->time = choice(c->k.time_mode, times, TIME_ADAPTIVE, a);
    c->schema_adjust = choice(c->k.schema_adjust, adjusts, ADJUST_NONE, a);
    c->field_adjust = choice(c->k.field_adjust, adjusts, ADJUST_NONE, a);
    c->on_failure = choice(c->k.failure_mode, failures, FAILURE_SKIP, a); /* ignore is another word for skip */
    c->query = choice(c->k.query_mode, queries, QUERY_DIRECT, a);
    const char *locking = rule_trim(c->k.locking_mode, a);
    c->lock_tables = locking == NULL || strcasecmp(locking, "none") != 0;
    const char *intent = conf_driver(c->config, "applicationIntent");
    c->read_only = intent != NULL && strcmp(intent, "ReadOnly") == 0;
    if (c->read_only) c->isolation = ISOLATION_SNAPSHOT;
    /* Field names follow Avro's rules by themselves when this connector names an Avro converter. */
    static const char *const sides[] = {"key.converter", "value.converter"};
    for (size_t i = 0; i < 2; i++) {
        const char *cls = cd_config_get(c->config, sides[i]);
        if (c->field_adjust == ADJUST_NONE && cls != NULL &&
            (strcmp(cls, "io.confluent.connect.avro.AvroConverter") == 0 ||
             strcmp(cls, "io.apicurio.registry.utils.converter.AvroConverter") == 0))
            c->field_adjust = ADJUST_AVRO;
    }
    const char **ops;
    uint32_t n = conf_split(c->k.skipped_operations, a, &ops);
    for (uint32_t i = 0; i < n; i++) {
        int op = tolower((unsigned char)ops[i][0]);
        if (ops[i][1] != '\0') continue;
        c->skip_create |= op == 'c';
        c->skip_update |= op == 'u';
        c->skip_delete |= op == 'd';
    }
}

static const char hash_v2[] = "column.mask.hash.v2.";

/* The number of column.….<n>.chars. */
static bool chars_of(const char *rest, int32_t *ret_n)
{
    char *end = NULL;
    long n = strtol(rest, &end, 10);
    if (end == rest || strcmp(end, ".chars") != 0 || n < 0 || n > 1000000) return false;
    *ret_n = (int32_t)n;
    return true;
}

/* <algorithm>.with.salt.<salt>. What does not fit is an error here: left out, clear text would be sent. */
static cd_err_t *digest_of(const char *name, const char *rest, bool java_form, digest_t **ret_digest)
{
    static const char with[] = ".with.salt.";
    char algorithm[32];
    size_t n = strcspn(rest, ".");
    *ret_digest = NULL;
    if (n == 0 || strncmp(rest + n, with, sizeof(with) - 1) != 0 || rest[n + sizeof(with) - 1] == '\0')
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                          "a setting that begins with 'column.mask.hash.' must be "
                          "column.mask.hash.<algorithm>.with.salt.<salt> or column.mask.hash.v2.…");
    (void)snprintf(algorithm, sizeof(algorithm), "%.*s", (int)n, rest);
    *ret_digest = digest_new(algorithm, rest + n + sizeof(with) - 1, java_form);
    if (*ret_digest != NULL) return NULL;
    /* The name of the setting holds the salt, so that only its beginning may be told. */
    return cd_err_new(CD_ERR_CONFIG, "java.lang.IllegalArgumentException", "%.*s: %s MessageDigest not available",
                      (int)(rest - name) + (int)n, name, algorithm);
}

/* Mappers of one kind, so that the kinds take precedence as Debezium's do. */
static cd_err_t *load_mappers_of(conf_t *c, mapper_kind_t kind, const char *prefix)
{
    for (uint32_t i = 0; i < c->config->n; i++) {
        const char *name = c->config->pairs[i].name;
        if (strncmp(name, prefix, strlen(prefix)) != 0) continue;
        if (kind == MAPPER_HASH && strncmp(name, hash_v2, strlen(hash_v2)) == 0) continue;
        mapper_t m = {.kind = kind};
        const char *rest = name + strlen(prefix);
        if (kind <= MAPPER_MASK) {
            if (!chars_of(rest, &m.n)) continue;
        } else {
            cd_err_t *err = digest_of(name, rest, kind == MAPPER_HASH, &m.digest);
            if (err != NULL) return err;
        }
        cd_err_t *err = match_list_init(&m.columns, c->config->pairs[i].value);
        if (err != NULL) {
            digest_free(m.digest);
            return cd_err_wrap(err, CD_ERR_CONFIG, CD_JVM_CONFIG, "a list of columns of %s… is invalid", prefix);
        }
        c->mappers[c->nmappers++] = m;
    }
    return NULL;
}

static cd_err_t *load_mappers(conf_t *c)
{
    c->mappers = cd_arena_array(&c->arena, mapper_t, (size_t)c->config->n + 1);
    cd_err_t *err = load_mappers_of(c, MAPPER_TRUNCATE, "column.truncate.to.");
    if (err == NULL) err = load_mappers_of(c, MAPPER_MASK, "column.mask.with.");
    if (err == NULL) err = load_mappers_of(c, MAPPER_HASH, "column.mask.hash.");
    if (err == NULL) err = load_mappers_of(c, MAPPER_HASH_V2, hash_v2);
    return err;
}

static void load_key_rules(conf_t *c)
{
    const char *text = c->k.message_keys;
    if (text == NULL) return;
    size_t most = 1;
    for (const char *p = text; *p != '\0'; p++) most += *p == ';';
    c->key_rules = cd_arena_array(&c->arena, key_rule_t, most);
    for (const char *at = text; *at != '\0';) {
        size_t n = strcspn(at, ";");
        key_rule_t *r = &c->key_rules[c->nkey_rules];
        if (rule_key_entry(at, n, &c->arena, &r->table, &r->ncolumns, &r->columns)) c->nkey_rules++;
        at += n;
        if (*at == ';') at++;
    }
}

static cd_err_t *load_lists(conf_t *c)
{
    const struct {
        match_list_t *list;
        const char *text;
    } lists[] = {
        {&c->table_include, c->k.table_include},       {&c->table_exclude, c->k.table_exclude},
        {&c->schema_include, c->k.schema_include},     {&c->schema_exclude, c->k.schema_exclude},
        {&c->column_include, c->k.column_include},     {&c->column_exclude, c->k.column_exclude},
        {&c->snapshot_include, c->k.snapshot_include}, {&c->propagate_column, c->k.propagate_column},
        {&c->propagate_type, c->k.propagate_type},
    };
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        cd_err_t *err = match_list_init(lists[i].list, lists[i].text);
        if (err != NULL) return err;
    }
    return NULL;
}

/* What would need a Java class fails instead of being ignored: its absence would change the data. */
static cd_err_t *refuse_java(const conf_t *c)
{
    const char *name = c->mode == SNAPSHOT_CUSTOM                                      ? "snapshot.mode=custom"
                       : c->k.converters != NULL && *c->k.converters != '\0'           ? "converters"
                       : c->k.post_processors != NULL && *c->k.post_processors != '\0' ? "post.processors"
                                                                                       : NULL;
    if (name == NULL) return NULL;
    return cd_err_new(
        CD_ERR_CONFIG, CD_JVM_CONFIG,
        "'%s' names a Java class, which cannot run in this worker; remove the setting, or use a transform", name);
}

typedef struct logged {
    cd_ctx_t *ctx;
    const cd_config_t *config;
} logged_t;

static void log_problem(void *arg, const cd_key_t *key, const char *text)
{
    const logged_t *l = arg;
    const char *v = cd_config_get(l->config, key->name);
    if (v == NULL) {
        cd_log(l->ctx, CD_LOG_ERROR, CONF_LOGGER, "The '%s' value is invalid: %s", key->name, text);
        return;
    }
    bool quoted = key->type != CD_T_INT && key->type != CD_T_LONG && key->type != CD_T_BOOLEAN;
    cd_log(l->ctx, CD_LOG_ERROR, CONF_LOGGER,
           quoted ? "The '%s' value '%s' is invalid: %s" : "The '%s' value %s is invalid: %s", key->name,
           key->type == CD_T_PASSWORD ? "********" : v, text);
}

cd_err_t *conf_load(cd_ctx_t *ctx, const cd_config_t *config, const char *what, conf_t *ret_conf)
{
    conf_t c = {.config = config};
    logged_t l = {.ctx = ctx, .config = config};
    if (conf_check(config, log_problem, &l) > 0) {
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONNECT,
                          "Error configuring an instance of %s; check the logs for details", what);
    }
    cd_err_t *err = cd_host->config_parse(conf_keys, sizeof(cd_key_t), config, &c.arena, &c.k, NULL);
    if (err != NULL) goto out;
    load_modes(&c);
    const char *only = cd_config_get(config, "schema.history.internal.store.only.captured.tables.ddl");
    c.k.store_only_captured = only == NULL || strcasecmp(rule_trim(only, &c.arena), "false") != 0;
    c.ndatabases = conf_split(c.k.database_names, &c.arena, &c.databases);
    err = refuse_java(&c);
    if (err == NULL) err = load_lists(&c);
    if (err == NULL) err = load_mappers(&c);
    if (err != NULL) goto out;
    load_key_rules(&c);
    *ret_conf = c;
    return NULL;
out:
    conf_done(&c);
    return err;
}

void conf_done(conf_t *conf)
{
    match_list_t *lists[] = {&conf->table_include,    &conf->table_exclude,    &conf->schema_include,
                             &conf->schema_exclude,   &conf->column_include,   &conf->column_exclude,
                             &conf->snapshot_include, &conf->propagate_column, &conf->propagate_type};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) match_list_done(lists[i]);
    for (uint32_t i = 0; i < conf->nmappers; i++) {
        match_list_done(&conf->mappers[i].columns);
        digest_free(conf->mappers[i].digest);
    }
    cd_arena_done(&conf->arena);
    *conf = (conf_t){0};
}
