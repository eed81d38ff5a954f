#include "connectors/postgres/plan.h"

#include "connectors/postgres/show.h"

#define TEXT_FORMAT   0
#define BINARY_FORMAT 1

/* ---- statement texts ------------------------------------------------------------------------------------------- */

/** Strings put together in a growing buffer, then kept in the arena. */
static void add(wire_buf_t *b, const char *s)
{
    wire_put_raw(b, s, strlen(s));
}

CD_PRINTF(2, 3)
static void addf(wire_buf_t *b, const char *fmt, ...)
{
    char text[64];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    add(b, text);
}

static const char *keep(wire_buf_t *b, cd_arena_t *arena)
{
    const char *s = cd_arena_strndup(arena, b->data, b->len);
    b->len = 0;
    return s;
}

static void add_columns(wire_buf_t *b, const plan_t *p, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        if (i > from) add(b, ",");
        add(b, p->binds[i].column_sql);
    }
}

static void add_conflict(wire_buf_t *b, const plan_t *p)
{
    add(b, " ON CONFLICT (");
    add_columns(b, p, 0, p->nkeys);
    if (p->nkeys == p->nbinds) {
        add(b, ") DO NOTHING");
        return;
    }
    add(b, ") DO UPDATE SET ");
    for (uint32_t i = p->nkeys; i < p->nbinds; i++) {
        if (i > p->nkeys) add(b, ",");
        add(b, p->binds[i].column_sql);
        add(b, "=EXCLUDED.");
        add(b, p->binds[i].column_sql);
    }
}

static void add_insert_into(wire_buf_t *b, const plan_t *p, const table_id_t *id)
{
    add(b, "INSERT INTO ");
    add(b, id->sql);
    add(b, " (");
    add_columns(b, p, 0, p->nbinds);
    add(b, ") ");
}

/** "name" = $n::cast for binds [from, to), joined. */
static void add_equals(wire_buf_t *b, const plan_t *p, uint32_t from, uint32_t to, const char *joint)
{
    for (uint32_t i = from; i < to; i++) {
        if (i > from) add(b, joint);
        add(b, p->binds[i].column_sql);
        addf(b, " = $%u", i + 1);
        add(b, p->binds[i].row_cast);
    }
}

static const char *row_sql(wire_buf_t *b, const sink_conf_t *conf, const plan_t *p, const table_id_t *id,
                           cd_arena_t *arena)
{
    if (conf->insert_mode == INSERT_MODE_UPDATE) {
        add(b, "UPDATE ");
        add(b, id->sql);
        add(b, " SET ");
        add_equals(b, p, p->nkeys, p->nbinds, ", ");
        if (p->nkeys > 0) add(b, " WHERE ");
        add_equals(b, p, 0, p->nkeys, " AND ");
        return keep(b, arena);
    }
    add_insert_into(b, p, id);
    add(b, "VALUES (");
    for (uint32_t i = 0; i < p->nbinds; i++) {
        addf(b, "%s$%u", i > 0 ? "," : "", i + 1);
        add(b, p->binds[i].row_cast);
    }
    add(b, ")");
    if (conf->insert_mode == INSERT_MODE_UPSERT) add_conflict(b, p);
    return keep(b, arena);
}

static const char *remove_sql(wire_buf_t *b, const plan_t *p, const table_id_t *id, cd_arena_t *arena)
{
    add(b, "DELETE FROM ");
    add(b, id->sql);
    add(b, " WHERE ");
    add_equals(b, p, 0, p->nkeys, " AND ");
    return keep(b, arena);
}

static void add_unnest(wire_buf_t *b, const plan_t *p, uint32_t n)
{
    add(b, " UNNEST(");
    for (uint32_t i = 0; i < n; i++) {
        addf(b, "%s$%u::", i > 0 ? "," : "", i + 1);
        add(b, p->binds[i].sql_type);
        add(b, "[]");
    }
    add(b, ") AS u(");
    for (uint32_t i = 0; i < n; i++) addf(b, "%sc%u", i > 0 ? "," : "", i + 1);
    add(b, ")");
}

/** The columns of a row source, with the casts that turn text into the column's type. */
static void add_sources(wire_buf_t *b, const plan_t *p)
{
    for (uint32_t i = 0; i < p->nbinds; i++) {
        addf(b, "%su.c%u", i > 0 ? "," : "", i + 1);
        add(b, p->binds[i].cast);
    }
}

static const char *unnest_sql(wire_buf_t *b, const sink_conf_t *conf, const plan_t *p, const table_id_t *id,
                              cd_arena_t *arena)
{
    add_insert_into(b, p, id);
    add(b, "SELECT ");
    add_sources(b, p);
    add(b, " FROM");
    add_unnest(b, p, p->nbinds);
    if (conf->insert_mode == INSERT_MODE_UPSERT) add_conflict(b, p);
    return keep(b, arena);
}

