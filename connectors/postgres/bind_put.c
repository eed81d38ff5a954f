/* Values into fields: the half of bind.h that runs per value. */
#include "connectors/postgres/bind_op.h"
#include "connectors/postgres/civil.h"

#define TIMESTAMP_POSITIVE_INFINITY INT64_C(9223372036825200000)
#define TIMESTAMP_NEGATIVE_INFINITY (-INT64_C(9223372036832400000))
#define FIELD_MAX                   (UINT32_C(1) << 30) /* what PostgreSQL can hold in one value */
#define EWKB_SRID                   UINT32_C(0x20000000)

static bool to_us(int64_t v, uint8_t unit, int64_t *ret_us, conv_err_t *err)
{
    if (unit == UNIT_US) {
        *ret_us = v;
    } else if (unit == UNIT_NS) {
        *ret_us = temporal_ns_to_us(v);
    } else if (__builtin_mul_overflow(v, INT64_C(1000), ret_us)) {
        civil_t c = civil_from_days(civil_floor_div(v, 86400000));
        return conv_fail(err, "22008", "timestamp out of range: \"%lld-%02d-%02d\"", (long long)c.year, c.month, c.day);
    }
    return true;
}

/** Dates reach further than microseconds do. */
static bool days_to_us(int64_t days, int64_t *ret_us, conv_err_t *err)
{
    if (!__builtin_mul_overflow(days, WIRE_DAY_US, ret_us)) return true;
    civil_t c = civil_from_days(days);
    return conv_fail(err, "22008", "timestamp out of range: \"%lld-%02d-%02d\"", (long long)c.year, c.month, c.day);
}

static bool connect_moment(const bind_t *b, int64_t v, temporal_t *ret_t, conv_err_t *err)
{
    if (v == TIMESTAMP_POSITIVE_INFINITY || v == TIMESTAMP_NEGATIVE_INFINITY) {
        *ret_t = (temporal_t){.infinity = v > 0 ? 1 : -1};
        return true;
    }
    int64_t us;
    if (!to_us(v, UNIT_MS, &us, err)) return false;
    *ret_t = temporal_of_instant(us, b->tz);
    return true;
}

/** A Connect Date is midnight UTC of its day, shown in a zone; the text then has no time of day any more. */
static bool connect_date(const bind_t *b, int64_t days, temporal_t *ret_t, conv_err_t *err)
{
    int64_t us;
    if (!days_to_us(days, &us, err)) return false;
    *ret_t = temporal_of_instant(us, b->tz);
    ret_t->wall_us = civil_floor_div(ret_t->wall_us, WIRE_DAY_US) * WIRE_DAY_US;
    ret_t->instant_us = ret_t->wall_us - (int64_t)ret_t->offset_s * 1000000;
    return true;
}

static bool listed_moment(const bind_t *b, const cd_value_t *v, temporal_t *ret_t, conv_err_t *err)
{
    int64_t n = v->i64;
    if (v->type == CD_STRING) {
        char text[32];
        char *end = text;
        if (v->len > 0 && v->len < sizeof(text)) {
            memcpy(text, v->str, v->len);
            text[v->len] = '\0';
            n = strtoll(text, &end, 10);
        }
        if (end == text || *end != '\0')
            return conv_fail(err, "22007", "invalid input syntax for type timestamp: \"%.*s\"",
                             (int)(v->len < 64 ? v->len : 64), v->str);
    }
    int64_t us;
    if (!to_us(n, b->unit, &us, err)) return false;
    *ret_t = temporal_of_instant(us, b->tz);
    return true;
}

static bool put_text(wire_buf_t *out, enum temporal_style style, const temporal_t *t)
{
    char text[TEMPORAL_TEXT_MAX];
    size_t len = temporal_text(text, style, t, true);
    wire_field_bytes(out, text, (uint32_t)len);
    return true;
}

static bool bad_text(const cd_value_t *v, const char *type, conv_err_t *err)
{
    return conv_fail(err, "22007", "invalid input syntax for type %s: \"%.*s\"", type,
                     (int)(v->len < 128 ? v->len : 128), v->str);
}

