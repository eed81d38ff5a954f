#include "runtime/store/offset_map.h"

#include "runtime/base/json.h"
#include "runtime/base/log.h"
#include "runtime/base/mem.h"

#define LOGGER "org.apache.kafka.connect.storage.OffsetUtils"

/** One key as some worker wrote it. */
typedef struct variant {
    struct variant *next; /* same meaning, other bytes */
    int64_t timestamp, sequence;
    size_t key_len;
    char *key;
    char *offset; /* NULL: a tombstone */
} variant_t;

typedef struct entry {
    struct entry *next; /* same bucket */
    uint64_t hash;
    char *canonical; /* the key with sorted members: equal for equal meaning */
    char *connector, *partition;
    variant_t *variants;
} entry_t;

struct offset_map {
    uint32_t n, nbuckets;
    entry_t **buckets;
    int64_t sequence;
};

offset_map_t *offset_map_new(void)
{
    offset_map_t *m = mem_new0(offset_map_t);
    m->nbuckets = 64;
    m->buckets = mem_alloc0(m->nbuckets, sizeof(*m->buckets));
    return m;
}

static void entry_free(entry_t *e)
{
    while (e->variants != NULL) {
        variant_t *v = e->variants;
        e->variants = v->next;
        free(v->key);
        free(v->offset);
        free(v);
    }
    free(e->canonical);
    free(e->connector);
    free(e->partition);
    free(e);
}

void offset_map_free(offset_map_t *m)
{
    if (m == NULL) return;
    for (uint32_t b = 0; b < m->nbuckets; b++) {
        for (entry_t *e = m->buckets[b], *next; e != NULL; e = next) {
            next = e->next;
            entry_free(e);
        }
    }
    free(m->buckets);
    free(m);
}

static uint64_t hash_text(const char *s)
{
    uint64_t h = UINT64_C(1469598103934665603); /* FNV-1a */
    for (; *s != '\0'; s++) h = (h ^ (uint8_t)*s) * UINT64_C(1099511628211);
    return h;
}

static entry_t *find(const offset_map_t *m, const char *canonical, uint64_t hash)
{
    entry_t *e = m->buckets[hash % m->nbuckets];
    while (e != NULL && (e->hash != hash || strcmp(e->canonical, canonical) != 0)) e = e->next;
    return e;
}

static void grow(offset_map_t *m)
{
    uint32_t n = m->nbuckets * 2;
    entry_t **buckets = mem_alloc0(n, sizeof(*buckets));
    for (uint32_t b = 0; b < m->nbuckets; b++) {
        for (entry_t *e = m->buckets[b], *next; e != NULL; e = next) {
            next = e->next;
            e->next = buckets[e->hash % n];
            buckets[e->hash % n] = e;
        }
    }
    free(m->buckets);
    m->buckets = buckets;
    m->nbuckets = n;
}

