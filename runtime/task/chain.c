#include "runtime/task/chain.h"

#include "runtime/base/mem.h"
#include "runtime/base/str.h"

typedef struct predicate {
    const char *alias;
    const cd_predicate_ops_t *ops;
    void *instance;
} predicate_t;

typedef struct transform {
    const char *class_name;
    const cd_transform_ops_t *ops;
    void *instance;
    const predicate_t *predicate; /* NULL: always */
    bool negate;
} transform_t;

typedef struct converter {
    const char *class_name;
    const cd_converter_ops_t *ops;
    void *instance;
} converter_t;

struct chain {
    cd_ctx_t *ctx;
    error_handler_t *errors;
    cd_arena_t arena;
    converter_t key, value;
    const char *header_class;
    const cd_header_converter_ops_t *header_ops;
    void *header;
    transform_t *transforms;
    predicate_t *predicates;
    uint32_t ntransforms, npredicates;
    bool *match; /* scratch of the predicates */
    uint32_t match_cap;
};

static cd_err_t *class_missing(const char *key, const char *class_name)
{
    return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                      "Invalid value %s for configuration %s: Class %s could not be found.", class_name, key,
                      class_name);
}

/** The class and settings of a converter: the connector's, or else the worker's with all its settings. */
static cd_err_t *converter_source(chain_t *c, const cd_config_t *worker, const cd_config_t *connector, const char *key,
                                  const char *dflt, const char **ret_class, cd_config_t *ret_config)
{
    const cd_config_t *from = cd_config_get(connector, key) != NULL ? connector : worker;
    const char *name = cd_config_get(from, key);
    if (name == NULL) name = dflt;
    if (name == NULL)
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                          "Missing required configuration \"%s\" which has no default value.", key);
    *ret_class = str_trim_dup(name, &c->arena);
    *ret_config = config_with_prefix(from, cd_arena_printf(&c->arena, "%s.", key), &c->arena);
    return NULL;
}

static cd_err_t *converter_open(chain_t *c, const plugins_t *plugins, const cd_config_t *worker,
                                const cd_config_t *connector, bool is_key, converter_t *ret)
{
    const char *key = is_key ? "key.converter" : "value.converter", *name = NULL;
    cd_config_t config = {0};
    cd_err_t *err = converter_source(c, worker, connector, key, NULL, &name, &config);
    if (err != NULL) return err;
    const cd_plugin_t *p = plugins_find(plugins, CD_KIND_CONVERTER, name);
    if (p == NULL) return class_missing(key, name);
    ret->class_name = p->jvm_class;
    ret->ops = p->ops;
    err = ret->ops->configure(c->ctx, &config, is_key, &ret->instance);
    if (err != NULL) ret->ops = NULL;
    return err;
}

static cd_err_t *header_open(chain_t *c, const plugins_t *plugins, const cd_config_t *worker,
                             const cd_config_t *connector)
{
    const char *name = NULL;
    cd_config_t config = {0};
    cd_err_t *err = converter_source(c, worker, connector, "header.converter",
                                     "org.apache.kafka.connect.storage.SimpleHeaderConverter", &name, &config);
    if (err != NULL) return err;
    const cd_plugin_t *p = plugins_find(plugins, CD_KIND_HEADER_CONVERTER, name);
    if (p == NULL && cd_config_get(connector, "header.converter") == NULL &&
        cd_config_get(worker, "header.converter") == NULL)
        return NULL; /* nobody asked for one: headers pass as they are */
    if (p == NULL) return class_missing("header.converter", name);
    c->header_class = p->jvm_class;
    c->header_ops = p->ops;
    err = c->header_ops->configure(c->ctx, &config, &c->header);
    if (err != NULL) c->header_ops = NULL;
    return err;
}

