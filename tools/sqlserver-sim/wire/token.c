/* wire/token.c: see token.h */
#include "wire/token.h"

#include <string.h>

#include "wire/tds.h"
#include "wire/utf.h"

enum { MESSAGE_CHARS = 4000, NAME_BYTES = 512, INFO_CLASS_MAX = 10 };

/* Length of a name that out_b_varchar will not have to cut. */
static size_t name_len(const char *name)
{
    size_t len = strnlen(name, NAME_BYTES);
    while (utf16_size(name, len) > 255 * 2) len--;
    return len;
}

void token_message(out_t *out, uint32_t tds_version, const sim_message_t *message, const char *server)
{
    size_t text = strnlen(message->text, MESSAGE_CHARS), proc = name_len(message->proc), srv = name_len(server);
    size_t line_size = tds_version >= TDS_V72 ? 4 : 2;
    size_t size = 4 + 1 + 1 + 2 + utf16_size(message->text, text) + 1 + utf16_size(server, srv) + 1 +
                  utf16_size(message->proc, proc) + line_size;
    out_u8(out, message->class > INFO_CLASS_MAX ? TDS_TOK_ERROR : TDS_TOK_INFO);
    out_u16(out, (uint16_t)size);
    out_u32(out, (uint32_t)message->number);
    out_u8(out, message->state);
    out_u8(out, message->class);
    out_us_varchar(out, message->text, text, MESSAGE_CHARS);
    out_b_varchar(out, server, srv);
    out_b_varchar(out, message->proc, proc);
    out_le(out, (uint32_t)message->line, (unsigned)line_size);
}

void token_done(out_t *out, uint32_t tds_version, uint8_t token, uint16_t status, uint16_t curcmd, uint64_t rowcount)
{
    out_u8(out, token);
    out_u16(out, status);
    out_u16(out, curcmd);
    out_le(out, rowcount, tds_version >= TDS_V72 ? 8 : 4);
}

void token_env_text(out_t *out, uint8_t kind, const char *now, const char *before)
{
    size_t now_len = name_len(now), before_len = name_len(before);
    out_u8(out, TDS_TOK_ENVCHANGE);
    out_u16(out, (uint16_t)(3 + utf16_size(now, now_len) + utf16_size(before, before_len)));
    out_u8(out, kind);
    out_b_varchar(out, now, now_len);
    out_b_varchar(out, before, before_len);
}

void token_env_bytes(out_t *out, uint8_t kind, const void *now, uint8_t now_len, const void *before, uint8_t before_len)
{
    out_u8(out, TDS_TOK_ENVCHANGE);
    out_u16(out, (uint16_t)(3 + now_len + before_len));
    out_u8(out, kind);
    out_u8(out, now_len);
    out_bytes(out, now, now_len);
    out_u8(out, before_len);
    out_bytes(out, before, before_len);
}

void token_loginack(out_t *out, uint32_t tds_version, int major)
{
    static const char program[] = "Microsoft SQL Server";
    out_u8(out, TDS_TOK_LOGINACK);
    out_u16(out, (uint16_t)(1 + 4 + 1 + 2 * strlen(program) + 4));
    out_u8(out, 1); /* Transact-SQL */
    for (int shift = 24; shift >= 0; shift -= 8) out_u8(out, (uint8_t)(tds_version >> shift));
    out_b_varchar(out, program, strlen(program));
    out_u8(out, (uint8_t)major);
    out_u8(out, 0);
    out_u8(out, 0x10);
    out_u8(out, 0);
}

void token_featureextack_utf8(out_t *out)
{
    static const uint8_t ack[] = {TDS_TOK_FEATUREEXTACK, 0x0A, 1, 0, 0, 0, 1, 0xFF};
    out_bytes(out, ack, sizeof(ack));
}

static void put_usertype(out_t *out, uint32_t tds_version, uint32_t usertype)
{
    out_le(out, usertype, tds_version >= TDS_V72 ? 4 : 2);
}

static uint16_t column_flags(const sim_column_t *col)
{
    uint16_t flags = col->type.not_null ? 0 : 0x0001;
    if (col->flags & SIM_COL_IDENTITY)
        flags |= 0x0010;
    else if (col->flags & SIM_COL_COMPUTED)
        flags |= 0x0020;
    else if (!(col->flags & SIM_COL_EXPRESSION))
        flags |= 0x0008; /* updatability unknown, as for any plain column outside of browse mode */
    if (col->flags & SIM_COL_HIDDEN) flags |= 0x2000;
    return flags;
}

void token_colmetadata(out_t *out, uint32_t tds_version, const sim_column_t *cols, const wire_col_t *wire_cols,
                       size_t n)
{
    out_u8(out, TDS_TOK_COLMETADATA);
    out_u16(out, n == 0 ? 0xFFFF : (uint16_t)n);
    for (size_t i = 0; i < n; i++) {
        put_usertype(out, tds_version, wire_cols[i].usertype);
        out_u16(out, column_flags(&cols[i]));
        wire_col_put_type(&wire_cols[i], out);
        if (wire_col_is_lob(&wire_cols[i])) { /* an empty table name: one part from 7.2 on, a plain string before */
            if (tds_version >= TDS_V72) out_u8(out, 1);
            out_u16(out, 0);
        }
        out_b_varchar(out, cols[i].name, name_len(cols[i].name));
    }
}

void token_returnstatus(out_t *out, int32_t status)
{
    out_u8(out, TDS_TOK_RETURNSTATUS);
    out_u32(out, (uint32_t)status);
}

void token_returnvalue(out_t *out, uint32_t tds_version, uint16_t ordinal, const char *name, const sim_typeinfo_t *type,
                       const sim_value_t *value)
{
    static const wire_limits_t no_limits = {.textsize = SIZE_MAX};
    sim_typeinfo_t nullable = *type;
    nullable.not_null = false;
    wire_col_t col;
    wire_col_init(&col, &nullable, tds_version);
    out_u8(out, TDS_TOK_RETURNVALUE);
    out_u16(out, ordinal);
    out_b_varchar(out, name, name_len(name));
    out_u8(out, 1); /* output parameter */
    put_usertype(out, tds_version, col.usertype);
    out_u16(out, 0);
    wire_col_put_type(&col, out);
    wire_col_put(&col, out, value, &no_limits);
}

void token_order(out_t *out, const uint16_t *ordinals, size_t n)
{
    out_u8(out, TDS_TOK_ORDER);
    out_u16(out, (uint16_t)(2 * n));
    for (size_t i = 0; i < n; i++) out_u16(out, ordinals[i]);
}
