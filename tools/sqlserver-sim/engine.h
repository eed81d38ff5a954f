/* engine.h: the contract between the TDS wire (wire/) and the SQL engine (sql/, catalog/, cdc/, faults/, gen/).
 * Threads    sim_server_t may be used from any thread. A sim_session_t belongs to one thread at a time.
 *            Sink callbacks run on the thread that called the engine, never later.
 * Ownership  everything passed in is borrowed for the call; everything passed to a sink is borrowed for the callback.
 * Errors     SQL errors travel through the sink as messages; a bool result only says whether the client is still there.
 * Units      strings are UTF-8 (ptr, len), not NUL-terminated unless `const char *` alone; ticks are 100 ns.
 */
#ifndef SIM_ENGINE_H
#define SIM_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- types ------------------------------------------------------------------------------------------------- */

typedef enum sim_base {
    SIM_T_NULL = 0, /* untyped NULL literal; the engine reports such columns as int, so a sink never sees it */
    SIM_T_BIT,
    SIM_T_TINYINT,
    SIM_T_SMALLINT,
    SIM_T_INT,
    SIM_T_BIGINT,
    SIM_T_DECIMAL,
    SIM_T_NUMERIC,
    SIM_T_MONEY,
    SIM_T_SMALLMONEY,
    SIM_T_REAL,
    SIM_T_FLOAT,
    SIM_T_DATE,
    SIM_T_TIME,
    SIM_T_DATETIME,
    SIM_T_SMALLDATETIME,
    SIM_T_DATETIME2,
    SIM_T_DATETIMEOFFSET,
    SIM_T_CHAR,
    SIM_T_VARCHAR,
    SIM_T_TEXT,
    SIM_T_NCHAR,
    SIM_T_NVARCHAR,
    SIM_T_NTEXT,
    SIM_T_BINARY,
    SIM_T_VARBINARY,
    SIM_T_IMAGE,
    SIM_T_UNIQUEIDENTIFIER,
    SIM_T_TIMESTAMP, /* rowversion: BIGBINARY(8) with UserType 80 on the wire */
    SIM_T_XML,
    SIM_T_VARIANT,
    SIM_T_COUNT
} sim_base_t;

#define SIM_LEN_MAX (-1) /* the (max) types */

typedef struct sim_typeinfo {
    sim_base_t base;
    int32_t len;   /* bytes as on the wire (nvarchar(100) = 200), or SIM_LEN_MAX; 0 for types without a length */
    uint8_t prec;  /* decimal, numeric */
    uint8_t scale; /* decimal, numeric, time, datetime2, datetimeoffset */
    bool utf8;     /* char/varchar/text only: UTF-8 collation instead of CP1252 */
    bool not_null; /* false = nullable */
} sim_typeinfo_t;

enum {
    SIM_COL_IDENTITY = 1u << 0,
    SIM_COL_COMPUTED = 1u << 1,
    SIM_COL_KEY = 1u << 2,
    SIM_COL_HIDDEN = 1u << 3,
    SIM_COL_EXPRESSION = 1u << 4, /* not a plain table column: wire flags 0001/0021 instead of 0009/0008 */
};

typedef struct sim_column {
    const char *name; /* "" = unnamed */
    sim_typeinfo_t type;
    uint32_t flags; /* SIM_COL_* */
} sim_column_t;

typedef struct sim_value sim_value_t;
struct sim_value {
    bool is_null;
    union {
        int64_t i; /* bit..bigint; money and smallmoney in 1/10000 */
        double f;  /* real (already rounded to float), float */
        struct {
            bool neg;
            unsigned __int128 mag; /* unscaled; the scale is the type's */
        } dec;
        struct {
            const char *ptr; /* strings and xml: UTF-8; binary, image, timestamp: bytes. Non-NULL even when len is 0 */
            size_t len;
        } s;
        struct {
            int32_t
                days; /* date, datetime2, datetimeoffset: since 0001-01-01; datetime, smalldatetime: since 1900-01-01 */
            int64_t ticks;  /* 100 ns since midnight; datetime: 1/300 s since midnight; smalldatetime: minutes */
            int16_t offset; /* minutes, datetimeoffset only; days and ticks are UTC then */
        } t;
        uint8_t guid[16]; /* wire order */
        struct {
            const sim_typeinfo_t *type; /* NULL value inside a variant does not exist: is_null of the outer cell */
            const sim_value_t *value;
        } v;
    } u;
};