static cd_err_t *predicate_open(chain_t *c, const plugins_t *plugins, const cd_config_t *config, const char *alias,
                                predicate_t *ret)
{
    const char *prefix = cd_arena_printf(&c->arena, "predicates.%s.", alias);
    cd_config_t own = config_with_prefix(config, prefix, &c->arena);
    const char *type = cd_config_get(&own, "type");
    if (type == NULL)
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                          "Missing required configuration \"%stype\" which has no default value.", prefix);
    const cd_plugin_t *p = plugins_find(plugins, CD_KIND_PREDICATE, str_trim_dup(type, &c->arena));
    if (p == NULL) return class_missing(cd_arena_printf(&c->arena, "%stype", prefix), type);
    ret->alias = alias;
    ret->ops = p->ops;
    cd_err_t *err = ret->ops->configure(c->ctx, &own, &ret->instance);
    if (err != NULL) ret->ops = NULL;
    return err;
}

static cd_err_t *transform_open(chain_t *c, const plugins_t *plugins, const cd_config_t *config, const char *alias,
                                transform_t *ret)
{
    const char *prefix = cd_arena_printf(&c->arena, "transforms.%s.", alias);
    cd_config_t own = config_with_prefix(config, prefix, &c->arena);
    const char *type = cd_config_get(&own, "type"), *predicate = cd_config_get(&own, "predicate");
    const char *negate = cd_config_get(&own, "negate");
    if (type == NULL)
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                          "Missing required configuration \"%stype\" which has no default value.", prefix);
    const cd_plugin_t *p = plugins_find(plugins, CD_KIND_TRANSFORM, str_trim_dup(type, &c->arena));
    if (p == NULL) return class_missing(cd_arena_printf(&c->arena, "%stype", prefix), type);
    ret->negate = negate != NULL && strcasecmp(str_trim_dup(negate, &c->arena), "true") == 0;
    if (!str_empty(predicate)) {
        predicate = str_trim_dup(predicate, &c->arena);
        for (uint32_t i = 0; i < c->npredicates; i++)
            if (str_eq(c->predicates[i].alias, predicate)) ret->predicate = &c->predicates[i];
        if (ret->predicate == NULL)
            return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "Unknown configuration 'predicates.%s.type'", predicate);
    }
    ret->class_name = p->jvm_class;
    ret->ops = p->ops;
    cd_err_t *err = ret->ops->configure(c->ctx, &own, &ret->instance);
    if (err != NULL) ret->ops = NULL;
    return err;
}

cd_err_t *chain_new(cd_ctx_t *ctx, const plugins_t *plugins, const cd_config_t *worker_config,
                    const cd_config_t *connector_config, error_handler_t *errors, chain_t **ret_chain)
{
    chain_t *c = mem_new0(chain_t);
    c->ctx = ctx;
    c->errors = errors;
    cd_err_t *err = converter_open(c, plugins, worker_config, connector_config, true, &c->key);
    if (err == NULL) err = converter_open(c, plugins, worker_config, connector_config, false, &c->value);
    if (err == NULL) err = header_open(c, plugins, worker_config, connector_config);
    if (err != NULL) goto out;

    const char *text = cd_config_get(connector_config, "predicates");
    cd_list_t aliases = str_split_list(text != NULL ? text : "", &c->arena);
    c->predicates = (predicate_t *)cd_arena_alloc0(&c->arena, sizeof(predicate_t) * (aliases.n + 1));
    for (uint32_t i = 0; i < aliases.n && err == NULL; i++, c->npredicates++)
        err = predicate_open(c, plugins, connector_config, aliases.items[i], &c->predicates[i]);
    if (err != NULL) goto out;

    text = cd_config_get(connector_config, "transforms");
    aliases = str_split_list(text != NULL ? text : "", &c->arena);
    c->transforms = (transform_t *)cd_arena_alloc0(&c->arena, sizeof(transform_t) * (aliases.n + 1));
    for (uint32_t i = 0; i < aliases.n && err == NULL; i++, c->ntransforms++)
        err = transform_open(c, plugins, connector_config, aliases.items[i], &c->transforms[i]);
    if (err != NULL) goto out;
    *ret_chain = c;
    c = NULL;
out:
    chain_free(c);
    return err;
}