static bool put_iso(const bind_t *b, const cd_value_t *v, wire_buf_t *out, conv_err_t *err)
{
    iso_text_t iso;
    if (!iso_text_parse(v->str, v->len, &iso) || (iso.infinity == 0 && !iso.has_date))
        return bad_text(v, b->sql_type, err);
    temporal_t t = {.infinity = iso.infinity};
    int64_t wall;
    if (iso.infinity == 0) {
        if (__builtin_mul_overflow(iso.days, WIRE_DAY_US, &wall) || __builtin_add_overflow(wall, iso.us, &wall))
            return conv_fail(err, "22008", "timestamp out of range: \"%.*s\"", (int)(v->len < 64 ? v->len : 64),
                             v->str);
        if (b->unit == UNIT_MS || !iso.has_offset) {
            t = temporal_of_wall(wall, b->tz);
        } else if (b->target == TEMPORAL_TIMETZ) {
            t = (temporal_t){.wall_us = wall, .offset_s = iso.offset_s};
        } else {
            t = temporal_of_instant(wall - (int64_t)iso.offset_s * 1000000, b->tz);
        }
    }
    return temporal_put(out, (enum temporal_target)b->target, &t, err);
}

static bool put_iso_time(const bind_t *b, const cd_value_t *v, wire_buf_t *out, conv_err_t *err)
{
    iso_text_t iso;
    if (!iso_text_parse(v->str, v->len, &iso) || iso.infinity != 0 || !iso.has_time || iso.has_date)
        return bad_text(v, b->sql_type, err);
    return temporal_put_time(out, (enum temporal_target)b->target, iso.us, iso.offset_s, err);
}

static bool put_interval(const cd_value_t *v, wire_buf_t *out, conv_err_t *err)
{
    int64_t us;
    int32_t days, months;
    if (!temporal_parse_interval(v->str, v->len, &us, &days, &months)) return bad_text(v, "interval", err);
    temporal_put_interval(out, us, days, months);
    return true;
}

static bool put_bits(const bind_t *b, const cd_value_t *v, wire_buf_t *out, conv_err_t *err)
{
    uint32_t bits = b->scale > 0 ? (uint32_t)b->scale : v->len * 8;
    if (bits > 83886080) return conv_fail(err, "22026", "bit string length exceeds the maximum allowed (83886080)");
    size_t at = wire_field_begin(out);
    wire_put32(out, bits);
    uint32_t bytes = (bits + 7) / 8;
    uint8_t *p = wire_reserve(out, bytes);
    memset(p, 0, bytes);
    for (uint32_t i = 0; i < bits; i++) { /* digit i counts from the most significant bit of a little-endian number */
        uint32_t from = bits - 1 - i;
        bool on = from / 8 < v->len && (v->bytes[from / 8] >> (from % 8) & 1) != 0;
        if (on) p[i / 8] |= (uint8_t)(0x80 >> (i % 8));
    }
    out->len += bytes;
    wire_field_end(out, at);
    return true;
}

static void array_head(wire_buf_t *out, uint32_t n, bool has_null, uint32_t element_oid)
{
    wire_put32(out, n > 0 ? 1 : 0);
    wire_put32(out, has_null ? 1 : 0);
    wire_put32(out, element_oid);
    if (n > 0) {
        wire_put32(out, n);
        wire_put32(out, 1);
    }
}

static bool put_enum_set(const cd_value_t *v, wire_buf_t *out)
{
    uint32_t n = v->len > 0 ? 1 : 0;
    for (uint32_t i = 0; i < v->len; i++) n += v->str[i] == ',' ? 1 : 0;
    size_t at = wire_field_begin(out);
    array_head(out, n, false, OID_TEXT);
    const char *p = v->str, *end = v->str + v->len;
    for (uint32_t i = 0; i < n; i++) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        const char *stop = comma != NULL ? comma : end;
        wire_field_bytes(out, p, (uint32_t)(stop - p));
        p = stop + 1;
    }
    wire_field_end(out, at);
    return true;
}

static bool put_array(const bind_t *b, const cd_value_t *v, wire_buf_t *out, conv_err_t *err)
{
    bool has_null = false;
    for (uint32_t i = 0; i < v->len; i++) has_null = has_null || v->items[i].type == CD_NULL;
    size_t at = wire_field_begin(out);
    array_head(out, v->len, has_null, b->element->oid);
    for (uint32_t i = 0; i < v->len; i++) {
        if (v->items[i].type == CD_NULL)
            wire_field_null(out);
        else if (!bind_put(b->element, &v->items[i], out, err))
            return false;
    }
    wire_field_end(out, at);
    return true;
}

static const cd_value_t *struct_part(const cd_value_t *v, int32_t index, uint8_t type)
{
    if (index < 0 || (uint32_t)index >= v->len || v->items[index].type != type) return NULL;
    return &v->items[index];
}

