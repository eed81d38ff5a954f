#include "connectors/sqlserver/emit.h"

#include <time.h>

#define NS_PER_MS INT64_C(1000000)

int64_t emit_clock_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &ts); /* read for every event; a few milliseconds old at most */
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

void emit_begin(emitter_t *e, cd_batch_t *batch)
{
    e->batch = batch;
    e->db = NULL;
    e->partition = NULL;
}

void emit_database(emitter_t *e, const char *db)
{
    if (e->db == db) return;
    cd_value_t *cell = cd_arena_new(&e->batch->arena, cd_value_t);
    *cell = offset_partition(e->conf->k.topic_prefix, db, &e->batch->arena);
    e->partition = cell;
    e->db = db;
}

const cd_value_t *emit_offset(emitter_t *e, const offset_t *offset)
{
    cd_value_t *cell = cd_arena_new(&e->batch->arena, cd_value_t);
    *cell = offset_value(offset, &e->batch->arena);
    return cell;
}

static cd_record_t *record_new(emitter_t *e, const char *topic, const cd_value_t *offset)
{
    cd_record_t *r = cd_batch_add(e->batch);
    r->topic = topic;
    r->source_partition = e->partition;
    r->source_offset = offset;
    return r;
}

static cd_value_t struct_of(const cd_value_t *cells, uint32_t n)
{
    return cd_v_items(CD_STRUCT, (cd_value_t *)(uintptr_t)cells, n);
}

/* The extended headers of later releases; off unless asked for. */
static void context_headers(emitter_t *e, cd_record_t *r)
{
    if (CD_LIKELY(!e->conf->k.extended_headers)) return;
    cd_arena_t *a = &e->batch->arena;
    const char *names[] = {"__debezium.context.connectorLogicalName", "__debezium.context.taskId",
                           "__debezium.context.connectorName"};
    const char *values[] = {e->conf->k.topic_prefix, e->task_id, "sqlserver"};
    r->headers = cd_arena_array(a, cd_header_t, 4); /* room for the header of a key change */
    for (uint32_t i = 0; i < 3; i++)
        r->headers[i] = (cd_header_t){.key = names[i], .schema = e->forms->string, .value = cd_v_str(values[i])};
    r->nheaders = 3;
}

static void set_key(emitter_t *e, cd_record_t *r, const shape_t *s, const cd_value_t *cells)
{
    if (s->nkey == 0) return;
    cd_value_t *key = cd_arena_array(&e->batch->arena, cd_value_t, s->nkey);
    for (uint32_t i = 0; i < s->nkey; i++) key[i] = cells[s->key_cells[i]];
    r->key_schema = s->key;
    r->key = struct_of(key, s->nkey);
}

static void fill_origin(const forms_t *f, cd_value_t *block, const origin_t *o)
{
    block[f->source.ts_ms] = cd_v_int(CD_INT64, floor_div(o->ts_ns, NS_PER_MS));
    block[f->source.snapshot] = cd_v_str(o->snapshot);
    if (f->has_micros) {
        block[f->source.ts_us] = cd_v_int(CD_INT64, floor_div(o->ts_ns, 1000));
        block[f->source.ts_ns] = cd_v_int(CD_INT64, o->ts_ns);
    }
    block[f->source.change] = o->change;
    block[f->source.commit] = o->commit;
    block[f->source.serial] = o->serial < 0 ? CD_V_NULL : cd_v_int(CD_INT64, o->serial);
}

cd_record_t *emit_row(emitter_t *e, const shape_t *s, char op, cd_value_t *before, cd_value_t *after,
                      const origin_t *origin, cd_value_t *tx, const cd_value_t *offset)
{
    static const char ops[][2] = {"c", "u", "d", "r"};
    const forms_t *f = e->forms;
    cd_value_t *cells = cd_arena_array(&e->batch->arena, cd_value_t, f->nenvelope + f->nsource);
    cd_value_t *block = cells + f->nenvelope;
    memcpy(block, s->source, f->nsource * sizeof(*block));
    fill_origin(f, block, origin);
    int64_t now = emit_clock_ns();
    cells[f->envelope.before] = before != NULL ? struct_of(before, s->nrow) : CD_V_NULL;
    cells[f->envelope.after] = after != NULL ? struct_of(after, s->nrow) : CD_V_NULL;
    cells[f->envelope.source] = struct_of(block, f->nsource);
    cells[f->envelope.op] = cd_v_strn(ops[op == 'c' ? 0 : op == 'u' ? 1 : op == 'd' ? 2 : 3], 1);
    cells[f->envelope.ts_ms] = cd_v_int(CD_INT64, now / NS_PER_MS);
    if (f->has_micros) {
        cells[f->envelope.ts_us] = cd_v_int(CD_INT64, now / 1000);
        cells[f->envelope.ts_ns] = cd_v_int(CD_INT64, now);
    }
    cells[f->envelope.tx] = tx != NULL ? struct_of(tx, 3) : CD_V_NULL;
    cd_record_t *r = record_new(e, s->topic, offset);
    context_headers(e, r);
    set_key(e, r, s, op == 'd' ? before : after);
    r->value_schema = s->envelope;
    r->value = struct_of(cells, f->nenvelope);
    return r;
}

