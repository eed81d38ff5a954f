#include "connectors/postgres/tables.h"

#include "connectors/postgres/ddl.h"

#define DDL_LOGGER "io.confluent.connect.jdbc.sink.DbStructure"
#define DDL_ROUNDS 3 /* other tasks may run the same DDL at the same time */

void tables_init(tables_t *t, pg_conn_t *conn, const sink_conf_t *conf)
{
    *t = (tables_t){.conn = conn,
                    .conf = conf,
                    .env = {.coerce = conf->coerce,
                            .timestamp_nanos = conf->timestamp_nanos,
                            .zone = conf->zone,
                            .date_zone = conf->date_zone}};
    t->last = &t->first;
}

void tables_drop(tables_t *t)
{
    for (sink_table_t *table = t->first; table != NULL; table = table->next) {
        free(table->recs);
        free(table->segments);
    }
    cd_arena_done(&t->arena);
    t->first = t->last_table = NULL;
    t->topics = NULL;
    t->last_topic = NULL;
    t->last = &t->first;
}

void tables_clear(tables_t *t)
{
    t->last_topic = NULL; /* a pointer into the last batch */
    for (sink_table_t *table = t->first; table != NULL; table = table->next) {
        table->nrecs = table->nsegments = 0;
        table->current = NULL;
    }
}

static cd_err_t *failed(tables_t *t, enum pg_status st)
{
    if (st == PG_STOPPED) return cd_err_new(CD_ERR_STOPPED, CD_JVM_CONNECT, "Stopped while preparing a table");
    return sql_error_single(&t->conn->error, &t->conn->style);
}

static cd_err_t *load(tables_t *t, sink_table_t *table)
{
    enum pg_status st =
        table_def_load(t->conn, &table->id, t->conf->table_kinds, t->conf->quote_always, &t->arena, &table->def);
    if (st != PG_OK) return failed(t, st);
    table->known = true;
    return NULL;
}

static cd_err_t *add_topic(tables_t *t, const char *topic, topic_ref_t **ret_ref)
{
    table_id_t id;
    cd_err_t *err = table_id_parse(t->conf->k.table_format, topic, t->conf->quote_always, &t->arena, &id);
    if (err != NULL) return err;
    sink_table_t *table = t->first; /* topics of one table share its buffer, so that their records stay in order */
    while (table != NULL && strcmp(table->id.sql, id.sql) != 0) table = table->next;
    if (table == NULL) {
        table = cd_arena_new(&t->arena, sink_table_t);
        table->id = id;
        *t->last = table;
        t->last = &table->next;
    }
    topic_ref_t *ref = cd_arena_new(&t->arena, topic_ref_t);
    *ref = (topic_ref_t){t->topics, cd_arena_strdup(&t->arena, topic), table};
    t->topics = ref;
    *ret_ref = ref;
    return NULL;
}

static cd_err_t *find_table(tables_t *t, const char *topic, sink_table_t **ret_table)
{
    topic_ref_t *ref = t->topics;
    while (ref != NULL && strcmp(ref->topic, topic) != 0) ref = ref->next;
    cd_err_t *err = ref == NULL ? add_topic(t, topic, &ref) : NULL;
    if (err != NULL) return err;
    t->last_topic = topic;
    t->last_table = *ret_table = ref->table;
    return NULL;
}

/* ---- create and amend ------------------------------------------------------------------------------------------ */

static cd_err_t *create(tables_t *t, sink_table_t *table, const field_set_t *fields)
{
    if (!t->conf->k.auto_create)
        return cd_err_new(CD_ERR_DATA, JVM_TABLE_EXCEPTION, "Table %s is missing and auto-creation is disabled",
                          table->id.sql);
    const char *sql;
    cd_err_t *err = ddl_create(t->conf, &table->id, fields, &t->arena, &sql);
    if (err != NULL) return err;
    cd_log(t->conn->ctx, CD_LOG_INFO, DDL_LOGGER, "Creating table with sql: %s", sql);
    enum pg_status st = pg_exec(t->conn, sql, NULL);
    if (st == PG_STOPPED) return failed(t, st);
    cd_err_t *first = st == PG_FAILED ? failed(t, st) : NULL;
    /* Another task may have been faster: what counts is whether the table is there now. */
    if (first == NULL || t->conn->pg == NULL || PQstatus(t->conn->pg) == CONNECTION_OK) err = load(t, table);
    if (err != NULL || table->def.kind != 0) {
        cd_err_free(first);
        return err;
    }
    return first != NULL ? first
                         : cd_err_new(CD_ERR_DATA, JVM_TABLE_EXCEPTION, "Table %s was created but cannot be found",
                                      table->id.sql);
}

