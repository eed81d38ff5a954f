/* main.c: the command line of sqlserver-sim: options, start, stop. See README.md. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine.h"
#include "wire/listener.h"
#include "wire/log.h"
#include "wire/tls.h"

enum { PASSWORD_MAX = 128, LOBBY = 20000, SESSIONS = 2000, LOGINS = 256, LOGIN_TIMEOUT_MS = 15000 };

typedef struct options {
    sim_config_t sim;
    const char *listen, *port_file, *cert, *key;
    char password[PASSWORD_MAX * 4 + 2];
    bool has_password, help;
    tls_policy_t tls;
    log_level_t log_level;
    int login_timeout_ms;
    listener_limits_t limits;
} options_t;

enum option_id {
    OPT_DATA = 1,
    OPT_LISTEN,
    OPT_PORT_FILE,
    OPT_PASSWORD,
    OPT_PASSWORD_FILE,
    OPT_TLS,
    OPT_CERT,
    OPT_KEY,
    OPT_LOG_LEVEL,
    OPT_NAME,
    OPT_PRODUCT,
    OPT_CAPTURE,
    OPT_WAKE,
    OPT_IDLE,
    OPT_UTC,
    OPT_SEED,
    OPT_SESSIONS,
    OPT_LOGIN_TIMEOUT,
    OPT_HELP,
};

typedef struct option_row {
    const char *name, *value; /* value: what the usage text calls it, NULL = a flag */
    enum option_id id;
    const char *text;
} option_row_t;

static const option_row_t rows[] = {
    {"data", "DIR", OPT_DATA, "where databases are kept; created when missing (required)"},
    {"listen", "HOST:PORT", OPT_LISTEN, "address; port 0 picks a free one (127.0.0.1:1433)"},
    {"port-file", "FILE", OPT_PORT_FILE, "write the port there once connections are accepted"},
    {"sa-password", "PW", OPT_PASSWORD, "password of login sa; better in a file or in MSSQL_SA_PASSWORD"},
    {"sa-password-file", "FILE", OPT_PASSWORD_FILE, "first line is the password of login sa"},
    {"tls", "off|on|required", OPT_TLS, "encryption offered to clients (on)"},
    {"cert", "FILE", OPT_CERT, "PEM certificate chain; without it a self-signed certificate is made"},
    {"key", "FILE", OPT_KEY, "PEM private key of --cert"},
    {"log-level", "error|warn|info|debug", OPT_LOG_LEVEL, "what goes to stderr (info)"},
    {"server-name", "NAME", OPT_NAME, "what @@SERVERNAME says"},
    {"product", "2019|2022", OPT_PRODUCT, "version that is imitated (2019)"},
    {"capture-poll-ms", "MS", OPT_CAPTURE, "interval of the CDC capture scan"},
    {"wake-on-commit", NULL, OPT_WAKE, "scan right after each commit that has changes"},
    {"idle-mapping-ms", "MS", OPT_IDLE, "dummy lsn_time_mapping rows while idle; 0 = never"},
    {"utc-offset-min", "MIN", OPT_UTC, "time zone of the server"},
    {"seed", "N", OPT_SEED, "seed of NEWID and RAND"},
    {"max-sessions", "N", OPT_SESSIONS, "logged-in connections (2000)"},
    {"login-timeout-ms", "MS", OPT_LOGIN_TIMEOUT, "time from connect to login (15000)"},
    {"help", NULL, OPT_HELP, "this text"},
};
enum { NROWS = sizeof(rows) / sizeof(rows[0]) };

static void usage(FILE *to)
{
    fprintf(to, "usage: sqlserver-sim --data DIR [options]\n");
    for (size_t i = 0; i < NROWS; i++) {
        char left[64];
        snprintf(left, sizeof(left), "--%s %s", rows[i].name, rows[i].value == NULL ? "" : rows[i].value);
        fprintf(to, "  %-36s %s\n", left, rows[i].text);
    }
}

static bool set_password(options_t *o, const char *text, size_t len)
{
    if (len == 0 || len >= sizeof(o->password)) return false;
    memcpy(o->password, text, len);
    o->password[len] = '\0';
    return o->has_password = true;
}

