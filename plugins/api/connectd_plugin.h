/* connectd_plugin.h: the complete plugin ABI of connectd, version 1. It is the only header a plugin includes.
 *
 * A plugin module is a shared object that exports cd_module_entry() and links no symbol of the worker: what it needs
 * arrives in the host table (cd_host_t), and the small helpers below are inline. One module may hold several plugins:
 * connectors, converters, transforms, predicates and config providers. connectors/file is the example to copy.
 *
 * Threads    a connector's callbacks run on a worker pool thread, one at a time per instance; a task's callbacks, and
 *            those of the converters and transforms of its chain, run on that task's thread only. The exceptions
 *            (interrupt) are marked. Callbacks may block unless marked otherwise; task callbacks must come back soon
 *            after cd_host->stopping(ctx) turns true.
 * Ownership  memory inside a batch belongs to the batch's arena and dies with it. Schemas belong to the task's pool
 *            and live until the task ends. What a function returns through ret_x belongs to the caller unless noted.
 * Errors     a callback returns NULL or a cd_err_t that the caller frees. The class decides what the worker does,
 *            jvm_class and message are what users see; neither may ever hold a secret.
 * Growth     structs start with their size and grow at the end; a field beyond the other side's size does not exist.
 *            Enums on the border have fixed width. Another major version is refused at load with a clear error. */
#ifndef CONNECTD_PLUGIN_H
#define CONNECTD_PLUGIN_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CD_ABI_MAJOR    1
#define CD_ABI_MINOR    0
#define CD_MODULE_MAGIC UINT32_C(0x63643031)
#define CD_PLUGIN_MAGIC UINT32_C(0x63647031)

#define CD_EXPORT             __attribute__((visibility("default")))
#define CD_CHECK              __attribute__((warn_unused_result))
#define CD_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define CD_LIKELY(x)          __builtin_expect(!!(x), 1)
#define CD_UNLIKELY(x)        __builtin_expect(!!(x), 0)

/** True when `field` of a struct that came from the other side exists there. */
#define CD_HAS(ptr, field) ((ptr)->size >= offsetof(__typeof__(*(ptr)), field) + sizeof((ptr)->field))

/* ---- Errors --------------------------------------------------------------------------------------------------- */

/** What the worker does about an error. Callers branch on the class, never on text. */
enum cd_err_class {
    CD_ERR_FATAL = 0,     /* the task or connector fails; a restart by the user is needed */
    CD_ERR_RETRIABLE = 1, /* may go away by itself: poll and put are called again, conversions are retried */
    CD_ERR_DATA = 2,      /* this record cannot be handled: tolerated or fatal as errors.tolerance says */
    CD_ERR_CONFIG = 3,    /* a setting is wrong: validation answers 400, start fails */
    CD_ERR_NOT_FOUND = 4, /* the named thing does not exist */
    CD_ERR_STOPPED = 5    /* given up because a stop was asked for; never shown to users */
};

/** JVM class names users know, for the errors every room can raise. */
#define CD_JVM_CONNECT        "org.apache.kafka.connect.errors.ConnectException"
#define CD_JVM_DATA           "org.apache.kafka.connect.errors.DataException"
#define CD_JVM_RETRIABLE      "org.apache.kafka.connect.errors.RetriableException"
#define CD_JVM_CONFIG         "org.apache.kafka.common.config.ConfigException"
#define CD_JVM_SCHEMA_BUILDER "org.apache.kafka.connect.errors.SchemaBuilderException"
#define CD_JVM_SERIALIZATION  "org.apache.kafka.common.errors.SerializationException"

/** An error with its cause. NULL is success. One heap block per link, so it may travel between threads. */
typedef struct cd_err {
    uint32_t cls;          /* enum cd_err_class */
    uint32_t code;         /* HTTP status, SQLSTATE-like or library number; 0 when there is none */
    const char *jvm_class; /* in this block */
    const char *message;   /* in this block; never NULL */
    const char *where;     /* component for the trace's "at" line, in this block */
    struct cd_err *cause;  /* owned; NULL at the root */
} cd_err_t;

static inline void cd_err_free(cd_err_t *err)
{
    while (err != NULL) {
        cd_err_t *cause = err->cause;
        free(err);
        err = cause;
    }
}

/** Build an error around `cause` (taken, may be NULL). @return never NULL; aborts when memory is gone. */
CD_PRINTF(5, 0)
static inline cd_err_t *cd_err_vwrap(cd_err_t *cause, uint32_t cls, const char *jvm_class, const char *where,
                                     const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int text = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    size_t text_len = text < 0 ? 0 : (size_t)text;
    size_t class_len = strlen(jvm_class) + 1;
    size_t where_len = strlen(where) + 1;
    cd_err_t *err = (cd_err_t *)malloc(sizeof(*err) + class_len + where_len + text_len + 1);
    if (err == NULL) abort();
    char *at = (char *)(err + 1);
    memcpy(at, jvm_class, class_len);
    memcpy(at + class_len, where, where_len);
    char *message = at + class_len + where_len;
    message[0] = '\0';
    if (text_len > 0) (void)vsnprintf(message, text_len + 1, fmt, args);
    *err = (cd_err_t){.cls = cls, .jvm_class = at, .where = at + class_len, .message = message, .cause = cause};
    return err;
}

