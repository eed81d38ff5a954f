/* wire/column.c: see column.h */
#include "wire/column.h"

#include <string.h>

#include "wire/tds.h"
#include "wire/temporal_text.h"
#include "wire/utf.h"
#include "wire/variant.h"

bool wire_col_is_lob(const wire_col_t *col)
{
    return col->enc == ENC_LOB_BYTES || col->enc == ENC_LOB_CP1252 || col->enc == ENC_LOB_UTF16;
}

static void plan(wire_col_t *col, uint8_t id, wire_enc_t enc, unsigned width)
{
    col->id = id;
    col->enc = enc;
    col->width = (uint8_t)width;
}

/* Fixed-width types have one id for NOT NULL and one that carries a length byte. */
static void plan_fixed(wire_col_t *col, uint8_t id, uint8_t nullable_id, wire_enc_t enc, unsigned width)
{
    plan(col, col->type.not_null ? id : nullable_id, col->type.not_null ? enc : (wire_enc_t)(enc + 1), width);
}

static void plan_string(wire_col_t *col, uint32_t tds_version)
{
    bool wide = col->type.base == SIM_T_NCHAR || col->type.base == SIM_T_NVARCHAR || col->type.base == SIM_T_XML ||
                col->type.base == SIM_T_NTEXT;
    bool binary = col->type.base == SIM_T_BINARY || col->type.base == SIM_T_VARBINARY ||
                  col->type.base == SIM_T_IMAGE || col->type.base == SIM_T_TIMESTAMP;
    bool old_lob = col->type.base == SIM_T_TEXT || col->type.base == SIM_T_NTEXT || col->type.base == SIM_T_IMAGE;
    bool max = col->type.base == SIM_T_XML || col->type.len == SIM_LEN_MAX;
    unsigned kind = wide ? 2 : binary || col->type.utf8 ? 0 : 1;
    col->utf8_text = !wide && !binary && col->type.utf8;
    if (old_lob || (max && tds_version < TDS_V72)) {
        plan(col, wide ? TDS_T_NTEXT : binary ? TDS_T_IMAGE : TDS_T_TEXT, (wire_enc_t)(ENC_LOB_BYTES + kind), 0);
        col->max_len = wide ? 0x7FFFFFFE : 0x7FFFFFFF;
        return;
    }
    if (max) {
        uint8_t id = wide ? TDS_T_NVARCHAR : binary ? TDS_T_BIGVARBINARY : TDS_T_BIGVARCHAR;
        plan(col, col->type.base == SIM_T_XML ? TDS_T_XML : id, (wire_enc_t)(ENC_PLP_BYTES + kind), 0);
        col->max_len = TDS_PLP;
        return;
    }
    uint8_t id = 0;
    switch (col->type.base) {
    case SIM_T_CHAR:
        id = TDS_T_BIGCHAR;
        break;
    case SIM_T_VARCHAR:
        id = TDS_T_BIGVARCHAR;
        break;
    case SIM_T_NCHAR:
        id = TDS_T_NCHAR;
        break;
    case SIM_T_NVARCHAR:
        id = TDS_T_NVARCHAR;
        break;
    case SIM_T_VARBINARY:
        id = TDS_T_BIGVARBINARY;
        break;
    default:
        id = TDS_T_BIGBINARY;
        break;
    }
    plan(col, id, (wire_enc_t)(ENC_BYTES + kind), 0);
    col->max_len = col->type.len <= 0               ? (wide ? 2 : 1)
                   : col->type.len > TDS_VARLEN_MAX ? TDS_VARLEN_MAX
                                                    : (uint32_t)col->type.len;
    if (col->type.base == SIM_T_TIMESTAMP) {
        col->max_len = 8;
        col->usertype = 80;
    }
}