static const char *unnest_remove_sql(wire_buf_t *b, const plan_t *p, const table_id_t *id, cd_arena_t *arena)
{
    add(b, "DELETE FROM ");
    add(b, id->sql);
    add(b, " AS t USING");
    add_unnest(b, p, p->nkeys);
    add(b, " WHERE ");
    for (uint32_t i = 0; i < p->nkeys; i++) {
        if (i > 0) add(b, " AND ");
        add(b, "t.");
        add(b, p->binds[i].column_sql);
        addf(b, " = u.c%u", i + 1);
        add(b, p->binds[i].cast);
    }
    return keep(b, arena);
}

static void stage_sql(wire_buf_t *b, const sink_conf_t *conf, plan_t *p, const table_id_t *id, cd_arena_t *arena)
{
    add(b, "CREATE TEMP TABLE IF NOT EXISTS ");
    add(b, p->stage);
    add(b, " (");
    for (uint32_t i = 0; i < p->nbinds; i++) {
        addf(b, "%sc%u ", i > 0 ? "," : "", i + 1);
        add(b, p->binds[i].sql_type);
    }
    add(b, ") ON COMMIT DELETE ROWS");
    p->stage_create = keep(b, arena);
    p->stage_copy = cd_arena_printf(arena, "COPY pg_temp.%s FROM STDIN (FORMAT binary)", p->stage);
    add_insert_into(b, p, id);
    add(b, "SELECT ");
    add_sources(b, p);
    add(b, " FROM pg_temp.");
    add(b, p->stage);
    add(b, " AS u");
    if (conf->insert_mode == INSERT_MODE_UPSERT) add_conflict(b, p);
    p->stage_insert = keep(b, arena);
}

static void direct_sql(wire_buf_t *b, plan_t *p, const table_id_t *id, cd_arena_t *arena)
{
    add(b, "COPY ");
    add(b, id->sql);
    add(b, " (");
    add_columns(b, p, 0, p->nbinds);
    add(b, ") FROM STDIN (FORMAT binary)");
    p->copy_direct = keep(b, arena);
}

/* ---- compiling ------------------------------------------------------------------------------------------------- */

static void set_statement(plan_statement_t *s, const char *sql, char tag, uint32_t serial, const plan_t *p, uint32_t n,
                          bool arrays, cd_arena_t *arena)
{
    uint32_t *oids = cd_arena_array(arena, uint32_t, n + 1);
    int *formats = cd_arena_array(arena, int, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        oids[i] = arrays ? p->binds[i].array_oid : p->binds[i].row_oid;
        formats[i] = !arrays && p->binds[i].row_text ? TEXT_FORMAT : BINARY_FORMAT;
    }
    *s = (plan_statement_t){.sql = sql, .nparams = n, .oids = oids, .formats = formats};
    (void)snprintf(s->name, sizeof(s->name), "cd_%c%u", tag, serial);
}

static cd_err_t *bind_field(const sink_conf_t *conf, const bind_env_t *env, const table_def_t *def,
                            const sink_field_t *f, cd_arena_t *arena, bind_t *ret_bind)
{
    const column_t *column = table_def_column(def, f->name);
    bool listed = cd_list_has(&conf->k.timestamp_fields, f->name);
    cd_err_t *err = bind_choose(env, f->schema, listed, column != NULL ? &column->type : NULL, arena, ret_bind);
    if (err != NULL) return err;
    ret_bind->source = f->source;
    ret_bind->index = f->index;
    ret_bind->is_key = f->is_key;
    ret_bind->column = column != NULL ? column->name : f->name;
    ret_bind->column_sql = identifier_sql(ret_bind->column, conf->quote_always, arena);
    bool takes_default = f->is_key || conf->k.replace_null;
    if (takes_default && f->schema->dflt != NULL && f->schema->dflt->type != CD_NULL) ret_bind->dflt = f->schema->dflt;
    return NULL;
}

/** COPY into the table itself converts nothing: each parameter must already be of its column's type. */
static bool copies_directly(const sink_conf_t *conf, const table_def_t *def, const plan_t *p)
{
    if (conf->insert_mode != INSERT_MODE_INSERT || !def->plain) return false;
    for (uint32_t i = 0; i < p->nbinds; i++) {
        const column_t *column = table_def_column(def, p->binds[i].column);
        if (column == NULL) return false;
        const pg_type_t *type = &column->type;
        bool both_text = p->binds[i].oid == OID_VARCHAR && (type->oid == OID_TEXT || type->oid == OID_VARCHAR);
        /* COPY cuts no trailing blanks where an assignment to varchar(n) would: leave lengths to INSERT. */
        if (type->is_domain || p->binds[i].cast[0] != '\0' || (both_text && type->typmod >= 0)) return false;
        if (p->binds[i].oid != type->oid && !both_text) return false;
    }
    return true;
}

