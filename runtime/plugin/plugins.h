/* plugin/plugins.h: every plugin the worker knows, by kind and class name: the built-in tables and loaded modules.
 *
 * Threads    filled by main before any other thread starts, read-only afterwards: lookups from any thread, no locks.
 * Ownership  plugins, names and descriptions are borrowed and live as long as the registry.
 * Errors     a module that cannot be used is described by an error that names file, field, both values and a remedy;
 *            scanning logs it and goes on without the module. */
#ifndef RUNTIME_PLUGIN_PLUGINS_H
#define RUNTIME_PLUGIN_PLUGINS_H

#include "plugins/api/connectd_plugin.h"

typedef struct plugins plugins_t;

/** What REST lists about one plugin. */
typedef struct plugin_desc {
    const cd_plugin_t *plugin;
    const char *class_name; /* the JVM name */
    const char *type;       /* source, sink, converter, header_converter, transformation, predicate, configprovider */
    const char *version;
    const char *location; /* file of the module, or "built-in" */
} plugin_desc_t;

plugins_t *plugins_new(void);
void plugins_free(plugins_t *p); /* NULL is fine; modules stay mapped: their code may be on a stack that is abandoned */

/** Register a NULL-terminated table of the worker's own plugins (cd_builtin_converters and so on). */
void plugins_add_builtin(plugins_t *p, const cd_plugin_t *const *table);

/** Load one module and register its plugins. @return NULL, or why the file was refused (nothing registered). */
CD_CHECK cd_err_t *plugins_load(plugins_t *p, const char *file);

/** Load all *.so directly in `dir` and one folder below it, sorted by name. Java archives and files that are refused
 *  are logged and skipped; a folder that does not exist is logged once. @return number of modules loaded */
uint32_t plugins_scan(plugins_t *p, const char *dir);

/** Scan each folder of a comma separated list (plugin.path). */
uint32_t plugins_scan_path(plugins_t *p, const char *plugin_path);

/** Find by full class name, simple class name, or simple name without the kind's suffix ("SqlServer" for
 *  SqlServerConnector). A short form that fits more than one class fits none. @return NULL when unknown */
const cd_plugin_t *plugins_find(const plugins_t *p, uint32_t kind, const char *name);

/** The same over both connector kinds. */
const cd_plugin_t *plugins_find_connector(const plugins_t *p, const char *name);

/** What is said when plugins_find_connector found none: the name, and every connector there is. Config error, code 0. */
cd_err_t *plugins_no_connector(const plugins_t *p, const char *name);

/** Listing, sorted by type as Connect does (connectors first), then class name. */
uint32_t plugins_count(const plugins_t *p);
const plugin_desc_t *plugins_at(const plugins_t *p, uint32_t i);
/** Description of a plugin of this registry; NULL when it is none of ours. */
const plugin_desc_t *plugins_desc(const plugins_t *p, const cd_plugin_t *plugin);

#endif
