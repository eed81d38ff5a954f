/* exec_insert.c: INSERT from values, queries and procedures. */
#include <stdlib.h>
#include <string.h>

#include "sql/bind.h"
#include "sql/dml.h"
#include "sql/parser.h"
#include "sql/security.h"

bool dml_target(sim_session_t *s, const name_t *n, sdb_t **ret_sdb, cat_table_t **ret_t)
{
    if (!resolve_table(s, n, ret_sdb, ret_t)) return false;
    return *ret_t != NULL ? true : fail(s, 208, 16, 1, "Invalid object name '%s'.", name_dotted(&s->arena, n));
}

void kept_copy(arena_t *a, const sim_typeinfo_t *t, const sim_value_t *v, sim_value_t *ret)
{
    *ret = *v;
    if (!v->is_null && (type_is_char(t->base) || type_is_binary(t->base) || t->base == SIM_T_XML))
        ret->u.s.ptr = arena_memdup(a, v->u.s.ptr, v->u.s.len);
}

void kept_add(arena_t *a, kept_t *k, int64_t rowid, sim_value_t *row)
{
    size_t n = k->n;
    if ((n & (n - 1)) == 0) {
        size_t cap = n == 0 ? 1 : n * 2;
        sim_value_t **rows = arena_alloc(a, cap * sizeof(*rows));
        int64_t *ids = arena_alloc(a, cap * sizeof(*ids));
        if (n != 0) {
            memcpy(rows, k->rows, n * sizeof(*rows));
            memcpy(ids, k->rowids, n * sizeof(*ids));
        }
        k->rows = rows;
        k->rowids = ids;
    }
    k->rows[k->n] = row;
    k->rowids[k->n++] = rowid;
}

sim_value_t *kept_read(arena_t *a, sqlite3_stmt *st, int first, const sim_typeinfo_t *types, size_t stride, size_t n)
{
    sim_value_t *row = arena_alloc(a, sizeof(*row) * (n + 1));
    for (size_t i = 0; i < n; i++) {
        const sim_typeinfo_t *t = (const void *)((const char *)types + i * stride);
        sim_value_t v;
        store_column(a, st, first + (int)i, t, &v);
        kept_copy(a, t, &v, &row[i]);
    }
    return row;
}

static bool identity_insert_on(sim_session_t *s, const sdb_t *sdb, const cat_table_t *t)
{
    char key[64];
    if (s->identity_insert == NULL || t->temp) return s->identity_insert != NULL && t->temp;
    sqlite3_snprintf(sizeof(key), key, "%d.%d", sdb->db->id, t->id);
    return strcmp(key, s->identity_insert) == 0;
}