/** @param where  component shown in the trace, for example "connectors/postgres/copy.c"; use cd_err_new below. */
CD_PRINTF(5, 6)
static inline cd_err_t *cd_err_make(cd_err_t *cause, uint32_t cls, const char *jvm_class, const char *where,
                                    const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    cd_err_t *err = cd_err_vwrap(cause, cls, jvm_class, where, fmt, args);
    va_end(args);
    return err;
}

#define cd_err_new(cls, jvm_class, ...)         cd_err_make(NULL, cls, jvm_class, __func__, __VA_ARGS__)
#define cd_err_wrap(cause, cls, jvm_class, ...) cd_err_make(cause, cls, jvm_class, __func__, __VA_ARGS__)

static inline bool cd_err_is(const cd_err_t *err, uint32_t cls)
{
    return err != NULL && err->cls == cls;
}

/** The deepest cause: the sentence that says what really happened. */
static inline const cd_err_t *cd_err_root(const cd_err_t *err)
{
    while (err != NULL && err->cause != NULL) err = err->cause;
    return err;
}

/* ---- Arenas --------------------------------------------------------------------------------------------------- */

typedef struct cd_arena_chunk {
    struct cd_arena_chunk *next;
    size_t size; /* bytes of data after this header */
} cd_arena_chunk_t;

/** A bump allocator whose memory is reset or freed whole. Not thread safe. Zero-initialised is empty and valid. */
typedef struct cd_arena {
    uint8_t *cur, *end;
    cd_arena_chunk_t *chunks; /* newest first */
    size_t used;              /* bytes in all chunks, for budgets */
} cd_arena_t;

#define CD_ARENA_CHUNK ((size_t)64 * 1024)
#define CD_ARENA_KEEP                                                                                                  \
    ((size_t)1024 * 1024) /* a larger chunk is given back on reset, so a burst does not stay resident */

static inline void *cd_arena_grow(cd_arena_t *a, size_t n)
{
    size_t last = a->chunks != NULL ? a->chunks->size : CD_ARENA_CHUNK / 2;
    size_t size = last * 2 < CD_ARENA_KEEP ? last * 2 : CD_ARENA_KEEP;
    if (size < n + 16) size = n + 16;
    cd_arena_chunk_t *c = (cd_arena_chunk_t *)malloc(sizeof(*c) + size);
    if (c == NULL) abort();
    c->size = size;
    c->next = a->chunks;
    a->chunks = c;
    a->used += size;
    uint8_t *p = (uint8_t *)(c + 1);
    p += (16 - ((uintptr_t)p & 15)) & 15;
    a->cur = p + n;
    a->end = (uint8_t *)(c + 1) + size;
    return p;
}

/** n bytes aligned to 8; never NULL (aborts when memory is gone). Callers bound n by what they have checked. */
static inline void *cd_arena_alloc(cd_arena_t *a, size_t n)
{
    n = (n + 7) & ~(size_t)7;
    if (CD_UNLIKELY(a->cur == NULL || n > (size_t)(a->end - a->cur))) return cd_arena_grow(a, n);
    uint8_t *p = a->cur;
    a->cur += n;
    return p;
}

static inline void *cd_arena_alloc0(cd_arena_t *a, size_t n)
{
    return memset(cd_arena_alloc(a, n), 0, n);
}

#define cd_arena_new(arena, type)      ((type *)cd_arena_alloc0((arena), sizeof(type)))
#define cd_arena_array(arena, type, n) ((type *)cd_arena_alloc((arena), sizeof(type) * (size_t)(n)))

