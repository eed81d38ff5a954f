/* connectors/postgres/plan.h: everything compiled from (table, key schema, value schema): the binds in row order and
 * the statements of every write path.
 *
 * Threads    task thread.       Ownership  a plan lives in its table's arena until the table's cache is dropped.
 * Errors     plan_new: FATAL ("class D"). plan_encode: false with a conv_err_t; the buffer is back where it was. */
#ifndef POSTGRES_PLAN_H
#define POSTGRES_PLAN_H

#include "connectors/postgres/fields.h"
#include "connectors/postgres/table_def.h"

/** A statement with its name on the server: prepared when first used on a connection. */
typedef struct plan_statement {
    const char *sql; /* NULL: this plan has none */
    char name[24];
    uint32_t generation; /* of the connection that knows it; 0: none */
    uint32_t nparams;
    const uint32_t *oids;
    const int *formats; /* 1: binary */
} plan_statement_t;

typedef struct plan {
    struct plan *next;
    const cd_schema_t *key_schema, *value_schema;
    uint32_t nkeys, nbinds;
    bind_t *binds; /* keys first */
    bool can_fold; /* keys compare by their bytes: duplicates within a batch may be folded */
    bool can_unnest, can_unnest_delete, can_copy;
    bool writes;                  /* false: update mode without columns to set; records pass */
    plan_statement_t row, remove; /* one record */
    plan_statement_t unnest, unnest_remove;
    const char *stage; /* name of the staging table */
    const char *stage_create, *stage_copy, *stage_insert;
    const char *copy_direct;                      /* insert mode into a plain table */
    uint32_t stage_generation, stage_transaction; /* where the staging table exists, and was last filled */
} plan_t;

CD_CHECK cd_err_t *plan_new(const sink_conf_t *conf, const bind_env_t *env, const table_id_t *id,
                            const table_def_t *def, const field_set_t *fields, uint32_t serial, cd_arena_t *arena,
                            plan_t **ret_plan);

/** Append the record as one row in COPY BINARY form: all fields, or only the keys of a delete. */
bool plan_encode(const plan_t *plan, const cd_record_t *rec, bool keys_only, wire_buf_t *out, uint32_t *ret_key_len,
                 bool *ret_null_key, conv_err_t *err, uint32_t *ret_bad);

/** The statement of a row with its values in place, for messages. */
const char *plan_show(const plan_t *plan, bool is_delete, const uint8_t *row, cd_arena_t *arena);

#endif
