#include "connectors/sqlserver/offset.h"

#define TX_PREFIX     "transaction_data_collection_order_"
#define TX_TABLES_MAX 65536u

void offset_done(offset_t *o)
{
    for (uint32_t i = 0; i < o->ncounts; i++) free(o->counts[i].key);
    free(o->counts);
    memset(o, 0, sizeof(*o));
}

static void counts_add(offset_t *o, const char *name, size_t len, int64_t n)
{
    if (o->ncounts >= TX_TABLES_MAX) return;
    if (o->ncounts == o->cap_counts) {
        uint32_t cap = o->cap_counts == 0 ? 8 : o->cap_counts * 2;
        tx_count_t *c = realloc(o->counts, cap * sizeof(*c));
        if (c == NULL) abort();
        o->counts = c;
        o->cap_counts = cap;
    }
    size_t prefix = sizeof(TX_PREFIX) - 1;
    char *key = malloc(prefix + len + 1);
    if (key == NULL) abort();
    memcpy(key, TX_PREFIX, prefix);
    memcpy(key + prefix, name, len);
    key[prefix + len] = '\0';
    o->counts[o->ncounts++] = (tx_count_t){.key = key, .name = key + prefix, .n = n};
}

static bool cell_true(const cd_value_t *v)
{
    if (v == NULL) return false;
    if (v->type == CD_BOOLEAN) return v->boolean;
    /* Later releases name the kind of snapshot instead of saying true. */
    return cd_v_is_str(v, "true") || cd_v_is_str(v, "INITIAL") || cd_v_is_str(v, "BLOCKING") ||
           cd_v_is_str(v, "INCREMENTAL");
}

static lsn_t cell_lsn(const cd_value_t *v)
{
    return v != NULL && v->type == CD_STRING ? lsn_parse(v->str, v->len) : (lsn_t){.set = false};
}

static bool cell_int(const cd_value_t *v, int64_t *ret)
{
    if (v == NULL || v->type < CD_INT8 || v->type > CD_INT64) return false;
    *ret = v->i64;
    return true;
}

void offset_load(offset_t *o, const cd_value_t *map)
{
    offset_done(o);
    if (map == NULL || map->type != CD_MAP || map->len == 0) return;
    o->snapshot = cell_true(cd_map_get(map, "snapshot"));
    o->snapshot_completed = cell_true(cd_map_get(map, "snapshot_completed"));
    o->pos.commit = cell_lsn(cd_map_get(map, "commit_lsn"));
    o->pos.change = cell_lsn(cd_map_get(map, "change_lsn"));
    if (!cell_int(cd_map_get(map, "event_serial_no"), &o->serial) || o->serial < 0) o->serial = 0;
    o->tx = cell_lsn(cd_map_get(map, "transaction_id"));
    for (uint32_t i = 0; i < map->len; i++) {
        const cd_value_t *k = &map->items[2 * i], *v = &map->items[2 * i + 1];
        size_t prefix = sizeof(TX_PREFIX) - 1;
        int64_t n;
        if (k->type != CD_STRING || k->len <= prefix || memcmp(k->str, TX_PREFIX, prefix) != 0 || !cell_int(v, &n))
            continue;
        counts_add(o, k->str + prefix, k->len - prefix, n);
        o->tx_total += n;
    }
    o->present = true;
}

cd_value_t offset_stream_value(const offset_t *o, cd_value_t commit, cd_value_t change, cd_arena_t *arena)
{
    uint32_t n = 4 + (o->tx.set ? o->ncounts : 0);
    cd_value_t *kv = cd_arena_array(arena, cd_value_t, 2 * (size_t)n);
    cd_value_t *at = kv;
    *at++ = cd_v_strn("transaction_id", 14);
    if (o->tx.set)
        *at++ = lsn_equal(&o->tx, &o->pos.commit) ? commit : lsn_cell(&o->tx, arena);
    else
        *at++ = CD_V_NULL; /* Debezium stores the name even where no transaction is followed */
    *at++ = cd_v_strn("event_serial_no", 15);
    *at++ = cd_v_int(CD_INT64, o->serial);
    *at++ = cd_v_strn("commit_lsn", 10);
    *at++ = commit.type == CD_STRING ? commit : cd_v_strn("NULL", 4);
    *at++ = cd_v_strn("change_lsn", 10);
    *at++ = change.type == CD_STRING ? change : cd_v_strn("NULL", 4);
    for (uint32_t i = 0; o->tx.set && i < o->ncounts; i++) {
        size_t len = strlen(o->counts[i].key);
        *at++ = cd_v_strn(cd_arena_strndup(arena, o->counts[i].key, len), len);
        *at++ = cd_v_int(CD_INT64, o->counts[i].n);
    }
    return cd_v_items(CD_MAP, kv, n);
}

cd_value_t offset_value(const offset_t *o, cd_arena_t *arena)
{
    if (!o->snapshot)
        return offset_stream_value(o, lsn_cell(&o->pos.commit, arena), lsn_cell(&o->pos.change, arena), arena);
    cd_value_t *kv = cd_arena_array(arena, cd_value_t, 6);
    kv[0] = cd_v_str("commit_lsn");
    kv[1] = o->pos.commit.set ? lsn_cell(&o->pos.commit, arena) : cd_v_str("NULL");
    kv[2] = cd_v_str("snapshot");
    kv[3] = cd_v_bool(true);
    kv[4] = cd_v_str("snapshot_completed");
    kv[5] = cd_v_bool(o->snapshot_completed);
    return cd_v_items(CD_MAP, kv, 3);
}

cd_value_t offset_partition(const char *server, const char *database, cd_arena_t *arena)
{
    cd_value_t *kv = cd_arena_array(arena, cd_value_t, 4);
    kv[0] = cd_v_str("server");
    kv[1] = cd_v_str(cd_arena_strdup(arena, server));
    kv[2] = cd_v_str("database");
    kv[3] = cd_v_str(cd_arena_strdup(arena, database));
    return cd_v_items(CD_MAP, kv, 2);
}

void offset_event(offset_t *o, const position_t *pos, int64_t rows)
{
    bool same = lsn_equal(&o->pos.commit, &pos->commit) && lsn_equal(&o->pos.change, &pos->change);
    o->serial = same ? o->serial + rows : rows;
    o->pos = *pos;
    o->snapshot = o->snapshot_completed = false;
    o->present = true;
}

int64_t offset_tx_count(offset_t *o, const char *name)
{
    o->tx_total++;
    for (uint32_t i = 0; i < o->ncounts; i++) {
        if (strcmp(o->counts[i].name, name) == 0) return ++o->counts[i].n;
    }
    counts_add(o, name, strlen(name), 1);
    return 1;
}

void offset_tx_begin(offset_t *o, const lsn_t *tx)
{
    for (uint32_t i = 0; i < o->ncounts; i++) free(o->counts[i].key);
    o->ncounts = 0;
    o->tx_total = 0;
    o->tx = *tx;
}
