/* exec_dml.c: INSERT, UPDATE, DELETE, TRUNCATE, bulk load. Affected rows are read first and written afterwards, so a
 * statement never sees its own changes. */
#include <stdlib.h>
#include <string.h>

#include "sql/bind.h"
#include "sql/exec.h"
#include "sql/parser.h"

static bool no_table(sim_session_t *s, const name_t *n)
{
    return fail(s, 208, 16, 1, "Invalid object name '%s'.", name_dotted(&s->arena, n));
}

static bool find_target(sim_session_t *s, const name_t *n, sdb_t **sdb, cat_table_t **t)
{
    if (!resolve_table(s, n, sdb, t)) return false;
    if (*t == NULL) {
        name_t cdc = *n;
        (void)cdc;
        return no_table(s, n);
    }
    return true;
}

/* ---- OUTPUT ---- */

typedef struct output {
    sim_session_t *s;
    stmt_t *st;
    size_t n;
    int *at;       /* column index; -1: expression */
    bool *deleted; /* from the before image */
    sim_column_t *cols;
    sim_value_t *cells;
    struct out_row {
        sim_value_t *cells;
        struct out_row *next;
    } * first, *last;
} output_t;

static bool output_prepare(output_t *o, sim_session_t *s, stmt_t *st, const cat_table_t *t)
{
    memset(o, 0, sizeof(*o));
    o->s = s;
    o->st = st;
    size_t max = st->noutput * (t->ncols + 1) + 1;
    if (st->noutput == 0) return true;
    if (st->output_into.n != 0) return fail(s, 102, 15, 1, "Incorrect syntax near 'INTO'.");
    o->at = arena_alloc(&s->arena, sizeof(int) * max);
    o->deleted = arena_alloc(&s->arena, max);
    o->cols = arena_alloc(&s->arena, sizeof(sim_column_t) * max);
    o->cells = arena_alloc(&s->arena, sizeof(sim_value_t) * max);
    for (size_t i = 0; i < st->noutput; i++) {
        const expr_t *e = st->output[i].expr;
        bool star = e->kind == E_STAR;
        if ((!star && e->kind != E_COL) || e->name.n < (star ? 1 : 2))
            return fail(s, 102, 15, 1, "Incorrect syntax near 'OUTPUT'.");
        const char *side = e->name.part[star ? e->name.n - 1 : e->name.n - 2];
        bool del = name_eq(side, "deleted");
        if (!del && !name_eq(side, "inserted"))
            return fail(s, 4104, 16, 1, "The multi-part identifier \"%s\" could not be bound.",
                        name_dotted(&s->arena, &e->name));
        bool hit = false;
        for (size_t c = 0; c < t->ncols; c++) {
            if (!star && !name_eq(t->cols[c].name, e->name.part[e->name.n - 1])) continue;
            hit = true;
            o->at[o->n] = (int)c;
            o->deleted[o->n] = del;
            o->cols[o->n++] =
                (sim_column_t){st->output[i].alias != NULL ? st->output[i].alias : t->cols[c].name, t->cols[c].type, 0};
        }
        if (!hit) return fail(s, 207, 16, 1, "Invalid column name '%s'.", e->name.part[e->name.n - 1]);
    }
    return true;
}

static void copy_cell(arena_t *a, const sim_typeinfo_t *t, const sim_value_t *v, sim_value_t *ret)
{
    *ret = *v;
    if (!v->is_null && (type_is_char(t->base) || type_is_binary(t->base) || t->base == SIM_T_XML))
        ret->u.s.ptr = arena_memdup(a, v->u.s.ptr, v->u.s.len);
}

static void output_row(output_t *o, const sim_value_t *before, const sim_value_t *after)
{
    if (o->n == 0) return;
    struct out_row *r = arena_alloc(&o->s->arena, sizeof(*r));
    r->cells = arena_alloc(&o->s->arena, sizeof(sim_value_t) * o->n);
    for (size_t i = 0; i < o->n; i++) {
        const sim_value_t *img = o->deleted[i] ? before : after;
        if (img == NULL)
            r->cells[i] = value_null();
        else
            copy_cell(&o->s->arena, &o->cols[i].type, &img[o->at[i]], &r->cells[i]);
    }
    if (o->last == NULL)
        o->first = r;
    else
        o->last->next = r;
    o->last = r;
}