/** WKB, with the SRID put behind the type word unless it has one. */
static bool put_ewkb(const bind_t *b, const cd_value_t *v, wire_buf_t *out, conv_err_t *err)
{
    const cd_value_t *wkb = struct_part(v, b->parts[0], CD_BYTES), *srid = struct_part(v, b->parts[1], CD_INT32);
    if (wkb == NULL || wkb->len < 5 || wkb->bytes[0] > 1)
        return conv_fail(err, "22023", "invalid geometry: no usable wkb");
    size_t at = wire_field_begin(out);
    if (b->op == OP_WKB) {
        wire_put_raw(out, wkb->bytes, wkb->len);
        wire_field_end(out, at);
        return true;
    }
    bool little = wkb->bytes[0] == 1;
    uint32_t type, id = srid != NULL ? (uint32_t)srid->i64 : (uint32_t)b->scale;
    memcpy(&type, wkb->bytes + 1, 4);
    if (!little) type = __builtin_bswap32(type);
    size_t start = out->len;
    if ((type & EWKB_SRID) != 0 || id == 0) {
        wire_put_raw(out, wkb->bytes, wkb->len);
    } else {
        type |= EWKB_SRID;
        if (!little) {
            type = __builtin_bswap32(type);
            id = __builtin_bswap32(id);
        }
        wire_put_raw(out, wkb->bytes, 1);
        wire_put_raw(out, &type, 4);
        wire_put_raw(out, &id, 4);
        wire_put_raw(out, wkb->bytes + 5, wkb->len - 5);
    }
    if (b->op == OP_EWKB_HEX) {
        size_t n = out->len - start;
        (void)wire_reserve(out, n);
        for (size_t i = n; i-- > 0;) { /* from the back, so that each byte is read before it is overwritten */
            uint8_t byte = out->data[start + i];
            out->data[start + 2 * i] = (uint8_t) "0123456789ABCDEF"[byte >> 4];
            out->data[start + 2 * i + 1] = (uint8_t) "0123456789ABCDEF"[byte & 15];
        }
        out->len += n;
    }
    wire_field_end(out, at);
    return true;
}

static bool put_point(const bind_t *b, const cd_value_t *v, wire_buf_t *out, conv_err_t *err)
{
    const cd_value_t *x = struct_part(v, b->parts[0], CD_FLOAT64), *y = struct_part(v, b->parts[1], CD_FLOAT64);
    if (x == NULL || y == NULL) return conv_fail(err, "22P02", "invalid input syntax for type point");
    uint64_t bits[2];
    memcpy(&bits[0], &x->f64, 8);
    memcpy(&bits[1], &y->f64, 8);
    uint8_t *p = wire_reserve(out, 20);
    wire_set32(p, 16);
    wire_set64(p + 4, bits[0]);
    wire_set64(p + 12, bits[1]);
    out->len += 20;
    return true;
}

static bool put_variable_decimal(const bind_t *b, const cd_value_t *v, wire_buf_t *out, conv_err_t *err)
{
    const cd_value_t *unscaled = struct_part(v, b->parts[0], CD_BYTES), *scale = struct_part(v, b->parts[1], CD_INT32);
    if (unscaled == NULL || scale == NULL) return conv_fail(err, "22P02", "invalid input syntax for type numeric");
    return wire_field_numeric(out, unscaled->bytes, unscaled->len, (int32_t)scale->i64) ||
           conv_fail(err, "22003", "value overflows numeric format");
}

static bool put_connect(const bind_t *b, const cd_value_t *v, wire_buf_t *out, conv_err_t *err)
{
    temporal_t t;
    switch (b->op) {
    case OP_CONNECT_TIMESTAMP:
        return connect_moment(b, v->i64, &t, err) && temporal_put(out, (enum temporal_target)b->target, &t, err);
    case OP_CONNECT_TIMESTAMP_TEXT:
        return connect_moment(b, v->i64, &t, err) && put_text(out, TEMPORAL_STYLE_TIMESTAMP, &t);
    case OP_CONNECT_TIME:
        return connect_moment(b, v->i64, &t, err) && temporal_put(out, (enum temporal_target)b->target, &t, err);
    case OP_CONNECT_TIME_TEXT:
        return connect_moment(b, v->i64, &t, err) && put_text(out, TEMPORAL_STYLE_TIME, &t);
    case OP_CONNECT_DATE:
        return connect_date(b, v->i64, &t, err) && temporal_put(out, (enum temporal_target)b->target, &t, err);
    case OP_CONNECT_DATE_TEXT:
        return connect_date(b, v->i64, &t, err) && put_text(out, TEMPORAL_STYLE_DATE, &t);
    case OP_LISTED:
        return listed_moment(b, v, &t, err) && temporal_put(out, (enum temporal_target)b->target, &t, err);
    default:
        return listed_moment(b, v, &t, err) && put_text(out, TEMPORAL_STYLE_TIMESTAMP, &t);
    }
}