void wire_col_init(wire_col_t *col, const sim_typeinfo_t *type, uint32_t tds_version)
{
    memset(col, 0, sizeof(*col));
    col->type = *type;
    switch (type->base) {
    case SIM_T_BIT:
        plan_fixed(col, TDS_T_BIT, TDS_T_BITN, ENC_INT, 1);
        break;
    case SIM_T_TINYINT:
        plan_fixed(col, TDS_T_INT1, TDS_T_INTN, ENC_INT, 1);
        break;
    case SIM_T_SMALLINT:
        plan_fixed(col, TDS_T_INT2, TDS_T_INTN, ENC_INT, 2);
        break;
    case SIM_T_BIGINT:
        plan_fixed(col, TDS_T_INT8, TDS_T_INTN, ENC_INT, 8);
        break;
    case SIM_T_REAL:
        plan_fixed(col, TDS_T_FLT4, TDS_T_FLTN, ENC_FLOAT, 4);
        break;
    case SIM_T_FLOAT:
        plan_fixed(col, TDS_T_FLT8, TDS_T_FLTN, ENC_FLOAT, 8);
        break;
    case SIM_T_MONEY:
        plan_fixed(col, TDS_T_MONEY, TDS_T_MONEYN, ENC_MONEY, 8);
        break;
    case SIM_T_SMALLMONEY:
        plan_fixed(col, TDS_T_MONEY4, TDS_T_MONEYN, ENC_MONEY, 4);
        break;
    case SIM_T_DATETIME:
        plan_fixed(col, TDS_T_DATETIME, TDS_T_DATETIMN, ENC_DATETIME, 8);
        break;
    case SIM_T_SMALLDATETIME:
        plan_fixed(col, TDS_T_DATETIM4, TDS_T_DATETIMN, ENC_DATETIME, 4);
        break;
    case SIM_T_DECIMAL:
    case SIM_T_NUMERIC:
        plan(col, type->base == SIM_T_DECIMAL ? TDS_T_DECIMALN : TDS_T_NUMERICN, ENC_DECIMAL,
             tds_decimal_len(type->prec));
        break;
    case SIM_T_UNIQUEIDENTIFIER:
        plan(col, TDS_T_GUID, ENC_GUID, 16);
        break;
    case SIM_T_DATE:
        plan(col, TDS_T_DATEN, ENC_DATE, 3);
        break;
    case SIM_T_TIME:
        plan(col, TDS_T_TIMEN, ENC_TIME, tds_time_len(type->scale));
        break;
    case SIM_T_DATETIME2:
        plan(col, TDS_T_DATETIME2N, ENC_DATETIME2, tds_time_len(type->scale));
        break;
    case SIM_T_DATETIMEOFFSET:
        plan(col, TDS_T_DATETIMEOFFSETN, ENC_DATETIMEOFFSET, tds_time_len(type->scale));
        break;
    case SIM_T_VARIANT:
        plan(col, TDS_T_VARIANT, ENC_VARIANT, 0);
        break;
    case SIM_T_CHAR:
    case SIM_T_VARCHAR:
    case SIM_T_TEXT:
    case SIM_T_NCHAR:
    case SIM_T_NVARCHAR:
    case SIM_T_NTEXT:
    case SIM_T_BINARY:
    case SIM_T_VARBINARY:
    case SIM_T_IMAGE:
    case SIM_T_TIMESTAMP:
    case SIM_T_XML:
        plan_string(col, tds_version);
        break;
    case SIM_T_NULL:
    case SIM_T_INT:
    case SIM_T_COUNT:
        plan_fixed(col, TDS_T_INT4, TDS_T_INTN, ENC_INT, 4);
        break;
    }
    if (tds_version < TDS_V73 && col->enc >= ENC_DATE && col->enc <= ENC_DATETIMEOFFSET) {
        plan(col, TDS_T_NVARCHAR, ENC_TEMPORAL_TEXT, 0);
        col->max_len = TEMPORAL_TEXT_MAX * 2;
    }
}

