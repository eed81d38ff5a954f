#include "connectors/sqlserver/schema.h"

#include <ctype.h>

#include "connectors/sqlserver/defaults.h"

#define TOPIC_MAX 249

/* ---- names ------------------------------------------------------------------------------------------------------ */

/* One UTF-8 sequence: how many UTF-16 units it is, and the units. */
static uint32_t units(const char **p, uint16_t out[2])
{
    const uint8_t *s = (const uint8_t *)*p;
    uint32_t n = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    for (uint32_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) n = i; /* not UTF-8: take what there is */
    }
    *p += n;
    uint32_t c =
        n == 1   ? s[0]
        : n == 2 ? (uint32_t)(s[0] & 31) << 6 | (s[1] & 63)
        : n == 3 ? (uint32_t)(s[0] & 15) << 12 | (uint32_t)(s[1] & 63) << 6 | (s[2] & 63)
                 : (uint32_t)(s[0] & 7) << 18 | (uint32_t)(s[1] & 63) << 12 | (uint32_t)(s[2] & 63) << 6 | (s[3] & 63);
    if (c < 0x10000) {
        out[0] = (uint16_t)c;
        return 1;
    }
    c -= 0x10000;
    out[0] = (uint16_t)(0xd800 | c >> 10);
    out[1] = (uint16_t)(0xdc00 | (c & 0x3ff));
    return 2;
}

static bool ascii_alnum(uint16_t u)
{
    return u < 0x80 && isalnum((int)u);
}

char *schema_topic_sanitize(const char *name, cd_arena_t *arena)
{
    char *out = cd_arena_alloc(arena, strlen(name) + 1);
    size_t n = 0;
    for (const char *p = name; *p != '\0';) {
        uint16_t u[2];
        uint32_t count = units(&p, u);
        for (uint32_t i = 0; i < count; i++) {
            bool ok = ascii_alnum(u[i]) || u[i] == '.' || u[i] == '_' || u[i] == '-';
            out[n++] = ok ? (char)u[i] : '_';
        }
    }
    if (n > TOPIC_MAX) n = TOPIC_MAX;
    out[n] = '\0';
    if (strcmp(out, ".") == 0 || strcmp(out, "..") == 0) memset(out, '_', n);
    return out;
}

const char *schema_adjust(name_adjust_t mode, bool is_field, const char *name, cd_arena_t *arena)
{
    if (mode == ADJUST_NONE) return name;
    bool unicode = mode == ADJUST_AVRO_UNICODE;
    char *out = cd_arena_alloc(arena, strlen(name) * 7 + 2);
    size_t n = 0;
    bool first = true;
    for (const char *p = name; *p != '\0';) {
        uint16_t u[2];
        uint32_t count = units(&p, u);
        for (uint32_t i = 0; i < count; i++, first = false) {
            bool digit = u[i] < 0x80 && isdigit((int)u[i]);
            bool ok = (ascii_alnum(u[i]) && !(first && digit)) || (u[i] == '_' && !unicode) ||
                      (u[i] == '.' && !is_field && !first);
            if (ok) {
                out[n++] = (char)u[i];
            } else if (unicode) {
                n += (size_t)snprintf(out + n, 8, u[i] < 0x100 ? "_u00%02x" : "_u%x", u[i]);
            } else {
                out[n++] = '_';
                if (first && digit) out[n++] = (char)u[i];
            }
        }
    }
    out[n] = '\0';
    return out;
}

char *schema_topic(const conf_t *conf, const table_t *t, cd_arena_t *arena)
{
    const char *d = conf->k.topic_delimiter;
    bool with_schema = strcmp(conf->k.naming_strategy, "io.debezium.schema.DefaultTopicNamingStrategy") != 0;
    char *name =
        with_schema ? cd_arena_printf(arena, "%s%s%s%s%s%s%s", conf->k.topic_prefix, d, t->db, d, t->schema, d, t->name)
                    : cd_arena_printf(arena, "%s%s%s%s%s", conf->k.topic_prefix, d, t->db, d, t->name);
    return schema_topic_sanitize(name, arena);
}

/* ---- fixed forms --------------------------------------------------------------------------------------------------- */

#define FIELDS_MAX 20

typedef struct builder {
    cd_field_t fields[FIELDS_MAX];
    uint32_t n;
} builder_t;

static uint32_t add(builder_t *b, const char *name, const cd_schema_t *schema)
{
    b->fields[b->n] = (cd_field_t){.name = name, .schema = schema};
    return b->n++;
}