bool insert_target(inserter_t *in, sim_session_t *s, sdb_t *sdb, cat_table_t *t, const char **cols, size_t ncols,
                   size_t width, bool bulk)
{
    memset(in, 0, sizeof(*in));
    in->at = arena_alloc(&s->arena, sizeof(int) * (t->ncols + ncols + 1));
    in->cells = arena_alloc(&s->arena, sizeof(sim_value_t) * (t->ncols + 1));
    in->given = arena_alloc(&s->arena, t->ncols + 1);
    bool ident = bulk || identity_insert_on(s, sdb, t);
    for (size_t i = 0; i < (cols != NULL ? ncols : t->ncols); i++) {
        int at = -1;
        if (cols != NULL) {
            for (size_t c = 0; c < t->ncols; c++)
                if (name_eq(t->cols[c].name, cols[i])) at = (int)c;
            if (at < 0) return fail(s, 207, 16, 1, "Invalid column name '%s'.", cols[i]);
            for (size_t k = 0; k < in->n; k++)
                if (in->at[k] == at)
                    return fail(s, 264, 16, 1,
                                "The column name '%s' is specified more than once in the SET clause or column list of "
                                "an INSERT. A column cannot be assigned more than one value in the same clause.",
                                cols[i]);
            if (t->cols[at].computed)
                return fail(s, 271, 16, 1,
                            "The column \"%s\" cannot be modified because it is either a computed column or is the "
                            "result of a UNION operator.",
                            cols[i]);
            if (t->cols[at].type.base == SIM_T_TIMESTAMP && !t->in_cdc)
                return fail(s, 273, 16, 1,
                            "Cannot insert an explicit value into a timestamp column. Use INSERT with a column list to "
                            "exclude the timestamp column, or insert a DEFAULT into the timestamp column.");
            if (t->cols[at].identity && !ident)
                return fail(s, 544, 16, 1,
                            "Cannot insert explicit value for identity column in table '%s' when IDENTITY_INSERT is "
                            "set to OFF.",
                            t->name);
        } else {
            if (t->cols[i].computed || (t->cols[i].identity && !ident)) continue;
            at = (int)i;
        }
        in->at[in->n++] = at;
    }
    if (cols == NULL && ident && !bulk)
        for (size_t c = 0; c < t->ncols; c++)
            if (t->cols[c].identity)
                return fail(s, 8101, 16, 1,
                            "An explicit value for the identity column in table '%s' can only be specified when a "
                            "column list is used and IDENTITY_INSERT is ON.",
                            t->name);
    if (ident && cols != NULL && !bulk) {
        bool have = false;
        for (size_t k = 0; k < in->n; k++) have = have || t->cols[in->at[k]].identity;
        for (size_t c = 0; c < t->ncols; c++)
            if (t->cols[c].identity && !have)
                return fail(
                    s, 545, 16, 1,
                    "Explicit value must be specified for identity column in table '%s' either when IDENTITY_INSERT is "
                    "set to ON or when a replication user is inserting into a NOT FOR REPLICATION identity column.",
                    t->name);
    }
    if (width != SIZE_MAX && width != in->n) {
        if (cols == NULL)
            return fail(s, 213, 16, 1, "Column name or number of supplied values does not match table definition.");
        return fail(s, width < in->n ? 109 : 110, 15, 1,
                    width < in->n ? "There are more columns in the INSERT statement than values specified in the "
                                    "VALUES clause. The number of values in the VALUES clause must match the number of "
                                    "columns specified in the INSERT statement."
                                  : "There are fewer columns in the INSERT statement than values specified in the "
                                    "VALUES clause. The number of values in the VALUES clause must match the number of "
                                    "columns specified in the INSERT statement.");
    }
    if (!writer_open(&in->w, s, sdb, t, "INSERT")) return false;
    in->w.identity_given = ident;
    return true;
}

bool insert_row(inserter_t *in, const sim_value_t *vals, const sim_typeinfo_t *types, const bool *is_default)
{
    const cat_table_t *t = in->w.t;
    arena_reset(&in->w.arena);
    for (size_t c = 0; c < t->ncols; c++) {
        in->given[c] = false;
        in->cells[c] = value_null();
    }
    for (size_t i = 0; i < in->n; i++) {
        int at = in->at[i];
        if (is_default != NULL && is_default[i]) continue;
        if (t->cols[at].type.base == SIM_T_TIMESTAMP && !t->in_cdc) continue;
        if (!writer_convert(&in->w, &t->cols[at], &types[i], &vals[i], &in->cells[at])) return false;
        in->given[at] = true;
    }
    /* the converted cells live in the writer's arena until the row is written */
    if (!writer_insert(&in->w, in->cells, in->given)) return false;
    return in->out == NULL || output_row(in->out, NULL, in->cells, "INSERT");
}

typedef struct call_cache {
    const char *name;
    sim_value_t v;
    sim_typeinfo_t t;
    struct call_cache *next;
} call_cache_t;