void wire_col_put_type(const wire_col_t *col, out_t *out)
{
    out_u8(out, col->id);
    const uint8_t *collation = col->utf8_text ? tds_collation_utf8 : tds_collation_cp1;
    switch (col->enc) {
    case ENC_INT:
    case ENC_FLOAT:
    case ENC_MONEY:
    case ENC_DATETIME:
    case ENC_DATE:
        break;
    case ENC_INTN:
    case ENC_FLOATN:
    case ENC_MONEYN:
    case ENC_DATETIMEN:
    case ENC_GUID:
        out_u8(out, col->width);
        break;
    case ENC_DECIMAL:
        out_u8(out, col->width);
        out_u8(out, col->type.prec);
        out_u8(out, col->type.scale);
        break;
    case ENC_TIME:
    case ENC_DATETIME2:
    case ENC_DATETIMEOFFSET:
        out_u8(out, col->type.scale);
        break;
    case ENC_PLP_UTF16:
        if (col->id == TDS_T_XML) {
            out_u8(out, 0); /* no schema collection */
            break;
        }
        /* fall through */
    case ENC_BYTES:
    case ENC_CP1252:
    case ENC_UTF16:
    case ENC_PLP_BYTES:
    case ENC_PLP_CP1252:
    case ENC_TEMPORAL_TEXT:
        out_u16(out, (uint16_t)col->max_len);
        if (col->id != TDS_T_BIGBINARY && col->id != TDS_T_BIGVARBINARY) out_bytes(out, collation, 5);
        break;
    case ENC_LOB_BYTES:
    case ENC_LOB_CP1252:
    case ENC_LOB_UTF16:
        out_u32(out, col->max_len);
        if (col->id != TDS_T_IMAGE) out_bytes(out, collation, 5);
        break;
    case ENC_VARIANT:
        out_u32(out, TDS_VARIANT_MAX);
        break;
    }
}

static void put_null(const wire_col_t *col, out_t *out)
{
    switch (col->enc) {
    case ENC_INT: /* NOT NULL on the wire; the engine's promise was broken, so keep the row's shape */
    case ENC_FLOAT:
    case ENC_MONEY:
    case ENC_DATETIME:
        out_le(out, 0, col->width);
        break;
    case ENC_BYTES:
    case ENC_CP1252:
    case ENC_UTF16:
    case ENC_TEMPORAL_TEXT:
        out_u16(out, 0xFFFF);
        break;
    case ENC_PLP_BYTES:
    case ENC_PLP_CP1252:
    case ENC_PLP_UTF16:
        out_u64(out, TDS_PLP_NULL);
        break;
    case ENC_VARIANT:
        out_u32(out, 0);
        break;
    default:
        out_u8(out, 0);
        break;
    }
}

static void put_float(out_t *out, double f, unsigned width)
{
    uint64_t bits;
    if (width == 4) {
        float narrow = (float)f;
        uint32_t bits4;
        memcpy(&bits4, &narrow, sizeof(bits4));
        bits = bits4;
    } else {
        memcpy(&bits, &f, sizeof(bits));
    }
    out_le(out, bits, width);
}

static void put_money(out_t *out, int64_t amount, unsigned width)
{
    /* money is two halves, the high one first; each is little-endian */
    out_le(out, width == 4 ? (uint64_t)amount : (uint64_t)amount >> 32 | (uint64_t)amount << 32, width);
}

static void put_datetime(out_t *out, const sim_value_t *value, unsigned width)
{
    unsigned half = width / 2;
    uint8_t *at = out_reserve(out, 8);
    put_le(at, (uint64_t)(int64_t)value->u.t.days, half);
    put_le(at + half, (uint64_t)value->u.t.ticks, half);
    out_commit(out, at, width);
}

static void put_decimal(const wire_col_t *col, out_t *out, const sim_value_t *value)
{
    uint8_t *at = out_reserve(out, 18);
    at[0] = col->width;
    at[1] = value->u.dec.neg ? 0 : 1;
    put_le(at + 2, (uint64_t)value->u.dec.mag, 8);
    put_le(at + 10, (uint64_t)(value->u.dec.mag >> 64), 8);
    out_commit(out, at, 1u + col->width);
}

