/* Drives one sink task without Kafka: settings and records come as JSON lines on stdin, outcomes leave as JSON lines on
 * stdout. Tests of a sink's behaviour against a real database are tables of such lines.
 * usage: sink_put PLUGIN.so CLASS
 *   {"validate": {settings}}                  -> {"problems": [[key, message], ...]}
 *   {"start": {settings}, "report": "no"|"tolerate"|"refuse"}   -> {"ok": true} or {"error": chain}
 *   {"put": [record, ...]}                    -> {"ok": true | "error": chain, "reports": [[offset, chain], ...], "backoff_ms": n}
 *   {"stop": true}                            -> {"ok": true}
 * record: {"topic", "partition", "offset", "timestamp", "key": {"schema", "payload"}, "value": {...}}, the latter two as the
 * JsonConverter writes them (bytes in base64), or null. chain: [[class, message, what the worker does], ...]. */
#include "runtime/base/json.h"
#include "runtime/data/batch.h"
#include "runtime/data/schema.h"
#include "runtime/plugin/ctx.h"
#include "runtime/plugin/plugins.h"

typedef struct driver {
    const cd_sink_ops_t *ops;
    const cd_plugin_t *plugin;
    cd_ctx_t *ctx;
    void *task;
    cd_batch_t *batch;
    cd_arena_t arena;
    const char *mode;
    json_t *reports;
    int64_t backoff_ms;
} driver_t;

static void die(const char *what)
{
    fprintf(stderr, "sink_put: %s\n", what);
    exit(2);
}

static json_t *chain(const cd_err_t *err)
{
    static const char *const classes[] = {"FATAL", "RETRIABLE", "DATA", "CONFIG", "NOT_FOUND", "STOPPED"};
    json_t *list = json_array();
    for (; err != NULL; err = err->cause)
        json_array_append_new(list, json_pack("[sss]", err->jvm_class, err->message, classes[err->cls]));
    return list;
}

/* ---- JSON to Connect data --------------------------------------------------------------------------------------------- */

static uint8_t type_of(const char *name)
{
    static const struct {
        const char *name;
        uint8_t type;
    } types[] = {{"int8", CD_INT8},     {"int16", CD_INT16},    {"int32", CD_INT32},     {"int64", CD_INT64},
                 {"float", CD_FLOAT32}, {"double", CD_FLOAT64}, {"boolean", CD_BOOLEAN}, {"string", CD_STRING},
                 {"bytes", CD_BYTES},   {"array", CD_ARRAY},    {"map", CD_MAP},         {"struct", CD_STRUCT}};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i].name, name) == 0) return types[i].type;
    die("unknown type");
    return CD_NULL;
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *p = c != '\0' ? strchr(digits, c) : NULL;
    return p != NULL ? (int)(p - digits) : -1;
}

static cd_value_t from_base64(const char *s, cd_arena_t *arena)
{
    uint8_t *out = cd_arena_alloc(arena, strlen(s) + 4);
    uint32_t n = 0, bits = 0, have = 0;
    for (; base64_digit(*s) >= 0; s++) {
        bits = bits << 6 | (uint32_t)base64_digit(*s);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (uint8_t)(bits >> have);
        }
    }
    return cd_v_bytes(out, n);
}

static cd_value_t to_value(const json_t *j, const cd_schema_t *s, cd_arena_t *arena);

static cd_value_t to_items(const json_t *j, const cd_schema_t *s, cd_arena_t *arena)
{
    uint32_t n = s->type == CD_STRUCT ? s->nfields : (uint32_t)json_array_size(j);
    cd_value_t *items = cd_arena_array(arena, cd_value_t, n + 1);
    for (uint32_t i = 0; i < n; i++)
        items[i] = s->type == CD_STRUCT ? to_value(json_object_get(j, s->fields[i].name), s->fields[i].schema, arena)
                                        : to_value(json_array_get(j, i), s->value_schema, arena);
    return cd_v_items(s->type, items, n);
}

static cd_value_t to_value(const json_t *j, const cd_schema_t *s, cd_arena_t *arena)
{
    if (j == NULL || json_is_null(j)) return CD_V_NULL;
    switch (s->type) {
    case CD_FLOAT32:
        return cd_v_f32((float)json_number_value(j));
    case CD_FLOAT64:
        return cd_v_f64(json_number_value(j));
    case CD_BOOLEAN:
        return cd_v_bool(json_is_true(j));
    case CD_STRING:
        return cd_v_strn(cd_arena_strndup(arena, json_string_value(j), json_string_length(j)), json_string_length(j));
    case CD_BYTES:
        return from_base64(json_string_value(j), arena);
    case CD_ARRAY:
    case CD_STRUCT:
        return to_items(j, s, arena);
    case CD_MAP:
        return cd_v_items(CD_MAP, NULL, 0);
    default:
        return cd_v_int(s->type, json_integer_value(j));
    }
}