cd_err_t *plan_new(const sink_conf_t *conf, const bind_env_t *env, const table_id_t *id, const table_def_t *def,
                   const field_set_t *fields, uint32_t serial, cd_arena_t *arena, plan_t **ret_plan)
{
    if (conf->insert_mode == INSERT_MODE_UPSERT && fields->nkeys == 0)
        return cd_err_new(
            CD_ERR_FATAL, CD_JVM_CONNECT,
            "Write to table '%s' in UPSERT mode requires key field names to be known, check the primary key "
            "configuration",
            id->sql);
    if (conf->k.delete_enabled && fields->nkeys == 0)
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Require primary keys to support delete");
    plan_t *p = cd_arena_new(arena, plan_t);
    p->nkeys = fields->nkeys;
    p->nbinds = fields->nkeys + fields->nvalues;
    p->binds = cd_arena_array(arena, bind_t, p->nbinds);
    for (uint32_t i = 0; i < p->nbinds; i++) {
        const sink_field_t *f = i < p->nkeys ? &fields->keys[i] : &fields->values[i - p->nkeys];
        cd_err_t *err = bind_field(conf, env, def, f, arena, &p->binds[i]);
        if (err != NULL) return err;
    }
    p->can_fold = p->can_unnest = p->can_unnest_delete = true;
    for (uint32_t i = 0; i < p->nbinds; i++) {
        bool is_key = i < p->nkeys;
        if (is_key && !p->binds[i].dedupe) p->can_fold = false;
        if (p->binds[i].array_oid != 0) continue;
        p->can_unnest = false;
        if (is_key) p->can_unnest_delete = false;
    }
    p->writes = conf->insert_mode != INSERT_MODE_UPDATE || fields->nvalues > 0;
    p->can_copy = conf->insert_mode != INSERT_MODE_UPDATE;

    wire_buf_t text = {0};
    p->stage = cd_arena_printf(arena, "cd_stage_%u", serial);
    if (p->writes) set_statement(&p->row, row_sql(&text, conf, p, id, arena), 'r', serial, p, p->nbinds, false, arena);
    if (conf->k.delete_enabled) {
        set_statement(&p->remove, remove_sql(&text, p, id, arena), 'd', serial, p, p->nkeys, false, arena);
        if (p->can_unnest_delete)
            set_statement(&p->unnest_remove, unnest_remove_sql(&text, p, id, arena), 'x', serial, p, p->nkeys, true,
                          arena);
    }
    if (conf->insert_mode != INSERT_MODE_UPDATE) {
        if (p->can_unnest)
            set_statement(&p->unnest, unnest_sql(&text, conf, p, id, arena), 'u', serial, p, p->nbinds, true, arena);
        stage_sql(&text, conf, p, id, arena);
        if (copies_directly(conf, def, p)) direct_sql(&text, p, id, arena);
    }
    wire_buf_done(&text);
    *ret_plan = p;
    return NULL;
}

/* ---- rows ------------------------------------------------------------------------------------------------------ */

bool plan_encode(const plan_t *plan, const cd_record_t *rec, bool keys_only, wire_buf_t *out, uint32_t *ret_key_len,
                 bool *ret_null_key, conv_err_t *err, uint32_t *ret_bad)
{
    uint32_t n = keys_only ? plan->nkeys : plan->nbinds;
    size_t start = out->len;
    wire_put16(out, (uint16_t)n);
    for (uint32_t i = 0; i < n; i++) {
        const bind_t *b = &plan->binds[i];
        cd_value_t own;
        const cd_value_t *v;
        if (i == plan->nkeys) *ret_key_len = (uint32_t)(out->len - start - 2);
        switch (b->source) {
        case BIND_VALUE_FIELD:
            v = &rec->value.items[b->index];
            break;
        case BIND_KEY_FIELD:
            v = &rec->key.items[b->index];
            break;
        case BIND_KEY:
            v = &rec->key;
            break;
        case BIND_TOPIC:
            own = cd_v_str(rec->topic);
            v = &own;
            break;
        case BIND_PARTITION:
            own = cd_v_int(CD_INT32, rec->partition != CD_NO_PARTITION ? rec->partition : rec->orig_partition);
            v = &own;
            break;
        default:
            own = cd_v_int(CD_INT64, rec->kafka_offset);
            v = &own;
        }
        if (v->type == CD_NULL) {
            if (b->dflt == NULL) {
                if (b->is_key) *ret_null_key = true;
                wire_field_null(out);
                continue;
            }
            v = b->dflt;
        }
        if (CD_UNLIKELY(!bind_put(b, v, out, err))) {
            out->len = start;
            *ret_bad = i;
            return false;
        }
    }
    if (n == plan->nkeys) *ret_key_len = (uint32_t)(out->len - start - 2);
    return true;
}

const char *plan_show(const plan_t *plan, bool is_delete, const uint8_t *row, cd_arena_t *arena)
{
    const char *sql = is_delete ? plan->remove.sql : plan->row.sql;
    uint32_t n = is_delete ? plan->nkeys : plan->nbinds;
    const char **values = cd_arena_array(arena, const char *, n + 1);
    const uint8_t *at = row + 2;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t len = wire_get32(at);
        at += 4;
        values[i] = len == UINT32_MAX ? "NULL" : show_value(plan->binds[i].oid, at, len, arena);
        if (len != UINT32_MAX) at += len;
    }
    return show_statement(sql, values, n, arena);
}