static uint64_t time_units(int64_t ticks, unsigned scale)
{
    static const uint32_t per_unit[8] = {10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
    return (uint64_t)ticks / per_unit[scale & 7];
}

static void put_temporal(const wire_col_t *col, out_t *out, const sim_value_t *value)
{
    uint8_t *at = out_reserve(out, 11), *p = at + 1;
    if (col->enc != ENC_DATE) {
        put_le(p, time_units(value->u.t.ticks, col->type.scale), col->width);
        p += col->width;
    }
    if (col->enc != ENC_TIME) {
        put_le(p, (uint64_t)value->u.t.days, 3);
        p += 3;
    }
    if (col->enc == ENC_DATETIMEOFFSET) {
        put_le(p, (uint64_t)value->u.t.offset, 2);
        p += 2;
    }
    at[0] = (uint8_t)(p - at - 1);
    out_commit(out, at, (size_t)(p - at));
}

/* Size on the wire of a string value, cut at max; *len becomes the source bytes to convert. */
static size_t text_size(unsigned kind, const char *src, size_t *len, size_t max)
{
    size_t size = kind == 0 ? *len : kind == 1 ? cp1252_size(src, *len) : utf16_size(src, *len);
    if (size <= max) return size;
    if (kind == 0) {
        *len = max;
        return max;
    }
    if (kind == 1) { /* drop whole characters from the end */
        for (; size > max; size--) do
                (*len)--;
            while (((uint8_t)src[*len] & 0xC0) == 0x80 && *len > 0);
        return size;
    }
    return max & ~(size_t)1; /* out_utf16_max stops there by itself */
}

static void text_bytes(unsigned kind, out_t *out, const char *src, size_t len, size_t size)
{
    if (kind == 0)
        out_bytes(out, src, len);
    else if (kind == 1)
        out_cp1252(out, src, len);
    else
        out_utf16_max(out, src, len, size);
}

static void put_short_utf16(const wire_col_t *col, out_t *out, const sim_value_t *value)
{
    const char *src = value->u.s.ptr;
    size_t len = value->u.s.len, room = (size_t)(out->end - out->p);
    if (len * 2 <= col->max_len && len * 2 + 2 <= room) {
        /* It fits at its worst, so convert in place and write the length afterwards. */
        size_t size = utf16_from_utf8(out->p + 2, len * 2, &src, &len);
        put_le(out->p, size, 2);
        out->p += 2 + size;
        return;
    }
    size_t size = text_size(2, src, &len, col->max_len);
    out_u16(out, (uint16_t)size);
    out_utf16_max(out, src, len, size);
}

/* Chunks of a fixed size need the converted text to be cut anywhere, even inside a character. */
static void put_plp_chunks(unsigned kind, out_t *out, const char *src, size_t len, size_t size, size_t chunk)
{
    uint8_t piece[8];
    size_t have = 0, used = 0, left_in_chunk = 0;
    while (size > 0) {
        if (used == have) {
            used = 0;
            if (kind == 2) {
                have = utf16_from_utf8(piece, sizeof(piece), &src, &len);
            } else if (kind == 1) {
                have = cp1252_from_utf8(piece, sizeof(piece), &src, &len);
            } else {
                have = len < sizeof(piece) ? len : sizeof(piece);
                memcpy(piece, src, have);
                src += have;
                len -= have;
            }
            if (have == 0) break;
        }
        if (left_in_chunk == 0) {
            left_in_chunk = size < chunk ? size : chunk;
            out_u32(out, (uint32_t)left_in_chunk);
        }
        out_u8(out, piece[used++]);
        left_in_chunk--;
        size--;
    }
}

static void put_plp(unsigned kind, out_t *out, const sim_value_t *value, const wire_limits_t *limits)
{
    size_t len = value->u.s.len;
    size_t size = text_size(kind, value->u.s.ptr, &len, limits->textsize < INT32_MAX ? limits->textsize : INT32_MAX);
    out_u64(out, size);
    if (limits->plp_chunk != 0) {
        put_plp_chunks(kind, out, value->u.s.ptr, len, size, limits->plp_chunk);
    } else if (size > 0) {
        out_u32(out, (uint32_t)size);
        text_bytes(kind, out, value->u.s.ptr, len, size);
    }
    out_u32(out, 0);
}

static void put_lob(unsigned kind, out_t *out, const sim_value_t *value, const wire_limits_t *limits)
{
    static const uint8_t pointer[25] = {16, 0x53, 0x49, 0x4D};
    size_t len = value->u.s.len;
    size_t size = text_size(kind, value->u.s.ptr, &len, limits->textsize < INT32_MAX ? limits->textsize : INT32_MAX);
    out_bytes(out, pointer, sizeof(pointer));
    out_u32(out, (uint32_t)size);
    text_bytes(kind, out, value->u.s.ptr, len, size);
}

static void put_temporal_text(const wire_col_t *col, out_t *out, const sim_value_t *value)
{
    char text[TEMPORAL_TEXT_MAX + 1];
    size_t len = temporal_text(text, &col->type, value);
    out_u16(out, (uint16_t)(len * 2));
    out_utf16(out, text, len);
}

static void put_variant(out_t *out, const sim_value_t *value)
{
    uint8_t data[TDS_VARIANT_MAX + 64];
    size_t len = variant_encode(data, sizeof(data), value->u.v.type, value->u.v.value);
    out_u32(out, (uint32_t)len);
    out_bytes(out, data, len);
}

void wire_col_put(const wire_col_t *col, out_t *out, const sim_value_t *value, const wire_limits_t *limits)
{
    if (value->is_null) {
        put_null(col, out);
        return;
    }
    uint8_t *at;
    switch (col->enc) {
    case ENC_INT:
        out_le(out, (uint64_t)value->u.i, col->width);
        break;
    case ENC_INTN:
        at = out_reserve(out, 9);
        at[0] = col->width;
        put_le(at + 1, (uint64_t)value->u.i, 8);
        out_commit(out, at, 1u + col->width);
        break;
    case ENC_FLOATN:
        out_u8(out, col->width);
        /* fall through */
    case ENC_FLOAT:
        put_float(out, value->u.f, col->width);
        break;
    case ENC_MONEYN:
        out_u8(out, col->width);
        /* fall through */
    case ENC_MONEY:
        put_money(out, value->u.i, col->width);
        break;
    case ENC_DATETIMEN:
        out_u8(out, col->width);
        /* fall through */
    case ENC_DATETIME:
        put_datetime(out, value, col->width);
        break;
    case ENC_DECIMAL:
        put_decimal(col, out, value);
        break;
    case ENC_GUID:
        out_u8(out, 16);
        out_bytes(out, value->u.guid, 16);
        break;
    case ENC_DATE:
    case ENC_TIME:
    case ENC_DATETIME2:
    case ENC_DATETIMEOFFSET:
        put_temporal(col, out, value);
        break;
    case ENC_BYTES:
    case ENC_CP1252: {
        unsigned kind = col->enc == ENC_BYTES ? 0 : 1;
        size_t len = value->u.s.len, size = text_size(kind, value->u.s.ptr, &len, col->max_len);
        out_u16(out, (uint16_t)size);
        text_bytes(kind, out, value->u.s.ptr, len, size);
        break;
    }
    case ENC_UTF16:
        put_short_utf16(col, out, value);
        break;
    case ENC_PLP_BYTES:
    case ENC_PLP_CP1252:
    case ENC_PLP_UTF16:
        put_plp(col->enc - ENC_PLP_BYTES, out, value, limits);
        break;
    case ENC_LOB_BYTES:
    case ENC_LOB_CP1252:
    case ENC_LOB_UTF16:
        put_lob(col->enc - ENC_LOB_BYTES, out, value, limits);
        break;
    case ENC_VARIANT:
        put_variant(out, value);
        break;
    case ENC_TEMPORAL_TEXT:
        put_temporal_text(col, out, value);
        break;
    }
}
