/* wire/decode.c: see decode.h */
#include "wire/decode.h"

#include <string.h>

#include "wire/tds.h"
#include "wire/utf.h"
#include "wire/variant.h"

const uint8_t *cur_take(cur_t *cur, size_t n)
{
    if (cur->state != CUR_OK) return NULL;
    if ((size_t)(cur->end - cur->p) < n) {
        cur->state = CUR_SHORT;
        return NULL;
    }
    const uint8_t *at = cur->p;
    cur->p += n;
    return at;
}

uint64_t cur_le(cur_t *cur, unsigned n)
{
    const uint8_t *at = cur_take(cur, n);
    return at == NULL ? 0 : get_le(at, n);
}

void cur_fail(cur_t *cur)
{
    cur->state = CUR_BAD;
}

const char *cur_utf16(cur_t *cur, size_t size, pool_t *pool, size_t *ret_len)
{
    *ret_len = 0;
    const uint8_t *at = cur_take(cur, size);
    if (at == NULL) return "";
    char *text = pool_alloc(pool, size / 2 * 3 + 1);
    *ret_len = utf8_from_utf16(text, at, size);
    text[*ret_len] = '\0';
    return text;
}

const char *cur_b_varchar(cur_t *cur, pool_t *pool)
{
    size_t len;
    return cur_utf16(cur, cur_le(cur, 1) * 2, pool, &len);
}

const char *cur_us_varchar(cur_t *cur, pool_t *pool)
{
    size_t len;
    return cur_utf16(cur, cur_le(cur, 2) * 2, pool, &len);
}

static void fixed_type(wire_type_t *t, sim_base_t base, unsigned width)
{
    t->type.base = base;
    t->type.not_null = true;
    t->fixed = (uint8_t)width;
}

/* INTN, FLTN, MONEYN, DATETIMN: the width that follows tells the type. */
static void width_type(cur_t *cur, wire_type_t *t, sim_base_t for4, sim_base_t for8)
{
    uint64_t width = cur_le(cur, 1);
    t->len_size = 1;
    if (t->id == TDS_T_INTN && (width == 1 || width == 2))
        t->type.base = width == 1 ? SIM_T_TINYINT : SIM_T_SMALLINT;
    else if (width == 4 || width == 8)
        t->type.base = width == 4 ? for4 : for8;
    else if (cur->state == CUR_OK)
        cur_fail(cur);
}

static void string_type(cur_t *cur, wire_type_t *t, sim_base_t base, unsigned len_size, bool collated)
{
    uint64_t max = cur_le(cur, len_size);
    t->type.base = base;
    t->type.len = max > INT32_MAX ? INT32_MAX : (int32_t)max;
    t->len_size = (uint8_t)len_size;
    const uint8_t *collation = collated ? cur_take(cur, 5) : NULL;
    bool wide = base == SIM_T_NVARCHAR || base == SIM_T_NCHAR || base == SIM_T_NTEXT;
    t->type.utf8 = collation != NULL && !wide && (collation[3] & 0x04) != 0;
    if (len_size == 2 && max == TDS_PLP) {
        t->type.len = SIM_LEN_MAX;
        t->len_size = 0;
        t->plp = true;
    } else if (len_size == 2 && max > TDS_VARLEN_MAX && cur->state == CUR_OK) {
        cur_fail(cur);
    }
}

static void scaled_type(cur_t *cur, wire_type_t *t, sim_base_t base)
{
    t->type.base = base;
    t->type.scale = (uint8_t)cur_le(cur, 1);
    t->len_size = 1;
    if (t->type.scale > 7) cur_fail(cur);
}

static void decimal_type(cur_t *cur, wire_type_t *t, sim_base_t base)
{
    cur_le(cur, 1);
    t->type.base = base;
    t->type.prec = (uint8_t)cur_le(cur, 1);
    t->type.scale = (uint8_t)cur_le(cur, 1);
    t->len_size = 1;
    if (cur->state == CUR_OK && (t->type.prec < 1 || t->type.prec > 38 || t->type.scale > t->type.prec)) cur_fail(cur);
}

static void one_byte_type(cur_t *cur, wire_type_t *t, sim_base_t base)
{
    t->type.base = base;
    t->len_size = 1;
    cur_le(cur, 1);
}

static void xml_type(cur_t *cur, wire_type_t *t, pool_t *scratch)
{
    t->type.base = SIM_T_XML;
    t->type.len = SIM_LEN_MAX;
    t->plp = true;
    if (cur_le(cur, 1) != 0) {
        cur_b_varchar(cur, scratch);
        cur_b_varchar(cur, scratch);
        cur_us_varchar(cur, scratch);
    }
}

