/* io.confluent.connect.avro.AvroConverter: the registry decides once per (schema, topic), a compiled plan does the
 * rest. A record costs no allocation but its bytes in the batch's arena. */
#include "plugins/converters/avro_decode.h"
#include "plugins/converters/avro_encode.h"
#include "plugins/converters/avro_resolve.h"
#include "plugins/converters/avro_settings.h"
#include "plugins/converters/converters.h"
#include "plugins/converters/plan_cache.h"
#include "runtime/base/clock.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/base/version.h"
#include "runtime/client/registry.h"

#define LOGGER     "io.confluent.connect.avro.AvroConverter"
#define PREFIX_LEN 5
#define CACHE_MIN  4096

typedef struct enc_plan {
    const avro_enc_t *enc;
    uint8_t prefix[PREFIX_LEN];
    int64_t until_ms; /* INT64_MAX: for ever */
} enc_plan_t;

typedef struct dec_plan {
    const avro_dec_t *dec;
    const cd_schema_t *schema;
    int64_t until_ms;
} dec_plan_t;

typedef struct avro_converter {
    cd_ctx_t *ctx;
    bool is_key;
    avro_settings_t settings;
    avro_options_t options;
    cd_arena_t arena; /* of the settings' strings */
    registry_t *registry;
    const char *strategy;
    plan_cache_t encs, decs;
    const cd_needed_t *needed; /* of the plans in decs */
    avro_out_t out;
} avro_converter_t;

static void converter_close(void *converter)
{
    avro_converter_t *c = (avro_converter_t *)converter;
    if (c == NULL) return;
    registry_free(c->registry);
    plan_cache_clear(&c->encs);
    plan_cache_clear(&c->decs);
    avro_out_done(&c->out);
    cd_arena_done(&c->arena);
    free(c);
}

static cd_err_t *converter_configure(cd_ctx_t *ctx, const cd_config_t *config, bool is_key, void **ret_converter)
{
    avro_converter_t *c = mem_new0(avro_converter_t);
    avro_settings_t *s = &c->settings;
    c->ctx = ctx;
    c->is_key = is_key;
    cd_err_t *err = cd_host->config_parse(avro_keys, sizeof(cd_key_t), config, &c->arena, s, NULL);
    if (err != NULL) goto out;
    c->options = (avro_options_t){.meta_data = s->meta_data,
                                  .scrub = s->scrub,
                                  .enhanced = s->enhanced,
                                  .ignore_default = s->ignore_default,
                                  .optional_map_keys = s->optional_map_keys,
                                  .flatten_singletons = s->flatten_singletons,
                                  .discard_doc = s->discard_doc};
    if (s->cache_size < CACHE_MIN) s->cache_size = CACHE_MIN;
    c->strategy = is_key ? s->key_strategy : s->value_strategy;
    if (s->sum_types)
        cd_log(ctx, CD_LOG_WARN, LOGGER,
               "generalized.sum.type.support=true is not supported here; unions and enums keep their usual form");
    if (!str_ends(c->strategy, "TopicNameStrategy") && !avro_subject_needs_schema(c->strategy))
        cd_log(ctx, CD_LOG_WARN, LOGGER, "The subject name strategy %s is not known here; subjects are named by topic",
               c->strategy);
    err = registry_new(ctx, config, &c->registry);
    if (err != NULL) goto out;
    *ret_converter = c;
    c = NULL;
out:
    converter_close(c);
    return err;
}

static int64_t latest_until(const avro_converter_t *c)
{
    int32_t ttl = c->settings.latest_ttl_sec;
    return ttl < 0 ? INT64_MAX : clock_mono_ms() + (int64_t)ttl * 1000;
}

