#include <errno.h>
#include <pthread.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "connectors/sqlserver/buf.h"
#include "connectors/sqlserver/conf.h"
#include "connectors/sqlserver/conn.h"
#include "connectors/sqlserver/reach.h"

/* db-lib keeps its handlers and the name of its configuration file in process-wide variables, and most connection
 * settings exist in that file only. So there is one private file for the process, in memory, with a section for each
 * distinct set of settings; sections are appended under the lock and read by FreeTDS through their unique names. */
static struct {
    pthread_once_t once;
    pthread_mutex_t lock;
    int fd;
    bool ready;
    buf_t text;
} library = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

/* The login reports errors before the DBPROCESS can carry a pointer to its conn_t. */
static _Thread_local conn_t *opening;

int64_t conn_now_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static conn_t *conn_of(DBPROCESS *db)
{
    conn_t *c = db != NULL ? (conn_t *)(void *)dbgetuserdata(db) : NULL;
    return c != NULL ? c : opening;
}

static void keep_message(conn_t *c, const char *text)
{
    if (c->message[0] != '\0') return;
    (void)snprintf(c->message, sizeof(c->message), "%s", text != NULL && *text != '\0' ? text : "unknown error");
}

static int on_error(DBPROCESS *db, int severity, int dberr, int oserr, char *dberrstr, char *oserrstr)
{
    (void)severity;
    conn_t *c = conn_of(db);
    if (c == NULL) return INT_CANCEL;
    if (db != NULL && DBDEAD(db)) c->dead = true;
    /* SYBESMSG only points at a server message; unconvertible characters were replaced and are no failure. */
    if (dberr == SYBESMSG || dberr == SYBEICONVI || dberr == SYBEICONVIU || c->msg_number != 0) return INT_CANCEL;
    if (c->lib_error == 0) c->lib_error = dberr;
    char text[512];
    bool os = oserr != 0 && oserrstr != NULL && *oserrstr != '\0' && strcmp(oserrstr, "Success") != 0;
    bool plain = os && (dberr == SYBECONN || dberr == SYBESOCK); /* the library's own words name another product */
    (void)snprintf(text, sizeof(text), os && !plain ? "%s (%s)" : "%s",
                   plain              ? oserrstr
                   : dberrstr != NULL ? dberrstr
                                      : "",
                   os ? oserrstr : "");
    keep_message(c, text);
    return INT_CANCEL;
}

/* The parameter types are db-lib's. NOLINTNEXTLINE(readability-non-const-parameter) */
static int on_message(DBPROCESS *db, DBINT number, int state, int severity, char *text, char *server, char *proc,
                      int line)
{
    (void)state;
    (void)server;
    (void)proc;
    (void)line;
    conn_t *c = conn_of(db);
    if (c == NULL || severity <= 10) return 0;
    if (c->msg_number == 0) {
        /* The server's own words say more than what the library noticed before. */
        c->message[0] = '\0';
        c->msg_number = (uint32_t)number;
        keep_message(c, text);
    }
    return 0;
}

static int check_interrupt(void *db)
{
    conn_t *c = conn_of((DBPROCESS *)db);
    if (c == NULL) return FALSE;
    c->stopped = c->stopped || cd_host->stopping(c->ctx);
    c->timed_out = c->timed_out || (c->deadline_ms != 0 && conn_now_ms() > c->deadline_ms);
    return c->stopped || c->timed_out ? TRUE : FALSE;
}

static int handle_interrupt(void *db)
{
    DBPROCESS *p = db;
    conn_t *c = conn_of(p);
    /* The first time the server is asked to cancel; if it does not answer, the socket goes, or this never ends. */
    if (c != NULL && c->cancels++ >= 2) {
        (void)shutdown(dbiordesc(p), SHUT_RDWR);
        c->dead = true;
    }
    return INT_CANCEL;
}

static void library_init(void)
{
    if (dbinit() != SUCCEED) return;
    (void)dberrhandle(on_error);
    (void)dbmsghandle(on_message);
    (void)dbsetmaxprocs(1024);
    library.fd = memfd_create("freetds.conf", MFD_CLOEXEC);
    if (library.fd < 0) return;
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", library.fd);
    dbsetifile(path);
    library.ready = true;
}

/* Make sure the file has a section with this body; its name is derived from the body. */
static bool section_ensure(const char *body, char name[32])
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (const char *p = body; *p != '\0'; p++) h = (h ^ (uint8_t)*p) * UINT64_C(1099511628211);
    (void)snprintf(name, 32, "c%016llx", (unsigned long long)h);
    bool ok = true;
    (void)pthread_mutex_lock(&library.lock);
    char head[40];
    (void)snprintf(head, sizeof(head), "[%s]\n", name);
    if (library.text.p == NULL || strstr(library.text.p, head) == NULL) {
        size_t from = library.text.len;
        buf_add(&library.text, head);
        buf_add(&library.text, body);
        size_t n = library.text.len - from;
        ok = write(library.fd, library.text.p + from, n) == (ssize_t)n;
    }
    (void)pthread_mutex_unlock(&library.lock);
    return ok;
}