static const cd_schema_t *to_schema(const json_t *j, cd_schema_pool_t *pool, cd_arena_t *arena)
{
    if (j == NULL || json_is_null(j)) return NULL;
    cd_schema_spec_t spec = {.type = type_of(json_string_value(json_object_get(j, "type"))),
                             .optional = json_is_true(json_object_get(j, "optional")),
                             .name = json_string_value(json_object_get(j, "name"))};
    const json_t *version = json_object_get(j, "version");
    spec.has_version = version != NULL;
    spec.version = (int32_t)json_integer_value(version);
    json_t *params = json_object_get(j, "parameters"), *fields = json_object_get(j, "fields");
    cd_param_t *p = cd_arena_array(arena, cd_param_t, json_object_size(params) + 1);
    const char *key;
    json_t *item;
    json_object_foreach(params, key, item) p[spec.nparams++] = (cd_param_t){key, json_string_value(item)};
    spec.params = p;
    cd_field_t *f = cd_arena_array(arena, cd_field_t, json_array_size(fields) + 1);
    size_t i;
    json_array_foreach(fields, i, item)
    {
        f[spec.nfields++] = (cd_field_t){.name = json_string_value(json_object_get(item, "field")),
                                         .schema = to_schema(item, pool, arena)};
    }
    spec.fields = f;
    spec.value_schema = to_schema(json_object_get(j, spec.type == CD_MAP ? "values" : "items"), pool, arena);
    spec.key_schema = to_schema(json_object_get(j, "keys"), pool, arena);
    const json_t *dflt = json_object_get(j, "default");
    cd_value_t value;
    if (dflt != NULL) {
        const cd_schema_t *plain = schema_intern(pool, &spec);
        value = to_value(dflt, plain, arena);
        spec.dflt = &value;
    }
    return schema_intern(pool, &spec);
}

static void to_part(const json_t *j, cd_batch_t *batch, const cd_schema_t **ret_schema, cd_value_t *ret_value)
{
    *ret_schema = NULL;
    *ret_value = CD_V_NULL;
    if (j == NULL || json_is_null(j)) return;
    const json_t *payload = json_object_get(j, "payload");
    *ret_schema = to_schema(json_object_get(j, "schema"), batch->schemas, &batch->arena);
    if (*ret_schema != NULL)
        *ret_value = to_value(payload, *ret_schema, &batch->arena);
    else if (payload != NULL && json_is_object(payload))
        *ret_value = cd_v_items(CD_MAP, NULL, 0); /* schemaless JSON */
    else if (json_is_string(payload))
        *ret_value = cd_v_str(cd_arena_strdup(&batch->arena, json_string_value(payload)));
}

static void add_record(cd_batch_t *batch, const json_t *j)
{
    cd_record_t *rec = cd_batch_add(batch);
    const json_t *timestamp = json_object_get(j, "timestamp");
    rec->topic = rec->orig_topic = cd_arena_strdup(&batch->arena, json_string_value(json_object_get(j, "topic")));
    rec->partition = rec->orig_partition = (int32_t)json_integer_value(json_object_get(j, "partition"));
    rec->kafka_offset = json_integer_value(json_object_get(j, "offset"));
    if (json_is_integer(timestamp)) rec->timestamp = json_integer_value(timestamp);
    to_part(json_object_get(j, "key"), batch, &rec->key_schema, &rec->key);
    to_part(json_object_get(j, "value"), batch, &rec->value_schema, &rec->value);
}

/* ---- the host's side -------------------------------------------------------------------------------------------------- */

static cd_err_t *on_report(void *arg, const cd_record_t *record, cd_err_t *err)
{
    driver_t *d = arg;
    json_array_append_new(d->reports, json_pack("[Io]", (json_int_t)record->kafka_offset, chain(err)));
    if (strcmp(d->mode, "refuse") == 0)
        return cd_err_wrap(err, CD_ERR_FATAL, CD_JVM_CONNECT, "Tolerance exceeded in error handler");
    cd_err_free(err);
    return NULL;
}

static bool on_can_report(void *arg)
{
    const driver_t *d = arg;
    return strcmp(d->mode, "no") != 0;
}

