/* The text form of history records. */
#include "connectors/sqlserver/history.h"
#include "connectors/sqlserver/json.h"

static void write_column(djson_writer_t *w, const column_t *c)
{
    djson_object(w);
    djson_key(w, "name");
    djson_text(w, c->name);
    djson_key(w, "jdbcType");
    djson_int(w, c->jdbc_type);
    djson_key(w, "typeName");
    djson_text(w, c->type_name);
    djson_key(w, "typeExpression");
    djson_text(w, c->type_name);
    djson_key(w, "charsetName");
    djson_text(w, NULL);
    if (c->length != MODEL_UNSET) {
        djson_key(w, "length");
        djson_int(w, c->length);
    }
    if (c->scale != MODEL_UNSET) {
        djson_key(w, "scale");
        djson_int(w, c->scale);
    }
    djson_key(w, "position");
    djson_int(w, c->position);
    djson_key(w, "optional");
    djson_bool(w, c->optional);
    djson_key(w, "autoIncremented");
    djson_bool(w, c->auto_incremented);
    djson_key(w, "generated");
    djson_bool(w, c->generated);
    djson_key(w, "comment");
    djson_text(w, NULL);
    djson_key(w, "hasDefaultValue");
    djson_bool(w, c->has_default || c->optional); /* Debezium counts the NULL of an optional column as its default */
    if (c->default_expr != NULL) {
        djson_key(w, "defaultValueExpression");
        djson_text(w, c->default_expr);
    }
    djson_key(w, "enumValues");
    djson_array(w);
    djson_end(w);
    djson_end(w);
}

static void write_change(djson_writer_t *w, const table_t *t, const char *type)
{
    djson_object(w);
    djson_key(w, "type");
    djson_text(w, type);
    djson_key(w, "id");
    djson_text(w, t->quoted);
    djson_key(w, "table");
    djson_object(w);
    djson_key(w, "defaultCharsetName");
    djson_text(w, NULL);
    djson_key(w, "primaryKeyColumnNames");
    djson_array(w);
    for (uint32_t i = 0; i < t->nkey; i++) djson_text(w, t->key[i]);
    djson_end(w);
    djson_key(w, "columns");
    djson_array(w);
    for (uint32_t i = 0; i < t->ncolumns; i++) write_column(w, &t->columns[i]);
    djson_end(w);
    djson_key(w, "attributes");
    djson_array(w);
    djson_end(w);
    djson_end(w);
    djson_key(w, "comment");
    djson_text(w, NULL);
    djson_end(w);
}