static bool read_password(options_t *o, const char *path)
{
    char line[sizeof(o->password) + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
    if (fd >= 0) close(fd);
    if (n < 0) {
        fprintf(stderr, "sqlserver-sim: cannot read password file '%s': %s\n", path, strerror(errno));
        return false;
    }
    line[n] = '\0';
    bool ok = set_password(o, line, strcspn(line, "\r\n"));
    explicit_bzero(line, sizeof(line));
    return ok;
}

static bool parse_number(const char *text, long min, long max, long *ret_number)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || n < min || n > max) return false;
    *ret_number = n;
    return true;
}

/* Index of text among the names, -1 = none of them. */
static int parse_choice(const char *text, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(text, names[i]) == 0) return i;
    return -1;
}

static bool set_option(options_t *o, enum option_id id, char *value)
{
    static const char *const tls[] = {"off", "on", "required"}, *const levels[] = {"error", "warn", "info", "debug"};
    long n = 0;
    int choice;
    bool ok = true;
    switch (id) {
    case OPT_DATA:
        o->sim.data_dir = value;
        break;
    case OPT_LISTEN:
        o->listen = value;
        break;
    case OPT_PORT_FILE:
        o->port_file = value;
        break;
    case OPT_PASSWORD:
        ok = set_password(o, value, strlen(value));
        explicit_bzero(value, strlen(value)); /* out of sight of ps */
        break;
    case OPT_PASSWORD_FILE:
        ok = read_password(o, value);
        break;
    case OPT_TLS:
        choice = parse_choice(value, tls, 3);
        ok = choice >= 0;
        o->tls = ok ? (tls_policy_t)choice : o->tls;
        break;
    case OPT_CERT:
        o->cert = value;
        break;
    case OPT_KEY:
        o->key = value;
        break;
    case OPT_LOG_LEVEL:
        choice = parse_choice(value, levels, 4);
        ok = choice >= 0;
        o->log_level = ok ? (log_level_t)choice : o->log_level;
        break;
    case OPT_NAME:
        o->sim.server_name = value;
        break;
    case OPT_PRODUCT:
        ok = strcmp(value, "2019") == 0 || strcmp(value, "2022") == 0;
        o->sim.product_major = strcmp(value, "2022") == 0 ? 16 : 15;
        break;
    case OPT_CAPTURE:
        ok = parse_number(value, 1, 3600000, &n);
        o->sim.capture_poll_ms = (int)n;
        break;
    case OPT_WAKE:
        o->sim.wake_on_commit = true;
        break;
    case OPT_IDLE:
        ok = parse_number(value, 0, 86400000, &n);
        o->sim.idle_mapping_ms = (int)n;
        break;
    case OPT_UTC:
        ok = parse_number(value, -840, 840, &n);
        o->sim.utc_offset_min = (int)n;
        break;
    case OPT_SEED:
        ok = parse_number(value, 0, INT64_MAX, &n);
        o->sim.seed = (uint64_t)n;
        break;
    case OPT_SESSIONS:
        ok = parse_number(value, 1, 100000, &n);
        o->limits.sessions = (unsigned)n;
        break;
    case OPT_LOGIN_TIMEOUT:
        ok = parse_number(value, 100, 3600000, &n);
        o->login_timeout_ms = (int)n;
        break;
    case OPT_HELP:
        o->help = true;
        break;
    }
    return ok;
}

static bool parse_options(options_t *o, int argc, char **argv)
{
    struct option longs[NROWS + 1];
    memset(longs, 0, sizeof(longs));
    for (size_t i = 0; i < NROWS; i++)
        longs[i] = (struct option){.name = rows[i].name,
                                   .has_arg = rows[i].value == NULL ? no_argument : required_argument,
                                   .val = (int)rows[i].id};
    int id, index = 0;
    while ((id = getopt_long(argc, argv, "", longs, &index)) != -1) {
        if (id == '?') return false;
        if (!set_option(o, (enum option_id)id, optarg)) {
            fprintf(stderr, "sqlserver-sim: bad value for --%s\n", longs[index].name);
            return false;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "sqlserver-sim: unexpected argument '%s'\n", argv[optind]);
        return false;
    }
    return true;
}

