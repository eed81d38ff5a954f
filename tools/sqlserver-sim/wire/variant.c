/* wire/variant.c: see variant.h */
#include "wire/variant.h"

#include <string.h>

#include "wire/decode.h"
#include "wire/tds.h"
#include "wire/utf.h"

/* Type ids inside a variant are the NOT NULL ones where such exist. */
typedef struct variant_kind {
    uint8_t id, width, props;
} variant_kind_t;

static variant_kind_t kind_of(const sim_typeinfo_t *type)
{
    switch (type->base) {
    case SIM_T_BIT:
        return (variant_kind_t){TDS_T_BIT, 1, 0};
    case SIM_T_TINYINT:
        return (variant_kind_t){TDS_T_INT1, 1, 0};
    case SIM_T_SMALLINT:
        return (variant_kind_t){TDS_T_INT2, 2, 0};
    case SIM_T_INT:
        return (variant_kind_t){TDS_T_INT4, 4, 0};
    case SIM_T_BIGINT:
        return (variant_kind_t){TDS_T_INT8, 8, 0};
    case SIM_T_REAL:
        return (variant_kind_t){TDS_T_FLT4, 4, 0};
    case SIM_T_FLOAT:
        return (variant_kind_t){TDS_T_FLT8, 8, 0};
    case SIM_T_MONEY:
        return (variant_kind_t){TDS_T_MONEY, 8, 0};
    case SIM_T_SMALLMONEY:
        return (variant_kind_t){TDS_T_MONEY4, 4, 0};
    case SIM_T_DATETIME:
        return (variant_kind_t){TDS_T_DATETIME, 8, 0};
    case SIM_T_SMALLDATETIME:
        return (variant_kind_t){TDS_T_DATETIM4, 4, 0};
    case SIM_T_DECIMAL:
    case SIM_T_NUMERIC:
        return (variant_kind_t){type->base == SIM_T_DECIMAL ? TDS_T_DECIMALN : TDS_T_NUMERICN,
                                (uint8_t)tds_decimal_len(type->prec), 2};
    case SIM_T_UNIQUEIDENTIFIER:
        return (variant_kind_t){TDS_T_GUID, 16, 0};
    case SIM_T_DATE:
        return (variant_kind_t){TDS_T_DATEN, 3, 0};
    case SIM_T_TIME:
        return (variant_kind_t){TDS_T_TIMEN, (uint8_t)tds_time_len(type->scale), 1};
    case SIM_T_DATETIME2:
        return (variant_kind_t){TDS_T_DATETIME2N, (uint8_t)tds_time_len(type->scale), 1};
    case SIM_T_DATETIMEOFFSET:
        return (variant_kind_t){TDS_T_DATETIMEOFFSETN, (uint8_t)tds_time_len(type->scale), 1};
    case SIM_T_CHAR:
        return (variant_kind_t){TDS_T_BIGCHAR, 0, 7};
    case SIM_T_VARCHAR:
        return (variant_kind_t){TDS_T_BIGVARCHAR, 0, 7};
    case SIM_T_NCHAR:
        return (variant_kind_t){TDS_T_NCHAR, 0, 7};
    case SIM_T_NVARCHAR:
        return (variant_kind_t){TDS_T_NVARCHAR, 0, 7};
    case SIM_T_BINARY:
        return (variant_kind_t){TDS_T_BIGBINARY, 0, 2};
    default:
        return (variant_kind_t){TDS_T_BIGVARBINARY, 0, 2};
    }
}

static uint8_t *put_text(uint8_t *p, const variant_kind_t *kind, const sim_typeinfo_t *type, const sim_value_t *value)
{
    const char *src = value->u.s.ptr;
    size_t len = value->u.s.len;
    bool text = kind->props == 7;
    uint32_t max = type->len > 0 && type->len <= TDS_VARLEN_MAX ? (uint32_t)type->len : TDS_VARLEN_MAX;
    if (text) {
        memcpy(p, type->utf8 ? tds_collation_utf8 : tds_collation_cp1, 5);
        p += 5;
    }
    put_le(p, max, 2);
    p += 2;
    if (kind->id == TDS_T_NCHAR || kind->id == TDS_T_NVARCHAR) return p + utf16_from_utf8(p, max & ~1u, &src, &len);
    if (text && !type->utf8) return p + cp1252_from_utf8(p, max, &src, &len);
    if (len > max) len = max;
    memcpy(p, src, len);
    return p + len;
}

static uint8_t *put_decimal(uint8_t *p, uint8_t width, const sim_typeinfo_t *type, const sim_value_t *value)
{
    *p++ = type->prec;
    *p++ = type->scale;
    *p++ = value->u.dec.neg ? 0 : 1;
    put_le(p, (uint64_t)value->u.dec.mag, 8);
    put_le(p + 8, (uint64_t)(value->u.dec.mag >> 64), 8);
    return p + width - 1;
}