void history_format(buf_t *out, bool pretty, const char *server, const table_t *table, const char *type,
                    const char *ddl, const offset_t *offset, int64_t ts_ms)
{
    cd_arena_t arena = {0};
    djson_writer_t w = {.out = out, .pretty = pretty};
    cd_value_t position = offset_value(offset, &arena);
    djson_object(&w);
    djson_key(&w, "source");
    djson_object(&w);
    djson_key(&w, "server");
    djson_text(&w, server);
    djson_key(&w, "database");
    djson_text(&w, table->db);
    djson_end(&w);
    djson_key(&w, "position");
    djson_value(&w, &position);
    djson_key(&w, "ts_ms");
    djson_int(&w, ts_ms);
    djson_key(&w, "databaseName");
    djson_text(&w, table->db);
    djson_key(&w, "schemaName");
    djson_text(&w, table->schema);
    if (ddl != NULL) {
        djson_key(&w, "ddl");
        djson_text(&w, ddl);
    }
    djson_key(&w, "tableChanges");
    djson_array(&w);
    write_change(&w, table, type);
    djson_end(&w);
    djson_end(&w);
    cd_arena_done(&arena);
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

static const char *text_of(const cd_value_t *map, const char *key)
{
    const cd_value_t *v = cd_map_get(map, key);
    return v != NULL && v->type == CD_STRING ? v->str : NULL; /* the reader ends strings with NUL */
}

static int32_t int_of(const cd_value_t *map, const char *key, int32_t dflt)
{
    const cd_value_t *v = cd_map_get(map, key);
    return v != NULL && v->type == CD_INT64 ? (int32_t)v->i64 : dflt;
}

static bool bool_of(const cd_value_t *map, const char *key)
{
    const cd_value_t *v = cd_map_get(map, key);
    return v != NULL && v->type == CD_BOOLEAN && v->boolean;
}

/* Ids look like "db"."schema"."table"; a quote inside a name is doubled. */
static bool split_id(const char *id, cd_arena_t *arena, const char *parts[3])
{
    for (uint32_t i = 0; i < 3; i++) {
        if (i > 0 && *id++ != '.') return false;
        if (*id++ != '"') return false;
        char *out = cd_arena_alloc(arena, strlen(id) + 1);
        size_t n = 0;
        for (; *id != '\0'; id++) {
            if (*id == '"' && *++id != '"') break;
            out[n++] = *id;
        }
        out[n] = '\0';
        parts[i] = out;
    }
    return *id == '\0';
}

static table_t *read_table(const cd_value_t *map, const char *const parts[3], cd_arena_t *arena)
{
    table_t *t = table_new(arena, parts[0], parts[1], parts[2]);
    const cd_value_t *columns = cd_map_get(map, "columns"), *key = cd_map_get(map, "primaryKeyColumnNames");
    if (columns == NULL || columns->type != CD_ARRAY) return NULL;
    t->columns = cd_arena_array(arena, column_t, (size_t)columns->len + 1);
    for (uint32_t i = 0; i < columns->len; i++) {
        const cd_value_t *m = &columns->items[i];
        column_t c = {.name = text_of(m, "name"), .type_name = text_of(m, "typeName")};
        if (c.name == NULL || c.type_name == NULL) return NULL;
        c.jdbc_type = int_of(m, "jdbcType", 0);
        c.length = int_of(m, "length", MODEL_UNSET);
        c.scale = int_of(m, "scale", MODEL_UNSET);
        c.position = int_of(m, "position", (int32_t)i + 1);
        c.optional = bool_of(m, "optional");
        c.auto_incremented = bool_of(m, "autoIncremented");
        c.generated = bool_of(m, "generated");
        c.default_expr = text_of(m, "defaultValueExpression");
        c.has_default = bool_of(m, "hasDefaultValue") && c.default_expr != NULL;
        t->columns[t->ncolumns++] = c;
    }
    uint32_t nkey = key != NULL && key->type == CD_ARRAY ? key->len : 0;
    t->key = cd_arena_array(arena, const char *, (size_t)nkey + 1);
    for (uint32_t i = 0; i < nkey; i++) {
        if (key->items[i].type == CD_STRING) t->key[t->nkey++] = key->items[i].str;
    }
    return t;
}

static bool at_or_before(const cd_value_t *position, const offset_t *stored)
{
    offset_t o = {0};
    offset_load(&o, position);
    bool is = !o.present || position_cmp(&o.pos, &stored->pos) <= 0;
    offset_done(&o);
    return is;
}

static bool is_ours(const cd_value_t *source, const char *server, const char *db)
{
    const char *its_server = text_of(source, "server"), *its_db = text_of(source, "database");
    return source->len == 2 && its_server != NULL && its_db != NULL && strcmp(its_server, server) == 0 &&
           strcmp(its_db, db) == 0;
}

bool history_snapshot_position(const char *text, size_t len, const char *server, const char *db, lsn_t *ret_commit,
                               int64_t *ret_ts_ms)
{
    cd_arena_t arena = {0};
    cd_value_t v;
    bool found = false;
    if (djson_read(text, len, &arena, &v) && v.type == CD_MAP) {
        const cd_value_t *source = cd_map_get(&v, "source"), *ts = cd_map_get(&v, "ts_ms");
        offset_t o = {0};
        offset_load(&o, cd_map_get(&v, "position"));
        found = source != NULL && source->type == CD_MAP && is_ours(source, server, db) && o.snapshot && ts != NULL &&
                ts->type == CD_INT64;
        if (found) {
            *ret_commit = o.pos.commit;
            *ret_ts_ms = ts->i64;
        }
        offset_done(&o);
    }
    cd_arena_done(&arena);
    return found;
}

bool history_parse(const char *text, size_t len, const char *server, const char *db, const offset_t *stored,
                   cd_arena_t *arena, uint32_t *ret_n, table_t ***ret_tables, const char ***ret_ids,
                   const char **ret_why)
{
    cd_value_t v;
    *ret_n = 0;
    *ret_why = NULL;
    if (!djson_read(text, len, arena, &v) || v.type != CD_MAP) {
        *ret_why = "Error while deserializing history record";
        return false;
    }
    const cd_value_t *source = cd_map_get(&v, "source"), *position = cd_map_get(&v, "position");
    if (source == NULL || source->type != CD_MAP || position == NULL || position->type != CD_MAP) {
        *ret_why = "Skipping invalid database schema history record without source or position";
        return false;
    }
    const cd_value_t *changes = cd_map_get(&v, "tableChanges");
    if (!is_ours(source, server, db) || changes == NULL || changes->type != CD_ARRAY || !at_or_before(position, stored))
        return false;
    *ret_tables = cd_arena_array(arena, table_t *, (size_t)changes->len + 1);
    *ret_ids = cd_arena_array(arena, const char *, (size_t)changes->len + 1);
    for (uint32_t i = 0; i < changes->len; i++) {
        const cd_value_t *m = &changes->items[i];
        const char *type = text_of(m, "type"), *id = text_of(m, "id"), *parts[3];
        if (type == NULL || id == NULL || !split_id(id, arena, parts)) continue;
        table_t *t = strcmp(type, "DROP") == 0 ? NULL : read_table(cd_map_get(m, "table"), parts, arena);
        if (t == NULL && strcmp(type, "DROP") != 0) continue;
        (*ret_tables)[*ret_n] = t;
        (*ret_ids)[(*ret_n)++] = cd_arena_printf(arena, "%s.%s.%s", parts[0], parts[1], parts[2]);
    }
    return *ret_n > 0;
}