static const cd_schema_t *primitive(const forms_t *f, uint8_t type, bool optional)
{
    return cd_host->schema_intern(f->pool, &(cd_schema_spec_t){.type = type, .optional = optional});
}

static const cd_schema_t *record(const forms_t *f, const builder_t *b, const char *name, int32_t version, bool optional)
{
    return cd_host->schema_intern(f->pool, &(cd_schema_spec_t){.type = CD_STRUCT,
                                                               .name = name,
                                                               .version = version,
                                                               .has_version = version > 0,
                                                               .optional = optional,
                                                               .fields = b->fields,
                                                               .nfields = b->n});
}

static const cd_schema_t *array_of(const forms_t *f, const cd_schema_t *item, bool optional)
{
    return cd_host->schema_intern(f->pool,
                                  &(cd_schema_spec_t){.type = CD_ARRAY, .value_schema = item, .optional = optional});
}

static void source_form(forms_t *f)
{
    profile_t p = f->conf->profile;
    const cd_schema_t *str = f->string, *ostr = f->optional_string;
    const cd_schema_t *i64 = primitive(f, CD_INT64, false), *oi64 = primitive(f, CD_INT64, true);
    cd_value_t no = cd_v_str("false");
    cd_param_t allowed = {
        "allowed", p >= PROFILE_D ? "true,first,first_in_data_collection,last_in_data_collection,last,false,incremental"
                                  : "true,last,false,incremental"};
    const cd_schema_t *snapshot = cd_host->schema_intern(f->pool, &(cd_schema_spec_t){.type = CD_STRING,
                                                                                      .optional = true,
                                                                                      .name = "io.debezium.data.Enum",
                                                                                      .version = 1,
                                                                                      .has_version = true,
                                                                                      .dflt = &no,
                                                                                      .params = &allowed,
                                                                                      .nparams = 1});
    const cd_schema_t *fine = p == PROFILE_B ? i64 : oi64;
    builder_t b = {.n = 0};
    (void)add(&b, "version", str);
    (void)add(&b, "connector", str);
    (void)add(&b, "name", str);
    f->source.ts_ms = add(&b, "ts_ms", i64);
    f->source.snapshot = add(&b, "snapshot", snapshot);
    f->source.db = add(&b, "db", str);
    (void)add(&b, "sequence", ostr);
    if (f->has_micros) {
        f->source.ts_us = add(&b, "ts_us", fine);
        f->source.ts_ns = add(&b, "ts_ns", fine);
    }
    f->source.schema = add(&b, "schema", str);
    f->source.table = add(&b, "table", str);
    f->source.change = add(&b, "change_lsn", ostr);
    f->source.commit = add(&b, "commit_lsn", ostr);
    f->source.serial = add(&b, "event_serial_no", oi64);
    f->nsource = b.n;
    f->source_schema = record(f, &b, "io.debezium.connector.sqlserver.Source", p >= PROFILE_E ? 1 : 0, false);
}

static void tx_forms(forms_t *f)
{
    const cd_schema_t *str = f->string, *i64 = primitive(f, CD_INT64, false), *oi64 = primitive(f, CD_INT64, true);
    builder_t block = {.n = 0};
    (void)add(&block, "id", str);
    (void)add(&block, "total_order", i64);
    (void)add(&block, "data_collection_order", i64);
    f->tx_block = record(f, &block, "event.block", 1, true);
    builder_t key = {.n = 0};
    (void)add(&key, "id", str);
    f->tx_key = record(f, &key, "io.debezium.connector.common.TransactionMetadataKey", 1, false);
    builder_t collection = {.n = 0};
    (void)add(&collection, "data_collection", str);
    (void)add(&collection, "event_count", i64);
    f->tx_collection = record(f, &collection, "event.collection", 1, true);
    builder_t value = {.n = 0};
    (void)add(&value, "status", str);
    (void)add(&value, "id", str);
    (void)add(&value, "event_count", oi64);
    (void)add(&value, "data_collections", array_of(f, f->tx_collection, true));
    (void)add(&value, "ts_ms", i64);
    f->tx_value = record(f, &value, "io.debezium.connector.common.TransactionMetadataValue", 1, false);
}

