/* exec_merge.c: MERGE. Three reads (pairs, sources without a target, targets without a source), then the writes. */
#include <stdlib.h>
#include <string.h>

#include "sql/dml.h"
#include "sql/security.h"

typedef struct plan { /* one WHEN clause */
    const merge_when_t *when;
    change_t ch;
    kept_t rows; /* values to insert */
    sim_typeinfo_t *types;
    bool *is_default;
} plan_t;

typedef struct merge {
    sim_session_t *s;
    stmt_t *st;
    sdb_t *sdb;
    cat_table_t *t;
    plan_t *plans;
} merge_t;

/* Target and source in one scope, the target first; `sides` 1 target, 2 source, 3 both. */
static bool bind_sides(merge_t *m, binder_t *b, scope_t *sc, int sides, buf_t *target, buf_t *source)
{
    source_t self = {.kind = S_TABLE, .name = m->st->name, .alias = m->st->word, .line = m->st->line};
    memset(sc, 0, sizeof(*sc));
    if ((sides & 1) && !bind_source(b, &self, sc, target)) return false;
    return !(sides & 2) || bind_source(b, m->st->from, sc, source);
}

/* The ON condition as EXISTS over the side that is not in `outer`. */
static bool bind_missing(merge_t *m, binder_t *b, scope_t *outer, int other, const char **ret_sql)
{
    scope_t inner;
    buf_t side = {0};
    const char *on;
    bool ok = bind_sides(m, b, &inner, other, &side, &side);
    inner.outer = outer;
    b->scope = &inner;
    ok = ok && bind_cond(b, m->st->expr, &on);
    b->scope = outer;
    if (ok) *ret_sql = arena_printf(&m->s->arena, "NOT EXISTS (SELECT 1 FROM %s WHERE %s)", buf_text(&side), on);
    buf_done(&side);
    return ok;
}

static bool bind_insert(merge_t *m, binder_t *b, plan_t *p, buf_t *q)
{
    const merge_when_t *w = p->when;
    p->types = arena_alloc(&m->s->arena, sizeof(*p->types) * (w->nvalues + 1));
    p->is_default = arena_alloc(&m->s->arena, w->nvalues + 1);
    for (size_t i = 0; i < w->nvalues; i++) {
        bound_t v = {.sql = "NULL"};
        p->is_default[i] = w->values[i]->kind == E_DEFAULT;
        if (!p->is_default[i] && !bind_expr(b, w->values[i], &v)) return false;
        p->types[i] = v.type;
        buf_printf(q, ",%s", v.sql);
    }
    return true;
}

/* Rows of one kind: 'm' pairs, 't' without a target, 's' without a source. Each row goes to the first clause whose
 * condition holds: its number is the first cell. */
static bool read_kind(merge_t *m, char kind)
{
    sim_session_t *s = m->s;
    binder_t b;
    scope_t sc;
    buf_t target = {0}, source = {0}, which = {0}, values = {0}, q = {0};
    const char *where = "1", *cond;
    bool ok = false, any = false;
    sqlite3_stmt *sq = NULL;
    for (size_t i = 0; i < m->st->nwhens; i++) any = any || m->st->whens[i].kind == kind;
    if (!any) return true;
    binder_init(&b, s);
    if (!bind_sides(m, &b, &sc, kind == 'm' ? 3 : kind == 't' ? 2 : 1, &target, &source)) goto out;
    b.scope = &sc;
    if (kind == 'm' ? !bind_cond(&b, m->st->expr, &where) : !bind_missing(m, &b, &sc, kind == 't' ? 1 : 2, &where))
        goto out;
    buf_adds(&which, "CASE");
    for (size_t i = 0; i < m->st->nwhens; i++) {
        plan_t *p = &m->plans[i];
        if (p->when->kind != kind) continue;
        cond = "1";
        if (p->when->cond != NULL && !bind_cond(&b, p->when->cond, &cond)) goto out;
        buf_printf(&which, " WHEN %s THEN %zu", cond, i);
        p->ch.sdb = m->sdb;
        p->ch.t = m->t;
        if (p->when->action == 'u' && !change_bind(s, &b, p->when->sets, p->when->nsets, &p->ch, &values)) goto out;
        if (p->when->action == 'i' && !bind_insert(m, &b, p, &values)) goto out;
    }
    buf_printf(&q, "SELECT %s END,", buf_text(&which));
    size_t ncols = kind == 't' ? 0 : m->t->ncols;
    if (kind == 't')
        buf_adds(&q, "0");
    else
        change_select(&sc.srcs[0], &q);
    buf_printf(&q, "%s FROM %s%s%s WHERE %s", buf_text(&values), buf_text(&target), kind == 'm' ? "," : "",
               buf_text(&source), where);
    if ((sq = bind_prepare(&b, buf_text(&q))) == NULL) goto out;
    int rc;
    while ((rc = sqlite3_step(sq)) == SQLITE_ROW) {
        if (sqlite3_column_type(sq, 0) == SQLITE_NULL) continue;
        size_t hit = (size_t)sqlite3_column_int64(sq, 0), at = 2 + ncols;
        for (size_t i = 0; i < hit; i++) /* values of the clauses before it */
            if (m->plans[i].when->kind == kind)
                at += m->plans[i].when->action == 'i' ? m->plans[i].when->nvalues : m->plans[i].ch.nsets;
        plan_t *p = &m->plans[hit];
        int64_t rowid = sqlite3_column_int64(sq, 1);
        if (p->when->action == 'i') {
            kept_add(&s->arena, &p->rows, 0,
                     kept_read(&s->arena, sq, (int)at, p->types, sizeof(sim_typeinfo_t), p->when->nvalues));
            continue;
        }
        kept_add(&s->arena, &p->ch.old, rowid,
                 kept_read(&s->arena, sq, 2, &m->t->cols[0].type, sizeof(cat_column_t), ncols));
        kept_add(&s->arena, &p->ch.values, rowid,
                 kept_read(&s->arena, sq, (int)at, p->ch.types, sizeof(sim_typeinfo_t), p->ch.nsets));
    }
    ok = rc == SQLITE_DONE ? true : fail_sqlite(s);
out:
    sqlite3_finalize(sq);
    buf_done(&target);
    buf_done(&source);
    buf_done(&which);
    buf_done(&values);
    buf_done(&q);
    return ok;
}

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* A target row may be changed once only. */
static bool check_once(merge_t *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->st->nwhens; i++) n += m->plans[i].ch.old.n;
    int64_t *ids = sim_alloc(sizeof(*ids) * (n + 1));
    n = 0;
    for (size_t i = 0; i < m->st->nwhens; i++)
        for (size_t r = 0; r < m->plans[i].ch.old.n; r++) ids[n++] = m->plans[i].ch.old.rowids[r];
    qsort(ids, n, sizeof(*ids), by_id);
    bool twice = false;
    for (size_t i = 1; i < n; i++) twice = twice || ids[i] == ids[i - 1];
    free(ids);
    if (!twice) return true;
    return fail(
        m->s, 8672, 16, 1,
        "The MERGE statement attempted to UPDATE or DELETE the same row more than once. This happens when a "
        "target row matches more than one source row. A MERGE statement cannot UPDATE/DELETE the same row of the "
        "target table multiple times. Refine the ON clause to ensure a target row matches at most one source "
        "row, or use the GROUP BY clause to group the source rows.");
}

