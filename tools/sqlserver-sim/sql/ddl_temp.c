/* ddl_temp.c: #tables and table variables: in the connection's temporary database and in session memory. */
#include <stdlib.h>
#include <string.h>

#include "sql/bind.h"
#include "sql/ddl.h"
#include "sql/exec.h"
#include "sql/parser.h"

/* The table comes first: holders know only that. */
typedef struct temp_table {
    cat_table_t t;
    arena_t arena; /* names, columns, indexes, checks */
} temp_table_t;

void ddl_temp_free(cat_table_t *t)
{
    temp_table_t *tt = (temp_table_t *)t;
    arena_done(&tt->arena);
    free(tt);
}

static cat_index_t *add_index(temp_table_t *tt)
{
    cat_index_t *grown = arena_alloc(&tt->arena, sizeof(*grown) * (tt->t.nindexes + 1));
    if (tt->t.nindexes != 0) memcpy(grown, tt->t.indexes, sizeof(*grown) * tt->t.nindexes);
    tt->t.indexes = grown;
    return &grown[tt->t.nindexes++];
}

bool ddl_temp_index(sim_session_t *s, cat_table_t *t, const char *name, bool unique, bool clustered, bool pk, bool uq,
                    const int *ids, size_t n)
{
    temp_table_t *tt = (temp_table_t *)t;
    buf_t q = {0};
    const char *table = strchr(t->storage, '.') + 1;
    buf_printf(&q, "CREATE %sINDEX temp.i%s_%zu ON %s(", unique ? "UNIQUE " : "", table, t->nindexes + 1, table);
    for (size_t i = 0; i < n; i++) buf_printf(&q, "%sc%d", i > 0 ? "," : "", ids[i]);
    buf_addc(&q, ')');
    bool ok = !unique || ddl_check_unique(s, t, name, ids, n);
    if (ok && sqlite3_exec(s->sq, buf_text(&q), NULL, NULL, NULL) != SQLITE_OK) ok = fail_sqlite(s);
    buf_done(&q);
    if (!ok) return false;
    cat_index_t *ix = add_index(tt);
    *ix = (cat_index_t){.id = (int)t->nindexes,
                        .type = clustered ? 1 : 2,
                        .name = arena_strdup(&tt->arena, name),
                        .unique = unique,
                        .pk = pk,
                        .uq = uq,
                        .ncols = (int)n,
                        .cols = arena_memdup(&tt->arena, ids, n * sizeof(*ids)),
                        .desc = arena_alloc(&tt->arena, n + 1)};
    return true;
}

static bool add_key(sim_session_t *s, temp_table_t *tt, const table_constraint_t *c)
{
    int *ids = arena_alloc(&s->arena, sizeof(int) * (c->ncols + 1));
    for (size_t k = 0; k < c->ncols; k++) {
        int at = ddl_find_column(tt->t.cols, tt->t.ncols, c->cols[k]);
        if (at < 0)
            return fail(s, 1911, 16, 1, "Column name '%s' does not exist in the target table or view.", c->cols[k]);
        ids[k] = tt->t.cols[at].id;
        if (c->kind == 'P') tt->t.cols[at].type.not_null = true;
    }
    const char *name = c->name != NULL
                           ? c->name
                           : arena_printf(&s->arena, "%s__%.9s__%08X", c->kind == 'P' ? "PK" : "UQ", tt->t.name,
                                          (unsigned)(-tt->t.id * 64 + (int)tt->t.nindexes) * 2654435761u);
    return ddl_temp_index(s, &tt->t, name, true, c->kind == 'P' ? !c->nonclustered : c->clustered, c->kind == 'P',
                          c->kind == 'U', ids, c->ncols);
}

static void add_check(temp_table_t *tt, const table_constraint_t *c)
{
    cat_check_t *grown = arena_alloc(&tt->arena, sizeof(*grown) * (tt->t.nchecks + 1));
    buf_t text = {0};
    if (tt->t.nchecks != 0) memcpy(grown, tt->t.checks, sizeof(*grown) * tt->t.nchecks);
    tt->t.checks = grown;
    expr_render(c->expr, &text);
    const char *name = c->name != NULL ? arena_strdup(&tt->arena, c->name)
                                       : arena_printf(&tt->arena, "CK__%.9s__%08X", tt->t.name,
                                                      (unsigned)(-tt->t.id * 64 + (int)tt->t.nchecks) * 2654435761u);
    grown[tt->t.nchecks++] = (cat_check_t){.name = name, .text = arena_strdup(&tt->arena, buf_text(&text))};
    buf_done(&text);
}