void wire_type_read(cur_t *cur, wire_type_t *ret_type)
{
    wire_type_t *t = ret_type;
    pool_t scratch = {0};
    memset(t, 0, sizeof(*t));
    t->id = (uint8_t)cur_le(cur, 1);
    if (cur->state != CUR_OK) return;
    switch (t->id) {
    case TDS_T_NULL:
        t->type.base = SIM_T_NULL;
        break;
    case TDS_T_INT1:
        fixed_type(t, SIM_T_TINYINT, 1);
        break;
    case TDS_T_BIT:
        fixed_type(t, SIM_T_BIT, 1);
        break;
    case TDS_T_INT2:
        fixed_type(t, SIM_T_SMALLINT, 2);
        break;
    case TDS_T_INT4:
        fixed_type(t, SIM_T_INT, 4);
        break;
    case TDS_T_INT8:
        fixed_type(t, SIM_T_BIGINT, 8);
        break;
    case TDS_T_FLT4:
        fixed_type(t, SIM_T_REAL, 4);
        break;
    case TDS_T_FLT8:
        fixed_type(t, SIM_T_FLOAT, 8);
        break;
    case TDS_T_MONEY:
        fixed_type(t, SIM_T_MONEY, 8);
        break;
    case TDS_T_MONEY4:
        fixed_type(t, SIM_T_SMALLMONEY, 4);
        break;
    case TDS_T_DATETIME:
        fixed_type(t, SIM_T_DATETIME, 8);
        break;
    case TDS_T_DATETIM4:
        fixed_type(t, SIM_T_SMALLDATETIME, 4);
        break;
    case TDS_T_INTN:
        width_type(cur, t, SIM_T_INT, SIM_T_BIGINT);
        break;
    case TDS_T_FLTN:
        width_type(cur, t, SIM_T_REAL, SIM_T_FLOAT);
        break;
    case TDS_T_MONEYN:
        width_type(cur, t, SIM_T_SMALLMONEY, SIM_T_MONEY);
        break;
    case TDS_T_DATETIMN:
        width_type(cur, t, SIM_T_SMALLDATETIME, SIM_T_DATETIME);
        break;
    case TDS_T_BITN:
        one_byte_type(cur, t, SIM_T_BIT);
        break;
    case TDS_T_GUID:
        one_byte_type(cur, t, SIM_T_UNIQUEIDENTIFIER);
        break;
    case TDS_T_DECIMALN:
        decimal_type(cur, t, SIM_T_DECIMAL);
        break;
    case TDS_T_NUMERICN:
        decimal_type(cur, t, SIM_T_NUMERIC);
        break;
    case TDS_T_DATEN:
        t->type.base = SIM_T_DATE;
        t->len_size = 1;
        break;
    case TDS_T_TIMEN:
        scaled_type(cur, t, SIM_T_TIME);
        break;
    case TDS_T_DATETIME2N:
        scaled_type(cur, t, SIM_T_DATETIME2);
        break;
    case TDS_T_DATETIMEOFFSETN:
        scaled_type(cur, t, SIM_T_DATETIMEOFFSET);
        break;
    case TDS_T_BINARY_OLD:
        string_type(cur, t, SIM_T_BINARY, 1, false);
        break;
    case TDS_T_VARBINARY_OLD:
        string_type(cur, t, SIM_T_VARBINARY, 1, false);
        break;
    case TDS_T_CHAR_OLD:
        string_type(cur, t, SIM_T_CHAR, 1, false);
        break;
    case TDS_T_VARCHAR_OLD:
        string_type(cur, t, SIM_T_VARCHAR, 1, false);
        break;
    case TDS_T_BIGBINARY:
        string_type(cur, t, SIM_T_BINARY, 2, false);
        break;
    case TDS_T_BIGVARBINARY:
        string_type(cur, t, SIM_T_VARBINARY, 2, false);
        break;
    case TDS_T_BIGCHAR:
        string_type(cur, t, SIM_T_CHAR, 2, true);
        break;
    case TDS_T_BIGVARCHAR:
        string_type(cur, t, SIM_T_VARCHAR, 2, true);
        break;
    case TDS_T_NCHAR:
        string_type(cur, t, SIM_T_NCHAR, 2, true);
        break;
    case TDS_T_NVARCHAR:
        string_type(cur, t, SIM_T_NVARCHAR, 2, true);
        break;
    case TDS_T_IMAGE:
        string_type(cur, t, SIM_T_IMAGE, 4, false);
        break;
    case TDS_T_TEXT:
        string_type(cur, t, SIM_T_TEXT, 4, true);
        break;
    case TDS_T_NTEXT:
        string_type(cur, t, SIM_T_NTEXT, 4, true);
        break;
    case TDS_T_XML:
        xml_type(cur, t, &scratch);
        break;
    case TDS_T_VARIANT:
        t->type.base = SIM_T_VARIANT;
        t->len_size = 4;
        cur_le(cur, 4);
        break;
    default:
        cur_fail(cur);
        break;
    }
    pool_done(&scratch);
}