cd_record_t *emit_tombstone(emitter_t *e, const shape_t *s, const cd_value_t *cells, const cd_value_t *offset)
{
    cd_record_t *r = record_new(e, s->topic, offset);
    context_headers(e, r);
    set_key(e, r, s, cells);
    return r;
}

void emit_key_header(emitter_t *e, cd_record_t *r, const shape_t *s, const char *name, const cd_value_t *cells)
{
    cd_arena_t *a = &e->batch->arena;
    cd_value_t *key = cd_arena_array(a, cd_value_t, s->nkey + 1);
    for (uint32_t i = 0; i < s->nkey; i++) key[i] = cells[s->key_cells[i]];
    if (r->headers == NULL) r->headers = cd_arena_array(a, cd_header_t, 1);
    r->headers[r->nheaders++] = (cd_header_t){.key = name, .schema = s->key, .value = struct_of(key, s->nkey)};
}

void emit_marker(const emitter_t *e, cd_record_t *r, const char *marker)
{
    const forms_t *f = e->forms;
    r->value.items[f->envelope.source].items[f->source.snapshot] = cd_v_str(marker);
}

bool emit_key_differs(const shape_t *s, const cd_value_t *a, const cd_value_t *b)
{
    for (uint32_t i = 0; i < s->nkey; i++) {
        const cd_value_t *x = &a[s->key_cells[i]], *y = &b[s->key_cells[i]];
        if (x->type == CD_STRING || x->type == CD_BYTES) {
            if (x->type != y->type || x->len != y->len || (x->len > 0 && memcmp(x->bytes, y->bytes, x->len) != 0))
                return true;
        } else if (!cd_host->value_equal(x, y)) {
            return true;
        }
    }
    return false;
}

static cd_value_t tx_id(emitter_t *e, const lsn_t *tx)
{
    return lsn_cell(tx, &e->batch->arena);
}

static void emit_tx(emitter_t *e, const char *status, cd_value_t id, cd_value_t count, cd_value_t collections,
                    int64_t ts_ms, const cd_value_t *offset)
{
    cd_value_t *cells = cd_arena_array(&e->batch->arena, cd_value_t, 6);
    cells[0] = cd_v_str(status);
    cells[1] = id;
    cells[2] = count;
    cells[3] = collections;
    cells[4] = cd_v_int(CD_INT64, ts_ms);
    cells[5] = id;
    cd_record_t *r = record_new(e, e->forms->topic_tx, offset);
    r->key_schema = e->forms->tx_key;
    r->key = struct_of(cells + 5, 1);
    r->value_schema = e->forms->tx_value;
    r->value = struct_of(cells, 5);
}

void emit_tx_begin(emitter_t *e, const lsn_t *tx, int64_t ts_ms, const cd_value_t *offset)
{
    emit_tx(e, "BEGIN", tx_id(e, tx), CD_V_NULL, CD_V_NULL, ts_ms, offset);
}

/* The bucket of a string in a Java HashMap of `cap` buckets (hash over UTF-16 units). Names come from the server's own
 * catalogue as valid UTF-8; anything else would only change an order. */
static uint32_t java_bucket(const char *s, uint32_t cap)
{
    uint32_t h = 0;
    for (const uint8_t *p = (const uint8_t *)s; *p != 0;) {
        uint32_t more = *p >= 0xF0 ? 3 : *p >= 0xE0 ? 2 : *p >= 0xC0 ? 1 : 0;
        uint32_t c = more == 0 ? *p : *p & (0x3Fu >> more);
        for (p++; more > 0 && *p != 0; more--, p++) c = c << 6 | (*p & 0x3F);
        if (c >= 0x10000) {
            h = 31 * h + (0xD7C0 + (c >> 10)); /* 0xD800 less the 0x10000 that surrogates leave out */
            c = 0xDC00 + (c & 0x3FF);
        }
        h = 31 * h + c;
    }
    return (h ^ h >> 16) & (cap - 1);
}

/* The tables are listed in the order of the HashMap that Debezium counts them in. */
void emit_tx_end(emitter_t *e, const offset_t *open, int64_t ts_ms, const cd_value_t *offset)
{
    cd_arena_t *a = &e->batch->arena;
    uint32_t cap = 16;
    while (open->ncounts > cap / 4 * 3) cap *= 2;
    cd_value_t *items = cd_arena_array(a, cd_value_t, (size_t)open->ncounts + 1);
    uint32_t *buckets = cd_arena_array(a, uint32_t, (size_t)open->ncounts + 1);
    for (uint32_t i = 0; i < open->ncounts; i++) {
        cd_value_t *pair = cd_arena_array(a, cd_value_t, 2);
        pair[0] = cd_v_str(cd_arena_strdup(a, open->counts[i].name));
        pair[1] = cd_v_int(CD_INT64, open->counts[i].n);
        uint32_t bucket = java_bucket(open->counts[i].name, cap), at = i;
        for (; at > 0 && buckets[at - 1] > bucket; at--) { /* few tables: insertion keeps equals in their order */
            buckets[at] = buckets[at - 1];
            items[at] = items[at - 1];
        }
        buckets[at] = bucket;
        items[at] = struct_of(pair, 2);
    }
    emit_tx(e, "END", tx_id(e, &open->tx), cd_v_int(CD_INT64, open->tx_total),
            cd_v_items(CD_ARRAY, items, open->ncounts), ts_ms, offset);
}

