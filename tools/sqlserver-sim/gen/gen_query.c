/* gen_query.c: SELECT over a generator.
 *
 * Row images are sorted by (start_lsn, seqval, operation), so each AND-ed condition on these columns that readers send is
 * true on one side of some index and false on the other. The index is found by bisection; what is left is one range. A
 * condition on the operation alone is not of this kind and filters row by row. */
#include "gen/gen_query.h"

#include <string.h>

#include "gen/gen.h"

enum { CONSTANTS_MAX = 32, CONDITIONS_MAX = 16, PATCHES_MAX = 12 };

#define BINARY_10                                                                                                      \
    {                                                                                                                  \
        .base = SIM_T_BINARY, .len = 10, .not_null = true                                                              \
    }
static const uint8_t zeros[16];
#define ZEROS(n)                                                                                                       \
    {                                                                                                                  \
        .u.s = {.ptr = (const char *)zeros, .len = (n) }                                                               \
    }

static const gen_column_t change_columns[] = {
    {"__$start_lsn", NULL, BINARY_10, ZEROS(10)},
    {"__$end_lsn", NULL, {.base = SIM_T_BINARY, .len = 10}, {.is_null = true}},
    {"__$seqval", NULL, BINARY_10, ZEROS(10)},
    {"__$operation", NULL, {.base = SIM_T_INT, .not_null = true}, {.u.i = 0}},
    {"__$update_mask", NULL, {.base = SIM_T_VARBINARY, .len = 128}, ZEROS(1)},
};
static const gen_column_t command_column = {"__$command_id", NULL, {.base = SIM_T_INT}, {.u.i = 1}};

size_t gen_columns(const gen_table_t *g, gen_object_t what, gen_column_t ret_cols[GEN_COLUMNS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; what != GEN_TABLE && i < GEN_CT_COLUMNS; i++) {
        if (what == GEN_FUNCTION && i == 1) continue;
        ret_cols[n] = change_columns[i];
        if (i == 4) ret_cols[n].value.u.s.len = (g->ncols + 7) / 8;
        n++;
    }
    for (size_t i = 0; i < g->tpl->ncols; i++) {
        ret_cols[n] = g->tpl->cols[i];
        ret_cols[n].type.not_null = what == GEN_TABLE && ret_cols[n].type.not_null;
        n++;
    }
    if (what == GEN_CHANGES) ret_cols[n++] = command_column;
    return n;
}

/* ---- conditions --------------------------------------------------------------------------------------------- */

typedef struct constant {
    const expr_t *expr;
    bool is_null;
    bool binary;
    uint8_t lsn[10];
    int64_t number;
} constant_t;

typedef struct query {
    sim_session_t *s;
    gen_table_t *g;
    gen_object_t what;
    constant_t constants[CONSTANTS_MAX];
    size_t nconstants;
    const expr_t *filters[CONDITIONS_MAX]; /* row by row */
    size_t nfilters;
    bool skip_before_images; /* the function without 'all update old' */
    uint64_t first, end;
} query_t;

static bool unsupported(query_t *q, const char *what)
{
    return fail(q->s, 50000, 16, 1, "A generator table cannot answer %s.", what);
}

typedef enum position { POS_NONE, POS_LSN, POS_SEQVAL, POS_OPERATION, POS_KEY } position_t;

static position_t position_of(const query_t *q, const expr_t *e)
{
    if (e->kind != E_COL) return POS_NONE;
    const char *name = e->name.part[e->name.n - 1];
    if (q->what == GEN_TABLE) return name_eq(name, q->g->tpl->cols[0].name) ? POS_KEY : POS_NONE;
    return name_eq(name, "__$start_lsn")   ? POS_LSN
           : name_eq(name, "__$seqval")    ? POS_SEQVAL
           : name_eq(name, "__$operation") ? POS_OPERATION
                                           : POS_NONE;
}

