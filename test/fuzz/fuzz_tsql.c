/* links: tools/sqlserver-sim/sql/lexer.c tools/sqlserver-sim/sql/parse_base.c */
/* links: tools/sqlserver-sim/sql/parse_expr.c tools/sqlserver-sim/sql/parse_query.c */
/* links: tools/sqlserver-sim/sql/parse_dml.c tools/sqlserver-sim/sql/parse_ddl.c */
/* links: tools/sqlserver-sim/sql/parse_stmt.c tools/sqlserver-sim/sql/render.c */
/* links: tools/sqlserver-sim/sql/value.c tools/sqlserver-sim/sql/value_text.c */
/* links: tools/sqlserver-sim/catalog/types.c tools/sqlserver-sim/util/mem.c */
/* links: tools/sqlserver-sim/util/decimal.c tools/sqlserver-sim/util/datetime.c */
/* T-SQL text from a client: the batch parser, parameter lists, expressions and names; what parses is rendered again. */
#include "sql/parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 64 << 10 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    arena_t arena = {0};
    sql_error_t err = {0};
    stmt_t *first = NULL;
    declare_item_t *items;
    bool *outputs;
    size_t n;
    int line;
    expr_t *expr;
    name_t name;
    if (size > INPUT_MAX) return 0;
    for (int quoted = 0; quoted < 2; quoted++) {
        static const char *const known[] = {"@a", "@b", "@t", "@x", "@p0", "@P0", "@id", "@name"};
        err = (sql_error_t){0};
        (void)parse_batch(&arena, text, size, quoted != 0, known, sizeof(known) / sizeof(known[0]), &first, &err,
                          &line);
    }
    err = (sql_error_t){0};
    (void)parse_params(&arena, text, size, &items, &outputs, &n, &err);
    for (int condition = 0; condition < 2; condition++) {
        err = (sql_error_t){0};
        if (!parse_expression(&arena, text, size, condition != 0, &expr, &err)) continue;
        buf_t rendered = {0};
        expr_render(expr, &rendered);
        buf_done(&rendered);
    }
    (void)parse_name_text(&arena, text, size, &name);
    arena_done(&arena);
    return 0;
}