static void heartbeat_forms(forms_t *f)
{
    builder_t key = {.n = 0};
    (void)add(&key, "serverName", f->string);
    f->heartbeat_key = record(f, &key, "io.debezium.connector.common.ServerNameKey", 1, false);
    builder_t value = {.n = 0};
    (void)add(&value, "ts_ms", primitive(f, CD_INT64, false));
    f->heartbeat_value = record(f, &value, "io.debezium.connector.common.Heartbeat", 1, false);
}

static void change_forms(forms_t *f)
{
    const cd_schema_t *str = f->string, *ostr = f->optional_string;
    const cd_schema_t *i32 = primitive(f, CD_INT32, false), *oi32 = primitive(f, CD_INT32, true);
    const cd_schema_t *obool = primitive(f, CD_BOOLEAN, true);
    f->strings = array_of(f, str, false);
    f->optional_strings = array_of(f, str, true);
    builder_t key = {.n = 0};
    (void)add(&key, "databaseName", str);
    f->change_key = record(f, &key, "io.debezium.connector.sqlserver.SchemaChangeKey", 1, false);
    builder_t column = {.n = 0};
    (void)add(&column, "name", str);
    (void)add(&column, "jdbcType", i32);
    (void)add(&column, "nativeType", oi32);
    (void)add(&column, "typeName", str);
    (void)add(&column, "typeExpression", ostr);
    (void)add(&column, "charsetName", ostr);
    (void)add(&column, "length", oi32);
    (void)add(&column, "scale", oi32);
    (void)add(&column, "position", i32);
    (void)add(&column, "optional", obool);
    (void)add(&column, "autoIncremented", obool);
    (void)add(&column, "generated", obool);
    (void)add(&column, "comment", ostr);
    (void)add(&column, "defaultValueExpression", ostr);
    (void)add(&column, "enumValues", f->optional_strings);
    f->change_column = record(f, &column, "io.debezium.connector.schema.Column", 1, false);
    builder_t table = {.n = 0};
    (void)add(&table, "defaultCharsetName", ostr);
    (void)add(&table, "primaryKeyColumnNames", f->optional_strings);
    (void)add(&table, "columns", array_of(f, f->change_column, false));
    (void)add(&table, "comment", ostr);
    f->change_table = record(f, &table, "io.debezium.connector.schema.Table", 1, true);
    builder_t change = {.n = 0};
    (void)add(&change, "type", str);
    (void)add(&change, "id", str);
    (void)add(&change, "table", f->change_table);
    f->change = record(f, &change, "io.debezium.connector.schema.Change", 1, false);
    builder_t value = {.n = 0};
    (void)add(&value, "source", f->source_schema);
    (void)add(&value, "ts_ms", primitive(f, CD_INT64, false));
    (void)add(&value, "databaseName", ostr);
    (void)add(&value, "schemaName", ostr);
    (void)add(&value, "ddl", ostr);
    (void)add(&value, "tableChanges", array_of(f, f->change, false));
    f->change_value = record(f, &value, "io.debezium.connector.sqlserver.SchemaChangeValue", 1, false);
}

void forms_init(forms_t *f, const conf_t *conf, cd_schema_pool_t *pool, cd_arena_t *arena)
{
    *f = (forms_t){.conf = conf, .pool = pool, .has_micros = conf->profile != PROFILE_A};
    f->string = primitive(f, CD_STRING, false);
    f->optional_string = primitive(f, CD_STRING, true);
    source_form(f);
    tx_forms(f);
    heartbeat_forms(f);
    change_forms(f);
    const conf_keys_t *k = &conf->k;
    f->topic_changes = k->topic_prefix;
    f->topic_tx = cd_arena_printf(arena, "%s%s%s", k->topic_prefix, k->topic_delimiter, k->topic_transaction);
    f->topic_heartbeat =
        k->topic_heartbeat_name != NULL && *k->topic_heartbeat_name != '\0'
            ? k->topic_heartbeat_name
            : cd_arena_printf(arena, "%s%s%s", k->topic_heartbeat_prefix, k->topic_delimiter, k->topic_prefix);
}

/* ---- shapes of tables ---------------------------------------------------------------------------------------------- */

static bool column_listed(const match_list_t *list, const table_t *t, const column_t *c, bool with_db)
{
    if (list->n == 0) return false;
    cd_arena_t scratch = {0};
    bool hit = match_list_any(list, cd_arena_printf(&scratch, "%s.%s.%s", t->schema, t->name, c->name)) ||
               (with_db && match_list_any(list, cd_arena_printf(&scratch, "%s.%s", t->id, c->name)));
    cd_arena_done(&scratch);
    return hit;
}

