/* wire/column.h: writes TYPE_INFO and values. A column is planned once per result; then each value is one switch.
 * Threads    any; no state but the writer's.
 * Errors     none here: what does not fit its type is cut, and a lost peer shows in the writer.
 */
#ifndef SIM_WIRE_COLUMN_H
#define SIM_WIRE_COLUMN_H

#include "engine.h"
#include "wire/out.h"

typedef enum wire_enc {
    ENC_INT,   /* fixed width little-endian integer */
    ENC_INTN,  /* the same behind a length byte */
    ENC_FLOAT, /* FLT4, FLT8 */
    ENC_FLOATN,
    ENC_MONEY,
    ENC_MONEYN,
    ENC_DATETIME, /* DATETIME, DATETIM4 */
    ENC_DATETIMEN,
    ENC_DECIMAL,
    ENC_GUID,
    ENC_DATE,
    ENC_TIME,
    ENC_DATETIME2,
    ENC_DATETIMEOFFSET,
    ENC_BYTES, /* 2-byte length; binary and UTF-8 text */
    ENC_CP1252,
    ENC_UTF16,
    ENC_PLP_BYTES,
    ENC_PLP_CP1252,
    ENC_PLP_UTF16,
    ENC_LOB_BYTES, /* text pointer, timestamp, 4-byte length */
    ENC_LOB_CP1252,
    ENC_LOB_UTF16,
    ENC_VARIANT,
    ENC_TEMPORAL_TEXT, /* 7.3 types as nvarchar for older clients */
} wire_enc_t;

typedef struct wire_col {
    sim_typeinfo_t type;
    uint32_t usertype, max_len;
    wire_enc_t enc;
    uint8_t id, width; /* width: of fixed integers, the time part, the decimal */
    bool utf8_text;    /* char data leaves as UTF-8 */
} wire_col_t;

typedef struct wire_limits {
    size_t textsize;  /* large values are cut at this many bytes; SIZE_MAX = not */
    size_t plp_chunk; /* 0 = one chunk */
} wire_limits_t;

void wire_col_init(wire_col_t *col, const sim_typeinfo_t *type, uint32_t tds_version);
/** TYPE_INFO without the table name of text, ntext and image. */
void wire_col_put_type(const wire_col_t *col, out_t *out);
/** text, ntext and image name their table in COLMETADATA. */
bool wire_col_is_lob(const wire_col_t *col);
/** One value as in ROW, NULL included. */
void wire_col_put(const wire_col_t *col, out_t *out, const sim_value_t *value, const wire_limits_t *limits);

#endif