static bool put_wall(const bind_t *b, int64_t v, wire_buf_t *out, conv_err_t *err)
{
    int64_t us;
    temporal_t t;
    switch (b->op) {
    case OP_WALL_TIMESTAMP:
        if (!to_us(v, b->unit, &us, err)) return false;
        t = temporal_of_wall(us, b->tz);
        return temporal_put(out, (enum temporal_target)b->target, &t, err);
    case OP_WALL_DATE:
        if (b->target == TEMPORAL_DATE) return temporal_put_date(out, v, err);
        if (!days_to_us(v, &us, err)) return false;
        t = temporal_of_wall(us, b->tz);
        return temporal_put(out, (enum temporal_target)b->target, &t, err);
    case OP_WALL_TIME:
        return to_us(v, b->unit, &us, err) && temporal_put_time(out, (enum temporal_target)b->target, us, 0, err);
    default:
        if (!to_us(v, b->unit, &us, err)) return false;
        temporal_put_interval(out, us, 0, 0);
        return true;
    }
}

bool bind_put(const bind_t *b, const cd_value_t *v, wire_buf_t *out, conv_err_t *err)
{
    if (CD_UNLIKELY(v->type != b->cell_type))
        return conv_fail(err, "42804", "the value does not have the type of its schema");
    switch (b->op) {
    case OP_INT4:
        wire_field_32(out, (uint32_t)v->i64);
        return true;
    case OP_INT8:
        wire_field_64(out, (uint64_t)v->i64);
        return true;
    case OP_INT2:
        wire_field_16(out, (uint16_t)v->i64);
        return true;
    case OP_RAW:
        if (v->len > FIELD_MAX) return conv_fail(err, "54000", "a value of %u bytes exceeds the limit of 1 GB", v->len);
        wire_field_bytes(out, v->bytes, v->len);
        return true;
    case OP_BOOL:
        wire_field_bool(out, v->boolean);
        return true;
    case OP_FLOAT4: {
        uint32_t bits;
        memcpy(&bits, &v->f32, 4);
        wire_field_32(out, bits);
        return true;
    }
    case OP_FLOAT8: {
        uint64_t bits;
        memcpy(&bits, &v->f64, 8);
        wire_field_64(out, bits);
        return true;
    }
    case OP_DECIMAL:
        return wire_field_numeric(out, v->bytes, v->len, b->scale) ||
               conv_fail(err, "22003", "value overflows numeric format");
    case OP_UUID:
        return wire_field_uuid(out, v->str, v->len) ||
               conv_fail(err, "22P02", "invalid input syntax for type uuid: \"%.*s\"",
                         (int)(v->len < 128 ? v->len : 128), v->str);
    case OP_JSONB:
        if (v->len >= FIELD_MAX)
            return conv_fail(err, "54000", "a value of %u bytes exceeds the limit of 1 GB", v->len);
        wire_put32(out, v->len + 1);
        wire_put_raw(out, "\x01", 1);
        wire_put_raw(out, v->str, v->len);
        return true;
    case OP_INT_TO_BOOL:
        if (v->i64 != 0 && v->i64 != 1)
            return conv_fail(err, "22P02", "invalid input syntax for type boolean: \"%lld\"", (long long)v->i64);
        wire_field_bool(out, v->i64 == 1);
        return true;
    case OP_BOOL_TO_INT2:
        wire_field_16(out, v->boolean ? 1 : 0);
        return true;
    case OP_BOOL_TO_BIT: {
        uint8_t *p = wire_reserve(out, 9);
        wire_set32(p, 5);
        wire_set32(p + 4, 1);
        p[8] = v->boolean ? 0x80 : 0;
        out->len += 9;
        return true;
    }
    case OP_WALL_TIMESTAMP:
    case OP_WALL_DATE:
    case OP_WALL_TIME:
    case OP_TIME_TO_INTERVAL:
        return put_wall(b, v->i64, out, err);
    case OP_ISO:
        return put_iso(b, v, out, err);
    case OP_ISO_TIME:
        return put_iso_time(b, v, out, err);
    case OP_ISO_INTERVAL:
        return put_interval(v, out, err);
    case OP_VARIABLE_DECIMAL:
        return put_variable_decimal(b, v, out, err);
    case OP_BITS:
        return put_bits(b, v, out, err);
    case OP_ENUM_SET:
        return put_enum_set(v, out);
    case OP_EWKB:
    case OP_EWKB_HEX:
    case OP_WKB:
        return put_ewkb(b, v, out, err);
    case OP_POINT:
        return put_point(b, v, out, err);
    case OP_ARRAY:
        return put_array(b, v, out, err);
    default:
        return put_connect(b, v, out, err);
    }
}