/** The registry's error with the sentence of the serializer in front. @param detail  appended without a blank */
static cd_err_t *registry_failed(cd_err_t *err, const char *sentence, const char *detail)
{
    uint32_t cls = err->cls, code = err->code;
    bool timeout = strcmp(err->jvm_class, "java.net.SocketTimeoutException") == 0;
    const char *jvm = CD_JVM_SERIALIZATION;
    if (timeout) jvm = "org.apache.kafka.common.errors.TimeoutException";
    if (code == 401) jvm = "org.apache.kafka.common.errors.AuthenticationException";
    if (code == 403) jvm = "org.apache.kafka.common.errors.AuthorizationException";
    cd_err_t *out = cd_err_wrap(err, cls, jvm, "%s%s", sentence, detail);
    out->code = code;
    return out;
}

/** The error as a task shows it. */
static cd_err_t *conversion_failed(cd_err_t *err, bool writing, const char *topic)
{
    uint32_t cls = err->cls;
    const char *jvm = cls == CD_ERR_RETRIABLE ? CD_JVM_RETRIABLE : CD_JVM_DATA;
    if (err->code == 401 || err->code == 403) jvm = err->jvm_class;
    char jvm_copy[100];
    (void)snprintf(jvm_copy, sizeof(jvm_copy), "%s", jvm);
    return cd_err_wrap(err, cls, jvm_copy,
                       writing ? "Failed to serialize Avro data from topic %s :"
                               : "Failed to deserialize data for topic %s to Avro: ",
                       topic);
}

static cd_err_t *check_type(const registry_schema_t *s)
{
    if (str_eq(s->type, "AVRO")) return NULL;
    return cd_err_new(CD_ERR_DATA, "java.io.IOException", "Invalid schema %.200s with refs [] of type %s", s->text,
                      s->type);
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

/** A schema that was fetched to write with: it must be able to read what the record's own schema describes. */
static cd_err_t *check_strict(const avro_schema_t *fetched, const avro_schema_t *own, const char *fetched_text,
                              const char *own_text, const char *option)
{
    if (avro_can_read(fetched->root, own->root)) return NULL;
    return cd_err_new(
        CD_ERR_DATA, "java.io.IOException",
        "Incompatible schema %s with refs [] of type AVRO for schema %s. Set %s=false to disable this check",
        fetched_text, own_text, option);
}

static cd_err_t *by_metadata(avro_converter_t *c, const char *subject, cd_arena_t *arena, registry_schema_t *ret_schema)
{
    cd_list_t list = c->settings.latest_metadata;
    cd_pair_t *pairs = cd_arena_array(arena, cd_pair_t, list.n);
    for (uint32_t i = 0; i < list.n; i++) {
        const char *eq = strchr(list.items[i], '=');
        if (eq == NULL)
            return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                              "Invalid value %s for configuration use.latest.with.metadata: must be name=value",
                              list.items[i]);
        pairs[i] =
            (cd_pair_t){.name = cd_arena_strndup(arena, list.items[i], (size_t)(eq - list.items[i])), .value = eq + 1};
    }
    cd_config_t metadata = {.n = list.n, .pairs = pairs};
    return registry_with_metadata(c->registry, subject, &metadata, arena, ret_schema);
}

/** Find the id to write with, in the order of 06 §2.4. *ret_fetched is set when another schema than our own is used. */
static cd_err_t *find_id(avro_converter_t *c, const char *subject, const avro_schema_t *own, const char *text,
                         cd_arena_t *arena, int32_t *ret_id, avro_schema_t **ret_fetched)
{
    const avro_settings_t *s = &c->settings;
    registry_schema_t found = {0};
    const char *sentence = NULL, *option = "latest.compatibility.strict";
    bool strict = s->latest_strict;
    int32_t version = 0;
    cd_err_t *err = NULL;
    if (s->auto_register) {
        err = registry_register(c->registry, subject, text, s->normalize, ret_id);
        return err == NULL ? NULL : registry_failed(err, "Error registering Avro schema", text);
    }
    if (s->schema_id >= 0) {
        sentence = "Error retrieving schema ID";
        option = "id.compatibility.strict";
        strict = s->id_strict;
        err = registry_by_id(c->registry, subject, s->schema_id, arena, &found);
    } else if (s->latest_metadata.n > 0) {
        sentence = "Error retrieving latest with metadata";
        strict = false;
        err = by_metadata(c, subject, arena, &found);
    } else if (s->use_latest) {
        sentence = "Error retrieving latest version of Avro schema";
        err = registry_latest(c->registry, subject, arena, &found);
    } else {
        err = registry_lookup(c->registry, subject, text, NULL, s->normalize, false, ret_id, &version);
        return err == NULL ? NULL : registry_failed(err, "Error retrieving Avro schema", text);
    }
    if (err == NULL) err = check_type(&found);
    if (err == NULL) err = avro_schema_parse(found.text, found.deps, found.ndeps, ret_fetched);
    if (err == NULL && strict) err = check_strict(*ret_fetched, own, found.text, text, option);
    *ret_id = found.id;
    return err == NULL ? NULL : registry_failed(err, sentence, text);
}