void emit_heartbeat(emitter_t *e, const cd_value_t *offset)
{
    cd_value_t *cells = cd_arena_array(&e->batch->arena, cd_value_t, 2);
    cells[0] = cd_v_str(e->conf->k.topic_prefix);
    cells[1] = cd_v_int(CD_INT64, emit_clock_ns() / NS_PER_MS);
    cd_record_t *r = record_new(e, e->forms->topic_heartbeat, offset);
    r->partition = 0;
    r->key_schema = e->forms->heartbeat_key;
    r->key = struct_of(cells, 1);
    r->value_schema = e->forms->heartbeat_value;
    r->value = struct_of(cells + 1, 1);
}

static cd_value_t int_or_null(int32_t v)
{
    return v == MODEL_UNSET ? CD_V_NULL : cd_v_int(CD_INT32, v);
}

static cd_value_t column_cell(const column_t *c, cd_arena_t *a)
{
    cd_value_t *v = cd_arena_array(a, cd_value_t, 15);
    v[0] = cd_v_str(c->name);
    v[1] = cd_v_int(CD_INT32, c->jdbc_type);
    v[2] = CD_V_NULL;
    v[3] = v[4] = cd_v_str(c->type_name);
    v[5] = CD_V_NULL;
    v[6] = int_or_null(c->length);
    v[7] = int_or_null(c->scale);
    v[8] = cd_v_int(CD_INT32, c->position);
    v[9] = cd_v_bool(c->optional);
    v[10] = cd_v_bool(c->auto_incremented);
    v[11] = cd_v_bool(c->generated);
    v[12] = CD_V_NULL;
    v[13] = cd_v_str(c->default_expr);
    v[14] = CD_V_NULL;
    return cd_v_items(CD_STRUCT, v, 15);
}

static cd_value_t table_cell(const table_t *t, cd_arena_t *a)
{
    cd_value_t *key = cd_arena_array(a, cd_value_t, (size_t)t->nkey + 1);
    for (uint32_t i = 0; i < t->nkey; i++) key[i] = cd_v_str(t->key[i]);
    cd_value_t *columns = cd_arena_array(a, cd_value_t, (size_t)t->ncolumns + 1);
    for (uint32_t i = 0; i < t->ncolumns; i++) columns[i] = column_cell(&t->columns[i], a);
    cd_value_t *v = cd_arena_array(a, cd_value_t, 4);
    v[0] = CD_V_NULL;
    v[1] = cd_v_items(CD_ARRAY, key, t->nkey);
    v[2] = cd_v_items(CD_ARRAY, columns, t->ncolumns);
    v[3] = CD_V_NULL;
    return cd_v_items(CD_STRUCT, v, 4);
}

void emit_schema_change(emitter_t *e, const table_t *t, const char *type, const char *ddl, const origin_t *origin,
                        const cd_value_t *offset)
{
    cd_arena_t *a = &e->batch->arena;
    const forms_t *f = e->forms;
    cd_value_t *block = cd_arena_array(a, cd_value_t, f->nsource);
    for (uint32_t i = 0; i < f->nsource; i++) block[i] = CD_V_NULL;
    block[0] = cd_v_str(CONF_VERSION);
    block[1] = cd_v_str("sqlserver");
    block[2] = cd_v_str(e->conf->k.topic_prefix);
    block[f->source.db] = cd_v_str(t->db);
    block[f->source.schema] = cd_v_str(t->schema);
    block[f->source.table] = cd_v_str(t->name);
    fill_origin(f, block, origin);
    cd_value_t *change = cd_arena_array(a, cd_value_t, 4);
    change[0] = cd_v_str(type);
    change[1] = cd_v_str(t->quoted);
    change[2] = table_cell(t, a);
    change[3] = cd_v_items(CD_STRUCT, change, 3);
    cd_value_t *v = cd_arena_array(a, cd_value_t, 7);
    v[0] = cd_v_items(CD_STRUCT, block, f->nsource);
    v[1] = cd_v_int(CD_INT64, emit_clock_ns() / NS_PER_MS);
    v[2] = cd_v_str(t->db);
    v[3] = cd_v_str(t->schema);
    v[4] = cd_v_str(ddl);
    v[5] = cd_v_items(CD_ARRAY, change + 3, 1);
    v[6] = cd_v_str(t->db);
    cd_record_t *r = record_new(e, f->topic_changes, offset);
    context_headers(e, r);
    r->partition = 0;
    r->key_schema = f->change_key;
    r->key = struct_of(v + 6, 1);
    r->value_schema = f->change_value;
    r->value = struct_of(v, 6);
}
