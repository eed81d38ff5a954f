/* convert.h: from raw db-lib values to cells. What a column becomes is decided once per table (field_t), how a result
 * column is read once per result set (row_plan_t); per value one indirect call remains.
 * Threads    task thread.
 * Ownership  fields live in the table's arena; a plan owns its array (row_plan_done); cells live in the given arena.
 * Errors     a value that does not fit its field reads as null and is counted in the plan.
 * Limits     values up to 2 GiB (TEXTSIZE). */
#ifndef SQLSERVER_CONVERT_H
#define SQLSERVER_CONVERT_H

#include "connectors/sqlserver/conf.h"
#include "connectors/sqlserver/conn.h"
#include "connectors/sqlserver/model.h"
#include "connectors/sqlserver/temporal.h"

/** The form of a field's values. */
typedef enum form {
    FORM_NONE, /* no converter: the column is left out */
    FORM_BOOLEAN,
    FORM_INT,
    FORM_FLOAT32,
    FORM_FLOAT64,
    FORM_DECIMAL,
    FORM_DECIMAL_DOUBLE,
    FORM_DECIMAL_STRING,
    FORM_STRING,
    FORM_BYTES,
    FORM_BASE64,
    FORM_BASE64_URL,
    FORM_HEX,
    FORM_DATE,
    FORM_DATE_ISO,
    FORM_TIME_MS,
    FORM_TIME_US,
    FORM_TIME_NS,
    FORM_TIME_ISO,
    FORM_STAMP_MS,
    FORM_STAMP_US,
    FORM_STAMP_NS,
    FORM_STAMP_ISO,
    FORM_ZONED
} form_t;

typedef struct field {
    const column_t *column;
    const char *name; /* adjusted */
    const cd_schema_t *schema;
    form_t form;
    uint8_t type;          /* enum cd_type of the cell */
    int32_t scale;         /* of decimals */
    bool wrap_nanos;       /* let nanoseconds wrap around as the old line did */
    cd_value_t null_value; /* what NULL reads as: a null cell when the column is nullable */
    int32_t mask;          /* >= 0: replace text by this many asterisks; -1: no */
    int32_t truncate;      /* >= 0: keep this many UTF-16 units; -1: all */
    cd_value_t mask_value;
    digest_t *digest; /* replace text by this digest of it, no longer than the column; NULL: no */
} field_t;

struct cell_plan;
typedef cd_value_t (*cell_fn)(const struct cell_plan *p, const uint8_t *data, uint32_t len, cd_arena_t *arena);

typedef struct cell_plan {
    cell_fn fn;
    const field_t *field;
    int32_t col;      /* result column from 1; 0 when the result has none */
    uint32_t *errors; /* counts values that did not fit */
    int32_t wire;     /* db-lib type */
    uint32_t fixed;   /* bytes of every value, or 0 when they differ: asking costs as much as decoding */
} cell_plan_t;

typedef struct row_plan {
    uint32_t n;
    uint32_t errors;
    cell_plan_t *cells;
} row_plan_t;

/** The form and base type of a column under these settings; FORM_NONE when it has no converter. */
form_t convert_form(const conf_t *conf, const column_t *c, uint8_t *ret_type);

/** Name of the semantic schema of a form, or NULL. */
const char *convert_schema_name(const conf_t *conf, form_t form);

/** Compile a plan for the open result set of `conn`: fields are found by column name. The plan must be empty. */
void row_plan_init(row_plan_t *plan, const conn_t *conn, const field_t *const *fields, uint32_t n);
void row_plan_done(row_plan_t *plan);

/** Read the row in hand into cells[0 … n). */
static inline void row_plan_read(const row_plan_t *plan, const conn_t *conn, cd_value_t *cells, cd_arena_t *arena)
{
    for (uint32_t i = 0; i < plan->n; i++) {
        const cell_plan_t *p = &plan->cells[i];
        const uint8_t *data = p->col > 0 ? dbdata(conn->db, p->col) : NULL;
        if (data == NULL) {
            cells[i] = p->field->null_value;
            continue;
        }
        cells[i] = p->fn(p, data, p->fixed != 0 ? p->fixed : (uint32_t)dbdatlen(conn->db, p->col), arena);
    }
}

/** Parts that defaults share with rows. */
cd_value_t convert_moment(const field_t *f, const moment_t *m, cd_arena_t *arena, bool *ret_ok);
cd_value_t convert_decimal(const field_t *f, bool negative, unsigned __int128 magnitude, cd_arena_t *arena);
cd_value_t convert_bytes(const field_t *f, const uint8_t *data, uint32_t len, cd_arena_t *arena);

/** Date, time and offset of a db-lib value of any time type; false for other types. */
bool convert_wire_moment(int wire, const uint8_t *data, moment_t *ret);

#endif