static bool output_send(output_t *o)
{
    if (o->n == 0) return true;
    if (!send_columns(o->s, o->cols, o->n)) return false;
    for (struct out_row *r = o->first; r != NULL; r = r->next)
        if (!send_row(o->s, r->cells, o->n)) return false;
    return true;
}

/* ---- INSERT ---- */

typedef struct inserter {
    writer_t w;
    output_t out;
    size_t n; /* target columns */
    int *at;  /* their indexes in the table */
    sim_value_t *cells;
    bool *given;
} inserter_t;

static bool identity_insert_on(sim_session_t *s, const sdb_t *sdb, const cat_table_t *t)
{
    char key[64];
    if (s->identity_insert == NULL || t->temp) return s->identity_insert != NULL && t->temp;
    sqlite3_snprintf(sizeof(key), key, "%d.%d", sdb->db->id, t->id);
    return strcmp(key, s->identity_insert) == 0;
}

static bool insert_target(inserter_t *in, sim_session_t *s, sdb_t *sdb, cat_table_t *t, const char **cols, size_t ncols,
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

static bool insert_row(inserter_t *in, const sim_value_t *vals, const sim_typeinfo_t *types, const bool *is_default)
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
    output_row(&in->out, NULL, in->cells);
    return true;
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

/* Copies of rows read before anything is written. */
typedef struct kept {
    size_t n;
    sim_value_t **rows;
    int64_t *rowids;
} kept_t;

static void keep(arena_t *a, kept_t *k, int64_t rowid, sim_value_t *row)
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

static sim_value_t *read_row(arena_t *a, sqlite3_stmt *st, int first, const sim_typeinfo_t *types, size_t stride,
                             size_t n)
{
    sim_value_t *row = arena_alloc(a, sizeof(*row) * (n + 1));
    for (size_t i = 0; i < n; i++) {
        const sim_typeinfo_t *t = (const void *)((const char *)types + i * stride);
        sim_value_t v;
        store_column(a, st, first + (int)i, t, &v);
        copy_cell(a, t, &v, &row[i]);
    }
    return row;
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
        keep(&s->arena, &k, 0, read_row(&s->arena, sq, 0, &q.cols[0].type, sizeof(sim_column_t), q.ncols));
    if (rc != SQLITE_DONE) fail_sqlite(s);
    sqlite3_finalize(sq);
    if (rc != SQLITE_DONE) return false;
    output_t out = in->out;
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
    for (size_t i = 0; i < n; i++) copy_cell(k->a, &k->types[i], &cells[i], &row[i]);
    keep(k->a, &k->kept, 0, row);
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

static bool exec_insert(sim_session_t *s, stmt_t *st, uint64_t *rows)
{
    sdb_t *sdb;
    cat_table_t *t;
    inserter_t in;
    output_t out;
    memset(&in, 0, sizeof(in));
    if (!find_target(s, &st->name, &sdb, &t) || !output_prepare(&out, s, st, t)) return false;
    bool ok;
    in.out = out;
    if (st->exec != NULL) {
        ok = insert_exec(s, &in, sdb, t, st);
    } else if (st->select != NULL) {
        ok = insert_select(s, &in, sdb, t, st);
    } else {
        ok = insert_target(&in, s, sdb, t, st->ncols != 0 ? st->cols : NULL, st->ncols, st->flag ? SIZE_MAX : st->width,
                           false);
        in.out = out;
        if (ok && st->flag) {
            in.n = 0;
            ok = insert_row(&in, NULL, NULL, NULL);
        } else if (ok) {
            ok = insert_values(s, &in, st);
        }
    }
    *rows = in.w.rows;
    if (in.w.s != NULL) ok = writer_close(&in.w, ok) && ok;
    return ok && output_send(&in.out);
}

/* ---- UPDATE and DELETE ---- */

/* The target inside its own FROM list: by alias first, then by table. */
static scope_src_t *target_source(scope_t *sc, const name_t *n, cat_table_t *t)
{
    for (size_t i = 0; i < sc->nsrcs; i++)
        if (n->n == 1 && sc->srcs[i].alias != NULL && name_eq(sc->srcs[i].alias, n->part[0]) &&
            sc->srcs[i].table != NULL)
            return &sc->srcs[i];
    for (size_t i = 0; i < sc->nsrcs; i++)
        if (t != NULL && sc->srcs[i].table != NULL && sc->srcs[i].table->id == t->id) return &sc->srcs[i];
    return NULL;
}

typedef struct change {
    sdb_t *sdb;
    cat_table_t *t;
    size_t nsets;
    int *at; /* column indexes, -1 for a variable */
    const char **vars;
    sim_typeinfo_t *types;
    kept_t old, values;
} change_t;

static bool bind_sets(sim_session_t *s, binder_t *b, stmt_t *st, change_t *ch, buf_t *q)
{
    size_t max = st->nsets * 2 + 1;
    ch->at = arena_alloc(&s->arena, sizeof(int) * max);
    ch->vars = arena_alloc(&s->arena, sizeof(char *) * max);
    ch->types = arena_alloc(&s->arena, sizeof(sim_typeinfo_t) * max);
    for (size_t i = 0; i < st->nsets; i++) {
        set_item_t *it = &st->sets[i];
        bound_t v = {.sql = "NULL"};
        int at = -1;
        if (it->col.n > 0) {
            const char *name = it->col.part[it->col.n - 1];
            for (size_t c = 0; c < ch->t->ncols; c++)
                if (name_eq(ch->t->cols[c].name, name)) at = (int)c;
            if (at < 0) return fail(s, 207, 16, 1, "Invalid column name '%s'.", name);
            if (ch->t->cols[at].computed)
                return fail(s, 271, 16, 1,
                            "The column \"%s\" cannot be modified because it is either a computed column or is the "
                            "result of a UNION operator.",
                            name);
            if (ch->t->cols[at].identity) return fail(s, 8102, 16, 1, "Cannot update identity column '%s'.", name);
            if (ch->t->cols[at].type.base == SIM_T_TIMESTAMP)
                return fail(s, 272, 16, 1, "Cannot update a timestamp column.");
        }
        if (it->value->kind == E_DEFAULT) {
            expr_t *e;
            sql_error_t err = {0};
            const char *d = at >= 0 ? ch->t->cols[at].dflt : NULL;
            if (d != NULL && (!parse_expression(&s->arena, d, strlen(d), false, &e, &err) || !bind_expr(b, e, &v)))
                return fail_err(s, &err);
        } else if (!bind_expr(b, it->value, &v)) {
            return false;
        }
        ch->at[ch->nsets] = at;
        ch->vars[ch->nsets] = it->var;
        ch->types[ch->nsets++] = v.type;
        buf_printf(q, ",%s", v.sql);
    }
    return true;
}

static bool collect(sim_session_t *s, stmt_t *st, change_t *ch)
{
    binder_t b;
    scope_t sc = {0};
    buf_t q = {0}, from = {0};
    const char *cond;
    bool ok = false;
    memset(ch, 0, sizeof(*ch));
    binder_init(&b, s);
    if (st->from != NULL) {
        if (!bind_source(&b, st->from, &sc, &from)) goto out;
        sdb_t *sdb = s->cur;
        cat_table_t *t = NULL;
        if (!(st->name.n == 1 && target_source(&sc, &st->name, NULL) != NULL) && !resolve_table(s, &st->name, &sdb, &t))
            goto out;
        scope_src_t *src = target_source(&sc, &st->name, t);
        if (src == NULL && t != NULL) {
            source_t self = {.kind = S_TABLE, .name = st->name};
            buf_adds(&from, ",");
            if (!bind_source(&b, &self, &sc, &from)) goto out;
            src = &sc.srcs[sc.nsrcs - 1];
        }
        if (src == NULL) {
            no_table(s, &st->name);
            goto out;
        }
        ch->t = src->table;
        ch->sdb = src->sdb != NULL ? src->sdb : s->cur;
        buf_printf(&q, "SELECT %s.rowid", src->tn);
        for (size_t i = 0; i < ch->t->ncols; i++) {
            if (ch->t->cols[i].computed)
                buf_adds(&q, ",NULL");
            else
                buf_printf(&q, ",%s.c%d", src->tn, ch->t->cols[i].id);
        }
    } else {
        source_t self = {.kind = S_TABLE, .name = st->name};
        if (!find_target(s, &st->name, &ch->sdb, &ch->t) || !bind_source(&b, &self, &sc, &from)) goto out;
        buf_printf(&q, "SELECT %s.rowid", sc.srcs[0].tn);
        for (size_t i = 0; i < ch->t->ncols; i++) {
            if (ch->t->cols[i].computed)
                buf_adds(&q, ",NULL");
            else
                buf_printf(&q, ",%s.c%d", sc.srcs[0].tn, ch->t->cols[i].id);
        }
    }
    /* the write lock first: what is read below must still be true when it is written */
    if (!ch->t->temp && !tran_write(s, ch->sdb, ch->t->in_cdc)) goto out;
    b.scope = &sc;
    if (st->kind == ST_UPDATE && !bind_sets(s, &b, st, ch, &q)) goto out;
    buf_printf(&q, " FROM %s", buf_text(&from));
    if (st->expr != NULL) {
        if (!bind_cond(&b, st->expr, &cond)) goto out;
        buf_printf(&q, " WHERE %s", cond);
    }
    if (st->from != NULL) buf_adds(&q, " GROUP BY 1"); /* each target row once, whatever the join repeats */
    if (st->top != NULL) {
        bound_t top;
        sim_typeinfo_t big = type_simple(SIM_T_BIGINT);
        b.scope = NULL;
        if (!bind_expr(&b, st->top, &top)) goto out;
        buf_printf(&q, " LIMIT %s", bind_convert(&b, top.sql, &top.type, &big));
    } else if (s->rowcount_limit > 0) {
        buf_printf(&q, " LIMIT %lld", (long long)s->rowcount_limit);
    }
    sqlite3_stmt *sq = bind_prepare(&b, buf_text(&q));
    if (sq == NULL) goto out;
    int rc;
    while ((rc = sqlite3_step(sq)) == SQLITE_ROW) {
        int64_t rowid = sqlite3_column_int64(sq, 0);
        keep(&s->arena, &ch->old, rowid,
             read_row(&s->arena, sq, 1, &ch->t->cols[0].type, sizeof(cat_column_t), ch->t->ncols));
        if (ch->nsets > 0)
            keep(&s->arena, &ch->values, rowid,
                 read_row(&s->arena, sq, 1 + (int)ch->t->ncols, ch->types, sizeof(sim_typeinfo_t), ch->nsets));
    }
    ok = rc == SQLITE_DONE ? true : fail_sqlite(s);
    sqlite3_finalize(sq);
out:
    buf_done(&q);
    buf_done(&from);
    return ok;
}

static bool same_value(const sim_typeinfo_t *t, const sim_value_t *a, const sim_value_t *b)
{
    if (a->is_null || b->is_null) return a->is_null && b->is_null;
    if (type_is_char(t->base) || t->base == SIM_T_XML)
        return a->u.s.len == b->u.s.len && memcmp(a->u.s.ptr, b->u.s.ptr, a->u.s.len) == 0;
    if (t->base == SIM_T_DATETIMEOFFSET && a->u.t.offset != b->u.t.offset) return false;
    return value_cmp(t, a, b) == 0;
}

static bool exec_update(sim_session_t *s, stmt_t *st, uint64_t *rows)
{
    change_t ch;
    writer_t w;
    output_t out;
    if (!collect(s, st, &ch) || !output_prepare(&out, s, st, ch.t) || !writer_open(&w, s, ch.sdb, ch.t, "UPDATE"))
        return false;
    size_t n = ch.t->ncols;
    sim_value_t *after = arena_alloc(&s->arena, sizeof(*after) * (n + 1));
    bool *changed = arena_alloc(&s->arena, n + 1), ok = true;
    for (size_t r = 0; ok && r < ch.old.n; r++) {
        arena_reset(&w.arena);
        memcpy(after, ch.old.rows[r], sizeof(*after) * n);
        memset(changed, 0, n);
        for (size_t i = 0; ok && i < ch.nsets; i++) {
            sim_value_t v = ch.values.rows[r][i];
            if (ch.at[i] >= 0) {
                const cat_column_t *c = &ch.t->cols[ch.at[i]];
                ok = writer_convert(&w, c, &ch.types[i], &v, &after[ch.at[i]]);
                if (ok && !same_value(&c->type, &after[ch.at[i]], &ch.old.rows[r][ch.at[i]])) changed[ch.at[i]] = true;
            }
            sim_var_t *var = ch.vars[i] != NULL ? session_var(s, ch.vars[i]) : NULL;
            if (ok && ch.vars[i] != NULL && var == NULL)
                ok = fail(s, 137, 15, 2, "Must declare the scalar variable \"%s\".", ch.vars[i]);
            if (ok && var != NULL) {
                sql_error_t err = {0};
                sim_value_t out_v;
                ok = value_convert(&s->arena, &ch.types[i], &v, &var->type, 0, 0, &out_v, &err)
                         ? (var_set(var, &out_v), true)
                         : fail_err(s, &err);
            }
        }
        if (ok && (r & 255) == 255 && client_gone(s)) ok = false;
        ok = ok && writer_update(&w, ch.old.rowids[r], ch.old.rows[r], after, changed);
        if (ok) output_row(&out, ch.old.rows[r], after);
    }
    *rows = w.rows;
    return writer_close(&w, ok) && ok && output_send(&out);
}

static bool exec_delete(sim_session_t *s, stmt_t *st, uint64_t *rows)
{
    change_t ch;
    writer_t w;
    output_t out;
    if (!collect(s, st, &ch) || !output_prepare(&out, s, st, ch.t) || !writer_open(&w, s, ch.sdb, ch.t, "DELETE"))
        return false;
    bool ok = true;
    for (size_t r = 0; ok && r < ch.old.n; r++) {
        arena_reset(&w.arena);
        if ((r & 255) == 255 && client_gone(s)) ok = false;
        ok = ok && writer_delete(&w, ch.old.rowids[r], ch.old.rows[r]);
        if (ok) output_row(&out, ch.old.rows[r], NULL);
    }
    *rows = w.rows;
    return writer_close(&w, ok) && ok && output_send(&out);
}

static bool exec_truncate(sim_session_t *s, stmt_t *st)
{
    sdb_t *sdb;
    cat_table_t *t;
    if (!resolve_table(s, &st->name, &sdb, &t)) return false;
    if (t == NULL)
        return fail(s, 4701, 16, 1,
                    "Cannot find the object \"%s\" because it does not exist or you do not have permissions.",
                    st->name.part[st->name.n - 1]);
    if (t->tracked)
        return fail(
            s, 4711, 16, 1,
            "Cannot truncate table '%s' because it is published for replication or enabled for Change Data Capture.",
            name_dotted(&s->arena, &st->name));
    for (size_t i = 0; !t->temp && i < sdb->cat->nfks; i++)
        if (sdb->cat->fks[i].ref_id == t->id && sdb->cat->fks[i].table_id != t->id)
            return fail(s, 4712, 16, 1,
                        "Cannot truncate table '%s' because it is being referenced by a FOREIGN KEY constraint.",
                        name_dotted(&s->arena, &st->name));
    if (!t->temp && (!tran_write(s, sdb, t->in_cdc) || !lock_take(s, sdb->db->id, t->id, false))) return false;
    if (!sq_exec(s, "DELETE FROM %s", t->storage)) return false;
    for (size_t i = 0; !t->temp && i < t->ncols; i++) {
        if (!t->cols[i].identity) continue;
        server_identity_forget(sdb->db, t->id);
        return sq_exec(s, "UPDATE %s._sim_identity SET last=%lld WHERE object_id=%d", sdb->db->attach,
                       (long long)(t->cols[i].seed - t->cols[i].incr), t->id);
    }
    return true;
}

bool exec_dml(sim_session_t *s, stmt_t *st, uint64_t *rows)
{
    *rows = 0;
    switch (st->kind) {
    case ST_INSERT:
        return exec_insert(s, st, rows);
    case ST_UPDATE:
        return exec_update(s, st, rows);
    case ST_DELETE:
        return exec_delete(s, st, rows);
    default:
        return exec_truncate(s, st);
    }
}

/* ---- bulk load ---- */

struct bulk {
    char *table; /* rendered name */
    char **cols;
    size_t ncols, width;
    int db_id, object_id;
    inserter_t in;
    sim_typeinfo_t *types;
    bool open, failed;
};

static void bulk_free(sim_session_t *s)
{
    struct bulk *b = s->bulk;
    if (b == NULL) return;
    for (size_t i = 0; i < b->ncols; i++) free(b->cols[i]);
    free(b->cols);
    free(b->types);
    free(b);
    s->bulk = NULL;
}

bool bulk_prepare(sim_session_t *s, stmt_t *st)
{
    sdb_t *sdb;
    cat_table_t *t;
    if (!find_target(s, &st->name, &sdb, &t)) return false;
    for (size_t i = 0; i < st->ncols; i++)
        if (table_column(t, st->cols[i]) == NULL) return fail(s, 207, 16, 1, "Invalid column name '%s'.", st->cols[i]);
    bulk_free(s);
    struct bulk *b = s->bulk = sim_alloc(sizeof(*b));
    b->db_id = sdb->db->id;
    b->object_id = t->id;
    b->cols = sim_alloc(sizeof(char *) * (st->ncols + 1));
    for (size_t i = 0; i < st->ncols; i++) b->cols[i] = sim_strdup(st->cols[i]);
    b->ncols = st->ncols;
    return true;
}

bool sim_session_bulk_ready(const sim_session_t *s)
{
    return s->bulk != NULL;
}

static bool bulk_fail(sim_session_t *s)
{
    if (s->err.text != NULL) send_message(s, s->err.number, s->err.class, s->err.state, s->err.text, 1);
    s->last_error = s->err.number;
    s->err = (sql_error_t){0};
    if (s->bulk != NULL) s->bulk->failed = true;
    return false;
}

bool sim_session_bulk_columns(sim_session_t *s, const sim_column_t *cols, size_t n, sim_sink_t *sink)
{
    struct bulk *b = s->bulk;
    s->sink = sink;
    s->gone = false;
    arena_reset(&s->arena);
    s->err = (sql_error_t){0};
    if (b == NULL || n != b->ncols) {
        fail(s, 4002, 16, 1,
             "The incoming tabular data stream (TDS) protocol stream is incorrect. The stream ended unexpectedly.");
        return bulk_fail(s);
    }
    s->stmt_time = server_utc(s->server);
    b->types = sim_alloc(sizeof(sim_typeinfo_t) * (n + 1));
    for (size_t i = 0; i < n; i++) b->types[i] = cols[i].type;
    sim_db_t *db = server_db_id(s->server, b->db_id);
    sdb_t *sdb = db != NULL ? session_db_attach(s, db) : NULL;
    if (sdb == NULL || !session_catalog(s, sdb)) return bulk_fail(s);
    cat_table_t *t = catalog_table_id(sdb->cat, b->object_id);
    if (t == NULL) {
        fail(s, 208, 16, 1, "Invalid object name.");
        return bulk_fail(s);
    }
    stmt_begin(s, true);
    if (!insert_target(&b->in, s, sdb, t, (const char **)b->cols, n, n, true)) return bulk_fail(s);
    b->open = true;
    return true;
}

bool sim_session_bulk_row(sim_session_t *s, const sim_value_t *cells, size_t n, sim_sink_t *sink)
{
    s->sink = sink;
    if (s->bulk == NULL || !s->bulk->open || n != s->bulk->ncols) return false;
    return insert_row(&s->bulk->in, cells, s->bulk->types, NULL) ? true : bulk_fail(s);
}

bool sim_session_bulk_end(sim_session_t *s, bool commit, sim_sink_t *sink)
{
    struct bulk *b = s->bulk;
    if (b == NULL) return true;
    s->sink = sink;
    s->gone = sink == NULL;
    bool ok = commit && b->open && !b->failed;
    uint64_t rows = b->in.w.rows;
    if (b->open) {
        ok = writer_close(&b->in.w, ok) && ok;
        ok = stmt_end(s, ok) && ok;
    } else if (b->failed) {
        stmt_end(s, false);
    }
    if (!ok && s->err.text != NULL && sink != NULL) bulk_fail(s);
    bulk_free(s);
    if (sink != NULL) send_done(s, SIM_DONE_BATCH, ok, ok ? rows : 0, !ok, 0xF0);
    s->sink = NULL;
    return !s->gone;
}