/** Copy n bytes and add a NUL, so that the result also serves as a C string. */
static inline char *cd_arena_strndup(cd_arena_t *a, const void *s, size_t n)
{
    char *p = (char *)cd_arena_alloc(a, n + 1);
    if (n > 0) memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

static inline char *cd_arena_strdup(cd_arena_t *a, const char *s)
{
    return cd_arena_strndup(a, s, strlen(s));
}

CD_PRINTF(2, 3)
static inline char *cd_arena_printf(cd_arena_t *a, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    size_t len = n < 0 ? 0 : (size_t)n;
    char *p = (char *)cd_arena_alloc(a, len + 1);
    va_start(args, fmt);
    if (vsnprintf(p, len + 1, fmt, args) < 0) p[0] = '\0';
    va_end(args);
    return p;
}

static inline void cd_arena_done(cd_arena_t *a)
{
    for (cd_arena_chunk_t *c = a->chunks, *next; c != NULL; c = next) {
        next = c->next;
        free(c);
    }
    *a = (cd_arena_t){0};
}

#if defined(__SANITIZE_ADDRESS__)
#define CD_ARENA_REUSE 0 /* give everything back, so that ASan sees use after reset */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CD_ARENA_REUSE 0
#endif
#endif
#ifndef CD_ARENA_REUSE
#define CD_ARENA_REUSE 1
#endif

/** Forget everything; keeps the newest chunk (the largest, up to CD_ARENA_KEEP) for the next round. */
static inline void cd_arena_reset(cd_arena_t *a)
{
    cd_arena_chunk_t *keep = a->chunks;
    if (keep == NULL) return;
    if (!CD_ARENA_REUSE || keep->size > CD_ARENA_KEEP) {
        cd_arena_done(a);
        return;
    }
    cd_arena_t rest = {.chunks = keep->next};
    cd_arena_done(&rest);
    keep->next = NULL;
    a->used = keep->size;
    a->cur = (uint8_t *)(keep + 1);
    a->cur += (16 - ((uintptr_t)a->cur & 15)) & 15;
    a->end = (uint8_t *)(keep + 1) + keep->size;
}

/* ---- Schemas and values --------------------------------------------------------------------------------------- */

/** Connect's schema types. CD_NULL tags a null cell and never types a schema. */
enum cd_type {
    CD_NULL = 0,
    CD_INT8,
    CD_INT16,
    CD_INT32,
    CD_INT64,
    CD_FLOAT32,
    CD_FLOAT64,
    CD_BOOLEAN,
    CD_STRING,
    CD_BYTES,
    CD_ARRAY,
    CD_MAP,
    CD_STRUCT
};

/** Connect's logical types, recognised by schema name alone. Values keep the base form: unscaled big-endian bytes,
 *  days, milliseconds of the day, milliseconds since the epoch. */
enum cd_logical { CD_LOGICAL_NONE = 0, CD_LOGICAL_DECIMAL, CD_LOGICAL_DATE, CD_LOGICAL_TIME, CD_LOGICAL_TIMESTAMP };

#define CD_NAME_DECIMAL   "org.apache.kafka.connect.data.Decimal"
#define CD_NAME_DATE      "org.apache.kafka.connect.data.Date"
#define CD_NAME_TIME      "org.apache.kafka.connect.data.Time"
#define CD_NAME_TIMESTAMP "org.apache.kafka.connect.data.Timestamp"

typedef struct cd_bytes {
    const uint8_t *ptr; /* NULL means null, not empty */
    uint32_t len;
} cd_bytes_t;

/** One value. 16 bytes; strings, bytes and items are views whose memory the owner of the cell keeps alive. Cells are
 *  tagged with their own type, so data without a schema describes itself. */
typedef struct cd_value {
    uint8_t type; /* enum cd_type */
    uint8_t pad[3];
    uint32_t len; /* bytes of a string or byte array; elements of an array; pairs of a map; fields of a struct */
    union {
        bool boolean;
        int64_t i64; /* all integer types, sign-extended */
        float f32;
        double f64;
        const char *str; /* UTF-8, not terminated */
        const uint8_t *bytes;
        struct cd_value *items; /* array elements; map k0,v0,k1,v1…; struct cells in field order */
    };
} cd_value_t;

_Static_assert(sizeof(cd_value_t) == 16, "a cell is two words");

struct cd_schema;

typedef struct cd_field {
    const char *name;
    const struct cd_schema *schema;
    uint32_t name_len, index;
} cd_field_t;

typedef struct cd_param {
    const char *name, *value;
} cd_param_t;

/** An immutable schema. Interned in the pool of its task: two equal schemas are the same pointer, and whatever is
 *  compiled from a schema may be cached by pointer for as long as the task lives. */
typedef struct cd_schema {
    uint32_t size; /* of this struct where it was made */
    uint32_t id;   /* dense from 1 within the pool: an index for plan caches */
    uint8_t type, logical;
    bool optional, has_version;
    int32_t version;
    int32_t scale; /* Decimal only; INT32_MIN when the parameter is missing or not a number */
    const char *name, *doc;
    const cd_value_t *dflt; /* NULL without a default */
    uint32_t nparams, nfields;
    const cd_param_t *params; /* insertion order */
    const cd_field_t *fields;
    const struct cd_schema *key_schema, *value_schema; /* map; value_schema also for array elements */
    uint64_t hash;
} cd_schema_t;

/** What cd_host->schema_intern copies from. Zero means absent. */
typedef struct cd_schema_spec {
    uint8_t type;
    bool optional, has_version;
    int32_t version;
    const char *name, *doc;
    const cd_value_t *dflt;
    uint32_t nparams, nfields;
    const cd_param_t *params;
    const cd_field_t *fields; /* name and schema are read; the rest is filled in */
    const cd_schema_t *key_schema, *value_schema;
} cd_schema_spec_t;

typedef struct cd_schema_pool cd_schema_pool_t;

#define CD_V_NULL ((cd_value_t){.type = CD_NULL})

static inline cd_value_t cd_v_int(uint8_t type, int64_t v)
{
    return (cd_value_t){.type = type, .i64 = v};
}

static inline cd_value_t cd_v_bool(bool v)
{
    return (cd_value_t){.type = CD_BOOLEAN, .i64 = v};
}

static inline cd_value_t cd_v_f64(double v)
{
    return (cd_value_t){.type = CD_FLOAT64, .f64 = v};
}

static inline cd_value_t cd_v_f32(float v)
{
    return (cd_value_t){.type = CD_FLOAT32, .f32 = v};
}

static inline cd_value_t cd_v_strn(const char *s, size_t len)
{
    return (cd_value_t){.type = CD_STRING, .len = (uint32_t)len, .str = s};
}

/** A view of a C string, or a null cell. */
static inline cd_value_t cd_v_str(const char *s)
{
    return s == NULL ? CD_V_NULL : cd_v_strn(s, strlen(s));
}

static inline cd_value_t cd_v_bytes(const void *p, size_t len)
{
    return (cd_value_t){.type = CD_BYTES, .len = (uint32_t)len, .bytes = (const uint8_t *)p};
}

/** A compound cell over cells that the caller keeps alive; n counts elements, pairs or fields. */
static inline cd_value_t cd_v_items(uint8_t type, cd_value_t *items, uint32_t n)
{
    return (cd_value_t){.type = type, .len = n, .items = items};
}

static inline bool cd_v_is_str(const cd_value_t *v, const char *s)
{
    size_t n = strlen(s);
    return v->type == CD_STRING && v->len == n && memcmp(v->str, s, n) == 0;
}

/** The field's index, or -1. Linear: for set-up code; plans keep the index. */
static inline int32_t cd_schema_field(const cd_schema_t *s, const char *name)
{
    for (uint32_t i = 0; i < s->nfields; i++)
        if (strcmp(s->fields[i].name, name) == 0) return (int32_t)i;
    return -1;
}

static inline const char *cd_schema_param(const cd_schema_t *s, const char *name)
{
    for (uint32_t i = 0; i < s->nparams; i++)
        if (strcmp(s->params[i].name, name) == 0) return s->params[i].value;
    return NULL;
}

/** Connect's Struct.get: a stored null reads as the schema's default, if there is one. */
static inline const cd_value_t *cd_value_or_default(const cd_schema_t *s, const cd_value_t *v)
{
    return v->type == CD_NULL && s != NULL && s->dflt != NULL ? s->dflt : v;
}

/** Value of a string key in a map cell, or NULL. */
static inline const cd_value_t *cd_map_get(const cd_value_t *map, const char *key)
{
    if (map == NULL || map->type != CD_MAP) return NULL;
    for (uint32_t i = 0; i < map->len; i++)
        if (cd_v_is_str(&map->items[2 * i], key)) return &map->items[2 * i + 1];
    return NULL;
}

/* ---- Records and batches -------------------------------------------------------------------------------------- */

#define CD_NO_TIMESTAMP INT64_MIN
#define CD_NO_PARTITION (-1)

enum cd_timestamp_type { CD_TS_NONE = 0, CD_TS_CREATE = 1, CD_TS_LOG_APPEND = 2 };

enum cd_record_flag {
    CD_REC_DROPPED = 1u << 0, /* filtered by a transform, or skipped after a tolerated error: later stages pass it by */
    CD_REC_FAILED = 1u << 1   /* dropped because of an error (set by the worker together with CD_REC_DROPPED) */
};

typedef struct cd_header {
    const char *key;           /* NUL-terminated, in the arena */
    const cd_schema_t *schema; /* NULL without a schema */
    cd_value_t value;
    cd_bytes_t raw; /* as on the wire: filled by a decode, used by an encode when `raw_valid` */
    bool raw_valid;
} cd_header_t;

typedef struct cd_record {
    uint32_t flags; /* enum cd_record_flag */
    int32_t partition;
    const char *topic; /* NUL-terminated; a transform replaces the pointer */
    int64_t timestamp; /* ms since the epoch, or CD_NO_TIMESTAMP */
    uint32_t timestamp_type;
    uint32_t nheaders;
    cd_header_t *headers;
    const cd_schema_t *key_schema, *value_schema;
    cd_value_t key, value;
    cd_bytes_t raw_key, raw_value; /* sink: as consumed; source: what the converter made */

    /* source: maps with string keys, as the offset topic stores them */
    const cd_value_t *source_partition, *source_offset;

    /* sink: where the record came from, untouched by transforms */
    const char *orig_topic;
    int32_t orig_partition;
    int64_t kafka_offset;
} cd_record_t;

/** Records and the arena that holds all their memory. Filled by one thread; reference counted, because a record in
 *  flight (a producer waiting for an acknowledgement, a sink that writes while the next batch is read) needs it. */
typedef struct cd_batch {
    uint32_t size;
    uint32_t count, cap;
    cd_record_t *records; /* heap array, grown by cd_batch_add */
    cd_arena_t arena;
    cd_schema_pool_t *schemas; /* of the task */
    int32_t refs;              /* use cd_host->batch_ref/unref */
} cd_batch_t;

/** Append an empty record. The pointer is valid until the next call. Aborts when memory is gone. */
static inline cd_record_t *cd_batch_add(cd_batch_t *b)
{
    if (b->count == b->cap) {
        uint32_t cap = b->cap == 0 ? 256 : b->cap * 2;
        cd_record_t *r = (cd_record_t *)realloc(b->records, cap * sizeof(*r));
        if (r == NULL) abort();
        b->records = r;
        b->cap = cap;
    }
    cd_record_t *rec = &b->records[b->count++];
    *rec = (cd_record_t){.partition = CD_NO_PARTITION, .timestamp = CD_NO_TIMESTAMP};
    return rec;
}

/* ---- Settings ------------------------------------------------------------------------------------------------- */

enum cd_key_type {
    CD_T_STRING = 0, /* const char *, NULL when absent */
    CD_T_INT,        /* int32_t */
    CD_T_SHORT,      /* int32_t, range of a short */
    CD_T_LONG,       /* int64_t */
    CD_T_DOUBLE,     /* double */
    CD_T_BOOLEAN,    /* bool */
    CD_T_LIST,       /* cd_list_t */
    CD_T_CLASS,      /* const char * */
    CD_T_PASSWORD    /* const char *; shown as [hidden] everywhere */
};

enum cd_importance { CD_HIGH = 0, CD_MEDIUM, CD_LOW };
enum cd_width { CD_W_NONE = 0, CD_W_SHORT, CD_W_MEDIUM, CD_W_LONG };

enum cd_key_flag {
    CD_K_REQUIRED = 1u << 0,  /* no default: "Missing required configuration …" */
    CD_K_INTERNAL = 1u << 1,  /* parsed and validated, but not listed in REST answers or docs */
    CD_K_ACCEPTED = 1u << 2,  /* exists in the JVM world; read, listed, has no effect here (doc says why) */
    CD_K_ANY_CASE = 1u << 3,  /* `choices` compare without case */
    CD_K_RANGE_MIN = 1u << 4, /* `min` holds (a min of 0 is a real bound) */
    CD_K_RANGE_MAX = 1u << 5,
    CD_K_SELF_CHECKED = 1u << 6 /* the plugin's validate() reports all problems of this key in its own words: the host
                                   adds none, and validate answers show no value */
};

typedef struct cd_list {
    uint32_t n;
    const char *const *items;
} cd_list_t;

typedef struct cd_pair {
    const char *name, *value; /* value may be NULL: JSON null */
} cd_pair_t;

/** A resolved configuration: secrets are in it in clear, so it is never logged or shown. */
typedef struct cd_config {
    uint32_t n;
    const cd_pair_t *pairs;
} cd_config_t;

static inline const char *cd_config_get(const cd_config_t *c, const char *name)
{
    for (uint32_t i = 0; i < c->n; i++)
        if (strcmp(c->pairs[i].name, name) == 0) return c->pairs[i].value;
    return NULL;
}

/** Where validators report. All problems are reported at once, not only the first. */
typedef struct cd_problems {
    void *arg;
    void (*report)(struct cd_problems *p, const char *key, const char *message);
} cd_problems_t;

/** One row per setting. The same row parses, validates, answers `…/config/validate`, redacts and documents. */
typedef struct cd_key {
    const char *name; /* NULL ends the table */
    uint8_t type, importance, width, pad;
    uint32_t flags;
    const char *dflt;           /* text form; NULL: null default, or none when CD_K_REQUIRED */
    int64_t min, max;           /* INT, SHORT, LONG when the flags say so */
    const char *const *choices; /* NULL-terminated; the value must be one of them */
    uint32_t at;                /* offsetof in the plugin's settings struct; CD_NO_FIELD when it is not stored */
    const char *group, *display, *doc;
    const char *const *dependents; /* NULL-terminated names */
    /** Further check of the text (after the type check). Message without the "Invalid value … for" prefix is
     *  completed by the host; a message that starts with '=' is taken literally. @return NULL or a message in arena */
    const char *(*check)(const struct cd_key *key, const char *text, cd_arena_t *arena);
    /** Recommended values, NULL-terminated, or NULL. May look at the other settings; must not block. */
    const char *const *(*recommend)(const struct cd_key *key, const cd_config_t *config, cd_arena_t *arena);
    bool (*visible)(const struct cd_key *key, const cd_config_t *config);
} cd_key_t;

#define CD_NO_FIELD UINT32_MAX
#define CD_KEY_END                                                                                                     \
    {                                                                                                                  \
        .name = NULL                                                                                                   \
    }

/* ---- Host services -------------------------------------------------------------------------------------------- */

enum cd_level { CD_LOG_TRACE = 0, CD_LOG_DEBUG, CD_LOG_INFO, CD_LOG_WARN, CD_LOG_ERROR };

/** One plugin instance's identity towards the host: its log context, settings, schemas, metrics and stop signal. */
typedef struct cd_ctx cd_ctx_t;

typedef struct cd_metric {
    int64_t value; /* atomic */
} cd_metric_t;

enum cd_metric_kind { CD_COUNTER = 0, CD_GAUGE };

static inline void cd_metric_add(cd_metric_t *m, int64_t n)
{
    (void)__atomic_fetch_add(&m->value, n, __ATOMIC_RELAXED);
}

static inline void cd_metric_set(cd_metric_t *m, int64_t v)
{
    __atomic_store_n(&m->value, v, __ATOMIC_RELAXED);
}

typedef struct cd_topic_partition {
    const char *topic;
    int32_t partition;
    int64_t offset; /* where it matters */
} cd_topic_partition_t;

/** A Kafka topic used as a log with blocking access (schema history and the like). Owned by the caller. */
typedef struct cd_topic_log cd_topic_log_t;

typedef struct cd_host {
    uint32_t size;
    uint16_t abi_major, abi_minor;
    const char *worker_version;

    /** Write one log line under the instance's context. Any thread. */
    void (*log)(cd_ctx_t *ctx, uint32_t level, const char *logger, const char *fmt, ...) CD_PRINTF(4, 5);
    /** True when lines of that level would be written: for logs that cost something to build. */
    bool (*log_on)(cd_ctx_t *ctx, uint32_t level, const char *logger);

    /** The instance's resolved settings; borrowed, valid as long as the instance. */
    const cd_config_t *(*config)(cd_ctx_t *ctx);
    /** Parse settings by the table into the struct `out`; strings and lists go into `arena`. All problems are reported
     *  (when `problems` is not NULL) and the first one is returned. @param stride sizeof(cd_key_t) of the table */
    cd_err_t *(*config_parse)(const cd_key_t *keys, uint32_t stride, const cd_config_t *config, cd_arena_t *arena,
                              void *out, cd_problems_t *problems);

    /** Intern a schema in the task's pool. Never NULL: a pool past its limit (65,536 schemas) aborts the task through
     *  the error of the batch in hand. Task thread. */
    const cd_schema_t *(*schema_intern)(cd_schema_pool_t *pool, const cd_schema_spec_t *spec);
    cd_schema_pool_t *(*schemas)(cd_ctx_t *ctx);
    /** Deep copy of a value into an arena. */
    cd_value_t (*value_copy)(const cd_value_t *value, cd_arena_t *arena);
    bool (*value_equal)(const cd_value_t *a, const cd_value_t *b);
    void (*batch_ref)(cd_batch_t *batch);
    void (*batch_unref)(cd_batch_t *batch); /* any thread */

    /** A named metric of this instance; the same name gives the same metric. Borrowed, lives with the instance. */
    cd_metric_t *(*metric)(cd_ctx_t *ctx, const char *name, uint32_t kind, const char *help);

    /** Stop and waiting. wait() sleeps until the time is over or a stop is asked for and returns stopping(). stop_fd()
     *  becomes readable when a stop is asked for: for poll(2) next to a plugin's own sockets. */
    bool (*stopping)(cd_ctx_t *ctx);
    bool (*wait)(cd_ctx_t *ctx, int64_t timeout_ms);
    int (*stop_fd)(cd_ctx_t *ctx);
    /** A connector asks the worker to call task_configs again (after a change it noticed by itself). Any thread. */
    void (*reconfigure)(cd_ctx_t *ctx);
    /** The connector or task fails with `err` (taken) although no callback is running. Any thread. */
    void (*fail)(cd_ctx_t *ctx, cd_err_t *err);

    /** Source: the last committed offset (map) for a source partition (map), or CD_NULL. Blocks; task thread. */
    cd_err_t *(*offset_read)(cd_ctx_t *ctx, const cd_value_t *partition, cd_arena_t *arena, cd_value_t *ret_offset);

    /** Sink: report a record that the sink could not write. With errors.tolerance=all it goes to the DLQ and the log
     *  and NULL is returned; otherwise the error that put() must return. Takes err. Task thread. */
    cd_err_t *(*report)(cd_ctx_t *ctx, const cd_record_t *record, cd_err_t *err);
    /** True when report() may tolerate: sinks that must bisect a batch ask first. */
    bool (*can_report)(cd_ctx_t *ctx);
    /** Sink: delay before the next delivery after a RETRIABLE put; and a wish for an early offset commit. */
    void (*sink_backoff)(cd_ctx_t *ctx, int64_t timeout_ms);
    void (*sink_request_commit)(cd_ctx_t *ctx);
    /** Sink: read these partitions from the given offsets at the next poll. */
    void (*sink_seek)(cd_ctx_t *ctx, const cd_topic_partition_t *parts, uint32_t n);

    /** Topic log: `config` holds Java client settings (bootstrap.servers, security.*), mapped as for all clients.
     *  open does not touch the network; the others block up to timeout_ms and honour the stop signal. */
    cd_err_t *(*topic_log_open)(cd_ctx_t *ctx, const char *topic, const cd_config_t *config, cd_topic_log_t **ret_log);
    /** @param ret_exists set; @param create make it with 1 partition and these topic settings when it is missing */
    cd_err_t *(*topic_log_ensure)(cd_topic_log_t *log, bool create, int32_t replication,
                                  const cd_config_t *topic_config, int64_t timeout_ms, bool *ret_exists);
    /** Read partition 0 from the start to its present end; `each` returns an error to stop. */
    cd_err_t *(*topic_log_read)(cd_topic_log_t *log, int64_t timeout_ms,
                                cd_err_t *(*each)(void *arg, cd_bytes_t key, cd_bytes_t value), void *arg);
    /** Append one record to partition 0 and wait for its acknowledgement by all replicas. */
    cd_err_t *(*topic_log_append)(cd_topic_log_t *log, cd_bytes_t key, cd_bytes_t value, int64_t timeout_ms);
    void (*topic_log_close)(cd_topic_log_t *log);
} cd_host_t;

/** Set once by the module's init, before any other callback; the worker's own copy is set by main before any thread.
 *  Not a variable of the program's state: it never changes after load. */
extern const cd_host_t *cd_host __attribute__((visibility("hidden")));

/** Put once into one file of a module. */
#define CD_DEFINE_HOST const cd_host_t *cd_host __attribute__((visibility("hidden")))

#define cd_log(ctx, level, logger, ...) cd_host->log(ctx, level, logger, __VA_ARGS__)

/* ---- Plugins -------------------------------------------------------------------------------------------------- */

enum cd_kind {
    CD_KIND_SOURCE = 1,
    CD_KIND_SINK,
    CD_KIND_CONVERTER,
    CD_KIND_HEADER_CONVERTER,
    CD_KIND_TRANSFORM,
    CD_KIND_PREDICATE,
    CD_KIND_CONFIG_PROVIDER
};

/** Receives the task configurations of a connector; each call adds one task. Pairs are copied. */
typedef struct cd_task_configs {
    void *arg;
    void (*add)(struct cd_task_configs *out, const cd_config_t *config);
} cd_task_configs_t;

/** The part that sources and sinks share: the connector instance, which plans tasks. Pool thread. */
typedef struct cd_connector_ops {
    uint32_t size;
    /** Check settings beyond the key table: cross-key rules and, if users expect it, a live connection test. The
     *  settings are what the user gave, resolved; defaults are not filled in. NULL: nothing beyond the table. */
    void (*validate)(cd_ctx_t *ctx, const cd_config_t *config, cd_problems_t *problems);
    /** Start the instance. On error nothing is left behind. */
    cd_err_t *(*start)(cd_ctx_t *ctx, const cd_config_t *config, void **ret_connector);
    /** Plan at most max_tasks tasks; each configuration holds all that the task needs. */
    cd_err_t *(*task_configs)(void *connector, int32_t max_tasks, cd_task_configs_t *out);
    /** Stop and free the instance. */
    void (*stop)(void *connector);
} cd_connector_ops_t;

/** A source task. Life: start, poll…, stop. */
typedef struct cd_source_ops {
    uint32_t size;
    cd_connector_ops_t connector;
    /** Open the task. May read offsets and connect; a RETRIABLE error fails the task like any other. */
    cd_err_t *(*task_start)(cd_ctx_t *ctx, const cd_config_t *config, void **ret_task);
    /** Add records to the (empty) batch. Returns within timeout_ms when there is nothing to read; returns early with
     *  what it has. Records of one call leave in order. RETRIABLE: nothing was consumed, call me again. */
    cd_err_t *(*poll)(void *task, cd_batch_t *batch, int64_t timeout_ms);
    /** Offsets up to these records have been committed to the offset store. Optional. */
    void (*committed)(void *task);
    /** Free everything; also after a failed poll. */
    void (*task_stop)(void *task);
} cd_source_ops_t;

/** A sink task. Life: start, open, (put, pre_commit)…, close, stop. */
typedef struct cd_sink_ops {
    uint32_t size;
    cd_connector_ops_t connector;
    cd_err_t *(*task_start)(cd_ctx_t *ctx, const cd_config_t *config, void **ret_task);
    /** Partitions were assigned to / taken from this task. Optional. */
    cd_err_t *(*open)(void *task, const cd_topic_partition_t *parts, uint32_t n);
    void (*close)(void *task, const cd_topic_partition_t *parts, uint32_t n);
    /** Write the batch's records that are not dropped, in order. On return the rows are durable, unless the sink holds
     *  a reference to the batch and makes them durable in pre_commit. RETRIABLE: nothing of this batch counts as
     *  written, the same batch is delivered again; anything else fails the task. An empty batch may come. */
    cd_err_t *(*put)(void *task, cd_batch_t *batch);
    /** Make everything durable that these offsets cover; may lower offsets in place (what it does not vouch for is
     *  committed later). Optional: without it all offsets of finished puts are committed. */
    cd_err_t *(*pre_commit)(void *task, cd_topic_partition_t *parts, uint32_t n);
    void (*task_stop)(void *task);
} cd_sink_ops_t;

/** Every stage below works over records [from, to) of a batch and passes by those with CD_REC_DROPPED. It returns the
 *  index it stopped at: `to` when all went well, else the index of the record that failed, with *ret_err set; records
 *  before it are done, it and those after it are untouched. The host handles the error and calls again from there on. */

enum cd_part { CD_PART_KEY = 0, CD_PART_VALUE = 1 };

/** Asked once per schema: is field `index` of the struct schema read by anything later? False: it may stay CD_NULL. */
typedef struct cd_needed {
    void *arg;
    bool (*field)(const struct cd_needed *n, const cd_schema_t *schema, uint32_t index);
} cd_needed_t;

typedef struct cd_converter_ops {
    uint32_t size;
    /** @param is_key which side this instance serves. config has the prefix ("key.converter.") removed. */
    cd_err_t *(*configure)(cd_ctx_t *ctx, const cd_config_t *config, bool is_key, void **ret_converter);
    /** Connect data -> bytes: key_schema/key to raw_key, or value_schema/value to raw_value, of this instance's side.
     *  The bytes live in the batch's arena. */
    uint32_t (*encode)(void *converter, cd_batch_t *batch, uint32_t from, uint32_t to, cd_err_t **ret_err);
    /** Bytes -> Connect data. `needed` (from the first transform, may be NULL) tells which top-level fields are read
     *  later; the others may be left CD_NULL. Views into raw bytes are fine: both live as long as the batch. */
    uint32_t (*decode)(void *converter, cd_batch_t *batch, uint32_t from, uint32_t to, const cd_needed_t *needed,
                       cd_err_t **ret_err);
    void (*close)(void *converter);
} cd_converter_ops_t;

typedef struct cd_header_converter_ops {
    uint32_t size;
    cd_err_t *(*configure)(cd_ctx_t *ctx, const cd_config_t *config, void **ret_converter);
    /** As above, over all headers of each record: value <-> raw. */
    uint32_t (*encode)(void *converter, cd_batch_t *batch, uint32_t from, uint32_t to, cd_err_t **ret_err);
    uint32_t (*decode)(void *converter, cd_batch_t *batch, uint32_t from, uint32_t to, cd_err_t **ret_err);
    void (*close)(void *converter);
} cd_header_converter_ops_t;

typedef struct cd_transform_ops {
    uint32_t size;
    cd_err_t *(*configure)(cd_ctx_t *ctx, const cd_config_t *config, void **ret_transform);
    /** Change records in place; new memory from the batch's arena; cells of a record may be shared with others, so
     *  build new cells instead of writing into existing ones. Set CD_REC_DROPPED to filter. */
    uint32_t (*apply)(void *transform, cd_batch_t *batch, uint32_t from, uint32_t to, cd_err_t **ret_err);
    /** Optional: what this transform reads of record values (see cd_needed_t). Borrowed; NULL: everything. */
    const cd_needed_t *(*needs)(void *transform);
    void (*close)(void *transform);
} cd_transform_ops_t;

typedef struct cd_predicate_ops {
    uint32_t size;
    cd_err_t *(*configure)(cd_ctx_t *ctx, const cd_config_t *config, void **ret_predicate);
    /** Sets match[i - from] for each record of [from, to). */
    uint32_t (*test)(void *predicate, cd_batch_t *batch, uint32_t from, uint32_t to, bool *match, cd_err_t **ret_err);
    void (*close)(void *predicate);
} cd_predicate_ops_t;

/** Receives the values of one provider lookup; copies. */
typedef struct cd_secrets {
    void *arg;
    void (*put)(struct cd_secrets *out, const char *key, const char *value);
} cd_secrets_t;

typedef struct cd_config_provider_ops {
    uint32_t size;
    cd_err_t *(*configure)(cd_ctx_t *ctx, const cd_config_t *config, void **ret_provider);
    /** Look up keys (all when nkeys is 0) under path ("" when the reference has none). Any pool or task thread, several
     *  at once: the implementation locks. A key that does not exist is simply not put. *ret_ttl_ms: when to look again,
     *  -1 for never. Errors never hold values. */
    cd_err_t *(*get)(void *provider, const char *path, const char *const *keys, uint32_t nkeys, cd_secrets_t *out,
                     int64_t *ret_ttl_ms);
    void (*close)(void *provider);
} cd_config_provider_ops_t;

typedef struct cd_plugin {
    uint32_t magic, size;       /* CD_PLUGIN_MAGIC; sizeof(cd_plugin_t) where it was built */
    uint32_t kind;              /* enum cd_kind */
    uint32_t key_stride;        /* sizeof(cd_key_t) where it was built */
    const char *jvm_class;      /* the class name users have in their JSON; its short forms are derived from it */
    const char *const *aliases; /* further class names that mean this plugin, NULL-terminated, or NULL */
    const char *version;
    const char *doc;      /* one sentence */
    const cd_key_t *keys; /* ends with CD_KEY_END; NULL: none */
    const void *ops;      /* the ops struct of the kind */
} cd_plugin_t;

typedef struct cd_module {
    uint32_t magic, size; /* CD_MODULE_MAGIC; sizeof(cd_module_t) where it was built */
    uint16_t abi_major, abi_minor;
    /* --- the host reads nothing below before it has accepted the lines above --- */
    const char *name;
    /** Keep the host table; refuse with an error when it is too old for this module. */
    cd_err_t *(*init)(const cd_host_t *host);
    const cd_plugin_t *const *plugins; /* NULL-terminated */
} cd_module_t;

/** The one symbol a module exports. */
CD_EXPORT const cd_module_t *cd_module_entry(void);

#define CD_MODULE_HEAD                                                                                                 \
    .magic = CD_MODULE_MAGIC, .size = sizeof(cd_module_t), .abi_major = CD_ABI_MAJOR, .abi_minor = CD_ABI_MINOR
#define CD_PLUGIN_HEAD .magic = CD_PLUGIN_MAGIC, .size = sizeof(cd_plugin_t), .key_stride = sizeof(cd_key_t)

#endif
