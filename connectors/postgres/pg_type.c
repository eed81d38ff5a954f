#include "connectors/postgres/pg_type.h"

static const struct {
    uint32_t oid, array_oid;
    uint8_t family;
    const char *name;
} builtin[] = {
    {OID_BOOL, 1000, FAMILY_BOOL, "boolean"},
    {OID_BYTEA, 1001, FAMILY_BYTEA, "bytea"},
    {OID_INT8, 1016, FAMILY_INT, "bigint"},
    {OID_INT2, 1005, FAMILY_INT, "smallint"},
    {OID_INT4, 1007, FAMILY_INT, "integer"},
    {OID_TEXT, 1009, FAMILY_TEXT, "text"},
    {OID_JSON, 199, FAMILY_JSON, "json"},
    {OID_XML, 143, FAMILY_OTHER, "xml"},
    {OID_POINT, 1017, FAMILY_POINT, "point"},
    {OID_FLOAT4, 1021, FAMILY_FLOAT, "real"},
    {OID_FLOAT8, 1022, FAMILY_FLOAT, "double precision"},
    {OID_BPCHAR, 1014, FAMILY_TEXT, "bpchar"},
    {OID_VARCHAR, 1015, FAMILY_TEXT, "character varying"},
    {OID_DATE, 1182, FAMILY_DATE, "date"},
    {OID_TIME, 1183, FAMILY_TIME, "time without time zone"},
    {OID_TIMESTAMP, 1115, FAMILY_TIMESTAMP, "timestamp without time zone"},
    {OID_TIMESTAMPTZ, 1185, FAMILY_TIMESTAMPTZ, "timestamp with time zone"},
    {OID_INTERVAL, 1187, FAMILY_INTERVAL, "interval"},
    {OID_TIMETZ, 1270, FAMILY_TIMETZ, "time with time zone"},
    {OID_BIT, 1561, FAMILY_BIT, "\"bit\""},
    {OID_VARBIT, 1563, FAMILY_BIT, "bit varying"},
    {OID_NUMERIC, 1231, FAMILY_NUMERIC, "numeric"},
    {OID_UUID, 2951, FAMILY_UUID, "uuid"},
    {OID_JSONB, 3807, FAMILY_JSONB, "jsonb"},
};

#define BUILTIN_COUNT (sizeof(builtin) / sizeof(*builtin))

enum pg_family pg_type_family(uint32_t oid, const char *typname, bool is_array)
{
    if (is_array) return FAMILY_ARRAY;
    for (size_t i = 0; i < BUILTIN_COUNT; i++)
        if (builtin[i].oid == oid) return (enum pg_family)builtin[i].family;
    if (strcmp(typname, "citext") == 0 || strcmp(typname, "name") == 0) return FAMILY_TEXT;
    if (strcmp(typname, "geometry") == 0) return FAMILY_GEOMETRY;
    if (strcmp(typname, "geography") == 0) return FAMILY_GEOGRAPHY;
    return FAMILY_OTHER;
}

const char *pg_type_builtin_name(uint32_t oid)
{
    for (size_t i = 0; i < BUILTIN_COUNT; i++)
        if (builtin[i].oid == oid) return builtin[i].name;
    return NULL;
}

uint32_t pg_type_builtin_array(uint32_t oid)
{
    for (size_t i = 0; i < BUILTIN_COUNT; i++)
        if (builtin[i].oid == oid) return builtin[i].array_oid;
    return 0;
}