static bool column_in_value(const conf_t *conf, const table_t *t, const column_t *c)
{
    if (conf->column_include.n > 0) return column_listed(&conf->column_include, t, c, false);
    return !column_listed(&conf->column_exclude, t, c, false);
}

static uint32_t propagated(const conf_t *conf, const table_t *t, const column_t *c, cd_arena_t *arena,
                           cd_param_t *params)
{
    bool by_type = false;
    if (conf->propagate_type.n > 0) {
        by_type =
            match_list_any(&conf->propagate_type, cd_arena_printf(arena, "%s.%s", t->id, c->type_name)) ||
            match_list_any(&conf->propagate_type, cd_arena_printf(arena, "%s.%s.%s", t->schema, t->name, c->type_name));
    }
    if (!by_type && !column_listed(&conf->propagate_column, t, c, true)) return 0;
    uint32_t n = 0;
    char *upper = cd_arena_strdup(arena, c->type_name);
    for (char *p = upper; *p != '\0'; p++) *p = (char)toupper((unsigned char)*p);
    params[n++] = (cd_param_t){"__debezium.source.column.type", upper};
    if (c->length != MODEL_UNSET)
        params[n++] = (cd_param_t){"__debezium.source.column.length", cd_arena_printf(arena, "%d", c->length)};
    if (c->scale != MODEL_UNSET)
        params[n++] = (cd_param_t){"__debezium.source.column.scale", cd_arena_printf(arena, "%d", c->scale)};
    params[n++] = (cd_param_t){"__debezium.source.column.name", c->name};
    return n;
}

/* What NULL reads as in a column that cannot be NULL: large objects and computed columns do it in change tables. */
static cd_value_t zero_of(const field_t *f, cd_arena_t *arena)
{
    bool ok;
    moment_t epoch = {.days = 0};
    switch (f->form) {
    case FORM_BOOLEAN:
        return cd_v_bool(false);
    case FORM_INT:
        return cd_v_int(f->type, 0);
    case FORM_FLOAT32:
        return cd_v_f32(0);
    case FORM_FLOAT64:
        return cd_v_f64(0);
    case FORM_DECIMAL:
    case FORM_DECIMAL_DOUBLE:
    case FORM_DECIMAL_STRING:
        return convert_decimal(f, false, 0, arena);
    case FORM_STRING:
        return cd_v_strn("", 0);
    case FORM_BYTES:
    case FORM_BASE64:
    case FORM_BASE64_URL:
    case FORM_HEX:
        return convert_bytes(f, (const uint8_t *)"", 0, arena);
    case FORM_NONE:
        return CD_V_NULL;
    default:
        return convert_moment(f, &epoch, arena, &ok);
    }
}

/* Values of text only are changed, but the schema of every column that is named says so. */
static void apply_mappers(const conf_t *conf, const table_t *t, const column_t *c, field_t *f, cd_arena_t *arena,
                          cd_param_t *params, uint32_t *nparams)
{
    bool text = column_is_text(c);
    for (uint32_t i = 0; i < conf->nmappers; i++) {
        const mapper_t *m = &conf->mappers[i];
        if (!column_listed(&m->columns, t, c, true)) continue;
        if (m->kind == MAPPER_TRUNCATE) {
            if (text && (c->length > m->n || c->length == MODEL_UNSET)) f->truncate = m->n;
            params[(*nparams)++] = (cd_param_t){"truncateLength", cd_arena_printf(arena, "%d", m->n)};
            return;
        }
        params[(*nparams)++] = (cd_param_t){"masked", "true"};
        if (text && m->kind == MAPPER_MASK) {
            char *stars = cd_arena_alloc(arena, (size_t)m->n + 1);
            memset(stars, '*', (size_t)m->n);
            f->mask = m->n;
            f->mask_value = cd_v_strn(stars, (size_t)m->n);
        } else if (text) {
            f->digest = m->digest;
        }
        return;
    }
}