static bool constant_of(query_t *q, expr_t *e, const constant_t **ret)
{
    for (size_t i = 0; i < q->nconstants; i++)
        if (q->constants[i].expr == e) {
            *ret = &q->constants[i];
            return true;
        }
    if (q->nconstants == CONSTANTS_MAX) return unsupported(q, "so many conditions");
    constant_t *c = &q->constants[q->nconstants++];
    sim_value_t v;
    sim_typeinfo_t t;
    if (!eval_scalar(q->s, e, NULL, &v, &t)) return false;
    *c = (constant_t){.expr = e, .is_null = v.is_null};
    if (!v.is_null && (t.base == SIM_T_BINARY || t.base == SIM_T_VARBINARY)) {
        c->binary = true;
        memcpy(c->lsn, v.u.s.ptr, v.u.s.len < 10 ? v.u.s.len : 10);
    } else if (!v.is_null && t.base >= SIM_T_BIT && t.base <= SIM_T_BIGINT) {
        c->number = v.u.i;
    } else if (!v.is_null) {
        return unsupported(q, "a comparison with this type");
    }
    *ret = c;
    return true;
}

static int compare(const query_t *q, position_t pos, uint64_t i, const constant_t *c)
{
    sim_gen_row_t row;
    if (pos == POS_KEY) return i + 1 < (uint64_t)c->number ? -1 : i + 1 > (uint64_t)c->number;
    sim_gen_row(q->g, i, &row);
    if (pos == POS_OPERATION) return row.operation < c->number ? -1 : row.operation > c->number;
    return memcmp(pos == POS_LSN ? row.start_lsn : row.seqval, c->lsn, 10);
}

static bool holds(char op, int order)
{
    switch (op) {
    case '=':
        return order == 0;
    case '<':
        return order < 0;
    case '>':
        return order > 0;
    case 'l':
        return order <= 0;
    case 'g':
        return order >= 0;
    default:
        return order != 0;
    }
}

static char mirrored(char op)
{
    return op == '<' ? '>' : op == '>' ? '<' : op == 'l' ? 'g' : op == 'g' ? 'l' : op;
}

/* Truth of a condition at row i; NULL counts as false, which is right for what stands in a WHERE without NOT. */
static bool eval(query_t *q, const expr_t *e, uint64_t i, bool *ret)
{
    const constant_t *c;
    bool left, right;
    *ret = false;
    switch (e->kind) {
    case E_AND:
    case E_OR:
        if (!eval(q, e->args[0], i, &left) || !eval(q, e->args[1], i, &right)) return false;
        *ret = e->kind == E_AND ? left && right : left || right;
        return true;
    case E_NOT:
        if (!eval(q, e->args[0], i, &left)) return false;
        *ret = !left;
        return true;
    case E_CMP: {
        position_t pos = position_of(q, e->args[0]);
        bool swapped = pos == POS_NONE;
        if (swapped) pos = position_of(q, e->args[1]);
        if (pos == POS_NONE) return unsupported(q, "a condition on this column");
        if (!constant_of(q, e->args[swapped ? 0 : 1], &c)) return false;
        *ret = !c->is_null && holds(swapped ? mirrored(e->op) : e->op, compare(q, pos, i, c));
        return true;
    }
    case E_BETWEEN: {
        position_t pos = position_of(q, e->args[0]);
        const constant_t *high;
        if (pos == POS_NONE) return unsupported(q, "a condition on this column");
        if (!constant_of(q, e->args[1], &c) || !constant_of(q, e->args[2], &high)) return false;
        *ret = !c->is_null && !high->is_null &&
               (compare(q, pos, i, c) >= 0 && compare(q, pos, i, high) <= 0) != e->negated;
        return true;
    }
    case E_IN: {
        position_t pos = position_of(q, e->args[0]);
        if (pos == POS_NONE || e->u.sub != NULL) return unsupported(q, "this IN condition");
        bool found = false;
        for (size_t k = 1; k < e->nargs; k++) {
            if (!constant_of(q, e->args[k], &c)) return false;
            found = found || (!c->is_null && compare(q, pos, i, c) == 0);
        }
        *ret = found != e->negated;
        return true;
    }
    default:
        return unsupported(q, "this condition");
    }
}

/* Does the condition look at the operation only? */
static bool is_filter(const query_t *q, const expr_t *e)
{
    if (e->kind == E_AND || e->kind == E_OR || e->kind == E_NOT) {
        for (size_t i = 0; i < e->nargs; i++)
            if (!is_filter(q, e->args[i])) return false;
        return true;
    }
    return e->nargs > 0 && (position_of(q, e->args[0]) == POS_OPERATION ||
                            (e->nargs > 1 && position_of(q, e->args[1]) == POS_OPERATION));
}

