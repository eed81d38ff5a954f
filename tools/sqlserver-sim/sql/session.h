/* session.h: what the engine's files share: server, databases, sessions.
 * Threads    sim_server_t fields are guarded by `lock` unless noted; a session belongs to its caller's thread.
 * Errors     functions returning bool leave a pending error in session->err on false; `gone` means the client left.
 */
#ifndef SIM_SESSION_H
#define SIM_SESSION_H

#include <pthread.h>
#include <sqlite3.h>

#include "catalog/catalog.h"
#include "sql/ast.h"
#include "sql/value.h"

typedef struct sim_db {
    int id;
    char *name, *collation;
    char attach[16], xattach[16];
    int64_t created;      /* datetime key */
    _Atomic bool dropped; /* set once, under the server lock; sessions and the capture thread look without it */
    bool snapshot_allowed, rcsi, cdc, single_user, read_only;
    bool user_db;
    pthread_mutex_t identity_lock;
    struct {
        int object_id;
        int64_t last;
    } * identity; /* last value handed out; never goes back with a rollback */
    size_t nidentity;
    /* capture thread's view, guarded by the server lock */
    bool scan_wanted, scan_failed;
    bool capture_stopped, cleanup_wanted; /* sp_cdc_stop_job; sp_cdc_start_job 'cleanup' */
    bool secondary;                       /* fault read_only: a readable secondary replica */
    uint64_t scans_done;
    int64_t last_mapping_ms;
    int64_t captured_pos; /* log entries up to here are captured and may be deleted */
} sim_db_t;

typedef struct table_lock {
    int db_id, object_id; /* object 0 = the writer slot of the data file, -1 = of the change file */
    sim_session_t *owner;
    bool exclusive;
    uint64_t taken; /* rises with each new lock of the server */
    struct table_lock *next;
} table_lock_t;

typedef struct fault_row fault_row_t;
typedef struct scan_row scan_row_t;
typedef struct gen_table gen_table_t;

struct sim_server {
    sim_config_t config;
    char *data_dir, *sa_password, *name, *unknown_log;
    pthread_mutex_t lock;
    pthread_cond_t locks_changed; /* table locks released */
    pthread_cond_t capture_wake, scan_done;
    sim_db_t **dbs;
    size_t ndbs;
    int next_db_id;
    sqlite3 *master; /* server-level tables; guarded by lock */
    table_lock_t *locks;
    uint64_t locks_taken;
    sim_session_t *sessions; /* linked by next */
    int next_spid;
    uint64_t next_tran, catalog_version, random;
    pthread_t capture_thread;
    bool stopping, capture_running, agent_stopped, capture_paused;
    int capture_delay_ms;
    int64_t clock_offset; /* 100 ns added to the wall clock */
    bool clock_frozen;
    int64_t clock_frozen_at;
    int utc_offset_min;
    scan_row_t *scans; /* ring of the last scan sessions */
    size_t nscans, scan_at;
    int next_scan_id;
    fault_row_t *faults;
    int next_fault_id;
    uint64_t stats[SIM_STAT_COUNT];
    gen_table_t *gens;
    int64_t started;
};

typedef struct sdb { /* one database as attached by a session */
    sim_db_t *db;
    catalog_t *cat;
    bool attached, dirty; /* dirty: written in the open transaction */
    buf_t pending;        /* change records of the open transaction */
    size_t npending;
    int command_id;
    int64_t begin_time;
    struct sdb *next;
} sdb_t;

typedef struct sim_var {
    char *name;
    sim_typeinfo_t type;
    sim_value_t value; /* string memory owned below */
    char *mem;
    cat_table_t *table; /* table variable */
    struct sim_var *next;
} sim_var_t;

typedef struct savepoint {
    char *name;
    bool lazy; /* set before the transaction touched SQLite */
    int number;
    uint64_t locks_taken; /* locks after this one go when the transaction returns here */
    struct {
        sdb_t *sdb;
        size_t len, n;
        int command_id;
    } marks[12];
    size_t nmarks;
    struct savepoint *next;
} savepoint_t;

typedef struct prepared {
    int handle;
    char *text, *params;
    struct prepared *next;
} prepared_t;