/* @param mapped  with masks, cuts and source types: fields of the value; keys go without */
static field_t *field_new(const forms_t *forms, cd_ctx_t *ctx, const table_t *t, const column_t *c, bool mapped,
                          cd_arena_t *arena)
{
    const conf_t *conf = forms->conf;
    field_t *f = cd_arena_new(arena, field_t);
    *f = (field_t){.column = c, .mask = -1, .truncate = -1, .scale = c->scale == MODEL_UNSET ? 0 : c->scale};
    f->wrap_nanos = conf->profile == PROFILE_A;
    f->form = convert_form(conf, c, &f->type);
    if (f->form == FORM_NONE) return NULL;
    f->name = schema_adjust(conf->field_adjust, true, c->name, arena);
    cd_param_t params[8];
    uint32_t nparams = 0;
    if (f->form == FORM_DECIMAL) {
        params[nparams++] = (cd_param_t){"scale", cd_arena_printf(arena, "%d", f->scale)};
        params[nparams++] = (cd_param_t){"connect.decimal.precision", cd_arena_printf(arena, "%d", c->length)};
    }
    if (mapped) {
        apply_mappers(conf, t, c, f, arena, params, &nparams);
        nparams += propagated(conf, t, c, arena, params + nparams);
    }
    cd_value_t dflt;
    default_result_t has = c->has_default ? default_read(conf, f, arena, &dflt) : DEFAULT_NONE;
    if (has == DEFAULT_UNREADABLE) {
        cd_log(ctx, CD_LOG_WARN, CONF_LOGGER,
               "Cannot parse column default value '%s' to type '%s'. Expression evaluation is not supported.",
               c->default_expr, c->type_name);
    }
    const char *name = convert_schema_name(conf, f->form);
    f->schema = cd_host->schema_intern(forms->pool, &(cd_schema_spec_t){.type = f->type,
                                                                        .optional = c->optional,
                                                                        .name = name,
                                                                        .version = 1,
                                                                        .has_version = name != NULL,
                                                                        .dflt = has == DEFAULT_VALUE ? &dflt : NULL,
                                                                        .params = params,
                                                                        .nparams = nparams});
    f->null_value = c->optional ? CD_V_NULL : has == DEFAULT_VALUE ? dflt : zero_of(f, arena);
    if (f->mask >= 0) f->null_value = f->mask_value;
    return f;
}

/* Marks the columns that message.key.columns names. */
static void key_rules_apply(const conf_t *conf, const table_t *t, cd_arena_t *arena, bool *ret_named)
{
    for (uint32_t r = 0; r < conf->nkey_rules; r++) {
        for (uint32_t k = 0; k < conf->key_rules[r].ncolumns; k++) {
            match_list_t pattern;
            cd_err_t *err = match_list_init_one(
                &pattern, cd_arena_printf(arena, "%s.%s", conf->key_rules[r].table, conf->key_rules[r].columns[k]));
            if (err != NULL) {
                cd_err_free(err);
                continue;
            }
            for (uint32_t c = 0; c < t->ncolumns; c++)
                ret_named[c] = ret_named[c] || column_listed(&pattern, t, &t->columns[c], true);
            match_list_done(&pattern);
        }
    }
}

/* The columns of the record key, as indexes into the table: those of message.key.columns in the table's order, else the
 * primary key. */
static uint32_t key_columns(const conf_t *conf, const table_t *t, cd_arena_t *arena, uint32_t **ret)
{
    uint32_t n = 0;
    uint32_t *out = cd_arena_array(arena, uint32_t, (size_t)t->ncolumns + t->nkey + 1);
    bool *named = cd_arena_array(arena, bool, (size_t)t->ncolumns + 1);
    memset(named, 0, ((size_t)t->ncolumns + 1) * sizeof(*named));
    *ret = out;
    key_rules_apply(conf, t, arena, named);
    for (uint32_t c = 0; c < t->ncolumns; c++) {
        if (named[c]) out[n++] = c;
    }
    if (n > 0) return n;
    for (uint32_t i = 0; i < t->nkey; i++) {
        int32_t c = table_column(t, t->key[i]);
        if (c >= 0) out[n++] = (uint32_t)c;
    }
    return n;
}

static void source_template(const forms_t *f, shape_t *s)
{
    for (uint32_t i = 0; i < SOURCE_FIELDS_MAX; i++) s->source[i] = CD_V_NULL;
    s->source[0] = cd_v_str(CONF_VERSION);
    s->source[1] = cd_v_str("sqlserver");
    s->source[2] = cd_v_str(f->conf->k.topic_prefix);
    s->source[f->source.db] = cd_v_str(s->table->db);
    s->source[f->source.schema] = cd_v_str(s->table->schema);
    s->source[f->source.table] = cd_v_str(s->table->name);
}