static uint32_t find_missing(const sink_table_t *table, const field_set_t *fields, const sink_field_t **missing)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < fields->nall; i++)
        if (!table_def_has(&table->def, fields->all[i]->name)) missing[n++] = fields->all[i];
    return n;
}

static cd_err_t *check_missing(tables_t *t, const sink_table_t *table, const sink_field_t *const *missing, uint32_t n)
{
    const char *text = ddl_fields_text(missing, n, &t->arena);
    if (table->def.kind != TABLE_KIND_TABLE) {
        bool view = table->def.kind == TABLE_KIND_VIEW;
        return cd_err_new(
            CD_ERR_DATA, JVM_TABLE_EXCEPTION, "%s %s is missing fields ([%s]) and ALTER %s is unsupported",
            view ? "View" : "Partitioned Table", table->id.sql, text, view ? "VIEW" : "PARTITIONED TABLE");
    }
    for (uint32_t i = 0; i < n; i++)
        if (!missing[i]->optional && missing[i]->schema->dflt == NULL)
            return cd_err_new(
                CD_ERR_DATA, JVM_TABLE_EXCEPTION,
                "Cannot ALTER TABLE %s to add missing field %s, as the field is not optional and does not "
                "have a default value",
                table->id.sql, ddl_fields_text(&missing[i], 1, &t->arena));
    if (!t->conf->k.auto_evolve)
        return cd_err_new(CD_ERR_DATA, JVM_TABLE_EXCEPTION,
                          "Table %s is missing fields ([%s]) and auto-evolution is disabled", table->id.sql, text);
    return NULL;
}

static cd_err_t *amend(tables_t *t, sink_table_t *table, const sink_field_t *const *missing, uint32_t n,
                       bool last_round)
{
    const char *sql;
    cd_err_t *err = ddl_alter(t->conf, &table->id, missing, n, &t->arena, &sql);
    if (err != NULL) return err;
    cd_log(t->conn->ctx, CD_LOG_INFO, DDL_LOGGER,
           "Amending TABLE to add missing fields:[%s] maxRetries:%d with SQL: %s",
           ddl_fields_text(missing, n, &t->arena), t->conf->k.max_retries, sql);
    enum pg_status st = pg_exec(t->conn, sql, NULL);
    if (st == PG_OK) return load(t, table);
    if (st == PG_STOPPED) return failed(t, st);
    const sql_error_t *e = &t->conn->error;
    bool raced = sql_error_is(e, "42701") || sql_error_is(e, "23505") || sql_error_is(e, "40P01");
    if (raced && !last_round) return load(t, table);
    err = failed(t, st);
    if (t->conf->k.max_retries > 0) return err;
    return cd_err_wrap(err, CD_ERR_DATA, JVM_TABLE_EXCEPTION, "Failed to amend TABLE '%s' to add missing fields: [%s]",
                       table->id.sql, ddl_fields_text(missing, n, &t->arena));
}

static cd_err_t *create_or_amend(tables_t *t, sink_table_t *table, const field_set_t *fields)
{
    cd_err_t *err = table->known ? NULL : load(t, table);
    if (err == NULL && table->def.kind == 0) err = create(t, table, fields);
    const sink_field_t **missing = cd_arena_array(&t->arena, const sink_field_t *, fields->nall);
    for (int round = 1; err == NULL; round++) {
        uint32_t n = find_missing(table, fields, missing);
        if (n == 0) return NULL;
        err = check_missing(t, table, missing, n);
        if (err == NULL) err = amend(t, table, missing, n, round == DDL_ROUNDS);
    }
    return err;
}

/* ---- plans ----------------------------------------------------------------------------------------------------- */