static bool is_wide(sim_base_t base)
{
    return base == SIM_T_NCHAR || base == SIM_T_NVARCHAR || base == SIM_T_NTEXT || base == SIM_T_XML;
}

static bool is_narrow(sim_base_t base)
{
    return base == SIM_T_CHAR || base == SIM_T_VARCHAR || base == SIM_T_TEXT;
}

static void text_value(const sim_typeinfo_t *type, const uint8_t *data, size_t len, pool_t *pool, sim_value_t *value)
{
    char *text;
    if (is_wide(type->base)) {
        size_t skip = type->base == SIM_T_XML && len >= 2 && data[0] == 0xFF && data[1] == 0xFE ? 2 : 0;
        text = pool_alloc(pool, len / 2 * 3 + 1);
        value->u.s.len = utf8_from_utf16(text, data + skip, len - skip);
    } else if (is_narrow(type->base) && !type->utf8) {
        text = pool_alloc(pool, len * 3 + 1);
        value->u.s.len = utf8_from_cp1252(text, data, len);
    } else {
        text = pool_alloc(pool, len + 1);
        memcpy(text, data, len);
        value->u.s.len = len;
    }
    text[value->u.s.len] = '\0';
    value->u.s.ptr = text;
}

static bool float_value(const uint8_t *data, size_t len, sim_value_t *value)
{
    if (len == 4) {
        uint32_t bits = get_le32(data);
        float narrow;
        memcpy(&narrow, &bits, sizeof(narrow));
        value->u.f = narrow;
    } else if (len == 8) {
        uint64_t bits = get_le64(data);
        memcpy(&value->u.f, &bits, sizeof(value->u.f));
    }
    return len == 4 || len == 8;
}

static bool int_value(const uint8_t *data, size_t len, sim_value_t *value)
{
    switch (len) {
    case 1:
        value->u.i = data[0]; /* tinyint and bit are unsigned */
        return true;
    case 2:
        value->u.i = (int16_t)get_le16(data);
        return true;
    case 4:
        value->u.i = (int32_t)get_le32(data);
        return true;
    case 8:
        value->u.i = (int64_t)get_le64(data);
        return true;
    default:
        return false;
    }
}

static bool money_value(const uint8_t *data, size_t len, sim_value_t *value)
{
    if (len == 4)
        value->u.i = (int32_t)get_le32(data);
    else if (len == 8)
        value->u.i = (int64_t)((uint64_t)get_le32(data) << 32 | get_le32(data + 4));
    return len == 4 || len == 8;
}

static bool decimal_value(const uint8_t *data, size_t len, sim_value_t *value)
{
    if (len < 2 || len > 17) return false;
    value->u.dec.neg = data[0] == 0;
    value->u.dec.mag = 0;
    for (size_t i = len - 1; i > 0; i--) value->u.dec.mag = value->u.dec.mag << 8 | data[i];
    if (value->u.dec.mag == 0) value->u.dec.neg = false;
    return true;
}

static bool datetime_value(const uint8_t *data, size_t len, sim_value_t *value)
{
    if (len == 4) {
        value->u.t.days = get_le16(data);
        value->u.t.ticks = get_le16(data + 2);
    } else if (len == 8) {
        value->u.t.days = (int32_t)get_le32(data);
        value->u.t.ticks = get_le32(data + 4);
    }
    return len == 4 ? value->u.t.ticks < 1440 : len == 8 && value->u.t.ticks < 86400 * 300;
}

