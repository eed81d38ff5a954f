/* connectors/postgres/bind_op.h: what bind.c chooses and bind_put.c does. Private to these two. */
#ifndef POSTGRES_BIND_OP_H
#define POSTGRES_BIND_OP_H

#include "connectors/postgres/bind.h"

enum bind_op {
    OP_INT2,
    OP_INT4,
    OP_INT8,
    OP_FLOAT4,
    OP_FLOAT8,
    OP_BOOL,
    OP_RAW, /* strings and bytes as they are */
    OP_DECIMAL,
    OP_UUID,
    OP_JSONB,
    OP_INT_TO_BOOL,
    OP_BOOL_TO_INT2,
    OP_BOOL_TO_BIT,
    OP_WALL_TIMESTAMP, /* a number of units since the epoch, read from a clock without a zone */
    OP_WALL_TIME,      /* units since midnight */
    OP_WALL_DATE,      /* days */
    OP_TIME_TO_INTERVAL,
    OP_ISO, /* text; zone or not, as it says */
    OP_ISO_TIME,
    OP_ISO_INTERVAL,
    OP_CONNECT_TIMESTAMP,
    OP_CONNECT_TIME,
    OP_CONNECT_DATE,
    OP_CONNECT_TIMESTAMP_TEXT,
    OP_CONNECT_TIME_TEXT,
    OP_CONNECT_DATE_TEXT,
    OP_LISTED, /* timestamp.fields.list */
    OP_LISTED_TEXT,
    OP_VARIABLE_DECIMAL,
    OP_BITS,
    OP_ENUM_SET,
    OP_EWKB,
    OP_EWKB_HEX,
    OP_WKB,
    OP_POINT,
    OP_ARRAY
};

enum unit { UNIT_MS, UNIT_US, UNIT_NS };

#endif