void chain_free(chain_t *c)
{
    if (c == NULL) return;
    for (uint32_t i = 0; i < c->ntransforms; i++)
        if (c->transforms[i].ops != NULL) c->transforms[i].ops->close(c->transforms[i].instance);
    for (uint32_t i = 0; i < c->npredicates; i++)
        if (c->predicates[i].ops != NULL) c->predicates[i].ops->close(c->predicates[i].instance);
    if (c->header_ops != NULL) c->header_ops->close(c->header);
    if (c->value.ops != NULL) c->value.ops->close(c->value.instance);
    if (c->key.ops != NULL) c->key.ops->close(c->key.instance);
    free(c->match);
    cd_arena_done(&c->arena);
    free(c);
}

/* ---- Running ---- */

/** One stage over [from, to): returns where it stopped, as the stages of the plugin ABI do. */
typedef uint32_t stage_fn(chain_t *c, const void *what, cd_batch_t *batch, uint32_t from, uint32_t to,
                          cd_err_t **ret_err);

static uint32_t key_decode(chain_t *c, const void *what, cd_batch_t *b, uint32_t from, uint32_t to, cd_err_t **e)
{
    (void)what;
    return c->key.ops->decode(c->key.instance, b, from, to, NULL, e);
}

static uint32_t value_decode(chain_t *c, const void *what, cd_batch_t *b, uint32_t from, uint32_t to, cd_err_t **e)
{
    return c->value.ops->decode(c->value.instance, b, from, to, what, e);
}

static uint32_t header_decode(chain_t *c, const void *what, cd_batch_t *b, uint32_t from, uint32_t to, cd_err_t **e)
{
    (void)what;
    return c->header_ops->decode(c->header, b, from, to, e);
}

static uint32_t key_encode(chain_t *c, const void *what, cd_batch_t *b, uint32_t from, uint32_t to, cd_err_t **e)
{
    (void)what;
    return c->key.ops->encode(c->key.instance, b, from, to, e);
}

static uint32_t value_encode(chain_t *c, const void *what, cd_batch_t *b, uint32_t from, uint32_t to, cd_err_t **e)
{
    (void)what;
    return c->value.ops->encode(c->value.instance, b, from, to, e);
}

static uint32_t header_encode(chain_t *c, const void *what, cd_batch_t *b, uint32_t from, uint32_t to, cd_err_t **e)
{
    (void)what;
    return c->header_ops->encode(c->header, b, from, to, e);
}

/** A conditional transform: the records that it must not see are marked as dropped while it runs. */
static uint32_t transform_some(chain_t *c, const transform_t *tf, cd_batch_t *b, uint32_t from, uint32_t to,
                               cd_err_t **e)
{
    if (c->match_cap < to - from) {
        c->match_cap = to - from;
        c->match = mem_realloc_array(c->match, c->match_cap, sizeof(bool));
    }
    memset(c->match, 0, to - from);
    uint32_t tested = tf->predicate->ops->test(tf->predicate->instance, b, from, to, c->match, e);
    for (uint32_t i = from; i < tested; i++) {
        bool *hidden = &c->match[i - from];
        *hidden = *hidden == tf->negate && (b->records[i].flags & CD_REC_DROPPED) == 0;
        if (*hidden) b->records[i].flags |= CD_REC_DROPPED;
    }
    cd_err_t *err = NULL;
    uint32_t at = tf->ops->apply(tf->instance, b, from, tested, &err);
    for (uint32_t i = from; i < tested; i++)
        if (c->match[i - from]) b->records[i].flags &= ~(uint32_t)CD_REC_DROPPED;
    if (err != NULL) { /* comes before the record whose predicate failed */
        cd_err_free(*e);
        *e = err;
    }
    return at;
}