typedef struct frame { /* one batch, procedure or dynamic text */
    struct frame *outer;
    sim_var_t *vars;
    arena_t *arena; /* AST */
    const char *src;
    const char *proc;
    int nest;
    bool in_proc;
    bool borrowed; /* its table variables belong to another frame */
} frame_t;

typedef struct caught { /* ERROR_*() inside a CATCH block */
    int number, class, state, line;
    char *text, *proc;
    struct caught *outer;
} caught_t;

typedef enum iso { ISO_RU = 1, ISO_RC, ISO_RR, ISO_SER, ISO_SNAPSHOT } iso_t;

struct sim_session {
    sim_server_t *server;
    sim_session_t *next;
    uint16_t spid;
    char *user, *app, *host, *language;
    bool odbc, read_only;
    sqlite3 *sq;
    sdb_t *sdbs, *cur;
    cat_table_t **temps; /* #tables */
    size_t ntemps;
    int next_temp;
    /* options */
    int32_t textsize;
    int64_t rowcount_limit;
    int lock_timeout, datefirst;
    bool nocount, xact_abort, implicit_tran, quoted_identifier, ansi_warnings, fmtonly, showplan;
    iso_t isolation;
    char *identity_insert; /* "db_id.object_id" or NULL */
    /* transaction */
    int trancount;
    uint64_t tran_id;
    int64_t tran_begin;
    char *tran_name; /* of the outermost BEGIN TRAN, or NULL */
    bool sq_open, doomed;
    savepoint_t *savepoints;
    int next_savepoint;
    bool stmt_auto; /* the running statement is its own transaction */
    bool stmt_savepoint;
    savepoint_t stmt_mark;
    int try_depth, cascade_depth;
    int trusted; /* > 0 inside of views and procedures: the owner's rights count */
    bool in_insert_exec;
    bool implicit_begun;
    sim_session_t *waits_for; /* lock wait graph, guarded by the server lock */
    bool kill_lock;           /* chosen as deadlock victim */
    /* statement state */
    sim_sink_t *sink;
    arena_t arena; /* reset per statement */
    arena_t row_arena;
    sql_error_t err;
    int err_line;
    bool gone;
    frame_t *frame;
    caught_t *caught;
    int64_t rowcount;
    int last_error;
    bool has_identity, has_scope_identity;
    sim_value_t last_identity;
    int64_t stmt_time; /* UTC ticks since 0001 */
    int line;
    prepared_t *prepared;
    int next_handle;
    struct cursor *cursors;
    int next_cursor, fetch_status;
    int32_t proc_status;
    /* bulk */
    struct bulk *bulk;
    int error_after_rows; /* 0 = no such fault; the error then is: */
    sim_message_t late_error;
    char late_text[256];
    uint64_t rand_state;
};