static bool temporal_value(const sim_typeinfo_t *type, const uint8_t *data, size_t len, sim_value_t *value)
{
    static const uint32_t per_unit[8] = {10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
    size_t tail = type->base == SIM_T_TIME ? 0 : type->base == SIM_T_DATETIMEOFFSET ? 5 : 3;
    unsigned time_len = type->base == SIM_T_DATE ? 0 : tds_time_len(type->scale);
    if (len != time_len + tail) return false;
    memset(&value->u.t, 0, sizeof(value->u.t));
    if (time_len > 0) value->u.t.ticks = (int64_t)(get_le(data, time_len) * per_unit[type->scale & 7]);
    if (tail >= 3) value->u.t.days = (int32_t)get_le(data + time_len, 3);
    if (tail == 5) value->u.t.offset = (int16_t)get_le16(data + time_len + 3);
    return value->u.t.ticks < INT64_C(864000000000) && value->u.t.days <= 3652058 && value->u.t.offset >= -840 &&
           value->u.t.offset <= 840;
}

bool wire_value_from_bytes(const wire_type_t *type, const uint8_t *data, size_t len, pool_t *pool,
                           sim_value_t *ret_value)
{
    memset(ret_value, 0, sizeof(*ret_value));
    switch (type->type.base) {
    case SIM_T_NULL:
        ret_value->is_null = true;
        return true;
    case SIM_T_BIT:
    case SIM_T_TINYINT:
        return len == 1 && int_value(data, len, ret_value);
    case SIM_T_SMALLINT:
    case SIM_T_INT:
    case SIM_T_BIGINT:
        return int_value(data, len, ret_value);
    case SIM_T_REAL:
    case SIM_T_FLOAT:
        return float_value(data, len, ret_value);
    case SIM_T_MONEY:
    case SIM_T_SMALLMONEY:
        return money_value(data, len, ret_value);
    case SIM_T_DECIMAL:
    case SIM_T_NUMERIC:
        return decimal_value(data, len, ret_value);
    case SIM_T_DATETIME:
    case SIM_T_SMALLDATETIME:
        return datetime_value(data, len, ret_value);
    case SIM_T_DATE:
    case SIM_T_TIME:
    case SIM_T_DATETIME2:
    case SIM_T_DATETIMEOFFSET:
        return temporal_value(&type->type, data, len, ret_value);
    case SIM_T_UNIQUEIDENTIFIER:
        if (len == 16) memcpy(ret_value->u.guid, data, 16);
        return len == 16;
    case SIM_T_VARIANT:
        return variant_decode(data, len, pool, &ret_value->u.v.type, &ret_value->u.v.value);
    default:
        text_value(&type->type, data, len, pool, ret_value);
        return true;
    }
}

/* The chunks of a PLP value, joined. The claimed total is not believed; memory follows what has arrived. */
static void plp_value(cur_t *cur, const wire_type_t *type, pool_t *pool, sim_value_t *value)
{
    uint64_t total = cur_le(cur, 8);
    if (cur->state != CUR_OK) return;
    if (total == TDS_PLP_NULL) {
        value->is_null = true;
        return;
    }
    cur_t scan = *cur;
    size_t size = 0;
    for (;;) {
        size_t chunk = cur_le(&scan, 4);
        if (cur_take(&scan, chunk) == NULL) {
            cur->state = scan.state;
            return;
        }
        if (chunk == 0) break;
        size += chunk;
    }
    if (total != TDS_PLP_UNKNOWN && total != size) {
        cur_fail(cur);
        return;
    }
    uint8_t *joined = pool_alloc(pool, size);
    for (size_t at = 0; at < size;) {
        size_t chunk = cur_le(cur, 4);
        memcpy(joined + at, cur_take(cur, chunk), chunk);
        at += chunk;
    }
    cur_le(cur, 4);
    text_value(&type->type, joined, size, pool, value);
}

void wire_value_read(cur_t *cur, const wire_type_t *type, wire_place_t place, pool_t *pool, sim_value_t *ret_value)
{
    memset(ret_value, 0, sizeof(*ret_value));
    ret_value->is_null = true;
    if (type->type.base == SIM_T_NULL || cur->state != CUR_OK) return;
    if (type->plp) {
        ret_value->is_null = false;
        plp_value(cur, type, pool, ret_value);
        return;
    }
    bool lob = type->len_size == 4 && type->type.base != SIM_T_VARIANT;
    if (lob && place == WIRE_IN_BULK) {
        size_t pointer = cur_le(cur, 1);
        if (cur->state != CUR_OK || pointer == 0) return;
        cur_take(cur, pointer + 8);
    }
    size_t len = type->fixed != 0 ? type->fixed : cur_le(cur, type->len_size);
    bool null = type->fixed == 0 && (type->len_size == 2   ? len == 0xFFFF
                                     : lob                 ? len == UINT32_MAX
                                     : type->type.len == 0 ? len == 0
                                                           : len == 0xFF);
    if (null || cur->state != CUR_OK) return;
    const uint8_t *data = cur_take(cur, len);
    if (data == NULL) return;
    if (!wire_value_from_bytes(type, data, len, pool, ret_value)) cur_fail(cur);
}