static bool write_changes(merge_t *m, plan_t *p, output_t *out, uint64_t *rows)
{
    writer_t w;
    if (p->ch.old.n == 0) return true;
    bool update = p->when->action == 'u';
    bool ok = writer_open(&w, m->s, m->sdb, m->t, "MERGE");
    if (!ok) return false;
    ok = update ? change_update(m->s, &p->ch, &w, out) : change_delete(m->s, &p->ch, &w, out);
    *rows += w.rows;
    return writer_close(&w, ok) && ok;
}

static bool write_inserts(merge_t *m, plan_t *p, output_t *out, uint64_t *rows)
{
    const merge_when_t *when = p->when;
    inserter_t in;
    memset(&in, 0, sizeof(in));
    bool ok = insert_target(&in, m->s, m->sdb, m->t, when->ncols != 0 ? when->cols : NULL, when->ncols,
                            when->defaults ? SIZE_MAX : when->nvalues, false);
    if (ok) {
        in.out = out;
        in.w.verb = "MERGE";
        if (when->defaults) in.n = 0;
        for (size_t r = 0; ok && r < p->rows.n; r++) ok = insert_row(&in, p->rows.rows[r], p->types, p->is_default);
    }
    *rows += in.w.rows;
    if (in.w.s != NULL) ok = writer_close(&in.w, ok) && ok;
    return ok;
}

bool exec_merge(sim_session_t *s, stmt_t *st, uint64_t *rows)
{
    merge_t m = {.s = s, .st = st};
    output_t out;
    *rows = 0;
    if (!dml_target(s, &st->name, &m.sdb, &m.t)) return false;
    for (size_t i = 0; i < st->nwhens; i++) {
        static const char *const rights[] = {"UPDATE", "DELETE", "INSERT"};
        if (!security_check_table(s, m.sdb, m.t, rights[strchr("udi", st->whens[i].action) - "udi"])) return false;
    }
    /* the write lock first: what is read below must still be true when it is written */
    if (!m.t->temp && !tran_write(s, m.sdb, m.t->in_cdc)) return false;
    m.plans = arena_alloc(&s->arena, sizeof(*m.plans) * (st->nwhens + 1));
    for (size_t i = 0; i < st->nwhens; i++) m.plans[i].when = &st->whens[i];
    if (!read_kind(&m, 'm') || !read_kind(&m, 't') || !read_kind(&m, 's') || !check_once(&m)) return false;
    if (!output_open(&out, s, st, m.t)) return false;
    bool ok = true;
    for (int pass = 0; pass < 3; pass++)
        for (size_t i = 0; ok && i < st->nwhens; i++) {
            if (m.plans[i].when->action != "dui"[pass]) continue;
            ok = pass == 2 ? write_inserts(&m, &m.plans[i], &out, rows) : write_changes(&m, &m.plans[i], &out, rows);
        }
    return output_close(&out, ok);
}