/* GETDATE() and its kind are constant within a statement: evaluated once, not once per row. */
static bool value_of(sim_session_t *s, expr_t *e, call_cache_t **cache, sim_value_t *v, sim_typeinfo_t *t)
{
    if (e->kind == E_LIT) {
        *v = e->u.lit.value;
        *t = e->u.lit.type;
        return true;
    }
    bool cacheable = e->kind == E_FUNC && e->nargs == 0 && e->name.n == 1 &&
                     (strstr(e->name.part[0], "DATE") != NULL || strstr(e->name.part[0], "date") != NULL);
    for (call_cache_t *c = *cache; cacheable && c != NULL; c = c->next) {
        if (!name_eq(c->name, e->name.part[0])) continue;
        *v = c->v;
        *t = c->t;
        return true;
    }
    if (!eval_scalar(s, e, NULL, v, t)) return false;
    if (cacheable) {
        call_cache_t *c = arena_alloc(&s->arena, sizeof(*c));
        *c = (call_cache_t){e->name.part[0], *v, *t, *cache};
        *cache = c;
    }
    return true;
}

static bool insert_values(sim_session_t *s, inserter_t *in, stmt_t *st)
{
    size_t w = st->width, rows = st->nvalues / w;
    sim_value_t *v = arena_alloc(&s->arena, sizeof(*v) * (w + 1));
    sim_typeinfo_t *t = arena_alloc(&s->arena, sizeof(*t) * (w + 1));
    bool *d = arena_alloc(&s->arena, w + 1);
    call_cache_t *cache = NULL;
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < w; c++) {
            expr_t *e = st->values[r * w + c];
            d[c] = e->kind == E_DEFAULT;
            if (!d[c] && !value_of(s, e, &cache, &v[c], &t[c])) return false;
        }
        if ((r & 255) == 255 && client_gone(s)) return false;
        if (!insert_row(in, v, t, d)) return false;
    }
    return true;
}

static bool insert_select(sim_session_t *s, inserter_t *in, sdb_t *sdb, cat_table_t *t, stmt_t *st)
{
    binder_t b;
    bound_query_t q;
    kept_t k = {0};
    binder_init(&b, s);
    if (!bind_query(&b, st->select, false, &q)) return false;
    sqlite3_stmt *sq = bind_prepare(&b, q.sql);
    if (sq == NULL) return false;
    int rc;
    while ((rc = sqlite3_step(sq)) == SQLITE_ROW)
        kept_add(&s->arena, &k, 0, kept_read(&s->arena, sq, 0, &q.cols[0].type, sizeof(sim_column_t), q.ncols));
    if (rc != SQLITE_DONE) fail_sqlite(s);
    sqlite3_finalize(sq);
    if (rc != SQLITE_DONE) return false;
    output_t *out = in->out;
    if (!insert_target(in, s, sdb, t, st->ncols != 0 ? st->cols : NULL, st->ncols, q.ncols, false)) return false;
    in->out = out;
    sim_typeinfo_t *types = arena_alloc(&s->arena, sizeof(*types) * (q.ncols + 1));
    for (size_t i = 0; i < q.ncols; i++) types[i] = q.cols[i].type;
    for (size_t i = 0; i < k.n; i++)
        if (!insert_row(in, k.rows[i], types, NULL)) return false;
    return true;
}

/* INSERT ... EXEC: a sink that keeps rows instead of sending them. */
typedef struct keep_sink {
    sim_sink_t base;
    sim_sink_t *outer;
    arena_t *a;
    kept_t kept;
    sim_typeinfo_t *types;
    size_t n;
    bool mismatch;
} keep_sink_t;

static bool ks_columns(sim_sink_t *sink, const sim_column_t *cols, size_t n)
{
    keep_sink_t *k = (keep_sink_t *)sink;
    if (k->types != NULL && n != k->n) k->mismatch = true;
    if (k->types == NULL) {
        k->types = arena_alloc(k->a, sizeof(*k->types) * (n + 1));
        for (size_t i = 0; i < n; i++) k->types[i] = cols[i].type;
        k->n = n;
    }
    return true;
}

static bool ks_row(sim_sink_t *sink, const sim_value_t *cells, size_t n)
{
    keep_sink_t *k = (keep_sink_t *)sink;
    sim_value_t *row = arena_alloc(k->a, sizeof(*row) * (n + 1));
    if (k->types == NULL || n != k->n) return true;
    for (size_t i = 0; i < n; i++) kept_copy(k->a, &k->types[i], &cells[i], &row[i]);
    kept_add(k->a, &k->kept, 0, row);
    return true;
}

