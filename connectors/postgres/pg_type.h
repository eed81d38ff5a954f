/* connectors/postgres/pg_type.h: PostgreSQL types as the sink sees them: OIDs and families.
 *
 * Ownership  names belong to the arena of the table definition. */
#ifndef POSTGRES_PG_TYPE_H
#define POSTGRES_PG_TYPE_H

#include "plugins/api/connectd_plugin.h"

enum pg_oid {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_JSON = 114,
    OID_XML = 142,
    OID_POINT = 600,
    OID_LINE = 628,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_CIRCLE = 718,
    OID_BPCHAR = 1042,
    OID_VARCHAR = 1043,
    OID_DATE = 1082,
    OID_TIME = 1083,
    OID_TIMESTAMP = 1114,
    OID_TIMESTAMPTZ = 1184,
    OID_INTERVAL = 1186,
    OID_TIMETZ = 1266,
    OID_BIT = 1560,
    OID_VARBIT = 1562,
    OID_NUMERIC = 1700,
    OID_UUID = 2950,
    OID_JSONB = 3802
};

/** What matters for conversions. */
enum pg_family {
    FAMILY_OTHER = 0, /* enums, ranges, networks, extensions: the server parses text */
    FAMILY_BOOL,
    FAMILY_INT,
    FAMILY_NUMERIC,
    FAMILY_FLOAT,
    FAMILY_TEXT,
    FAMILY_BYTEA,
    FAMILY_DATE,
    FAMILY_TIME,
    FAMILY_TIMETZ,
    FAMILY_TIMESTAMP,
    FAMILY_TIMESTAMPTZ,
    FAMILY_INTERVAL,
    FAMILY_UUID,
    FAMILY_JSON,
    FAMILY_JSONB,
    FAMILY_BIT,
    FAMILY_POINT,
    FAMILY_GEOMETRY, /* PostGIS geometry */
    FAMILY_GEOGRAPHY,
    FAMILY_ARRAY
};

/** The type of a column, domains resolved. */
typedef struct pg_type {
    uint32_t oid, array_oid;       /* array_oid 0: none */
    uint8_t family;                /* enum pg_family */
    bool is_domain;                /* the column's own type is a domain over this one */
    bool deterministic;            /* of the column's collation */
    int32_t typmod;                /* -1: none */
    const char *name;              /* of the column's own type, as in pg_type.typname */
    const char *sql_name;          /* of the base type, for casts: format_type(oid, -1) */
    const struct pg_type *element; /* arrays */
} pg_type_t;

/** Family by OID, and by name for types of extensions. */
enum pg_family pg_type_family(uint32_t oid, const char *typname, bool is_array);

/** SQL name of a built-in type that parameters are declared as; never one that implies a length (a bare bit is bit(1)). */
const char *pg_type_builtin_name(uint32_t oid);
/** OID of the array over a built-in type; 0 when unknown. */
uint32_t pg_type_builtin_array(uint32_t oid);

#endif
