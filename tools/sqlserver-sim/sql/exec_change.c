/* exec_change.c: UPDATE, DELETE, TRUNCATE. */
#include <stdlib.h>
#include <string.h>

#include "sql/bind.h"
#include "sql/dml.h"
#include "sql/parser.h"
#include "sql/security.h"

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

bool change_bind(sim_session_t *s, binder_t *b, set_item_t *sets, size_t nsets, change_t *ch, buf_t *q)
{
    size_t max = nsets + 1;
    ch->at = arena_alloc(&s->arena, sizeof(int) * max);
    ch->vars = arena_alloc(&s->arena, sizeof(char *) * max);
    ch->types = arena_alloc(&s->arena, sizeof(sim_typeinfo_t) * max);
    for (size_t i = 0; i < nsets; i++) {
        set_item_t *it = &sets[i];
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

void change_select(const scope_src_t *src, buf_t *q)
{
    buf_printf(q, "%s.rowid", src->tn);
    for (size_t i = 0; i < src->table->ncols; i++) {
        if (src->table->cols[i].computed)
            buf_adds(q, ",NULL");
        else
            buf_printf(q, ",%s.c%d", src->tn, src->table->cols[i].id);
    }
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
            fail(s, 208, 16, 1, "Invalid object name '%s'.", name_dotted(&s->arena, &st->name));
            goto out;
        }
        ch->t = src->table;
        ch->sdb = src->sdb != NULL ? src->sdb : s->cur;
        buf_adds(&q, "SELECT ");
        change_select(src, &q);
    } else {
        source_t self = {.kind = S_TABLE, .name = st->name};
        bool reads = st->expr != NULL; /* without a condition no right to read is needed */
        if (!dml_target(s, &st->name, &ch->sdb, &ch->t)) goto out;
        s->trusted += !reads;
        bool bound = bind_source(&b, &self, &sc, &from);
        s->trusted -= !reads;
        if (!bound) goto out;
        buf_adds(&q, "SELECT ");
        change_select(&sc.srcs[0], &q);
    }
    if (!security_check_table(s, ch->sdb, ch->t, st->kind == ST_UPDATE ? "UPDATE" : "DELETE")) goto out;
    /* the write lock first: what is read below must still be true when it is written */
    if (!ch->t->temp && !tran_write(s, ch->sdb, ch->t->in_cdc)) goto out;
    b.scope = &sc;
    if (st->kind == ST_UPDATE && !change_bind(s, &b, st->sets, st->nsets, ch, &q)) goto out;
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
        kept_add(&s->arena, &ch->old, rowid,
                 kept_read(&s->arena, sq, 1, &ch->t->cols[0].type, sizeof(cat_column_t), ch->t->ncols));
        if (ch->nsets > 0)
            kept_add(&s->arena, &ch->values, rowid,
                     kept_read(&s->arena, sq, 1 + (int)ch->t->ncols, ch->types, sizeof(sim_typeinfo_t), ch->nsets));
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

/* One SET item of one row: into its column, its variable or both. */
static bool assign(sim_session_t *s, change_t *ch, writer_t *w, size_t row, size_t i, sim_value_t *after, bool *changed)
{
    const sim_value_t *v = &ch->values.rows[row][i];
    if (ch->at[i] >= 0) {
        const cat_column_t *c = &ch->t->cols[ch->at[i]];
        if (!writer_convert(w, c, &ch->types[i], v, &after[ch->at[i]])) return false;
        if (!same_value(&c->type, &after[ch->at[i]], &ch->old.rows[row][ch->at[i]])) changed[ch->at[i]] = true;
    }
    if (ch->vars[i] == NULL) return true;
    sim_var_t *var = session_var(s, ch->vars[i]);
    sql_error_t err = {0};
    sim_value_t out;
    if (var == NULL) return fail(s, 137, 15, 2, "Must declare the scalar variable \"%s\".", ch->vars[i]);
    if (!value_convert(&s->arena, &ch->types[i], v, &var->type, 0, 0, &out, &err)) return fail_err(s, &err);
    var_set(var, &out);
    return true;
}

/* Keys may move over each other (SET id = id + 1): then all rows leave their places before any takes its new one. */
static bool moves_keys(const change_t *ch)
{
    for (size_t i = 0; i < ch->t->nindexes && ch->old.n > 1; i++)
        for (int k = 0; ch->t->indexes[i].unique && k < ch->t->indexes[i].ncols; k++)
            for (size_t m = 0; m < ch->nsets; m++)
                if (ch->at[m] >= 0 && ch->t->cols[ch->at[m]].id == ch->t->indexes[i].cols[k]) return true;
    return false;
}

bool change_update(sim_session_t *s, change_t *ch, writer_t *w, output_t *out)
{
    size_t n = ch->t->ncols, rows = ch->old.n;
    sim_value_t **after = arena_alloc(&s->arena, sizeof(*after) * (rows + 1));
    bool **changed = arena_alloc(&s->arena, sizeof(*changed) * (rows + 1)), ok = true;
    w->parked = moves_keys(ch);
    for (size_t r = 0; ok && r < rows; r++) {
        arena_reset(&w->arena);
        after[r] = arena_alloc(&s->arena, sizeof(sim_value_t) * (n + 1));
        changed[r] = arena_alloc(&s->arena, n + 1);
        memcpy(after[r], ch->old.rows[r], sizeof(sim_value_t) * n);
        for (size_t i = 0; ok && i < ch->nsets; i++) ok = assign(s, ch, w, r, i, after[r], changed[r]);
        for (size_t i = 0; ok && i < n; i++) /* the converted cells live in the writer's arena */
            if (changed[r][i]) kept_copy(&s->arena, &ch->t->cols[i].type, &after[r][i], &after[r][i]);
        if (ok && (r & 255) == 255 && client_gone(s)) ok = false;
        ok = ok && (w->parked ? writer_park(w, ch->old.rowids[r])
                              : writer_update(w, ch->old.rowids[r], ch->old.rows[r], after[r], changed[r]));
        if (ok && !w->parked) ok = output_row(out, ch->old.rows[r], after[r], "UPDATE");
    }
    for (size_t r = 0; ok && w->parked && r < rows; r++) {
        arena_reset(&w->arena);
        ok = writer_update(w, ch->old.rowids[r], ch->old.rows[r], after[r], changed[r]) &&
             output_row(out, ch->old.rows[r], after[r], "UPDATE");
    }
    for (size_t r = 0; ok && r < rows; r++) ok = writer_keys_moved(w, ch->old.rows[r], after[r], changed[r]);
    return ok;
}

bool change_delete(sim_session_t *s, change_t *ch, writer_t *w, output_t *out)
{
    bool ok = true;
    for (size_t r = 0; ok && r < ch->old.n; r++) {
        arena_reset(&w->arena);
        if ((r & 255) == 255 && client_gone(s)) ok = false;
        ok = ok && writer_delete(w, ch->old.rowids[r], ch->old.rows[r]) &&
             output_row(out, ch->old.rows[r], NULL, "DELETE");
    }
    return ok;
}

static bool change_rows(sim_session_t *s, stmt_t *st, uint64_t *rows)
{
    change_t ch;
    writer_t w;
    output_t out;
    bool update = st->kind == ST_UPDATE;
    if (!collect(s, st, &ch) || !output_open(&out, s, st, ch.t)) return false;
    bool ok = writer_open(&w, s, ch.sdb, ch.t, update ? "UPDATE" : "DELETE");
    if (ok) {
        ok = update ? change_update(s, &ch, &w, &out) : change_delete(s, &ch, &w, &out);
        *rows = w.rows;
        ok = writer_close(&w, ok) && ok;
    }
    return output_close(&out, ok);
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
    if (!t->temp && !security_allows(s, sdb, t->id, t->schema_id, "ALTER"))
        return fail(s, 1088, 16, 7,
                    "Cannot find the object \"%s\" because it does not exist or you do not have permissions.", t->name);
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
    case ST_DELETE:
        return change_rows(s, st, rows);
    case ST_MERGE:
        return exec_merge(s, st, rows);
    default:
        return exec_truncate(s, st);
    }
}