static cd_err_t *make_plan(tables_t *t, sink_table_t *table, const cd_schema_t *key_schema,
                           const cd_schema_t *value_schema, plan_t **ret_plan)
{
    field_set_t fields;
    cd_err_t *err = field_set_extract(t->conf, table->id.table, key_schema, value_schema, &t->arena, &fields);
    if (err == NULL) err = create_or_amend(t, table, &fields);
    if (err != NULL) return err;
    plan_t *plan;
    t->env.string_unspecified = t->conn->target.string_unspecified;
    err = plan_new(t->conf, &t->env, &table->id, &table->def, &fields, ++t->serial, &t->arena, &plan);
    if (err != NULL) return err;
    plan->key_schema = key_schema;
    plan->value_schema = value_schema;
    plan->next = table->plans;
    table->plans = plan;
    *ret_plan = plan;
    return NULL;
}

/** A tombstone does not know the columns, but some record behind it may: a table created from the key alone could not
 *  take required columns later. */
static const cd_schema_t *look_ahead(const cd_batch_t *batch, uint32_t index)
{
    const cd_record_t *rec = &batch->records[index];
    for (uint32_t i = index + 1; i < batch->count; i++) {
        const cd_record_t *later = &batch->records[i];
        if ((later->flags & CD_REC_DROPPED) != 0 || later->value_schema == NULL || later->key_schema != rec->key_schema)
            continue;
        if (later->value_schema->type == CD_STRUCT && strcmp(later->topic, rec->topic) == 0) return later->value_schema;
    }
    return NULL;
}

/** The plan a record needs. A delete without a value schema goes with whatever plan has its key. */
static cd_err_t *find_plan(tables_t *t, sink_table_t *table, const cd_batch_t *batch, uint32_t index, plan_t **ret_plan)
{
    const cd_record_t *rec = &batch->records[index];
    /* Only the key mode that reads the key depends on its schema; elsewhere a change of it changes nothing. */
    const cd_schema_t *key = t->conf->pk_mode == PK_MODE_RECORD_KEY ? rec->key_schema : NULL;
    const cd_schema_t *value = rec->value_schema;
    plan_t *p = table->current;
    if (p != NULL && p->key_schema == key && (value == NULL || p->value_schema == value)) {
        *ret_plan = p;
        return NULL;
    }
    for (p = table->plans; p != NULL; p = p->next) {
        if (p->key_schema != key || (value != NULL && p->value_schema != value)) continue;
        *ret_plan = p;
        return NULL;
    }
    return make_plan(t, table, key, value != NULL ? value : look_ahead(batch, index), ret_plan);
}

static void append(sink_table_t *table, plan_t *plan, uint32_t index)
{
    if (table->nrecs == table->rec_cap) {
        uint32_t cap = table->rec_cap == 0 ? 1024 : table->rec_cap * 2;
        uint32_t *recs = realloc(table->recs, cap * sizeof(*recs));
        if (recs == NULL) abort();
        table->recs = recs;
        table->rec_cap = cap;
    }
    if (plan != table->current) {
        if (table->nsegments == table->segment_cap) {
            uint32_t cap = table->segment_cap == 0 ? 8 : table->segment_cap * 2;
            segment_t *segments = realloc(table->segments, cap * sizeof(*segments));
            if (segments == NULL) abort();
            table->segments = segments;
            table->segment_cap = cap;
        }
        table->segments[table->nsegments++] = (segment_t){plan, table->nrecs, table->nrecs};
        table->current = plan;
    }
    table->recs[table->nrecs++] = index;
    table->segments[table->nsegments - 1].to = table->nrecs;
}

cd_err_t *tables_add(tables_t *t, const cd_batch_t *batch, uint32_t index)
{
    const cd_record_t *rec = &batch->records[index];
    cd_err_t *err = record_check(t->conf, rec);
    if (err != NULL) return err;
    sink_table_t *table = t->last_table;
    if (rec->topic != t->last_topic) err = find_table(t, rec->topic, &table);
    plan_t *plan = NULL;
    if (err == NULL) err = find_plan(t, table, batch, index, &plan);
    if (err == NULL) append(table, plan, index);
    return err;
}