/* Narrows first..end by a condition that changes its value at most once; one that is true in the middle (BETWEEN, =)
 * is searched from an index where it holds, which the bounds of its parts give. */
static bool narrow(query_t *q, expr_t *e)
{
    bool at_first, at_last, value;
    if (q->first >= q->end) return true;
    if (e->kind == E_AND) return narrow(q, e->args[0]) && narrow(q, e->args[1]);
    if (e->kind == E_BETWEEN && !e->negated) {
        expr_t *low_args[2] = {e->args[0], e->args[1]}, *high_args[2] = {e->args[0], e->args[2]};
        expr_t low = {.kind = E_CMP, .op = 'g', .args = low_args, .nargs = 2};
        expr_t high = {.kind = E_CMP, .op = 'l', .args = high_args, .nargs = 2};
        return narrow(q, &low) && narrow(q, &high);
    }
    if (e->kind == E_CMP && e->op == '=') {
        expr_t low = *e, high = *e;
        low.op = 'g';
        high.op = 'l';
        return narrow(q, &low) && narrow(q, &high);
    }
    if (!eval(q, e, q->first, &at_first) || !eval(q, e, q->end - 1, &at_last)) return false;
    if (at_first == at_last) {
        if (!at_first) q->end = q->first;
        return true;
    }
    uint64_t low = q->first, high = q->end - 1; /* the value at low is at_first, at high it is at_last */
    while (high - low > 1) {
        uint64_t mid = low + (high - low) / 2;
        if (!eval(q, e, mid, &value)) return false;
        if (value == at_first)
            low = mid;
        else
            high = mid;
    }
    if (at_first)
        q->end = high;
    else
        q->first = high;
    return true;
}

static bool apply_where(query_t *q, expr_t *e)
{
    if (e == NULL) return true;
    if (e->kind == E_AND) return apply_where(q, e->args[0]) && apply_where(q, e->args[1]);
    if (!is_filter(q, e)) return narrow(q, e);
    if (q->nfilters == CONDITIONS_MAX) return unsupported(q, "so many conditions");
    q->filters[q->nfilters++] = e;
    return true;
}

/* ---- source ------------------------------------------------------------------------------------------------- */

/* The generator's own source: the leftmost one of a join with the time mapping. */
static source_t *own_source(source_t *src)
{
    while (src->kind == S_JOIN) src = src->left;
    return src;
}

/* from and to of the change function: both ends are included. */
static bool apply_function(query_t *q, source_t *src)
{
    sim_value_t option;
    sim_typeinfo_t type;
    expr_t column = {.kind = E_COL, .name = {{"__$start_lsn"}, 1}};
    if (src->nargs != 3) return unsupported(q, "a call with other than three arguments");
    expr_t *low_args[2] = {&column, src->args[0]}, *high_args[2] = {&column, src->args[1]};
    expr_t low = {.kind = E_CMP, .op = 'g', .args = low_args, .nargs = 2};
    expr_t high = {.kind = E_CMP, .op = 'l', .args = high_args, .nargs = 2};
    if (!eval_scalar(q->s, src->args[2], NULL, &option, &type)) return false;
    q->skip_before_images = option.is_null || option.u.s.len < sizeof("all update old") - 1;
    return narrow(q, &low) && narrow(q, &high);
}

/* ---- output ------------------------------------------------------------------------------------------------- */

static bool column_index(const gen_column_t *cols, size_t n, const char *name, size_t *ret_index)
{
    for (size_t i = 0; i < n; i++)
        if (name_eq(cols[i].name, name)) {
            *ret_index = i;
            return true;
        }
    return false;
}

/* MIN, MAX of a position or COUNT over everything: one row. @return false with *ret_is false: not an aggregate */
static bool aggregate(query_t *q, const expr_t *e, sim_value_t *ret_value, uint8_t lsn[10], bool *ret_is)
{
    sim_gen_row_t row;
    *ret_is = e->kind == E_FUNC && e->u.over == NULL &&
              (name_eq(e->name.part[0], "MAX") || name_eq(e->name.part[0], "MIN") ||
               name_eq(e->name.part[0], "COUNT") || name_eq(e->name.part[0], "COUNT_BIG"));
    if (!*ret_is) return true;
    *ret_value = (sim_value_t){.u.i = (int64_t)(q->end - q->first)};
    if (name_eq(e->name.part[0], "COUNT") || name_eq(e->name.part[0], "COUNT_BIG")) return true;
    position_t pos = e->nargs == 1 ? position_of(q, e->args[0]) : POS_NONE;
    if (pos != POS_LSN && pos != POS_KEY) return unsupported(q, "this aggregate");
    ret_value->is_null = q->first >= q->end;
    if (ret_value->is_null) return true;
    uint64_t at = name_eq(e->name.part[0], "MAX") ? q->end - 1 : q->first;
    if (pos == POS_KEY) {
        ret_value->u.i = (int64_t)at + 1;
        return true;
    }
    sim_gen_row(q->g, at, &row);
    memcpy(lsn, row.start_lsn, 10);
    ret_value->u.s.ptr = (const char *)lsn;
    ret_value->u.s.len = 10;
    return true;
}