static uint32_t transform_apply(chain_t *c, const void *what, cd_batch_t *b, uint32_t from, uint32_t to, cd_err_t **e)
{
    const transform_t *tf = what;
    if (tf->predicate != NULL) return transform_some(c, tf, b, from, to, e);
    return tf->ops->apply(tf->instance, b, from, to, e);
}

/** Run a stage over [0, *to). A record that ends the task cuts *to down to its index and sets *fatal, unless an earlier
 *  stage's record, which has a higher index then, did so before: records in front of it still go through. */
static void run_stage(chain_t *c, enum error_stage stage, const char *class_name, stage_fn *fn, const void *what,
                      cd_batch_t *b, uint32_t *to, cd_err_t **fatal)
{
    uint32_t from = 0, failed_at = UINT32_MAX;
    error_attempts_t attempts = {0};
    while (from < *to) {
        cd_err_t *err = NULL, *end = NULL;
        uint32_t at = fn(c, what, b, from, *to, &err);
        if (err == NULL) return;
        if (at >= *to) at = *to - 1; /* a stage that breaks its contract must not make us run past the batch */
        if (at != failed_at) attempts = (error_attempts_t){0};
        failed_at = from = at;
        cd_record_t *rec = &b->records[at];
        switch (error_handler_failed(c->errors, &attempts, stage, class_name, rec, err, &end)) {
        case ERROR_RETRY:
            break;
        case ERROR_SKIP:
            rec->flags |= CD_REC_DROPPED | CD_REC_FAILED;
            from++;
            break;
        case ERROR_FAIL:
            *to = at;
            cd_err_free(*fatal);
            *fatal = end;
            return;
        }
    }
}

static void run_transforms(chain_t *c, cd_batch_t *b, uint32_t *to, cd_err_t **fatal)
{
    for (uint32_t i = 0; i < c->ntransforms; i++)
        run_stage(c, STAGE_TRANSFORMATION, c->transforms[i].class_name, transform_apply, &c->transforms[i], b, to,
                  fatal);
}

static bool any_headers(const cd_batch_t *b)
{
    for (uint32_t i = 0; i < b->count; i++)
        if (b->records[i].nheaders > 0) return true;
    return false;
}

cd_err_t *chain_decode(chain_t *c, cd_batch_t *b)
{
    uint32_t to = b->count;
    cd_err_t *fatal = NULL;
    const cd_needed_t *needed = NULL;
    const transform_t *first = c->ntransforms > 0 ? &c->transforms[0] : NULL;
    /* Only a first transform that always runs can vouch for what nobody reads. */
    if (first != NULL && first->predicate == NULL && first->ops->needs != NULL)
        needed = first->ops->needs(first->instance);
    run_stage(c, STAGE_KEY_CONVERTER, c->key.class_name, key_decode, NULL, b, &to, &fatal);
    if (fatal == NULL) run_stage(c, STAGE_VALUE_CONVERTER, c->value.class_name, value_decode, needed, b, &to, &fatal);
    if (fatal == NULL && c->header_ops != NULL && any_headers(b))
        run_stage(c, STAGE_HEADER_CONVERTER, c->header_class, header_decode, NULL, b, &to, &fatal);
    if (fatal == NULL) run_transforms(c, b, &to, &fatal);
    return fatal;
}

cd_err_t *chain_encode(chain_t *c, cd_batch_t *b, uint32_t *ret_done)
{
    uint32_t to = b->count;
    cd_err_t *fatal = NULL;
    run_transforms(c, b, &to, &fatal);
    if (c->header_ops != NULL && any_headers(b))
        run_stage(c, STAGE_HEADER_CONVERTER, c->header_class, header_encode, NULL, b, &to, &fatal);
    run_stage(c, STAGE_KEY_CONVERTER, c->key.class_name, key_encode, NULL, b, &to, &fatal);
    run_stage(c, STAGE_VALUE_CONVERTER, c->value.class_name, value_encode, NULL, b, &to, &fatal);
    *ret_done = to;
    return fatal;
}
