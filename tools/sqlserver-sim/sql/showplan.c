/* showplan.c: SET SHOWPLAN_TEXT ON: statements are shown with their plan instead of being run. The plan names what is
 * read and written; how SQL Server would have joined it is not imitated. */
#include "sql/showplan.h"

#include <string.h>

#include "sql/bind.h"

static bool send_line(sim_session_t *s, const char *text)
{
    sim_value_t v = value_str(text);
    return send_row(s, &v, 1);
}

static bool scan(sim_session_t *s, const name_t *n)
{
    sdb_t *sdb;
    cat_table_t *t;
    if (!resolve_table(s, n, &sdb, &t)) return false;
    if (t == NULL)
        return send_line(s, arena_printf(&s->arena, "  |--Table-valued function(%s)", name_dotted(&s->arena, n)));
    const char *db = t->temp ? "tempdb" : sdb->db->name;
    for (size_t i = 0; i < t->nindexes; i++)
        if (t->indexes[i].type == 1)
            return send_line(s, arena_printf(&s->arena, "  |--Clustered Index Scan(OBJECT:([%s].[%s].[%s].[%s]))", db,
                                             t->schema, t->name, t->indexes[i].name));
    return send_line(s, arena_printf(&s->arena, "  |--Table Scan(OBJECT:([%s].[%s].[%s]))", db, t->schema, t->name));
}

static bool sources(sim_session_t *s, const source_t *src)
{
    switch (src->kind) {
    case S_TABLE:
        return scan(s, &src->name);
    case S_JOIN:
        return sources(s, src->left) && sources(s, src->right);
    case S_SUBQUERY:
        return src->sub->from == NULL ? send_line(s, "  |--Constant Scan") : sources(s, src->sub->from);
    case S_TVF:
        return send_line(s,
                         arena_printf(&s->arena, "  |--Table-valued function(%s)", name_dotted(&s->arena, &src->name)));
    default:
        return send_line(s, "  |--Constant Scan");
    }
}

static bool change(sim_session_t *s, const stmt_t *st)
{
    static const char *const verbs[] = {"Insert", "Update", "Delete", "Merge"};
    int verb = st->kind == ST_INSERT ? 0 : st->kind == ST_UPDATE ? 1 : st->kind == ST_DELETE ? 2 : 3;
    return send_line(
        s, arena_printf(&s->arena, "  |--Table %s(OBJECT:(%s))", verbs[verb], name_dotted(&s->arena, &st->name)));
}

bool showplan_send(sim_session_t *s, const stmt_t *st, sim_done_kind_t kind)
{
    sim_column_t col = {"StmtText", type_nvarchar(SIM_LEN_MAX), 0};
    const char *text =
        s->frame->src != NULL ? arena_strndup(&s->arena, s->frame->src + st->start, st->end - st->start) : "";
    if (!send_columns(s, &col, 1) || !send_line(s, text) || !send_done(s, kind, true, 1, false, 0xC1)) return false;
    if (!send_columns(s, &col, 1)) return false;
    if (st->kind != ST_SELECT) return change(s, st) && (st->from == NULL || sources(s, st->from));
    const select_t *q = st->select;
    while (q->op != SET_NONE) q = q->left;
    return q->from != NULL ? sources(s, q->from) : send_line(s, "  |--Constant Scan");
}