static bool ks_done(sim_sink_t *sink, const sim_done_t *d)
{
    (void)sink;
    (void)d;
    return true;
}

static bool ks_message(sim_sink_t *sink, const sim_message_t *m)
{
    keep_sink_t *k = (keep_sink_t *)sink;
    return k->outer->ops->message(k->outer, m);
}

static bool ks_env(sim_sink_t *sink, const sim_envchange_t *e)
{
    keep_sink_t *k = (keep_sink_t *)sink;
    return k->outer->ops->envchange(k->outer, e);
}

static bool ks_status(sim_sink_t *sink, int32_t v)
{
    (void)sink;
    (void)v;
    return true;
}

static bool ks_value(sim_sink_t *sink, uint16_t o, const char *name, const sim_typeinfo_t *t, const sim_value_t *v)
{
    (void)sink, (void)o, (void)name, (void)t, (void)v;
    return true;
}

static bool ks_cancelled(sim_sink_t *sink)
{
    keep_sink_t *k = (keep_sink_t *)sink;
    return k->outer->ops->cancelled != NULL && k->outer->ops->cancelled(k->outer);
}

static bool insert_exec(sim_session_t *s, inserter_t *in, sdb_t *sdb, cat_table_t *t, stmt_t *st)
{
    static const sim_sink_ops_t ops = {.columns = ks_columns,
                                       .row = ks_row,
                                       .done = ks_done,
                                       .message = ks_message,
                                       .envchange = ks_env,
                                       .return_status = ks_status,
                                       .return_value = ks_value,
                                       .cancelled = ks_cancelled};
    keep_sink_t k = {.base = {&ops}, .outer = s->sink, .a = &s->arena};
    flow_t flow;
    bool save = s->in_insert_exec;
    s->sink = &k.base;
    s->in_insert_exec = true;
    s->try_depth++; /* errors of the procedure surface here, as errors of this statement */
    bool ok = run_exec(s, st->exec, &flow);
    s->try_depth--;
    s->in_insert_exec = save;
    s->sink = k.outer;
    if (!ok || s->gone) return false;
    if (k.mismatch || (k.types != NULL && st->ncols == 0 && k.n > t->ncols))
        return fail(s, 213, 16, 7, "Column name or number of supplied values does not match table definition.");
    stmt_begin(s, true);
    if (!insert_target(in, s, sdb, t, st->ncols != 0 ? st->cols : NULL, st->ncols, k.types != NULL ? k.n : SIZE_MAX,
                       false))
        return false;
    for (size_t i = 0; i < k.kept.n; i++)
        if (!insert_row(in, k.kept.rows[i], k.types, NULL)) return false;
    return true;
}

bool exec_insert(sim_session_t *s, stmt_t *st, uint64_t *rows)
{
    sdb_t *sdb;
    cat_table_t *t;
    inserter_t in;
    output_t out;
    memset(&in, 0, sizeof(in));
    if (!dml_target(s, &st->name, &sdb, &t) || !security_check_table(s, sdb, t, "INSERT") ||
        !output_open(&out, s, st, t))
        return false;
    bool ok;
    in.out = &out;
    if (st->exec != NULL) {
        ok = insert_exec(s, &in, sdb, t, st);
    } else if (st->select != NULL) {
        ok = insert_select(s, &in, sdb, t, st);
    } else {
        ok = insert_target(&in, s, sdb, t, st->ncols != 0 ? st->cols : NULL, st->ncols, st->flag ? SIZE_MAX : st->width,
                           false);
        in.out = &out;
        if (ok && st->flag) {
            in.n = 0;
            ok = insert_row(&in, NULL, NULL, NULL);
        } else if (ok) {
            ok = insert_values(s, &in, st);
        }
    }
    *rows = in.w.rows;
    if (in.w.s != NULL) ok = writer_close(&in.w, ok) && ok;
    return output_close(&out, ok);
}