static cd_err_t *make_enc(avro_converter_t *c, const char *topic, const cd_schema_t *schema, cd_schema_pool_t *pool,
                          enc_plan_t **ret_plan)
{
    cd_arena_t arena = {0};
    strbuf_t text = {0};
    avro_schema_t *own = NULL, *fetched = NULL;
    const char *subject = NULL;
    int32_t id = 0;
    if (c->encs.count >= (uint32_t)c->settings.cache_size) plan_cache_clear(&c->encs);
    cd_err_t *err = avro_text_write(schema, &c->options, pool, &text);
    if (err == NULL) err = avro_schema_parse(strbuf_str(&text), NULL, 0, &own);
    if (err == NULL) err = avro_subject(c->strategy, topic, c->is_key, own->root, &arena, &subject);
    if (err == NULL) err = find_id(c, subject, own, strbuf_str(&text), &arena, &id, &fetched);
    if (err != NULL) goto out;
    enc_plan_t *plan = cd_arena_new(&c->encs.arena, enc_plan_t);
    err = avro_enc_new(schema, fetched != NULL ? fetched->root : own->root, &c->options, &c->encs.arena, &plan->enc);
    if (err != NULL) {
        if (fetched != NULL) err = cd_err_wrap(err, err->cls, CD_JVM_SERIALIZATION, "Error serializing Avro message");
        goto out;
    }
    uint32_t be = (uint32_t)id;
    for (int i = 0; i < 4; i++) plan->prefix[1 + i] = (uint8_t)(be >> (24 - 8 * i));
    plan->until_ms = fetched != NULL && c->settings.schema_id < 0 ? latest_until(c) : INT64_MAX;
    plan_cache_put(&c->encs, (uint64_t)(uintptr_t)schema, topic, plan);
    *ret_plan = plan;
out:
    avro_schema_free(own);
    avro_schema_free(fetched);
    strbuf_done(&text);
    cd_arena_done(&arena);
    return err;
}

static cd_err_t *encode_one(avro_converter_t *c, cd_batch_t *batch, const char *topic, const cd_schema_t *schema,
                            const cd_value_t *value, cd_bytes_t *ret_bytes)
{
    enc_plan_t *plan = (enc_plan_t *)plan_cache_get(&c->encs, (uint64_t)(uintptr_t)schema, topic);
    if (CD_UNLIKELY(plan != NULL && plan->until_ms != INT64_MAX && clock_mono_ms() >= plan->until_ms)) {
        plan_cache_clear(&c->encs); /* all "latest" answers are about the same age */
        plan = NULL;
    }
    if (CD_UNLIKELY(plan == NULL)) {
        cd_err_t *err = make_enc(c, topic, schema, batch->schemas, &plan);
        if (err != NULL) return err;
        if (plan == NULL) abort(); /* no error means a plan */
    }
    c->out.cur = c->out.base;
    avro_out_grow(&c->out, PREFIX_LEN);
    memcpy(c->out.cur, plan->prefix, PREFIX_LEN);
    c->out.cur += PREFIX_LEN;
    cd_err_t *err = avro_encode(plan->enc, value, &c->out);
    if (CD_UNLIKELY(err != NULL)) return err;
    size_t len = (size_t)(c->out.cur - c->out.base);
    if (len > INT32_MAX)
        return cd_err_new(CD_ERR_DATA, CD_JVM_SERIALIZATION, "Error serializing Avro message: %zu bytes are too many",
                          len);
    uint8_t *bytes = (uint8_t *)cd_arena_alloc(&batch->arena, len);
    memcpy(bytes, c->out.base, len);
    *ret_bytes = (cd_bytes_t){.ptr = bytes, .len = (uint32_t)len};
    return NULL;
}

