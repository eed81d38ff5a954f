/* engine_probe.h: runs T-SQL on an engine without the wire and shows the reply as text.
 *   row            a|b|c        NULL is <null>
 *   error or info  E<number> <text> / I<number> <text>, without 5701 and 3621
 * Threads the test's.  The data directory is temporary and removed by probe_close().
 */
#ifndef ENGINE_PROBE_H
#define ENGINE_PROBE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"
#include "sql/value.h"

typedef struct probe {
    sim_sink_t sink; /* first: the engine hands it back */
    sim_server_t *server;
    sim_session_t *session;
    char dir[64];
    sim_typeinfo_t types[64];
    size_t ncols;
    buf_t out;
    uint64_t last_count;
    uint64_t rows;
    uint64_t cancel_after; /* 0 = never */
} probe_t;

static inline bool probe_columns(sim_sink_t *sink, const sim_column_t *cols, size_t n)
{
    probe_t *p = (probe_t *)sink;
    assert_true(n <= 64);
    p->ncols = n;
    for (size_t i = 0; i < n; i++) p->types[i] = cols[i].type;
    return true;
}

static inline bool probe_row(sim_sink_t *sink, const sim_value_t *cells, size_t n)
{
    probe_t *p = (probe_t *)sink;
    assert_int_equal(n, p->ncols);
    for (size_t i = 0; i < n; i++) {
        if (i > 0) buf_addc(&p->out, '|');
        if (cells[i].is_null)
            buf_adds(&p->out, "<null>");
        else
            value_text(&p->types[i], &cells[i], 121, &p->out);
    }
    buf_addc(&p->out, '\n');
    p->rows++;
    return p->cancel_after == 0 || p->rows < p->cancel_after;
}

static inline bool probe_done(sim_sink_t *sink, const sim_done_t *d)
{
    probe_t *p = (probe_t *)sink;
    if (d->has_count) p->last_count = d->rowcount;
    return true;
}

static inline bool probe_message(sim_sink_t *sink, const sim_message_t *m)
{
    probe_t *p = (probe_t *)sink;
    if (m->number != 5701 && m->number != 3621)
        buf_printf(&p->out, "%c%d %s\n", m->class > 10 ? 'E' : 'I', m->number, m->text);
    return true;
}

static inline bool probe_env(sim_sink_t *sink, const sim_envchange_t *e)
{
    (void)sink, (void)e;
    return true;
}

static inline bool probe_status(sim_sink_t *sink, int32_t v)
{
    (void)sink, (void)v;
    return true;
}

static inline bool probe_value(sim_sink_t *sink, uint16_t ordinal, const char *name, const sim_typeinfo_t *t,
                               const sim_value_t *v)
{
    probe_t *p = (probe_t *)sink;
    buf_printf(&p->out, "out %d %s=", ordinal, name);
    if (v->is_null)
        buf_adds(&p->out, "<null>");
    else
        value_text(t, v, 121, &p->out);
    buf_addc(&p->out, '\n');
    return true;
}

static inline const sim_sink_ops_t *probe_ops(void)
{
    static const sim_sink_ops_t ops = {.columns = probe_columns,
                                       .row = probe_row,
                                       .done = probe_done,
                                       .message = probe_message,
                                       .envchange = probe_env,
                                       .return_status = probe_status,
                                       .return_value = probe_value};
    return &ops;
}

static inline void probe_start(probe_t *p)
{
    sim_config_t config;
    char *error = NULL;
    sim_login_t login = {.user = "sa", .password = "secret", .database = "", .odbc = true};
    sim_config_init(&config);
    config.data_dir = p->dir;
    config.sa_password = "secret";
    config.wake_on_commit = false;
    config.capture_poll_ms = 60000; /* tests scan when they say so */
    p->server = sim_server_new(&config, &error);
    assert_null(error);
    assert_non_null(p->server);
    p->session = sim_session_new(p->server, &login, &p->sink);
    assert_non_null(p->session);
}

static inline void probe_stop(probe_t *p)
{
    sim_session_free(p->session);
    sim_server_free(p->server);
}

static inline int probe_open(void **state)
{
    probe_t *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    p->sink.ops = probe_ops();
    snprintf(p->dir, sizeof(p->dir), "/tmp/sim-probe-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    probe_start(p);
    *state = p;
    return 0;
}

static inline int probe_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static inline int probe_close(void **state)
{
    probe_t *p = *state;
    probe_stop(p);
    nftw(p->dir, probe_remove, 16, FTW_DEPTH | FTW_PHYS);
    buf_done(&p->out);
    free(p);
    return 0;
}

/** The reply as text, valid until the next call. */
static inline const char *probe_run_on(probe_t *p, sim_session_t *session, const char *sql)
{
    buf_truncate(&p->out, 0);
    p->rows = 0;
    (void)sim_session_batch(session, sql, strlen(sql), &p->sink);
    return buf_text(&p->out);
}

static inline const char *probe_run(probe_t *p, const char *sql)
{
    return probe_run_on(p, p->session, sql);
}

#define expect(p, sql, text) assert_string_equal(probe_run(p, sql), text)

#endif
