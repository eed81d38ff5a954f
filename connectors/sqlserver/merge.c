/* From the rows of all cursors of a window, in order, to events. */
#include "connectors/sqlserver/stream.h"

static cd_err_t *not_followed(part_t *p, const cursor_t *c, const position_t *pos)
{
    (void)p;
    char commit[LSN_TEXT + 1], change[LSN_TEXT + 1];
    (void)lsn_format(&pos->commit, commit);
    (void)lsn_format(&pos->change, change);
    return cd_err_new(
        CD_ERR_FATAL, "java.lang.IllegalStateException",
        "The update before event at %s(%s) for table %s was not followed by after event.\n Please report this "
        "as a bug together with a events around given LSN.",
        commit, change, c->shape->table->id);
}

/* The commit text is shared by all events of a transaction in one batch. */
static cd_value_t commit_cell(part_t *p, const lsn_t *commit)
{
    stream_t *s = p->stream;
    if (!s->have_commit || !lsn_equal(&s->commit, commit)) {
        s->commit = *commit;
        s->commit_cell = lsn_cell(commit, &p->task->emit.batch->arena);
        s->have_commit = true;
    }
    return s->commit_cell;
}

/* END and BEGIN stand before the first event of a transaction. They carry the position before it: with the event's own
 * one, a crash right after them would skip the event. */
static cd_value_t *transaction(part_t *p, const cursor_t *c, const lsn_t *commit, cd_value_t id, int64_t ts_ns,
                               const cd_value_t *before)
{
    task_t *t = p->task;
    offset_t *o = &p->offset;
    int64_t ts_ms = ts_ns / 1000000;
    if (!lsn_equal(&o->tx, commit)) {
        if (o->tx.set) emit_tx_end(&t->emit, o, ts_ms, before);
        emit_tx_begin(&t->emit, commit, ts_ms, before);
        offset_tx_begin(o, commit);
    }
    cd_value_t *block = cd_arena_array(&t->emit.batch->arena, cd_value_t, 3);
    int64_t order = offset_tx_count(o, c->shape->table->id);
    block[0] = id;
    block[1] = cd_v_int(CD_INT64, o->tx_total);
    block[2] = cd_v_int(CD_INT64, order);
    return block;
}

static bool same_cells(const shape_t *s, const cd_value_t *a, const cd_value_t *b)
{
    for (uint32_t i = 0; i < s->nrow; i++) {
        if (!cd_host->value_equal(&a[i], &b[i])) return false;
    }
    return true;
}

static void count(task_t *t, part_t *p, char op, int64_t ts_ns)
{
    cd_metric_add(t->seen, 1);
    cd_metric_add(op == 'c' ? t->created : op == 'u' ? t->updated : t->deleted, 1);
    cd_metric_set(p->behind_ms, (emit_clock_ns() - ts_ns) / 1000000);
}

static void emit_change(part_t *p, const cursor_t *c, char op, cd_value_t *before, cd_value_t *after,
                        const position_t *pos, int64_t rows, int64_t ts_ns)
{
    task_t *t = p->task;
    emitter_t *e = &t->emit;
    offset_t *o = &p->offset;
    const shape_t *s = c->shape;
    cd_arena_t *a = &e->batch->arena;
    bool moved = op == 'u' && s->nkey > 0 && emit_key_differs(s, before, after);
    bool several = moved || (op == 'd' && t->conf.k.tombstones);
    bool tx_edge = t->conf.k.transactions && !lsn_equal(&o->tx, &pos->commit);
    if (op == 'u' && t->conf.k.skip_unchanged && same_cells(s, before, after)) {
        offset_event(o, pos, rows);
        return;
    }
    /* Of the records of one change only the last may store its position: a crash between them repeats the change
     * instead of losing the rest. */
    const cd_value_t *previous = several || tx_edge ? emit_offset(e, o) : NULL;
    cd_value_t commit = commit_cell(p, &pos->commit), change = lsn_cell(&pos->change, a);
    bool first = !o->present;
    offset_event(o, pos, rows);
    cd_value_t *tx = NULL;
    cd_value_t *offset = cd_arena_new(a, cd_value_t);
    if (t->conf.k.transactions) tx = transaction(p, c, &pos->commit, commit, ts_ns, previous);
    *offset = offset_stream_value(o, commit, change, a);
    if (first) previous = offset;
    origin_t origin = {.ts_ns = ts_ns, .commit = commit, .change = change, .serial = o->serial};
    if (moved) {
        cd_record_t *r = emit_row(e, s, 'd', before, NULL, &origin, tx, previous);
        emit_key_header(e, r, s, "__debezium.newkey", after);
        if (t->conf.k.tombstones) {
            r = emit_tombstone(e, s, before, previous);
            emit_key_header(e, r, s, "__debezium.newkey", after);
        }
        if (tx != NULL) {
            cd_value_t *second = cd_arena_array(a, cd_value_t, 3);
            second[0] = commit;
            second[2] = cd_v_int(CD_INT64, offset_tx_count(o, s->table->id));
            second[1] = cd_v_int(CD_INT64, o->tx_total);
            tx = second;
            *offset = offset_stream_value(o, commit, change, a);
        }
        r = emit_row(e, s, 'c', NULL, after, &origin, tx, offset);
        emit_key_header(e, r, s, "__debezium.oldkey", before);
    } else {
        bool tombstone = op == 'd' && t->conf.k.tombstones;
        (void)emit_row(e, s, op, before, after, &origin, tx, tombstone ? previous : offset);
        if (tombstone) (void)emit_tombstone(e, s, before, offset);
    }
    count(t, p, op, ts_ns);
}