static char *canonical_text(const json_t *key)
{
    char *text = json_dumps(key, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    return mem_check(text);
}

static entry_t *find_or_add(offset_map_t *m, const json_t *key)
{
    char *canonical = canonical_text(key);
    uint64_t hash = hash_text(canonical);
    entry_t *e = find(m, canonical, hash);
    if (e != NULL) {
        free(canonical);
        return e;
    }
    if (m->n >= m->nbuckets) grow(m);
    strbuf_t partition = {0};
    json_write(json_array_get(key, 1), &partition);
    e = mem_new0(entry_t);
    e->hash = hash;
    e->canonical = canonical;
    e->connector = mem_strdup(json_string_value(json_array_get(key, 0)));
    e->partition = strbuf_take(&partition);
    e->next = m->buckets[hash % m->nbuckets];
    m->buckets[hash % m->nbuckets] = e;
    m->n++;
    return e;
}

static bool is_offset_key(const json_t *key)
{
    const json_t *partition = json_array_get(key, 1);
    if (json_array_size(key) == 2 && json_is_string(json_array_get(key, 0)) && json_is_object(partition)) return true;
    if (json_array_size(key) != 2 || !json_is_string(json_array_get(key, 0)) || !json_is_null(partition))
        log_write(
            CD_LOG_WARN, LOGGER, NULL,
            "Ignoring offset partition key with an unexpected format. Expected an array of a connector name and a "
            "partition object");
    return false;
}

static json_t *parse(cd_bytes_t b)
{
    json_t *v = NULL;
    cd_err_t *err = json_parse((const char *)b.ptr, b.len, &v);
    if (err != NULL) log_err(CD_LOG_WARN, LOGGER, NULL, "Ignoring a record of the offset topic that is not JSON", err);
    cd_err_free(err);
    return v;
}

static void put_variant(offset_map_t *m, entry_t *e, cd_bytes_t key, const json_t *offset, int64_t timestamp)
{
    variant_t *v = e->variants;
    while (v != NULL && (v->key_len != key.len || memcmp(v->key, key.ptr, key.len) != 0)) v = v->next;
    if (v == NULL) {
        v = mem_new0(variant_t);
        v->key = mem_strndup((const char *)key.ptr, key.len);
        v->key_len = key.len;
        v->next = e->variants;
        e->variants = v;
    }
    free(v->offset);
    v->offset = NULL;
    v->timestamp = timestamp;
    v->sequence = ++m->sequence;
    if (!json_is_object(offset)) return;
    strbuf_t text = {0};
    json_write(offset, &text);
    v->offset = strbuf_take(&text);
}

void offset_map_apply(offset_map_t *m, cd_bytes_t key, cd_bytes_t value, int64_t timestamp)
{
    if (key.ptr == NULL) return;
    json_t *k = parse(key);
    json_t *v = value.ptr == NULL ? NULL : parse(value);
    if (k != NULL && (value.ptr == NULL || v != NULL) && is_offset_key(k))
        put_variant(m, find_or_add(m, k), key, v, timestamp);
    json_decref(k);
    json_decref(v);
}

static bool newer(const variant_t *a, const variant_t *b)
{
    return a->timestamp != b->timestamp ? a->timestamp > b->timestamp : a->sequence > b->sequence;
}

/* Exact bytes first, then the newest with the same meaning. */
static const variant_t *choose(const entry_t *e, const char *key, size_t key_len)
{
    const variant_t *best = NULL;
    for (const variant_t *v = e->variants; v != NULL; v = v->next) {
        if (key != NULL && v->key_len == key_len && memcmp(v->key, key, key_len) == 0) return v;
        if (best == NULL || newer(v, best)) best = v;
    }
    return best;
}

const char *offset_map_get(const offset_map_t *m, const char *connector, const cd_value_t *partition)
{
    strbuf_t key = {0};
    const char *offset = NULL;
    cd_err_t *err = offset_key(connector, partition, &key);
    if (err == NULL) {
        const cd_bytes_t bytes = {.ptr = (const uint8_t *)strbuf_str(&key), .len = (uint32_t)key.len};
        json_t *k = parse(bytes);
        char *canonical = canonical_text(k);
        const entry_t *e = find(m, canonical, hash_text(canonical));
        if (e != NULL) offset = choose(e, key.data, key.len)->offset;
        free(canonical);
        json_decref(k);
    }
    cd_err_free(err);
    strbuf_done(&key);
    return offset;
}

void offset_map_each(const offset_map_t *m, const char *connector, offset_map_each_fn *each, void *arg)
{
    for (uint32_t b = 0; b < m->nbuckets; b++) {
        for (const entry_t *e = m->buckets[b]; e != NULL; e = e->next) {
            if (strcmp(e->connector, connector) != 0) continue;
            const variant_t *v = choose(e, NULL, 0);
            if (v->offset != NULL) each(arg, e->partition, v->offset);
        }
    }
}

/* ---- Writing ---- */

static const char *type_name(uint8_t type)
{
    return type == CD_BYTES ? "BYTES" : type == CD_ARRAY ? "ARRAY" : type == CD_MAP ? "MAP" : "STRUCT";
}

static cd_err_t *check_map(const cd_value_t *map)
{
    if (map->type != CD_MAP) return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Offsets must be specified as a Map");
    for (uint32_t i = 0; i < map->len; i++) {
        const cd_value_t *k = &map->items[2 * i], *v = k + 1;
        if (k->type != CD_STRING) return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Offsets may only use String keys");
        if (v->type >= CD_BYTES)
            return cd_err_new(CD_ERR_DATA, CD_JVM_DATA,
                              "Offsets may only contain primitive types as values, but field %.*s contains %s",
                              (int)k->len, k->str, type_name(v->type));
    }
    return NULL;
}

cd_err_t *offset_key(const char *connector, const cd_value_t *partition, strbuf_t *out)
{
    cd_err_t *err = check_map(partition);
    if (err != NULL) return err;
    json_t *p = json_from_value(partition);
    strbuf_addc(out, '[');
    json_write_str(connector, strlen(connector), out);
    strbuf_addc(out, ',');
    json_write(p, out);
    strbuf_addc(out, ']');
    json_decref(p);
    return NULL;
}

cd_err_t *offset_value(const cd_value_t *offset, strbuf_t *out)
{
    cd_err_t *err = check_map(offset);
    if (err != NULL) return err;
    json_t *o = json_from_value(offset);
    json_write(o, out);
    json_decref(o);
    return NULL;
}