typedef struct output {
    sim_value_t cells[GEN_COLUMNS_MAX * 2];
    sim_gen_plan_t plan;
    uint8_t key_type; /* SIM_PATCH_KEY32 or 64 */
} output_t;

static void add_patch(output_t *o, size_t column, sim_patch_kind_t kind)
{
    if (o->plan.npatches == PATCHES_MAX) return;
    o->plan.patches[o->plan.npatches].column = column;
    o->plan.patches[o->plan.npatches++].kind = kind;
}

static void add_column(const query_t *q, output_t *o, size_t at, const gen_column_t *col)
{
    static const struct {
        const char *name;
        sim_patch_kind_t kind;
    } positions[] = {{"__$start_lsn", SIM_PATCH_START_LSN},
                     {"__$seqval", SIM_PATCH_SEQVAL},
                     {"__$operation", SIM_PATCH_OPERATION},
                     {"__$update_mask", SIM_PATCH_MASK}};
    o->cells[at] = col->value;
    if (col->name == q->g->tpl->cols[0].name)
        add_patch(o, at, col->type.base == SIM_T_BIGINT ? SIM_PATCH_KEY64 : SIM_PATCH_KEY32);
    for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++)
        if (name_eq(positions[i].name, col->name)) add_patch(o, at, positions[i].kind);
}

static bool plan_items(query_t *q, select_t *sel, const sim_column_t *cols, size_t ncols, output_t *o)
{
    gen_column_t own[GEN_COLUMNS_MAX];
    size_t nown = gen_columns(q->g, q->what, own), at = 0, index;
    for (size_t i = 0; i < sel->nitems; i++) {
        const expr_t *e = sel->items[i].expr;
        if (e->kind == E_STAR) {
            for (size_t k = 0; k < nown && at < ncols; k++) add_column(q, o, at++, &own[k]);
        } else if (at >= ncols) {
            break;
        } else if (e->kind == E_COL && column_index(own, nown, e->name.part[e->name.n - 1], &index)) {
            add_column(q, o, at++, &own[index]);
        } else if (cols[at].type.base == SIM_T_DATETIMEOFFSET) { /* the commit time that readers compute */
            o->cells[at] =
                (sim_value_t){.u.t = {.days = q->g->days, .ticks = q->g->ticks, .offset = (int16_t)q->g->offset_min}};
            add_patch(o, at++, SIM_PATCH_COMMIT_TIME);
        } else {
            return unsupported(q, "this column");
        }
    }
    return at == ncols || unsupported(q, "columns of other tables");
}

static void patch_cells(const output_t *o, const gen_table_t *g, uint64_t i, sim_value_t *cells, sim_gen_row_t *row)
{
    sim_gen_row(g, i, row);
    for (size_t k = 0; k < o->plan.npatches; k++) {
        sim_value_t *cell = &cells[o->plan.patches[k].column];
        switch (o->plan.patches[k].kind) {
        case SIM_PATCH_START_LSN:
            cell->u.s.ptr = (const char *)row->start_lsn;
            break;
        case SIM_PATCH_SEQVAL:
            cell->u.s.ptr = (const char *)row->seqval;
            break;
        case SIM_PATCH_MASK:
            cell->u.s.ptr = (const char *)row->mask;
            break;
        case SIM_PATCH_OPERATION:
            cell->u.i = row->operation;
            break;
        case SIM_PATCH_KEY32:
        case SIM_PATCH_KEY64:
            cell->u.i = row->key;
            break;
        case SIM_PATCH_COMMIT_TIME:
            cell->u.t.days = row->days;
            cell->u.t.ticks = row->ticks;
            break;
        }
    }
}

