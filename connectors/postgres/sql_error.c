#include "connectors/postgres/sql_error.h"

static const char *field(const PGresult *res, int code)
{
    const char *v = PQresultErrorField(res, code);
    return v != NULL ? v : "";
}

/** "ERROR: ...", then what the server added, each on a line of its own. */
static const char *server_text(const PGresult *res, bool detail, cd_arena_t *arena)
{
    static const struct {
        int code;
        const char *label;
    } lines[] = {{PG_DIAG_MESSAGE_DETAIL, "Detail"},
                 {PG_DIAG_MESSAGE_HINT, "Hint"},
                 {PG_DIAG_STATEMENT_POSITION, "Position"},
                 {PG_DIAG_CONTEXT, "Where"}};
    const char *text =
        cd_arena_printf(arena, "%s: %s", field(res, PG_DIAG_SEVERITY), field(res, PG_DIAG_MESSAGE_PRIMARY));
    for (size_t i = 0; detail && i < sizeof(lines) / sizeof(*lines); i++) {
        const char *v = PQresultErrorField(res, lines[i].code);
        if (v != NULL) text = cd_arena_printf(arena, "%s\n  %s: %s", text, lines[i].label, v);
    }
    return text;
}

sql_error_t sql_error_of(const PGresult *res, PGconn *conn, const sql_error_style_t *style, cd_arena_t *arena)
{
    sql_error_t e = {.sqlstate = "08006"};
    const char *state = res != NULL ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
    if (state != NULL && strlen(state) == 5) {
        memcpy(e.sqlstate, state, 6);
        e.text = server_text(res, style->detail, arena);
        return e;
    }
    const char *why = res != NULL ? PQresultErrorMessage(res) : "";
    if (*why == '\0') why = conn != NULL ? PQerrorMessage(conn) : "";
    size_t len = strlen(why);
    while (len > 0 && (why[len - 1] == '\n' || why[len - 1] == ' ')) len--;
    e.text = len > 0 && style->detail
                 ? cd_arena_printf(arena, "An I/O error occurred while sending to the backend. (%.*s)", (int)len, why)
                 : "An I/O error occurred while sending to the backend.";
    return e;
}

sql_error_t sql_error_of_value(const conv_err_t *conv, const char *column, const sql_error_style_t *style,
                               cd_arena_t *arena)
{
    sql_error_t e = {.sqlstate = ""};
    memcpy(e.sqlstate, conv->sqlstate, sizeof(e.sqlstate));
    e.text = style->detail ? cd_arena_printf(arena, "ERROR: %s\n  Where: column \"%s\"", conv->text, column)
                           : cd_arena_printf(arena, "ERROR: %s", conv->text);
    return e;
}

bool sql_error_is(const sql_error_t *e, const char *sqlstate)
{
    return strcmp(e->sqlstate, sqlstate) == 0;
}

bool sql_error_is_connection(const sql_error_t *e)
{
    return strncmp(e->sqlstate, "08", 2) == 0 || strncmp(e->sqlstate, "57P", 3) == 0;
}

/** 1234567 as "1,234,567": java.text.MessageFormat groups digits, and alerts were written against that. */
static const char *grouped(uint32_t v, char out[16])
{
    char digits[12];
    int n = snprintf(digits, sizeof(digits), "%u", v);
    char *at = out;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0) *at++ = ',';
        *at++ = digits[i];
    }
    *at = '\0';
    return out;
}

cd_err_t *sql_error_batch(const sql_error_t *e, const sql_error_style_t *style, uint32_t entry, const char *statement)
{
    if (style->redacted)
        return cd_err_new(CD_ERR_DATA, JVM_SQL_EXCEPTION,
                          "Exception chain:\n<redacted> [class=" JVM_BATCH_EXCEPTION "; SQLState=%s; errorCode=0; "
                          "firstExecuteFailedIndex=%u]\n",
                          e->sqlstate, entry);
    char index[16];
    return cd_err_new(CD_ERR_DATA, JVM_SQL_EXCEPTION,
                      "Exception chain:\n" JVM_BATCH_EXCEPTION ": Batch entry %s %s was aborted: %s  Call "
                      "getNextException to see other errors in the batch.\n" JVM_PSQL_EXCEPTION
                      ": %s\n" JVM_PSQL_EXCEPTION ": %s\n",
                      grouped(entry, index), style->detail ? statement : "<unknown>", e->text, e->text, e->text);
}

cd_err_t *sql_error_single(const sql_error_t *e, const sql_error_style_t *style)
{
    if (style->redacted)
        return cd_err_new(CD_ERR_DATA, JVM_SQL_EXCEPTION,
                          "Exception chain:\n<redacted> [class=" JVM_PSQL_EXCEPTION "; SQLState=%s; errorCode=0]\n",
                          e->sqlstate);
    return cd_err_new(CD_ERR_DATA, JVM_SQL_EXCEPTION, "Exception chain:\n" JVM_PSQL_EXCEPTION ": %s\n", e->text);
}
