/* links: connectors/postgres/wire.c connectors/postgres/temporal.c connectors/postgres/tz.c connectors/postgres/show.c connectors/postgres/pg_type.c */
/* Values that come from outside as text or bytes: dates, intervals, UUIDs, decimals of any length and scale. The first
 * byte picks the parser, the next two a scale. */
#include "connectors/postgres/pg_type.h"
#include "connectors/postgres/show.h"
#include "connectors/postgres/temporal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decimal(const uint8_t *data, size_t size, wire_buf_t *out, cd_arena_t *arena)
{
    if (size < 2) return;
    int32_t scale = (int16_t)(data[0] << 8 | data[1]);
    if (!wire_field_numeric(out, data + 2, (uint32_t)(size - 2), scale)) return;
    if (wire_get32(out->data) != out->len - 4) abort();
    (void)show_value(OID_NUMERIC, out->data + 4, (uint32_t)(out->len - 4), arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 100000) return 0;
    cd_arena_t arena = {0};
    wire_buf_t out = {0};
    const char *text = (const char *)data + 1;
    size_t len = size - 1;
    iso_text_t iso;
    int64_t us;
    int32_t days, months;
    switch (data[0] % 4) {
    case 0:
        (void)iso_text_parse(text, len, &iso);
        break;
    case 1:
        (void)temporal_parse_interval(text, len, &us, &days, &months);
        break;
    case 2:
        if (wire_field_uuid(&out, text, (uint32_t)len) && out.len != 20) abort();
        break;
    default:
        decimal(data + 1, size - 1, &out, &arena);
    }
    wire_buf_done(&out);
    cd_arena_done(&arena);
    return 0;
}