/* ---- errors ---- */
/* All of these evaluate to false, visibly to the static analyser, so `return fail(...)` needs no second line. */
void fail_set(sim_session_t *s, int number, int class, int state, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
void fail_set_sqlite(sim_session_t *s);
void fail_set_err(sim_session_t *s, const sql_error_t *err);
#define fail(...) (fail_set(__VA_ARGS__), value_false())
/** Turns the last SQLite failure into a pending error (keeps one that a function already set). */
#define fail_sqlite(s)   (fail_set_sqlite(s), value_false())
#define fail_err(s, err) (fail_set_err(s, err), value_false()) /* copies the text */
bool send_message(sim_session_t *s, int number, int class, int state, const char *text, int line);
bool client_gone(sim_session_t *s); /* polls the sink */

/* ---- clock ---- */
int64_t server_utc(sim_server_t *srv); /* 100 ns since 0001-01-01 */
int64_t server_local(sim_server_t *srv);
int64_t datetime_key(int64_t ticks); /* stored form of datetime */
int64_t mono_ms(void);

/* ---- databases ---- */
sim_db_t *server_db(sim_server_t *srv, const char *name); /* takes the lock; NULL = unknown */
sim_db_t *server_db_id(sim_server_t *srv, int id);
bool server_create_db(sim_server_t *srv, const char *name, const char *collation, sim_db_t **ret_db, char **ret_error);
bool server_drop_db(sim_server_t *srv, sim_db_t *db);
void server_save_db(sim_server_t *srv, sim_db_t *db);
char *server_db_path(sim_server_t *srv, const sim_db_t *db, bool change_file);
int64_t server_identity_next(sim_db_t *db, int object_id, int64_t stored, int64_t incr, bool *ret_fresh);
void server_identity_set(sim_db_t *db, int object_id, int64_t value);
void server_identity_forget(sim_db_t *db, int object_id);
bool sqlite_open(sim_server_t *srv, sim_session_t *s, sqlite3 **ret_sq);

sdb_t *session_db(sim_session_t *s, const char *name); /* attaches; error 911/208 left to the caller: NULL = unknown */
bool session_catalog(sim_session_t *s, sdb_t *sdb);    /* (re)loads sdb->cat when stale */
sdb_t *session_db_attach(sim_session_t *s, sim_db_t *db);
bool session_use(sim_session_t *s, const char *name);
cat_table_t *session_temp(sim_session_t *s, const char *name);
sim_var_t *session_var(sim_session_t *s, const char *name);
void var_set(sim_var_t *v, const sim_value_t *value);
void vars_free(sim_session_t *s, sim_var_t *v);
sim_var_t *frame_declare(frame_t *f, const char *name, const sim_typeinfo_t *t);

/* ---- SQLite helpers: sqlite3_mprintf text (with %Q), errors become pending ---- */
bool sq_exec(sim_session_t *s, const char *fmt, ...);
sqlite3_stmt *sq_prepare(sim_session_t *s, const char *fmt, ...);
bool sq_int(sim_session_t *s, int64_t *ret_v, const char *fmt, ...);

/* ---- transactions (tran.c) ---- */
bool tran_begin(sim_session_t *s, const char *name);
bool tran_commit(sim_session_t *s);
bool tran_rollback(sim_session_t *s, const char *name);
bool tran_save(sim_session_t *s, const char *name);
void tran_abort(sim_session_t *s, bool notify); /* rolls everything back: XACT_ABORT, deadlock, reset */
bool tran_read(sim_session_t *s, sdb_t *sdb);   /* before reading data */
bool tran_write(sim_session_t *s, sdb_t *sdb, bool change_file); /* before writing */
bool stmt_begin(sim_session_t *s, bool starts_implicit);
bool stmt_end(sim_session_t *s, bool ok); /* commit or undo of one statement */

/* ---- locks (lock.c) ---- */
bool lock_take(sim_session_t *s, int db_id, int object_id, bool exclusive);
void lock_release_all(sim_session_t *s);
/** What the newest lock of the server is numbered; lock_release_since() takes it back. */
uint64_t lock_mark(sim_session_t *s);
/** Locks taken after `mark`. @param slots  the files' writer slots, too: only when no SQLite transaction is open */
void lock_release_since(sim_session_t *s, uint64_t mark, bool slots);
/** Takes an exclusive lock when nobody else holds it; never waits, never leaves an error. */
bool lock_try(sim_session_t *s, int db_id, int object_id);
bool lock_held(sim_session_t *s, int db_id, int object_id, bool exclusive);

/* ---- execution ---- */
bool exec_list(sim_session_t *s, stmt_t *first);
bool exec_text(sim_session_t *s, const char *text, size_t len, frame_t *f); /* parses and runs inside frame f */
bool exec_select(sim_session_t *s, stmt_t *st, select_t *q, uint64_t *ret_rows);
bool exec_dml(sim_session_t *s, stmt_t *st, uint64_t *ret_rows);
bool exec_ddl(sim_session_t *s, stmt_t *st);
bool exec_proc(sim_session_t *s, stmt_t *st, uint64_t *ret_rows);
bool exec_set_option(sim_session_t *s, stmt_t *st);
bool exec_misc(sim_session_t *s, stmt_t *st);
bool eval_scalar(sim_session_t *s, expr_t *e, const sim_typeinfo_t *want, sim_value_t *ret_v, sim_typeinfo_t *ret_t);
bool eval_cond(sim_session_t *s, expr_t *e, bool *ret_v);
bool send_columns(sim_session_t *s, const sim_column_t *cols, size_t n);
bool send_row(sim_session_t *s, const sim_value_t *cells, size_t n);
bool send_done(sim_session_t *s, sim_done_kind_t kind, bool has_count, uint64_t count, bool error, uint16_t curcmd);
const char *quote_name(arena_t *a, const char *name); /* [name] with ]] */
void log_unknown(sim_session_t *s, const char *text, size_t len);

#endif