/* Answers true when the options make a server. */
static bool check_options(options_t *o)
{
    static const char *const variables[] = {"MSSQL_SA_PASSWORD", "SA_PASSWORD"};
    for (size_t i = 0; i < 2 && !o->has_password; i++) {
        const char *value = getenv(variables[i]);
        if (value != NULL) (void)set_password(o, value, strlen(value));
    }
    const char *problem = NULL;
    if (o->sim.data_dir == NULL)
        problem = "--data is missing";
    else if (!o->has_password)
        problem = "no password for sa: use --sa-password-file or MSSQL_SA_PASSWORD";
    else if ((o->cert == NULL) != (o->key == NULL))
        problem = "--cert and --key belong together";
    if (problem != NULL) fprintf(stderr, "sqlserver-sim: %s\n", problem);
    return problem == NULL;
}

/* Readers poll for this file, so it must appear with its contents. */
static bool write_port_file(const char *path, int port)
{
    char *temp = NULL;
    if (asprintf(&temp, "%s.new", path) < 0) return false;
    FILE *file = fopen(temp, "w");
    bool ok = file != NULL && fprintf(file, "%d\n", port) > 0;
    if (file != NULL && fclose(file) != 0) ok = false;
    ok = ok && rename(temp, path) == 0;
    free(temp);
    return ok;
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max > 1 << 20 ? 1 << 20 : limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void stop_signals(sigset_t *ret_set)
{
    sigemptyset(ret_set);
    sigaddset(ret_set, SIGINT);
    sigaddset(ret_set, SIGTERM);
}

static void *signal_main(void *arg)
{
    sigset_t set;
    int number;
    stop_signals(&set);
    if (sigwait(&set, &number) == 0) listener_stop(arg);
    return NULL;
}

static int fail(const logger_t *logger, char *text)
{
    log_write(logger, LOG_ERROR, "%s", text == NULL ? "out of memory" : text);
    free(text);
    return 1;
}

static int serve(options_t *o, const logger_t *logger)
{
    int code = 1;
    char *error = NULL;
    listener_t *listener = NULL;
    wire_config_t config = {.logger = logger, .tls_policy = o->tls, .login_timeout_ms = o->login_timeout_ms};
    pthread_t signals;
    o->sim.sa_password = o->password;
    if (o->tls != TLS_POLICY_OFF && (config.tls = tls_context_new(o->cert, o->key, &error)) == NULL) {
        fail(logger, error);
        goto out;
    }
    if ((config.server = sim_server_new(&o->sim, &error)) == NULL) {
        fail(logger, error);
        goto out;
    }
    if ((listener = listener_new(&config, &o->limits, o->listen, &error)) == NULL) {
        fail(logger, error);
        goto out;
    }
    if (o->port_file != NULL && !write_port_file(o->port_file, listener_port(listener))) {
        log_write(logger, LOG_ERROR, "cannot write port file '%s': %s", o->port_file, strerror(errno));
        goto out;
    }
    if (pthread_create(&signals, NULL, signal_main, listener) != 0) goto out;
    log_write(logger, LOG_INFO, "listening on port %d", listener_port(listener));
    listener_run(listener);
    pthread_join(signals, NULL);
    log_write(logger, LOG_INFO, "stopped");
    code = 0;
out:
    listener_free(listener);
    sim_server_free(config.server);
    SSL_CTX_free(config.tls);
    return code;
}

int main(int argc, char **argv)
{
    options_t o = {
        .listen = "127.0.0.1:1433",
        .tls = TLS_POLICY_ON,
        .log_level = LOG_INFO,
        .login_timeout_ms = LOGIN_TIMEOUT_MS,
        .limits = {.sessions = SESSIONS, .logins = LOGINS, .lobby = LOBBY},
    };
    sim_config_init(&o.sim);
    if (!parse_options(&o, argc, argv)) {
        usage(stderr);
        return 2;
    }
    if (o.help) {
        usage(stdout);
        return 0;
    }
    if (!check_options(&o)) return 2;
    logger_t logger = {.level = o.log_level};
    sigset_t set;
    stop_signals(&set);
    signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* inherited by every thread; one of them waits for these */
    raise_descriptor_limit();
    int code = serve(&o, &logger);
    explicit_bzero(o.password, sizeof(o.password));
    return code;
}