static uint8_t *put_temporal(uint8_t *p, uint8_t width, const sim_typeinfo_t *type, const sim_value_t *value)
{
    static const uint32_t per_unit[8] = {10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
    if (type->base != SIM_T_DATE) {
        *p++ = type->scale;
        put_le(p, (uint64_t)value->u.t.ticks / per_unit[type->scale & 7], width);
        p += width;
    }
    if (type->base != SIM_T_TIME) {
        put_le(p, (uint64_t)value->u.t.days, 3);
        p += 3;
    }
    if (type->base == SIM_T_DATETIMEOFFSET) {
        put_le(p, (uint64_t)value->u.t.offset, 2);
        p += 2;
    }
    return p;
}

static uint8_t *put_number(uint8_t *p, uint8_t width, const sim_typeinfo_t *type, const sim_value_t *value)
{
    uint64_t bits = (uint64_t)value->u.i;
    if (type->base == SIM_T_REAL) {
        float narrow = (float)value->u.f;
        uint32_t bits4;
        memcpy(&bits4, &narrow, sizeof(bits4));
        bits = bits4;
    } else if (type->base == SIM_T_FLOAT) {
        memcpy(&bits, &value->u.f, sizeof(bits));
    } else if (type->base == SIM_T_MONEY) {
        bits = bits >> 32 | bits << 32;
    }
    put_le(p, bits, width);
    return p + width;
}

size_t variant_encode(uint8_t *dst, size_t size, const sim_typeinfo_t *type, const sim_value_t *value)
{
    static const sim_value_t empty = {.u.s = {.ptr = "", .len = 0}};
    static const sim_typeinfo_t binary = {.base = SIM_T_VARBINARY, .len = TDS_VARLEN_MAX};
    variant_kind_t kind = kind_of(type);
    if (size < TDS_VARIANT_MAX + 64) return 0;
    if (kind.id == TDS_T_BIGVARBINARY && type->base != SIM_T_VARBINARY && type->base != SIM_T_TIMESTAMP) {
        type = &binary;
        value = &empty;
    }
    uint8_t *p = dst;
    *p++ = kind.id;
    *p++ = kind.props;
    switch (type->base) {
    case SIM_T_DECIMAL:
    case SIM_T_NUMERIC:
        p = put_decimal(p, kind.width, type, value);
        break;
    case SIM_T_DATE:
    case SIM_T_TIME:
    case SIM_T_DATETIME2:
    case SIM_T_DATETIMEOFFSET:
        p = put_temporal(p, kind.width, type, value);
        break;
    case SIM_T_DATETIME:
    case SIM_T_SMALLDATETIME:
        put_le(p, (uint64_t)(int64_t)value->u.t.days, kind.width / 2u);
        put_le(p + kind.width / 2, (uint64_t)value->u.t.ticks, kind.width / 2u);
        p += kind.width;
        break;
    case SIM_T_UNIQUEIDENTIFIER:
        memcpy(p, value->u.guid, 16);
        p += 16;
        break;
    default:
        p = kind.props >= 2 ? put_text(p, &kind, type, value) : put_number(p, kind.width, type, value);
        break;
    }
    return (size_t)(p - dst);
}

bool variant_decode(const uint8_t *src, size_t len, pool_t *pool, const sim_typeinfo_t **ret_type,
                    const sim_value_t **ret_value)
{
    if (len < 2 || (size_t)src[1] + 2 > len) return false;
    uint8_t id = src[0], nprops = src[1];
    const uint8_t *props = src + 2;
    /* Rebuild the TYPE_INFO that a column of this type would have, so that one reader knows all types. */
    uint8_t info[16] = {id};
    size_t info_len = 1;
    switch (id) {
    case TDS_T_DECIMALN:
    case TDS_T_NUMERICN:
        if (nprops != 2) return false;
        info[1] = 17;
        memcpy(info + 2, props, 2);
        info_len = 4;
        break;
    case TDS_T_TIMEN:
    case TDS_T_DATETIME2N:
    case TDS_T_DATETIMEOFFSETN:
        if (nprops != 1) return false;
        info[1] = props[0];
        info_len = 2;
        break;
    case TDS_T_BIGBINARY:
    case TDS_T_BIGVARBINARY:
        if (nprops != 2) return false;
        memcpy(info + 1, props, 2);
        info_len = 3;
        break;
    case TDS_T_BIGCHAR:
    case TDS_T_BIGVARCHAR:
    case TDS_T_NCHAR:
    case TDS_T_NVARCHAR:
        if (nprops != 7) return false;
        memcpy(info + 1, props + 5, 2);
        memcpy(info + 3, props, 5);
        info_len = 8;
        break;
    case TDS_T_GUID:
        info[1] = 16;
        info_len = 2;
        break;
    case TDS_T_DATEN:
        break;
    default:
        if (nprops != 0) return false;
        break;
    }
    wire_type_t type;
    cur_t cur = cur_over(info, info_len);
    wire_type_read(&cur, &type);
    bool plain = type.fixed != 0 || info_len > 1 || id == TDS_T_DATEN;
    sim_value_t *value = pool_alloc(pool, sizeof(*value));
    if (cur.state != CUR_OK || !plain || type.plp || (type.fixed != 0 && len - 2 - nprops != type.fixed) ||
        !wire_value_from_bytes(&type, src + 2 + nprops, len - 2 - nprops, pool, value))
        return false;
    type.type.not_null = false;
    sim_typeinfo_t *copy = pool_alloc(pool, sizeof(*copy));
    *copy = type.type;
    *ret_type = copy;
    *ret_value = value;
    return true;
}