static uint32_t converter_encode(void *converter, cd_batch_t *batch, uint32_t from, uint32_t to, cd_err_t **ret_err)
{
    avro_converter_t *c = (avro_converter_t *)converter;
    for (uint32_t i = from; i < to; i++) {
        cd_record_t *r = &batch->records[i];
        if ((r->flags & CD_REC_DROPPED) != 0) continue;
        const cd_value_t *value = c->is_key ? &r->key : &r->value;
        cd_bytes_t bytes = {0};
        if (value->type != CD_NULL) {
            cd_err_t *err = encode_one(c, batch, r->topic, c->is_key ? r->key_schema : r->value_schema, value, &bytes);
            if (CD_UNLIKELY(err != NULL)) {
                *ret_err = conversion_failed(err, true, r->topic);
                return i;
            }
        }
        if (c->is_key)
            r->raw_key = bytes;
        else
            r->raw_value = bytes;
    }
    return to;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static cd_err_t *with_id(cd_err_t *err, const char *sentence, uint32_t id)
{
    char detail[16];
    (void)snprintf(detail, sizeof(detail), "%u", id);
    return registry_failed(err, sentence, detail);
}

static cd_err_t *make_dec(avro_converter_t *c, const char *topic, uint32_t id, cd_schema_pool_t *pool,
                          const cd_needed_t *needed, dec_plan_t **ret_plan)
{
    cd_arena_t arena = {0};
    registry_schema_t found = {0}, latest = {0};
    avro_schema_t *writer = NULL, *reader = NULL;
    const char *subject = NULL;
    int32_t same_id = 0, version = 0;
    bool late = avro_subject_needs_schema(c->strategy);
    const char *part =
        c->is_key ? "Error retrieving Avro key schema for id " : "Error retrieving Avro value schema for id ";
    const char *versions = c->is_key ? "Error retrieving Avro key schema version for id "
                                     : "Error retrieving Avro value schema version for id ";
    if (c->decs.count >= (uint32_t)c->settings.cache_size) plan_cache_clear(&c->decs);
    cd_err_t *err = late ? NULL : avro_subject(c->strategy, topic, c->is_key, NULL, &arena, &subject);
    if (err == NULL) err = registry_by_id(c->registry, subject, (int32_t)id, &arena, &found);
    if (err == NULL) err = check_type(&found);
    if (err == NULL) err = avro_schema_parse(found.text, found.deps, found.ndeps, &writer);
    if (err != NULL) {
        err = with_id(err, part, id);
        goto out;
    }
    if (late) err = avro_subject(c->strategy, topic, c->is_key, writer->root, &arena, &subject);
    if (err != NULL) goto out;
    if (c->settings.use_latest) {
        err = registry_latest(c->registry, subject, &arena, &latest);
        if (err == NULL) err = check_type(&latest);
        if (err == NULL) err = avro_schema_parse(latest.text, latest.deps, latest.ndeps, &reader);
        version = latest.version;
    } else {
        err = registry_lookup(c->registry, subject, found.text, found.references, c->settings.normalize, true, &same_id,
                              &version);
    }
    if (err != NULL) {
        err = with_id(err, versions, id);
        goto out;
    }
    dec_plan_t *plan = cd_arena_new(&c->decs.arena, dec_plan_t);
    const avro_node_t *target = reader != NULL ? reader->root : writer->root;
    err = avro_to_connect(target, &c->options, version, pool, &plan->schema);
    if (err == NULL)
        err = avro_dec_new(writer->root, target, plan->schema, &c->options, needed, &c->decs.arena, &plan->dec);
    if (err != NULL) goto out;
    plan->until_ms = reader != NULL ? latest_until(c) : INT64_MAX;
    plan_cache_put(&c->decs, id, topic, plan);
    *ret_plan = plan;
out:
    avro_schema_free(writer);
    avro_schema_free(reader);
    cd_arena_done(&arena);
    return err;
}

static cd_err_t *decode_one(avro_converter_t *c, cd_batch_t *batch, const char *topic, cd_bytes_t raw,
                            const cd_needed_t *needed, const cd_schema_t **ret_schema, cd_value_t *ret_value)
{
    if (CD_UNLIKELY(raw.len < PREFIX_LEN))
        return cd_err_new(CD_ERR_DATA, CD_JVM_SERIALIZATION,
                          raw.len > 0 && raw.ptr[0] != 0 ? "Unknown magic byte!" : "Error deserializing schema ID");
    if (CD_UNLIKELY(raw.ptr[0] != 0)) return cd_err_new(CD_ERR_DATA, CD_JVM_SERIALIZATION, "Unknown magic byte!");
    uint32_t id = (uint32_t)raw.ptr[1] << 24 | (uint32_t)raw.ptr[2] << 16 | (uint32_t)raw.ptr[3] << 8 | raw.ptr[4];
    dec_plan_t *plan = (dec_plan_t *)plan_cache_get(&c->decs, id, topic);
    if (CD_UNLIKELY(plan != NULL && plan->until_ms != INT64_MAX && clock_mono_ms() >= plan->until_ms)) {
        plan_cache_clear(&c->decs);
        plan = NULL;
    }
    if (CD_UNLIKELY(plan == NULL)) {
        cd_err_t *err = make_dec(c, topic, id, batch->schemas, needed, &plan);
        if (err != NULL) return err;
    }
    cd_err_t *err = avro_decode(plan->dec, raw.ptr + PREFIX_LEN, raw.len - PREFIX_LEN, &batch->arena, ret_value);
    if (CD_UNLIKELY(err != NULL))
        return cd_err_wrap(err, CD_ERR_DATA, CD_JVM_SERIALIZATION, "Error deserializing Avro message for id %u", id);
    *ret_schema = plan->schema;
    return NULL;
}

static uint32_t converter_decode(void *converter, cd_batch_t *batch, uint32_t from, uint32_t to,
                                 const cd_needed_t *needed, cd_err_t **ret_err)
{
    avro_converter_t *c = (avro_converter_t *)converter;
    if (needed != c->needed) {
        plan_cache_clear(&c->decs);
        c->needed = needed;
    }
    for (uint32_t i = from; i < to; i++) {
        cd_record_t *r = &batch->records[i];
        if ((r->flags & CD_REC_DROPPED) != 0) continue;
        cd_bytes_t raw = c->is_key ? r->raw_key : r->raw_value;
        const cd_schema_t *schema = NULL;
        cd_value_t value = CD_V_NULL;
        if (raw.ptr != NULL) {
            cd_err_t *err = decode_one(c, batch, r->topic, raw, needed, &schema, &value);
            if (CD_UNLIKELY(err != NULL)) {
                *ret_err = conversion_failed(err, false, r->topic);
                return i;
            }
        }
        if (c->is_key) {
            r->key_schema = schema;
            r->key = value;
        } else {
            r->value_schema = schema;
            r->value = value;
        }
    }
    return to;
}

static const cd_converter_ops_t ops = {.size = sizeof(ops),
                                       .configure = converter_configure,
                                       .encode = converter_encode,
                                       .decode = converter_decode,
                                       .close = converter_close};

const cd_plugin_t avro_converter_plugin = {CD_PLUGIN_HEAD,
                                           .kind = CD_KIND_CONVERTER,
                                           .jvm_class = "io.confluent.connect.avro.AvroConverter",
                                           .version = CONNECTD_VERSION,
                                           .doc = "Avro with a Schema Registry, in Confluent's wire format.",
                                           .keys = avro_keys,
                                           .ops = &ops};