static void envelope_form(forms_t *f, shape_t *s, const char *name)
{
    const cd_schema_t *oi64 = primitive(f, CD_INT64, true);
    builder_t b = {.n = 0};
    bool late_tx = f->conf->profile < PROFILE_C;
    f->envelope.before = add(&b, "before", s->row);
    f->envelope.after = add(&b, "after", s->row);
    f->envelope.source = add(&b, "source", f->source_schema);
    if (!late_tx) f->envelope.tx = add(&b, "transaction", f->tx_block);
    f->envelope.op = add(&b, "op", f->string);
    f->envelope.ts_ms = add(&b, "ts_ms", oi64);
    if (f->has_micros) {
        f->envelope.ts_us = add(&b, "ts_us", oi64);
        f->envelope.ts_ns = add(&b, "ts_ns", oi64);
    }
    if (late_tx) f->envelope.tx = add(&b, "transaction", f->tx_block);
    f->nenvelope = b.n;
    s->envelope = record(f, &b, name, f->has_micros ? 2 : 1, false);
}

shape_t *shape_new(forms_t *forms, cd_ctx_t *ctx, const table_t *table, cd_arena_t *arena)
{
    const conf_t *conf = forms->conf;
    shape_t *s = cd_arena_new(arena, shape_t);
    s->table = table;
    s->topic = schema_topic(conf, table, arena);
    s->fields = cd_arena_array(arena, const field_t *, 2 * (size_t)table->ncolumns + 1);
    cd_field_t *cols = cd_arena_array(arena, cd_field_t, (size_t)table->ncolumns + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < table->ncolumns; i++) {
        const column_t *c = &table->columns[i];
        if (!column_in_value(conf, table, c)) continue;
        field_t *field = field_new(forms, ctx, table, c, true, arena);
        if (field == NULL) {
            cd_log(ctx, CD_LOG_WARN, CONF_LOGGER, "Unexpected JDBC type '%d' for column '%s' that will be ignored",
                   c->jdbc_type, c->name);
            cd_log(ctx, CD_LOG_WARN, CONF_LOGGER,
                   "No converter found for column %s.%s of type %s. The column will not be part of change events for "
                   "that table.",
                   table->id, c->name, c->type_name);
            continue;
        }
        cols[n] = (cd_field_t){.name = field->name, .schema = field->schema};
        s->fields[n++] = field;
    }
    s->nrow = s->ncells = n;
    const char *value_name =
        schema_adjust(conf->schema_adjust, false, cd_arena_printf(arena, "%s.Value", s->topic), arena);
    s->row = cd_host->schema_intern(
        forms->pool,
        &(cd_schema_spec_t){.type = CD_STRUCT, .optional = true, .name = value_name, .fields = cols, .nfields = n});
    uint32_t *key, nkey = key_columns(conf, table, arena, &key);
    s->key_cells = cd_arena_array(arena, uint32_t, nkey + 1);
    cd_field_t *key_fields = cd_arena_array(arena, cd_field_t, nkey + 1);
    for (uint32_t k = 0; k < nkey; k++) {
        const column_t *c = &table->columns[key[k]];
        uint32_t cell = 0;
        while (cell < s->nrow && s->fields[cell]->column != c) cell++;
        const field_t *field = cell < s->nrow ? s->fields[cell] : NULL;
        bool other_value = field == NULL || field->mask >= 0 || field->truncate >= 0 || field->digest != NULL;
        if (other_value || conf->nmappers + conf->propagate_column.n + conf->propagate_type.n > 0) {
            field_t *own = field_new(forms, ctx, table, c, false, arena);
            if (own == NULL) continue;
            if (other_value) {
                cell = s->ncells;
                s->fields[s->ncells++] = own;
            }
            field = own;
        }
        key_fields[s->nkey] = (cd_field_t){.name = field->name, .schema = field->schema};
        s->key_cells[s->nkey++] = cell;
    }
    if (s->nkey > 0) {
        const char *key_name =
            schema_adjust(conf->schema_adjust, false, cd_arena_printf(arena, "%s.Key", s->topic), arena);
        s->key = cd_host->schema_intern(
            forms->pool,
            &(cd_schema_spec_t){.type = CD_STRUCT, .name = key_name, .fields = key_fields, .nfields = s->nkey});
    }
    source_template(forms, s);
    envelope_form(forms, s,
                  schema_adjust(conf->schema_adjust, false, cd_arena_printf(arena, "%s.Envelope", s->topic), arena));
    return s;
}