/* ---- what the engine tells the wire ------------------------------------------------------------------------- */

typedef struct sim_message {
    int32_t number;
    uint8_t state;
    uint8_t class; /* <= 10 is INFO, above is ERROR; >= 20 the wire closes the connection after the final DONE */
    const char *text;
    const char *proc; /* "" when none */
    int32_t line;
} sim_message_t;

typedef enum sim_done_kind { SIM_DONE_BATCH, SIM_DONE_INPROC, SIM_DONE_PROC } sim_done_kind_t;

/* One per finished statement. The wire sets MORE itself: it holds a DONE back until the next token or until the call
 * into the engine returns. When a call ends without any done(), the wire sends a plain final DONE (batch) itself. */
typedef struct sim_done {
    sim_done_kind_t kind;
    bool has_count;
    uint64_t rowcount;
    bool error;
    bool in_tran;
    uint16_t curcmd; /* C1 select, C3 insert, ... */
} sim_done_t;

typedef enum sim_env {
    SIM_ENV_DATABASE = 1, /* new_text, old_text */
    SIM_ENV_LANGUAGE = 2,
    SIM_ENV_BEGIN = 8,     /* descriptor = the new transaction */
    SIM_ENV_COMMIT = 9,    /* descriptor = the old transaction */
    SIM_ENV_ROLLBACK = 10, /* descriptor = the old transaction */
} sim_env_t;

typedef struct sim_envchange {
    sim_env_t kind;
    const char *new_text, *old_text; /* "" unless database/language */
    uint64_t descriptor;
} sim_envchange_t;

/* Generator result (gen/): row i is the template with some cells replaced; every cell keeps its encoded width. */
typedef enum sim_patch_kind {
    SIM_PATCH_START_LSN,  /* 10 bytes */
    SIM_PATCH_SEQVAL,     /* 10 bytes */
    SIM_PATCH_OPERATION,  /* int32 LE */
    SIM_PATCH_KEY32,      /* int32 LE */
    SIM_PATCH_KEY64,      /* int64 LE */
    SIM_PATCH_MASK,       /* mask_len bytes */
    SIM_PATCH_COMMIT_TIME /* the cell is a datetimeoffset(3) or (7): ticks and days as in sim_value_t */
} sim_patch_kind_t;

typedef struct sim_gen_row {
    uint8_t start_lsn[10], seqval[10], mask[16];
    int32_t operation;
    int64_t key;
    int32_t days;
    int64_t ticks;
} sim_gen_row_t;

typedef struct sim_gen_plan {
    const sim_column_t *columns;
    const sim_value_t *template_row;
    size_t ncolumns;
    struct {
        size_t column;
        sim_patch_kind_t kind;
    } patches[12];
    size_t npatches;
    uint64_t first, end; /* row images first .. end-1 */
    const void *gen;     /* argument of sim_gen_row() */
    bool replay;         /* byte-identical rows are fine: skip patching */
} sim_gen_plan_t;

/** Values of row image `i`; pure arithmetic. @thread any */
void sim_gen_row(const void *gen, uint64_t i, sim_gen_row_t *ret_row);