static bool fill(sim_session_t *s, temp_table_t *tt, const char *name, const column_def_t *defs, size_t ndefs,
                 const table_constraint_t *cons, size_t ncons)
{
    arena_t *a = &tt->arena;
    cat_table_t *t = &tt->t;
    int id = ++s->next_temp;
    t->id = -id;
    t->schema = "dbo";
    t->temp = true;
    t->name = arena_strdup(a, name);
    t->storage = arena_printf(a, "temp.tv%d", id);
    t->cols = arena_alloc(a, sizeof(*t->cols) * (ndefs + 1));
    for (size_t i = 0; i < ndefs; i++) {
        cat_column_t *c = &t->cols[i];
        if (ddl_find_column(t->cols, i, defs[i].name) >= 0)
            return fail(s, 2705, 16, 3,
                        "Column names in each table must be unique. Column name '%s' in table '%s' is specified more "
                        "than once.",
                        defs[i].name, name);
        if (!ddl_column_from_def(s, s->cur, &defs[i], (int)i + 1, name, t->cols, i, c)) return false;
        c->name = arena_strdup(a, c->name);
        if (c->computed_text != NULL) c->computed_text = arena_strdup(a, c->computed_text);
        c->collation = NULL;
        if (defs[i].dflt != NULL) {
            buf_t text = {0};
            expr_render(defs[i].dflt, &text);
            c->dflt = arena_strdup(a, buf_text(&text));
            buf_done(&text);
        }
        t->ncols++;
    }
    if (!ddl_create_storage(s, t->storage, t->cols, ndefs)) return false;
    for (size_t i = 0; i < ndefs; i++) {
        const char *one[1] = {defs[i].name};
        table_constraint_t key = {.kind = defs[i].primary_key ? 'P' : 'U',
                                  .name = defs[i].key_name,
                                  .cols = one,
                                  .ncols = 1,
                                  .clustered = defs[i].clustered,
                                  .nonclustered = defs[i].nonclustered};
        if ((defs[i].primary_key || defs[i].unique) && !add_key(s, tt, &key)) return false;
    }
    for (size_t i = 0; i < ncons; i++) {
        if ((cons[i].kind == 'P' || cons[i].kind == 'U') && !add_key(s, tt, &cons[i])) return false;
        if (cons[i].kind == 'C') add_check(tt, &cons[i]);
    }
    return true;
}

static bool create_temp(sim_session_t *s, const char *name, const column_def_t *defs, size_t ndefs,
                        const table_constraint_t *cons, size_t ncons, cat_table_t **ret)
{
    temp_table_t *tt = sim_alloc(sizeof(*tt));
    if (!fill(s, tt, name, defs, ndefs, cons, ncons)) {
        ddl_temp_free(&tt->t);
        return false;
    }
    *ret = &tt->t;
    return true;
}

bool ddl_table_variable(sim_session_t *s, declare_item_t *d)
{
    cat_table_t *t;
    if (!create_temp(s, d->name, d->cols, d->ncols, d->constraints, d->nconstraints, &t)) return false;
    sim_typeinfo_t none = {0};
    sim_var_t *v = frame_declare(s->frame, d->name, &none);
    v->table = t; /* freed with the variable */
    return true;
}

bool ddl_add_temp(sim_session_t *s, const char *name, const column_def_t *defs, size_t n,
                  const table_constraint_t *cons, size_t ncons)
{
    cat_table_t *t;
    if (session_temp(s, name) != NULL)
        return fail(s, 2714, 16, 6, "There is already an object named '%s' in the database.", name);
    if (!create_temp(s, name, defs, n, cons, ncons, &t)) return false;
    s->temps = sim_realloc(s->temps, sizeof(*s->temps) * (s->ntemps + 1));
    s->temps[s->ntemps++] = t;
    return true;
}
