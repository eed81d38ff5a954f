#include "runtime/plugin/plugins.h"

#include "runtime/base/log.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/base/strbuf.h"
#include "runtime/plugin/ctx.h"
#include "runtime/plugin/module_check.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <sys/stat.h>

#define LOGGER "org.apache.kafka.connect.runtime.isolation.PluginScanner"

typedef struct known {
    plugin_desc_t desc;
    char *location;
} known_t;

struct plugins {
    known_t *items; /* sorted by type rank, then class name */
    uint32_t n, cap;
};

plugins_t *plugins_new(void)
{
    return mem_new0(plugins_t);
}

void plugins_free(plugins_t *p)
{
    if (p == NULL) return;
    for (uint32_t i = 0; i < p->n; i++) free(p->items[i].location);
    free(p->items);
    free(p);
}

static const char *type_of(uint32_t kind)
{
    static const char *const names[] = {
        "", "source", "sink", "converter", "header_converter", "transformation", "predicate", "configprovider"};
    return kind <= CD_KIND_CONFIG_PROVIDER ? names[kind] : "";
}

/* Connect lists sinks before sources, then the rest in this order. */
static int rank_of(uint32_t kind)
{
    static const int ranks[] = {9, 1, 0, 2, 3, 4, 5, 6};
    return kind <= CD_KIND_CONFIG_PROVIDER ? ranks[kind] : 9;
}

static int known_cmp(const void *a, const void *b)
{
    const cd_plugin_t *x = ((const known_t *)a)->desc.plugin, *y = ((const known_t *)b)->desc.plugin;
    int d = rank_of(x->kind) - rank_of(y->kind);
    return d != 0 ? d : strcmp(x->jvm_class, y->jvm_class);
}

static const known_t *find_class(const plugins_t *p, uint32_t kind, const char *jvm_class)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (p->items[i].desc.plugin->kind == kind && strcmp(p->items[i].desc.class_name, jvm_class) == 0)
            return &p->items[i];
    return NULL;
}

static void add(plugins_t *p, const cd_plugin_t *plugin, const char *location)
{
    const known_t *there = find_class(p, plugin->kind, plugin->jvm_class);
    if (there != NULL && there->desc.plugin == plugin) return; /* the same folder named twice */
    if (there != NULL) {
        log_write(CD_LOG_WARN, LOGGER, NULL, "%s in %s is ignored: %s has a plugin of that name already",
                  plugin->jvm_class, location, there->location);
        return;
    }
    mem_grow(p->items, p->n, p->cap);
    known_t *k = &p->items[p->n++];
    k->location = mem_strdup(location);
    k->desc = (plugin_desc_t){.plugin = plugin,
                              .class_name = plugin->jvm_class,
                              .type = type_of(plugin->kind),
                              .version = plugin->version,
                              .location = k->location};
    log_write(CD_LOG_INFO, LOGGER, NULL, "Added plugin '%s' (%s %s, %s)", plugin->jvm_class, type_of(plugin->kind),
              plugin->version, location);
    qsort(p->items, p->n, sizeof(*p->items), known_cmp);
}

void plugins_add_builtin(plugins_t *p, const cd_plugin_t *const *table)
{
    for (; *table != NULL; table++) add(p, *table, "built-in");
}

cd_err_t *plugins_load(plugins_t *p, const char *file)
{
    /* Local symbols, so that two modules never bind to each other; all bound now, so that a missing one is found here
     * and not in the middle of a poll. */
    void *so = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (so == NULL) {
        const char *why = dlerror();
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT,
                          "%s cannot be loaded: %s. Install the library that it names, or rebuild the plugin.", file,
                          why != NULL ? why : "unknown reason");
    }
    cd_err_t *err = NULL;
    const cd_module_t *module = NULL;
    union {
        void *object;
        const cd_module_t *(*call)(void);
    } entry = {.object = dlsym(so, "cd_module_entry")};
    if (entry.object == NULL)
        err = cd_err_new(
            CD_ERR_FATAL, CD_JVM_CONNECT,
            "%s is no connectd plugin: it does not export cd_module_entry. Remove it from the plugin folder.", file);
    if (err == NULL) {
        module = entry.call();
        err = module_check(file, module);
    }
    if (err == NULL) {
        err = module->init(host_table());
        if (err != NULL)
            err = cd_err_wrap(err, CD_ERR_FATAL, CD_JVM_CONNECT, "%s: module '%s' refused this worker", file,
                              module->name);
    }
    if (err != NULL) {
        (void)dlclose(so);
        return err;
    }
    /* The handle is kept on purpose: see plugins_free. */
    for (const cd_plugin_t *const *at = module->plugins; *at != NULL; at++) add(p, *at, file);
    return NULL;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static uint32_t scan(plugins_t *p, const char *dir, int depth)
{
    struct dirent **names = NULL;
    uint32_t loaded = 0, archives = 0;
    int n = scandir(dir, &names, NULL, by_name);
    if (n < 0) {
        log_write(CD_LOG_WARN, LOGGER, NULL, "Could not get listing for plugin path: %s. Ignoring. (%s)", dir,
                  strerrordesc_np(errno));
        return 0;
    }
    for (int i = 0; i < n; i++) {
        const char *name = names[i]->d_name;
        cd_arena_t arena = {0};
        char *path = cd_arena_printf(&arena, "%s/%s", dir, name);
        struct stat st;
        if (name[0] != '.' && stat(path, &st) == 0) {
            if (S_ISDIR(st.st_mode)) {
                if (depth < 2) loaded += scan(p, path, depth + 1);
            } else if (str_ends(name, ".so")) {
                cd_err_t *err = plugins_load(p, path);
                if (err == NULL)
                    loaded++;
                else
                    log_err(CD_LOG_ERROR, LOGGER, NULL, "Skipping a plugin", err);
                cd_err_free(err);
            } else if (str_ends(name, ".jar") || str_ends(name, ".zip")) {
                archives++;
            }
        }
        cd_arena_done(&arena);
        free(names[i]);
    }
    free(names);
    if (archives > 0)
        log_write(CD_LOG_INFO, LOGGER, NULL,
                  "Skipping %u Java archive(s) in %s: this worker runs native plugins and finds its own by class name",
                  archives, dir);
    return loaded;
}