static void on_backoff(void *arg, int64_t timeout_ms)
{
    driver_t *d = arg;
    d->backoff_ms = timeout_ms;
}

static json_t *outcome(cd_err_t *err)
{
    json_t *j = err == NULL ? json_pack("{sb}", "ok", 1) : json_pack("{so}", "error", chain(err));
    cd_err_free(err);
    return j;
}

static void stop_task(driver_t *d)
{
    if (d->ctx != NULL) ctx_stop(d->ctx);
    if (d->task != NULL) d->ops->task_stop(d->task);
    if (d->batch != NULL) batch_unref(d->batch);
    if (d->ctx != NULL) ctx_free(d->ctx);
    d->ctx = NULL;
    d->task = NULL;
    d->batch = NULL;
}

static json_t *start_task(driver_t *d, const json_t *settings, const char *mode)
{
    static const ctx_services_t services = {
        .report = on_report, .can_report = on_can_report, .sink_backoff = on_backoff};
    stop_task(d);
    d->mode = cd_arena_strdup(&d->arena, mode);
    cd_config_t config;
    cd_err_t *err = json_to_config(settings, &d->arena, &config);
    if (err == NULL) err = ctx_new("sink", 0, &config, NULL, &services, d, &d->ctx);
    if (err == NULL) err = d->ops->task_start(d->ctx, cd_host->config(d->ctx), &d->task);
    if (err == NULL) d->batch = batch_new(cd_host->schemas(d->ctx));
    return outcome(err);
}

static json_t *put(driver_t *d, const json_t *records)
{
    if (d->task == NULL) die("put before start");
    size_t i;
    json_t *record;
    batch_reset(d->batch);
    json_array_foreach(records, i, record) add_record(d->batch, record);
    d->reports = json_array();
    d->backoff_ms = 0;
    json_t *j = outcome(d->ops->put(d->task, d->batch));
    json_object_set_new(j, "reports", d->reports);
    json_object_set_new(j, "backoff_ms", json_integer(d->backoff_ms));
    return j;
}

static void on_problem(cd_problems_t *p, const char *key, const char *message)
{
    json_array_append_new(p->arg, json_pack("[ss]", key, message));
}

static json_t *validate(driver_t *d, const json_t *settings)
{
    cd_config_t config;
    json_t *list = json_array();
    cd_problems_t problems = {.arg = list, .report = on_problem};
    cd_err_t *err = json_to_config(settings, &d->arena, &config);
    if (err != NULL) die(err->message);
    void *out = cd_arena_alloc0(&d->arena, 4096); /* larger than any settings struct */
    cd_err_free(cd_host->config_parse(d->plugin->keys, d->plugin->key_stride, &config, &d->arena, out, &problems));
    if (d->ops->connector.validate != NULL) d->ops->connector.validate(NULL, &config, &problems);
    return json_pack("{so}", "problems", list);
}

static json_t *command(driver_t *d, const json_t *j)
{
    const json_t *arg;
    if ((arg = json_object_get(j, "validate")) != NULL) return validate(d, arg);
    if ((arg = json_object_get(j, "start")) != NULL) {
        const char *mode = json_string_value(json_object_get(j, "report"));
        return start_task(d, arg, mode != NULL ? mode : "no");
    }
    if ((arg = json_object_get(j, "put")) != NULL) return put(d, arg);
    stop_task(d);
    return json_pack("{sb}", "ok", 1);
}

int main(int argc, char **argv)
{
    if (argc != 3) die("usage: sink_put PLUGIN.so CLASS");
    driver_t d = {0};
    plugins_t *plugins = plugins_new();
    cd_err_t *err = plugins_load(plugins, argv[1]);
    if (err != NULL) die(err->message);
    d.plugin = plugins_find_connector(plugins, argv[2]);
    if (d.plugin == NULL || d.plugin->kind != CD_KIND_SINK) die("the module has no such sink");
    d.ops = d.plugin->ops;
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    while ((len = getline(&line, &cap, stdin)) > 0) {
        json_t *j;
        err = json_parse(line, (size_t)len, &j);
        if (err != NULL) die(err->message);
        json_t *answer = command(&d, j);
        if (json_dumpf(answer, stdout, JSON_COMPACT) != 0) die("cannot write");
        printf("\n");
        (void)fflush(stdout);
        json_decref(answer);
        json_decref(j);
    }
    free(line);
    stop_task(&d);
    cd_arena_done(&d.arena);
    plugins_free(plugins);
    return 0;
}