static bool truth(const char *text, bool dflt)
{
    if (text == NULL || *text == '\0') return dflt;
    return strcasecmp(text, "true") == 0 || strcasecmp(text, "mandatory") == 0 || strcasecmp(text, "strict") == 0;
}

static bool is_pem(const char *path)
{
    char head[64] = {0};
    FILE *f = fopen(path, "re");
    if (f == NULL) return false;
    size_t n = fread(head, 1, sizeof(head) - 1, f);
    (void)fclose(f);
    return n > 10 && strstr(head, "-----BEGIN") != NULL;
}

static int32_t option_int(const cd_config_t *config, const char *name, long least, long most, int32_t dflt)
{
    const char *text = conf_driver(config, name);
    char *end = NULL;
    long v = text != NULL ? strtol(text, &end, 10) : dflt;
    return text != NULL && end != text && *end == '\0' && v >= least && v <= most ? (int32_t)v : dflt;
}

cd_err_t *conn_options(const cd_config_t *config, const char *host, int32_t port, const char *instance,
                       const char *user, const char *password, const char *database, conn_options_t *ret_options)
{
    conn_options_t o = {.host = host,
                        .port = port,
                        .instance = instance,
                        .user = user,
                        .password = password,
                        .database = database,
                        .login_timeout_s = 15,
                        .packet_size = 16000};
    o.port_given = cd_config_get(config, "database.port") != NULL;
    o.encrypt = truth(conf_driver(config, "encrypt"), true);
    o.trust = truth(conf_driver(config, "trustServerCertificate"), false);
    const char *intent = conf_driver(config, "applicationIntent");
    o.read_only = intent != NULL && strcmp(intent, "ReadOnly") == 0;
    o.certificate_host = conf_driver(config, "hostNameInCertificate");
    const char *app = conf_driver(config, "applicationName");
    o.application = app != NULL ? app : "connectd";
    o.login_timeout_s = option_int(config, "loginTimeout", 1, 65535, 15);
    o.packet_size = option_int(config, "packetSize", 512, 32767, 16000);
    const char *n = cd_config_get(config, "database.query.timeout.ms");
    o.query_timeout_ms = n != NULL ? strtoll(n, NULL, 10) : 600000;
    o.initial_statements = cd_config_get(config, "database.initial.statements");
    o.ca_file = conf_driver(config, "trustStore");
    if (o.encrypt && !o.trust && o.ca_file != NULL && !is_pem(o.ca_file)) {
        return cd_err_new(
            CD_ERR_CONFIG, CD_JVM_CONFIG,
            "database.trustStore '%s' is not a readable PEM file; export the certificates of the Java key "
            "store as PEM (keytool -exportcert -rfc) and name that file",
            o.ca_file);
    }
    *ret_options = o;
    return NULL;
}

/* A line break in a value would add lines to the file. */
static void conf_line(buf_t *b, const char *key, const char *value)
{
    buf_printf(b, "\t%s = ", key);
    for (; *value != '\0'; value++) {
        if ((unsigned char)*value >= ' ') buf_addn(b, value, 1);
    }
    buf_add(b, "\n");
}

static void conf_section(buf_t *b, const conn_options_t *o)
{
    conf_line(b, "host", o->host);
    bool browser = o->instance != NULL && *o->instance != '\0' && !o->port_given;
    if (browser) {
        conf_line(b, "instance", o->instance);
    } else {
        buf_printf(b, "\tport = %d\n", o->port);
    }
    conf_line(b, "tds version", "7.4");
    conf_line(b, "client charset", "UTF-8");
    conf_line(b, "encryption", o->encrypt ? "require" : "request");
    if (o->encrypt && !o->trust) {
        conf_line(b, "ca file", o->ca_file != NULL ? o->ca_file : "system");
        conf_line(b, "check certificate hostname", "yes");
        if (o->certificate_host != NULL) conf_line(b, "certificate hostname", o->certificate_host);
    }
    buf_printf(b, "\tconnect timeout = %d\n\tinitial block size = %d\n", o->login_timeout_s, o->packet_size);
}

static void reset_errors(conn_t *c)
{
    c->msg_number = 0;
    c->lib_error = 0;
    c->message[0] = '\0';
    c->timed_out = false;
    c->cancels = 0;
    c->deadline_ms = c->query_timeout_ms > 0 ? conn_now_ms() + c->query_timeout_ms : 0;
}

