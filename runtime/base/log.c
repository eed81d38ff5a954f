#include "runtime/base/log.h"

#include "runtime/base/clock.h"
#include "runtime/base/err_text.h"
#include "runtime/base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <strings.h>
#include <unistd.h>

typedef struct level_entry {
    char *logger;
    uint32_t level;
} level_entry_t;

/* See log.h for why this is process-wide. The lock guards the table; the floor is read without it on every call, so a
 * stale value costs at most one line more or less while a level is being changed. */
static struct {
    pthread_rwlock_t lock;
    level_entry_t *entries;
    size_t n, cap;
    uint32_t root, floor;
    int fd;
} the_log = {.lock = PTHREAD_RWLOCK_INITIALIZER, .root = CD_LOG_INFO, .floor = CD_LOG_INFO, .fd = STDOUT_FILENO};

static const char *const level_names[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR"};

bool log_level_parse(const char *text, uint32_t *ret_level)
{
    static const struct {
        const char *name;
        uint32_t level;
    } names[] = {{"ALL", CD_LOG_TRACE}, {"TRACE", CD_LOG_TRACE}, {"DEBUG", CD_LOG_DEBUG}, {"INFO", CD_LOG_INFO},
                 {"WARN", CD_LOG_WARN}, {"ERROR", CD_LOG_ERROR}, {"FATAL", CD_LOG_ERROR}, {"OFF", LOG_OFF}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(text, names[i].name) == 0) {
            *ret_level = names[i].level;
            return true;
        }
    }
    return false;
}

const char *log_level_name(uint32_t level)
{
    return level <= CD_LOG_ERROR ? level_names[level] : "OFF";
}

static bool is_root(const char *logger)
{
    return logger[0] == '\0' || strcmp(logger, "root") == 0;
}

void log_set_level(const char *logger, uint32_t level)
{
    (void)pthread_rwlock_wrlock(&the_log.lock);
    if (is_root(logger)) {
        the_log.root = level;
    } else {
        size_t i = 0;
        while (i < the_log.n && strcmp(the_log.entries[i].logger, logger) != 0) i++;
        if (i == the_log.n) {
            mem_grow(the_log.entries, the_log.n, the_log.cap);
            the_log.entries[the_log.n++].logger = mem_strdup(logger);
        }
        the_log.entries[i].level = level;
    }
    uint32_t least = the_log.root;
    for (size_t i = 0; i < the_log.n; i++)
        if (the_log.entries[i].level < least) least = the_log.entries[i].level;
    __atomic_store_n(&the_log.floor, least, __ATOMIC_RELAXED);
    (void)pthread_rwlock_unlock(&the_log.lock);
}

uint32_t log_get_level(const char *logger)
{
    (void)pthread_rwlock_rdlock(&the_log.lock);
    uint32_t level = the_log.root;
    size_t best = 0;
    for (size_t i = 0; i < the_log.n; i++) {
        size_t n = strlen(the_log.entries[i].logger);
        if (n < best || strncmp(logger, the_log.entries[i].logger, n) != 0) continue;
        if (logger[n] != '\0' && logger[n] != '.' && logger[n] != '$') continue;
        best = n;
        level = the_log.entries[i].level;
    }
    (void)pthread_rwlock_unlock(&the_log.lock);
    return level;
}

bool log_on(uint32_t level, const char *logger)
{
    if (level < __atomic_load_n(&the_log.floor, __ATOMIC_RELAXED)) return false;
    uint32_t least = log_get_level(logger);
    return least != LOG_OFF && level >= least;
}

void log_each_level(void (*each)(void *arg, const char *logger, uint32_t level), void *arg)
{
    (void)pthread_rwlock_rdlock(&the_log.lock);
    each(arg, "root", the_log.root);
    for (size_t i = 0; i < the_log.n; i++) each(arg, the_log.entries[i].logger, the_log.entries[i].level);
    (void)pthread_rwlock_unlock(&the_log.lock);
}

static void write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t w = write(fd, p, n);
        if (w < 0 && errno == EINTR) continue;
        if (w <= 0) return; /* there is nowhere to report a log that cannot be written */
        p += w;
        n -= (size_t)w;
    }
}

void log_vwrite(uint32_t level, const char *logger, const char *context, const char *fmt, va_list args)
{
    if (!log_on(level, logger)) return;
    int64_t now = clock_wall_ms();
    time_t secs = (time_t)(now / 1000);
    struct tm tm;
    char stamp[32];
    if (localtime_r(&secs, &tm) == NULL || strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S", &tm) == 0)
        stamp[0] = '\0';
    strbuf_t line = {0};
    strbuf_addf(&line, "[%s,%03d] %s %s", stamp, (int)(now % 1000), log_level_name(level),
                context != NULL ? context : "");
    strbuf_vaddf(&line, fmt, args);
    strbuf_addf(&line, " (%s)\n", logger);
    write_all(the_log.fd, line.data, line.len);
    strbuf_done(&line);
}

void log_write(uint32_t level, const char *logger, const char *context, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_vwrite(level, logger, context, fmt, args);
    va_end(args);
}

void log_err(uint32_t level, const char *logger, const char *context, const char *what, const cd_err_t *err)
{
    if (!log_on(level, logger)) return;
    strbuf_t text = {0};
    err_text_line(err, &text);
    log_write(level, logger, context, "%s: %s", what, strbuf_str(&text));
    strbuf_done(&text);
}

void log_set_fd(int fd)
{
    the_log.fd = fd;
}

void log_done(void)
{
    (void)pthread_rwlock_wrlock(&the_log.lock);
    for (size_t i = 0; i < the_log.n; i++) free(the_log.entries[i].logger);
    free(the_log.entries);
    the_log.entries = NULL;
    the_log.n = the_log.cap = 0;
    the_log.root = the_log.floor = CD_LOG_INFO;
    (void)pthread_rwlock_unlock(&the_log.lock);
}