typedef struct sim_sink sim_sink_t;
typedef struct sim_sink_ops {
    /* Every callback returns false when the client cancelled (ATTENTION) or vanished: the engine then stops at once,
     * rolls the running statement back and returns without further callbacks. */
    bool (*columns)(sim_sink_t *sink, const sim_column_t *cols, size_t n);
    bool (*row)(sim_sink_t *sink, const sim_value_t *cells, size_t n);
    bool (*done)(sim_sink_t *sink, const sim_done_t *done);
    bool (*message)(sim_sink_t *sink, const sim_message_t *msg);
    bool (*envchange)(sim_sink_t *sink, const sim_envchange_t *env);
    bool (*return_status)(sim_sink_t *sink, int32_t status);
    bool (*return_value)(sim_sink_t *sink, uint16_t ordinal, const char *name, const sim_typeinfo_t *type,
                         const sim_value_t *value);
    bool (*order)(sim_sink_t *sink, const uint16_t *ordinals, size_t n);
    /* Sends COLMETADATA and rows of the plan, not the DONE. May be NULL: the engine then sends rows one by one.
     * *ret_rows = rows sent. */
    bool (*generate)(sim_sink_t *sink, const sim_gen_plan_t *plan, uint64_t *ret_rows);
    /* Polled about every millisecond of engine work and while waiting for locks; true = stop. Must not block. */
    bool (*cancelled)(sim_sink_t *sink);
} sim_sink_ops_t;
struct sim_sink {
    const sim_sink_ops_t *ops;
};

/* ---- server -------------------------------------------------------------------------------------------------- */

typedef struct sim_server sim_server_t;
typedef struct sim_session sim_session_t;

typedef struct sim_config {
    const char *data_dir;    /* created when missing */
    const char *sa_password; /* password of login sa */
    const char *server_name; /* @@SERVERNAME, SERVERPROPERTY('ServerName') */
    const char *unknown_log; /* file that collects refused SQL; NULL = <data_dir>/unknown.sql */
    int product_major;       /* 15 = 2019, 16 = 2022 */
    int capture_poll_ms;     /* 50; the faithful profile uses 5000 */
    bool wake_on_commit;     /* run a capture scan right after each commit that has changes */
    int idle_mapping_ms;     /* dummy lsn_time_mapping rows while idle; 0 = never */
    int utc_offset_min;      /* server time zone */
    uint64_t seed;           /* NEWID, RAND */
} sim_config_t;

/** Defaults for every field (data_dir and sa_password stay NULL). */
void sim_config_init(sim_config_t *config);

/** Opens or creates the data directory, starts the capture thread.
 *  @return NULL with a text in *ret_error (free with free()) */
sim_server_t *sim_server_new(const sim_config_t *config, char **ret_error);

/** All sessions must be freed before. NULL is fine. @blocks until the capture thread has ended */
void sim_server_free(sim_server_t *server);

/** Server-wide counters shown by SELECT * FROM sim.stats. @thread any */
typedef enum sim_stat {
    SIM_STAT_ROWS_SENT,
    SIM_STAT_BYTES_SENT,
    SIM_STAT_SEND_STALLS,
    SIM_STAT_SEND_NANOS,
    SIM_STAT_CONNECTIONS,
    SIM_STAT_COUNT
} sim_stat_t;
void sim_server_count(sim_server_t *server, sim_stat_t stat, uint64_t amount);

const char *sim_server_name(const sim_server_t *server);
int sim_server_major(const sim_server_t *server);

/* ---- session ------------------------------------------------------------------------------------------------- */

typedef struct sim_login {
    const char *user, *password;
    const char *database; /* "" = master */
    const char *language, *app, *host;
    bool odbc;      /* OptionFlags2 bit: TEXTSIZE 2147483647 instead of 4096 */
    bool read_only; /* ApplicationIntent=ReadOnly */
} sim_login_t;

/** Checks the login. Failure: messages (4060, 18456, ...) go to the sink, no envchange, result NULL; the wire sends
 *  DONE with ERROR and closes. Success: the wire sends the login reply itself from the session's properties. */
sim_session_t *sim_session_new(sim_server_t *server, const sim_login_t *login, sim_sink_t *sink);

/** Rolls back what is open. NULL is fine. */
void sim_session_free(sim_session_t *session);

/** RESETCONNECTION before a request; keep_tran = RESETCONNECTIONSKIPTRAN. The wire sends ENVCHANGE 18. */
void sim_session_reset(sim_session_t *session, bool keep_tran);

