#include "runtime/plugin/module_check.h"

/* The structs as the first release of this major version had them: what a module is allowed to be short of is only
 * what was appended since. */
#define MODULE_SIZE_V1 sizeof(cd_module_t)
#define PLUGIN_SIZE_V1 sizeof(cd_plugin_t)
#define KEY_STRIDE_V1  sizeof(cd_key_t)
#define STRIDE_MAX     4096u

static cd_err_t *refuse(const char *file, const char *field, uint64_t theirs, uint64_t ours, const char *remedy)
{
    return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT,
                      "%s is refused: its %s is %llu (0x%llx), this worker has %llu (0x%llx). %s", file, field,
                      (unsigned long long)theirs, (unsigned long long)theirs, (unsigned long long)ours,
                      (unsigned long long)ours, remedy);
}

static cd_err_t *incomplete(const char *file, const char *what)
{
    return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "%s is refused: %s. This is a bug of the plugin: ask its maker.",
                      file, what);
}

#define REBUILD "Rebuild the plugin against this worker's connectd_plugin.h."

/** First 4 bytes of every ops struct are its size; the size that the callbacks every worker calls need. */
static size_t ops_size_v1(uint32_t kind)
{
    switch (kind) {
    case CD_KIND_SOURCE:
        return sizeof(cd_source_ops_t);
    case CD_KIND_SINK:
        return sizeof(cd_sink_ops_t);
    case CD_KIND_CONVERTER:
        return sizeof(cd_converter_ops_t);
    case CD_KIND_HEADER_CONVERTER:
        return sizeof(cd_header_converter_ops_t);
    case CD_KIND_TRANSFORM:
        return sizeof(cd_transform_ops_t);
    case CD_KIND_PREDICATE:
        return sizeof(cd_predicate_ops_t);
    case CD_KIND_CONFIG_PROVIDER:
        return sizeof(cd_config_provider_ops_t);
    default:
        return 0;
    }
}

/** The first callback that must exist and does not, or NULL. */
static const char *ops_missing(const cd_plugin_t *p)
{
#define NEED(callback)                                                                                                 \
    if (o->callback == NULL) return #callback
    switch (p->kind) {
    case CD_KIND_SOURCE: {
        const cd_source_ops_t *o = p->ops;
        NEED(connector.start);
        NEED(connector.task_configs);
        NEED(connector.stop);
        NEED(task_start);
        NEED(poll);
        NEED(task_stop);
        break;
    }
    case CD_KIND_SINK: {
        const cd_sink_ops_t *o = p->ops;
        NEED(connector.start);
        NEED(connector.task_configs);
        NEED(connector.stop);
        NEED(task_start);
        NEED(put);
        NEED(task_stop);
        break;
    }
    case CD_KIND_CONVERTER: {
        const cd_converter_ops_t *o = p->ops;
        NEED(configure);
        NEED(encode);
        NEED(decode);
        NEED(close);
        break;
    }
    case CD_KIND_HEADER_CONVERTER: {
        const cd_header_converter_ops_t *o = p->ops;
        NEED(configure);
        NEED(encode);
        NEED(decode);
        NEED(close);
        break;
    }
    case CD_KIND_TRANSFORM: {
        const cd_transform_ops_t *o = p->ops;
        NEED(configure);
        NEED(apply);
        NEED(close);
        break;
    }
    case CD_KIND_PREDICATE: {
        const cd_predicate_ops_t *o = p->ops;
        NEED(configure);
        NEED(test);
        NEED(close);
        break;
    }
    default: {
        const cd_config_provider_ops_t *o = p->ops;
        NEED(configure);
        NEED(get);
        NEED(close);
        break;
    }
    }
#undef NEED
    return NULL;
}

static cd_err_t *plugin_check(const char *file, const cd_plugin_t *p)
{
    if (p->magic != CD_PLUGIN_MAGIC) return refuse(file, "plugin magic", p->magic, CD_PLUGIN_MAGIC, REBUILD);
    if (p->size < PLUGIN_SIZE_V1) return refuse(file, "plugin size", p->size, PLUGIN_SIZE_V1, REBUILD);
    if (p->key_stride < KEY_STRIDE_V1 || p->key_stride > STRIDE_MAX)
        return refuse(file, "size of a settings row", p->key_stride, KEY_STRIDE_V1, REBUILD);
    size_t need = ops_size_v1(p->kind);
    if (need == 0)
        return refuse(file, "plugin kind", p->kind, CD_KIND_CONFIG_PROVIDER, "Use a newer worker for this plugin.");
    if (p->jvm_class == NULL || p->jvm_class[0] == '\0') return incomplete(file, "a plugin has no class name");
    if (p->version == NULL) return incomplete(file, "a plugin has no version");
    if (p->ops == NULL) return incomplete(file, "a plugin has no callbacks");
    uint32_t size;
    memcpy(&size, p->ops, sizeof(size));
    if (size < need) return refuse(file, "size of the callback table", size, need, REBUILD);
    const char *missing = ops_missing(p);
    if (missing == NULL) return NULL;
    return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT,
                      "%s is refused: '%s' has no callback %s, which must exist. This is a bug of the plugin: ask its "
                      "maker.",
                      file, p->jvm_class, missing);
}

cd_err_t *module_check(const char *file, const cd_module_t *module)
{
    if (module == NULL) return incomplete(file, "cd_module_entry() returned nothing");
    if (module->magic != CD_MODULE_MAGIC) return refuse(file, "module magic", module->magic, CD_MODULE_MAGIC, REBUILD);
    if (module->abi_major != CD_ABI_MAJOR)
        return refuse(file, "ABI version", module->abi_major, CD_ABI_MAJOR,
                      module->abi_major > CD_ABI_MAJOR ? "Use a newer worker, or a build of the plugin for this one."
                                                       : REBUILD);
    if (module->size < MODULE_SIZE_V1) return refuse(file, "module size", module->size, MODULE_SIZE_V1, REBUILD);
    if (module->name == NULL || module->init == NULL || module->plugins == NULL)
        return incomplete(file, "the module has no name, init or list of plugins");
    for (const cd_plugin_t *const *p = module->plugins; *p != NULL; p++) {
        cd_err_t *err = plugin_check(file, *p);
        if (err != NULL) return err;
    }
    return NULL;
}
