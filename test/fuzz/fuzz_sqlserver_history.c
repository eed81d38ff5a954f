/* links: connectors/sqlserver/history_record.c connectors/sqlserver/json.c connectors/sqlserver/model.c connectors/sqlserver/offset.c connectors/sqlserver/lsn.c */
/* Records of the schema history topic, which anyone may write to: no input may crash, and what is read must survive
 * being written and read again. */
#include "connectors/sqlserver/history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool parse(const char *text, size_t len, const offset_t *stored, cd_arena_t *arena, uint32_t *ret_n,
                  table_t ***ret_tables)
{
    const char **ids, *why;
    return history_parse(text, len, "sqlserver", "w", stored, arena, ret_n, ret_tables, &ids, &why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 65536) return 0;
    cd_arena_t arena = {0};
    offset_t stored = {.present = true, .pos.commit = lsn_parse("ffffffff:ffffffff:ffff", LSN_TEXT)};
    uint32_t n = 0, again = 0;
    table_t **tables, **copies;
    if (parse((const char *)data, size, &stored, &arena, &n, &tables)) {
        for (uint32_t i = 0; i < n; i++) {
            if (tables[i] == NULL || strcmp(tables[i]->db, "w") != 0 || strpbrk(tables[i]->id, "\"") != NULL) continue;
            buf_t text = {0};
            history_format(&text, true, "sqlserver", tables[i], "CREATE", NULL, &stored, 1);
            if (!parse(text.p, text.len, &stored, &arena, &again, &copies) || again != 1) abort();
            if (!table_equal(tables[i], copies[0])) abort();
            buf_done(&text);
        }
    }
    cd_arena_done(&arena);
    return 0;
}