uint16_t sim_session_spid(const sim_session_t *session);
const char *sim_session_database(const sim_session_t *session); /* valid until the next call on the session */
const char *sim_session_language(const sim_session_t *session);
int32_t sim_session_textsize(const sim_session_t *session); /* the wire cuts text/ntext/image/(max)/xml cells at this
                                                             * many bytes; -1 = unlimited */

/** Runs a batch. @return false when the client cancelled or is gone */
bool sim_session_batch(sim_session_t *session, const char *text, size_t len, sim_sink_t *sink);

typedef struct sim_param {
    const char *name; /* with the @, "" = positional */
    bool output, is_default;
    sim_typeinfo_t type;
    sim_value_t value;
} sim_param_t;

typedef struct sim_rpc {
    uint16_t proc_id; /* 1..15, or 0 with a name */
    const char *name; /* may be qualified and bracketed; "" with a proc_id */
    bool no_metadata;
    const sim_param_t *params;
    size_t nparams;
} sim_rpc_t;

/** Runs one RPC; ends with return_status, return_value*, done(SIM_DONE_PROC). @return as sim_session_batch */
bool sim_session_rpc(sim_session_t *session, const sim_rpc_t *rpc, sim_sink_t *sink);

typedef enum sim_tm_op {
    SIM_TM_GET_DTC = 0,
    SIM_TM_PROPAGATE = 1,
    SIM_TM_BEGIN = 5,
    SIM_TM_COMMIT = 7,
    SIM_TM_ROLLBACK = 8,
    SIM_TM_SAVE = 9
} sim_tm_op_t;

/** Transaction manager request. isolation as on the wire (0 keep, 1 RU .. 5 SNAPSHOT); begin_next = flag 1 of commit and
 *  rollback (next_isolation belongs to it). Ends with done(). @return as sim_session_batch */
bool sim_session_tm(sim_session_t *session, sim_tm_op_t op, int isolation, const char *name, bool begin_next,
                    int next_isolation, sim_sink_t *sink);

/* Bulk load: the batch INSERT BULK names the table and ends with done(); then the wire decodes packet type 7. */
bool sim_session_bulk_ready(const sim_session_t *session); /* an INSERT BULK is waiting for data */
bool sim_session_bulk_columns(sim_session_t *session, const sim_column_t *cols, size_t n, sim_sink_t *sink);
/** false: stop reading rows, the error has gone to the sink (or the client is gone). */
bool sim_session_bulk_row(sim_session_t *session, const sim_value_t *cells, size_t n, sim_sink_t *sink);
/** Commits (or rolls back after an error), sends done(F0 with count). commit=false: the client aborted. */
bool sim_session_bulk_end(sim_session_t *session, bool commit, sim_sink_t *sink);

/** The statement behind a prepared handle, for matching faults; NULL when there is none. Borrowed until the next request. */
const char *sim_session_prepared(const sim_session_t *session, int64_t handle);

/* ---- faults the wire executes -------------------------------------------------------------------------------- */

typedef enum sim_fault_point {
    SIM_FAULT_PRELOGIN,
    SIM_FAULT_LOGIN,
    SIM_FAULT_AFTER_LOGIN,
    SIM_FAULT_REQUEST
} sim_fault_point_t;

typedef struct sim_fault {
    int id;        /* 0 before the first call; then the fault just taken */
    char kind[24]; /* drop, stall, slow_rows, packet, tls, login_fail, ... */
    char arg[128]; /* as given to sim.fault @arg */
} sim_fault_t;

/** Takes the next armed wire fault for this point, counting it as hit. Engine-side kinds (error, deadlock, lock_timeout,
 *  capture_delay, ...) are never returned here. session NULL before login; text is the SQL or RPC name for REQUEST.
 *  Call repeatedly until false: several faults may be armed, each is taken once. ret_fault->id says where to go on.
 *  @thread any */
bool sim_server_fault(sim_server_t *server, const sim_session_t *session, sim_fault_point_t point, const char *text,
                      size_t len, sim_fault_t *ret_fault);

#endif