static bool send_filtered(query_t *q, output_t *o, uint64_t limit, uint64_t *ret_rows)
{
    if (!send_columns(q->s, o->plan.columns, o->plan.ncolumns)) return false;
    for (uint64_t i = q->first; i < q->end && *ret_rows < limit; i++) {
        sim_gen_row_t row;
        bool keep = true;
        sim_gen_row(q->g, i, &row);
        if (q->skip_before_images && row.operation == 3) continue;
        for (size_t k = 0; keep && k < q->nfilters; k++)
            if (!eval(q, q->filters[k], i, &keep)) return false;
        if (!keep) continue;
        patch_cells(o, q->g, i, o->cells, &row);
        if (!send_row(q->s, o->cells, o->plan.ncolumns)) return false;
        ++*ret_rows;
    }
    return true;
}

/* Rows of the table itself have keys and no position; their images are those of a table that only has inserts. */
static bool send_table(query_t *q, output_t *o, uint64_t *ret_rows)
{
    if (!send_columns(q->s, o->plan.columns, o->plan.ncolumns)) return false;
    for (uint64_t i = q->first; i < q->end; i++) {
        for (size_t k = 0; k < o->plan.npatches; k++) o->cells[o->plan.patches[k].column].u.i = (int64_t)i + 1;
        if (!send_row(q->s, o->cells, o->plan.ncolumns)) return false;
        ++*ret_rows;
    }
    return true;
}

static bool send(query_t *q, output_t *o, uint64_t limit, uint64_t *ret_rows)
{
    sim_sink_t *sink = q->s->sink;
    if (q->what == GEN_TABLE) return send_table(q, o, ret_rows);
    if (q->nfilters > 0 || q->skip_before_images || sink->ops->generate == NULL)
        return send_filtered(q, o, limit, ret_rows);
    if (!sink->ops->generate(sink, &o->plan, ret_rows)) q->s->gone = true;
    return !q->s->gone;
}

bool gen_select(sim_session_t *s, gen_table_t *g, select_t *sel, const sim_column_t *cols, size_t ncols,
                uint64_t *ret_rows)
{
    query_t *q = arena_alloc(&s->arena, sizeof(*q));
    output_t *o = arena_alloc(&s->arena, sizeof(*o));
    source_t *src = own_source(sel->from);
    const char *object = src->name.part[src->name.n - 1];
    *ret_rows = 0;
    *q = (query_t){.s = s,
                   .g = g,
                   .what = src->kind == S_TVF         ? GEN_FUNCTION
                           : name_eq(object, g->name) ? GEN_TABLE
                                                      : GEN_CHANGES};
    q->end = q->what == GEN_TABLE ? g->snapshot : gen_visible(g);
    if (ncols > GEN_COLUMNS_MAX * 2 || sel->ngroup > 0 || sel->offset != NULL || sel->distinct)
        return unsupported(q, "this query");
    if ((src->kind == S_TVF && !apply_function(q, src)) || !apply_where(q, sel->where)) return false;
    uint64_t limit = UINT64_MAX;
    if (sel->top != NULL) {
        sim_value_t top;
        sim_typeinfo_t bigint = {.base = SIM_T_BIGINT};
        if (!eval_scalar(s, sel->top, &bigint, &top, NULL)) return false;
        limit = top.is_null || top.u.i < 0 ? 0 : (uint64_t)top.u.i;
        if (q->nfilters == 0 && !q->skip_before_images && q->end - q->first > limit) q->end = q->first + limit;
    }
    uint8_t lsn[10];
    bool is_aggregate = false;
    for (size_t i = 0; i < sel->nitems && i < ncols; i++)
        if (!aggregate(q, sel->items[i].expr, &o->cells[i], lsn, &is_aggregate)) return false;
    if (is_aggregate) {
        *ret_rows = 1;
        return send_columns(s, cols, ncols) && send_row(s, o->cells, ncols);
    }
    if (!plan_items(q, sel, cols, ncols, o)) return false;
    o->plan.columns = cols;
    o->plan.ncolumns = ncols;
    o->plan.template_row = o->cells;
    o->plan.first = q->first;
    o->plan.end = q->end;
    o->plan.gen = g;
    o->plan.replay = g->replay;
    return send(q, o, limit, ret_rows);
}