static cd_err_t *login_error(const conn_t *c, const conn_options_t *o)
{
    cd_err_t *err;
    if (cd_host->stopping(c->ctx)) return cd_err_new(CD_ERR_STOPPED, CD_JVM_CONNECT, "stopped while connecting");
    if (c->msg_number == 18456) {
        err = cd_err_new(CD_ERR_RETRIABLE, CONN_SQL_EXCEPTION, "%s Check database.user and database.password.",
                         c->message);
    } else if (c->msg_number == 4060) {
        err = cd_err_new(CD_ERR_RETRIABLE, CONN_SQL_EXCEPTION,
                         "%s Check database.names, and that the login '%s' is a user of that database.", c->message,
                         o->user != NULL ? o->user : "");
    } else if (c->msg_number != 0) {
        err = cd_err_new(CD_ERR_RETRIABLE, CONN_SQL_EXCEPTION, "%s", c->message);
    } else if (c->lib_error == SYBEUHST || c->lib_error == SYBECONN || c->lib_error == SYBESOCK ||
               c->lib_error == SYBETIME || c->lib_error == SYBEINTF) {
        err = reach_error(o->host, o->port, c->message);
    } else {
        err = cd_err_new(CD_ERR_RETRIABLE, CONN_SQL_EXCEPTION, "The login to %s, port %d has failed: %s.%s", o->host,
                         o->port, c->message[0] != '\0' ? c->message : "the server closed the connection",
                         o->encrypt ? " database.encrypt is true: if the server offers no TLS, set it to false; if its "
                                      "certificate is not trusted, set database.trustStore or "
                                      "database.trustServerCertificate"
                                    : " If the server requires TLS, set database.encrypt to true");
    }
    err->code = c->msg_number;
    return err;
}

static cd_err_t *run_initial(conn_t *c, const char *statements)
{
    buf_t sql = {0};
    cd_err_t *err = NULL;
    for (const char *p = statements; p != NULL && err == NULL; p++) {
        if (*p == ';' && p[1] == ';') {
            p++;
        } else if (*p == ';' || *p == '\0') {
            if (sql.len > 0) err = conn_exec(c, sql.p);
            buf_reset(&sql);
            if (*p == '\0') break;
            continue;
        }
        buf_addn(&sql, p, 1);
    }
    buf_done(&sql);
    return err;
}

cd_err_t *conn_open(cd_ctx_t *ctx, const conn_options_t *options, conn_t **ret_conn)
{
    (void)pthread_once(&library.once, library_init);
    if (!library.ready) return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "FreeTDS could not be initialised");
    bool browser = options->instance != NULL && *options->instance != '\0' && !options->port_given;
    cd_err_t *err =
        browser ? NULL : reach_check(ctx, options->host, options->port, (int64_t)options->login_timeout_s * 1000);
    if (err != NULL) return err;
    buf_t body = {0};
    char section[32];
    conf_section(&body, options);
    bool ok = section_ensure(body.p, section);
    buf_done(&body);
    if (!ok)
        return cd_err_new(CD_ERR_RETRIABLE, CD_JVM_CONNECT, "no room for the connection settings: %s", strerror(errno));
    conn_t *c = calloc(1, sizeof(*c));
    LOGINREC *login = dblogin();
    if (c == NULL || login == NULL) abort();
    c->ctx = ctx;
    c->query_timeout_ms = options->query_timeout_ms;
    if (options->user != NULL) (void)DBSETLUSER(login, options->user);
    if (options->password != NULL) (void)DBSETLPWD(login, options->password);
    if (options->database != NULL) (void)DBSETLDBNAME(login, options->database);
    (void)DBSETLAPP(login, options->application);
    (void)DBSETLCHARSET(login, "UTF-8");
    (void)DBSETLPACKET(login, options->packet_size);
    if (options->read_only) (void)DBSETLREADONLY(login, 1);
    (void)dbsetlversion(login, DBVERSION_74);
    reset_errors(c);
    opening = c;
    c->db = dbopen(login, section);
    opening = NULL;
    dbloginfree(login);
    if (c->db == NULL) {
        err = login_error(c, options);
    } else {
        dbsetuserdata(c->db, (BYTE *)c);
        dbsetinterrupt(c->db, check_interrupt, handle_interrupt);
        /* Without TEXTSIZE the server cuts long values at 4096 bytes. */
        err = conn_exec(c, "SET TEXTSIZE 2147483647;SET LOCK_TIMEOUT -1;");
        if (err == NULL) err = run_initial(c, options->initial_statements);
    }
    if (err != NULL) {
        conn_close(c);
        return err;
    }
    *ret_conn = c;
    return NULL;
}

void conn_close(conn_t *c)
{
    if (c == NULL) return;
    if (c->db != NULL) dbclose(c->db);
    free(c);
}

