/* Records of the three internal topics and of the offset file, as anybody may have written them.
 * Input: lines "key TAB value"; a line without a TAB is a key with a null value. */
#include "runtime/base/log.h"
#include "runtime/store/config_state.h"
#include "runtime/store/java_map.h"
#include "runtime/store/offset_map.h"
#include "runtime/store/status_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct stores {
    config_state_t *config;
    status_map_t *status;
    offset_map_t *offsets;
    int64_t offset;
} stores_t;

static void apply(stores_t *s, cd_bytes_t key, cd_bytes_t value)
{
    config_event_t ev;
    config_state_apply(s->config, s->offset, key, value, &ev);
    status_map_apply(s->status, key, value);
    offset_map_apply(s->offsets, key, value, s->offset);
    s->offset++;
}

static void check(const stores_t *s)
{
    for (uint32_t i = 0; i < config_state_count(s->config); i++) {
        const config_connector_t *c = config_state_at(s->config, i);
        if (config_state_find(s->config, c->name) != c) abort();
        uint32_t tasks = config_connector_tasks(c);
        if (tasks > 0 && (!c->exists || config_connector_task(c, (int32_t)tasks - 1) == NULL)) abort();
    }
    for (uint32_t i = 0; i < status_map_count(s->status); i++)
        if (status_map_find(s->status, status_map_at(s->status, i)->name) != status_map_at(s->status, i)) abort();
}

static void read_file(const uint8_t *data, size_t size)
{
    cd_arena_t arena = {0};
    java_entry_t *entries;
    uint32_t n;
    cd_err_t *err = java_map_read((cd_bytes_t){.ptr = data, .len = (uint32_t)size}, &arena, &entries, &n);
    if (err == NULL) {
        strbuf_t out = {0};
        java_map_write(entries, n, &out);
        strbuf_done(&out);
    }
    cd_err_free(err);
    cd_arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > (1u << 20)) return 0;
    log_set_level("root", LOG_OFF);
    stores_t s = {.config = config_state_new(), .status = status_map_new(), .offsets = offset_map_new(), .offset = 0};
    config_state_started(s.config);
    const uint8_t *at = data, *end = data + size;
    while (at < end) {
        const uint8_t *eol = memchr(at, '\n', (size_t)(end - at));
        if (eol == NULL) eol = end;
        const uint8_t *tab = memchr(at, '\t', (size_t)(eol - at));
        cd_bytes_t key = {.ptr = at, .len = (uint32_t)((tab == NULL ? eol : tab) - at)}, value = {0};
        if (tab != NULL) value = (cd_bytes_t){.ptr = tab + 1, .len = (uint32_t)(eol - tab - 1)};
        apply(&s, key, value);
        at = eol < end ? eol + 1 : end;
    }
    check(&s);
    config_state_free(s.config);
    status_map_free(s.status);
    offset_map_free(s.offsets);
    read_file(data, size);
    return 0;
}