uint32_t plugins_scan(plugins_t *p, const char *dir)
{
    return scan(p, dir, 0);
}

uint32_t plugins_scan_path(plugins_t *p, const char *plugin_path)
{
    cd_arena_t arena = {0};
    uint32_t loaded = 0;
    cd_list_t dirs = str_split_list(plugin_path, &arena);
    for (uint32_t i = 0; i < dirs.n; i++)
        if (dirs.items[i][0] != '\0') loaded += plugins_scan(p, dirs.items[i]);
    cd_arena_done(&arena);
    return loaded;
}

/* ---- Names ---- */

/** What a short name drops from the end of the simple class name. */
static const char *suffix_of(uint32_t kind)
{
    switch (kind) {
    case CD_KIND_SOURCE:
    case CD_KIND_SINK:
        return "Connector";
    case CD_KIND_CONVERTER:
        return "Converter";
    case CD_KIND_HEADER_CONVERTER:
        return "HeaderConverter";
    case CD_KIND_TRANSFORM:
        return "Transformation";
    case CD_KIND_PREDICATE:
        return "Predicate";
    default:
        return "";
    }
}

static bool fits_short(const cd_plugin_t *plugin, const char *jvm_class, const char *name)
{
    const char *simple = jvm_class, *suffix = suffix_of(plugin->kind);
    for (const char *s = jvm_class; *s != '\0'; s++)
        if (*s == '.' || *s == '$') simple = s + 1; /* Class.getSimpleName of a nested class is its own name alone */
    if (strcmp(simple, name) == 0) return true;
    size_t n = strlen(simple), m = strlen(suffix);
    return m > 0 && n > m && strcmp(simple + n - m, suffix) == 0 && strlen(name) == n - m &&
           memcmp(simple, name, n - m) == 0;
}

static bool fits_full(const cd_plugin_t *plugin, const char *name)
{
    if (strcmp(plugin->jvm_class, name) == 0) return true;
    for (const char *const *a = plugin->aliases; a != NULL && *a != NULL; a++)
        if (strcmp(*a, name) == 0) return true;
    return false;
}

static const cd_plugin_t *find(const plugins_t *p, uint32_t kind, uint32_t other_kind, const char *name)
{
    const cd_plugin_t *found = NULL;
    for (uint32_t i = 0; i < p->n; i++) {
        const cd_plugin_t *plugin = p->items[i].desc.plugin;
        if ((plugin->kind == kind || plugin->kind == other_kind) && fits_full(plugin, name)) return plugin;
    }
    for (uint32_t i = 0; i < p->n; i++) {
        const cd_plugin_t *plugin = p->items[i].desc.plugin;
        if (plugin->kind != kind && plugin->kind != other_kind) continue;
        bool fits = fits_short(plugin, plugin->jvm_class, name);
        for (const char *const *a = plugin->aliases; a != NULL && *a != NULL; a++)
            fits = fits || fits_short(plugin, *a, name);
        if (!fits) continue;
        if (found != NULL) return NULL;
        found = plugin;
    }
    return found;
}

const cd_plugin_t *plugins_find(const plugins_t *p, uint32_t kind, const char *name)
{
    return find(p, kind, kind, name);
}

const cd_plugin_t *plugins_find_connector(const plugins_t *p, const char *name)
{
    return find(p, CD_KIND_SOURCE, CD_KIND_SINK, name);
}

cd_err_t *plugins_no_connector(const plugins_t *p, const char *name)
{
    strbuf_t known = {0};
    for (uint32_t i = 0; i < p->n; i++) {
        const plugin_desc_t *d = &p->items[i].desc;
        if (d->plugin->kind != CD_KIND_SOURCE && d->plugin->kind != CD_KIND_SINK) continue;
        strbuf_addf(&known,
                    "%sPluginDesc{klass=class %s, name='%s', version='%s', encodedVersion=%s, type=%s, typeName='%s', "
                    "location='%s'}",
                    known.len > 0 ? ", " : "", d->class_name, d->class_name, d->version, d->version, d->type, d->type,
                    d->location);
    }
    cd_err_t *err =
        cd_err_new(CD_ERR_CONFIG, CD_JVM_CONNECT,
                   "Failed to find any class that implements Connector and which name matches %s, available "
                   "connectors are: %s",
                   name, strbuf_str(&known));
    strbuf_done(&known);
    return err;
}

uint32_t plugins_count(const plugins_t *p)
{
    return p->n;
}

const plugin_desc_t *plugins_at(const plugins_t *p, uint32_t i)
{
    return &p->items[i].desc;
}

const plugin_desc_t *plugins_desc(const plugins_t *p, const cd_plugin_t *plugin)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (p->items[i].desc.plugin == plugin) return &p->items[i].desc;
    return NULL;
}