/* Rules 1 to 6: is this row to be passed by? */
static bool pass_by(part_t *p, cursor_t *c)
{
    stream_t *s = p->stream;
    if (!c->pos.commit.set || !c->pos.change.set) {
        cd_log(p->task->ctx, CD_LOG_ERROR, CONF_LOGGER, "Skipping a change of table %s without LSN",
               c->shape->table->id);
        return true;
    }
    if (!lsn_equal(&c->previous.commit, &c->pos.commit)) c->rewound = false;
    if (lsn_equal(&c->previous.commit, &c->pos.commit) && position_cmp(&c->pos, &c->previous) < 0) c->rewound = true;
    c->previous = c->pos;
    if (!c->rewound) {
        int order = position_cmp(&c->pos, &s->start);
        if (order < 0) return true;
        if (order == 0 && s->k <= s->start_serial) {
            s->k++;
            return true;
        }
    }
    return c->instance->stop.set && lsn_cmp(&c->pos.commit, &c->instance->stop) >= 0;
}

static cd_err_t *take_row(part_t *p, cursor_t *c)
{
    task_t *t = p->task;
    stream_t *s = p->stream;
    cd_arena_t *a = &t->emit.batch->arena;
    s->window_rows++;
    if (pass_by(p, c)) return cursor_next(c);
    if (CD_UNLIKELY(s->npending > 0)) {
        cd_err_t *err = stream_migrate(p, &c->pos.commit);
        if (err != NULL) return err;
    }
    position_t pos = c->pos;
    if (c->ts_ns != INT64_MIN) s->ts_ns = c->ts_ns;
    int64_t ts_ns = s->ts_ns;
    int32_t op = c->op;
    cd_value_t *cells = cursor_cells(c, a), *after = NULL;
    if (op == CHANGE_BEFORE) {
        cd_err_t *err = cursor_next(c);
        if (err != NULL) return err;
        if (!c->row || c->op != CHANGE_AFTER) return not_followed(p, c, &pos);
        c->previous = c->pos;
        s->window_rows++;
        after = cursor_cells(c, a);
    }
    switch (op) {
    case CHANGE_INSERT:
        emit_change(p, c, 'c', NULL, cells, &pos, 1, ts_ns);
        break;
    case CHANGE_DELETE:
        emit_change(p, c, 'd', cells, NULL, &pos, 1, ts_ns);
        break;
    case CHANGE_BEFORE:
        emit_change(p, c, 'u', cells, after, &pos, 2, ts_ns);
        break;
    default:
        /* An after image on its own: its before image was left behind by a restart in the middle of a pair. */
        emit_change(p, c, 'u', cells, cells, &pos, 1, ts_ns);
        break;
    }
    return cursor_next(c);
}

/* By (commit, change); ties go to the earlier in the list. */
static bool before(const cursor_t *a, const cursor_t *b)
{
    int c = position_cmp(&a->pos, &b->pos);
    return c < 0 || (c == 0 && a->index < b->index);
}

cd_err_t *merge_step(part_t *p, bool *ret_done)
{
    stream_t *s = p->stream;
    cd_err_t *err = NULL;
    *ret_done = false;
    s->have_commit = false;
    while (err == NULL && !task_full(p->task)) {
        cursor_t *best = NULL, *next = NULL;
        for (uint32_t i = 0; i < s->ncursors; i++) {
            cursor_t *c = &s->cursors[i];
            if (!c->row) continue;
            if (best == NULL || before(c, best)) {
                next = best;
                best = c;
            } else if (next == NULL || before(c, next)) {
                next = c;
            }
        }
        if (best == NULL) {
            *ret_done = true;
            return NULL;
        }
        /* Stay with a table as long as it leads: changes of one table come in runs. */
        do {
            err = take_row(p, best);
        } while (err == NULL && best->row && !task_full(p->task) && (next == NULL || before(best, next)));
    }
    return err;
}