static cd_err_t *failed(conn_t *c, const char *doing)
{
    if (DBDEAD(c->db)) c->dead = true;
    if (c->stopped) {
        c->dead = true;
        return cd_err_new(CD_ERR_STOPPED, CD_JVM_CONNECT, "stopped while %s", doing);
    }
    cd_err_t *err;
    if (c->timed_out) {
        c->dead = true;
        err = cd_err_new(CD_ERR_RETRIABLE, CONN_SQL_EXCEPTION,
                         "The query has timed out after %lld ms. See database.query.timeout.ms.",
                         (long long)c->query_timeout_ms);
    } else {
        err = cd_err_new(CD_ERR_RETRIABLE, CONN_SQL_EXCEPTION, "%s",
                         c->message[0] != '\0' ? c->message : "The connection to the server was lost.");
    }
    err->code = c->msg_number;
    return err;
}

cd_err_t *conn_send(conn_t *c, const char *sql)
{
    if (c->dead) return cd_err_new(CD_ERR_RETRIABLE, CONN_SQL_EXCEPTION, "The connection is closed.");
    (void)dbcancel(c->db);
    reset_errors(c);
    dbfreebuf(c->db);
    if (dbcmd(c->db, sql) != SUCCEED || dbsqlsend(c->db) != SUCCEED || dbsqlok(c->db) != SUCCEED || c->msg_number != 0)
        return failed(c, "sending a statement");
    return NULL;
}

cd_err_t *conn_result(conn_t *c, bool *ret_open)
{
    for (;;) {
        RETCODE rc = dbresults(c->db);
        if (rc == NO_MORE_RESULTS) {
            *ret_open = false;
            return c->msg_number != 0 || c->stopped || c->timed_out ? failed(c, "reading a result") : NULL;
        }
        if (rc != SUCCEED || c->msg_number != 0) return failed(c, "reading a result");
        if (dbnumcols(c->db) > 0) {
            *ret_open = true;
            return NULL;
        }
    }
}

cd_err_t *conn_row(conn_t *c, bool *ret_row)
{
    RETCODE rc = dbnextrow(c->db);
    /* When the stream ends or is cancelled inside a row, the library reports that, and hands out the torn row as well. */
    if (CD_LIKELY(rc == REG_ROW && c->lib_error == 0 && !c->stopped && !c->timed_out)) {
        *ret_row = true;
        return NULL;
    }
    *ret_row = false;
    if (rc == NO_MORE_ROWS && c->msg_number == 0 && !c->stopped && !c->timed_out && !c->dead) return NULL;
    return failed(c, "reading rows");
}

cd_err_t *conn_query(conn_t *c, const char *sql)
{
    bool open = false;
    cd_err_t *err = conn_send(c, sql);
    if (err == NULL) err = conn_result(c, &open);
    if (err == NULL && !open)
        err = cd_err_new(CD_ERR_RETRIABLE, CONN_SQL_EXCEPTION, "The statement did not return a result set.");
    return err;
}

cd_err_t *conn_exec(conn_t *c, const char *sql)
{
    bool open = true;
    cd_err_t *err = conn_send(c, sql);
    while (err == NULL && open) {
        err = conn_result(c, &open);
        for (bool row = open; err == NULL && row;) err = conn_row(c, &row);
    }
    return err;
}

void conn_cancel(conn_t *c)
{
    if (c == NULL || c->dead) return;
    reset_errors(c);
    (void)dbcancel(c->db);
}

cd_err_t *conn_query_lsn(conn_t *c, const char *sql, lsn_t *ret_lsn)
{
    bool row = false;
    *ret_lsn = (lsn_t){.set = false};
    cd_err_t *err = conn_query(c, sql);
    if (err == NULL) err = conn_row(c, &row);
    if (err == NULL && row) *ret_lsn = conn_lsn(c, 1);
    while (err == NULL && row) err = conn_row(c, &row);
    return err;
}

char *conn_text(const conn_t *c, int col, cd_arena_t *arena)
{
    const BYTE *p = dbdata(c->db, col);
    if (p == NULL) return NULL;
    return cd_arena_strndup(arena, p, (size_t)dbdatlen(c->db, col));
}

int64_t conn_int(const conn_t *c, int col, int64_t null_value)
{
    const BYTE *p = dbdata(c->db, col);
    if (p == NULL) return null_value;
    switch (dbcoltype(c->db, col)) {
    case SYBINT1:
    case SYBBIT:
        return *p;
    case SYBINT2: {
        int16_t v;
        memcpy(&v, p, sizeof(v));
        return v;
    }
    case SYBINT4: {
        int32_t v;
        memcpy(&v, p, sizeof(v));
        return v;
    }
    case SYBINT8: {
        int64_t v;
        memcpy(&v, p, sizeof(v));
        return v;
    }
    default:
        return null_value;
    }
}

lsn_t conn_lsn(const conn_t *c, int col)
{
    return lsn_from_bytes(dbdata(c->db, col), (size_t)dbdatlen(c->db, col));
}
