#include "plugins/converters/avro_settings.h"

#include "runtime/base/str.h"

#include <stddef.h>

#define STRATEGY   "io.confluent.kafka.serializers.subject."
#define AT(member) .at = offsetof(avro_settings_t, member)
#define BOOL_KEY(key, member, value, text)                                                                             \
    {                                                                                                                  \
        .name = key, .type = CD_T_BOOLEAN, .importance = CD_LOW, .width = CD_W_SHORT, .dflt = value, AT(member),       \
        .doc = text                                                                                                    \
    }
/** Read by the registry client from the plain settings; a row for validation, hiding and documentation. */
#define CLIENT_KEY(key, kind, value, text)                                                                             \
    {                                                                                                                  \
        .name = key, .type = kind, .importance = CD_MEDIUM, .width = CD_W_MEDIUM, .dflt = value, .at = CD_NO_FIELD,    \
        .doc = text                                                                                                    \
    }

const cd_key_t avro_keys[] = {
    {.name = "schema.registry.url",
     .type = CD_T_LIST,
     .importance = CD_HIGH,
     .width = CD_W_LONG,
     .flags = CD_K_REQUIRED,
     .at = CD_NO_FIELD,
     .doc = "Base URLs of the Schema Registry, separated by commas. The next one is used when one does not answer."},
    BOOL_KEY("auto.register.schemas", auto_register, "true", "Register schemas that are not known yet."),
    BOOL_KEY(
        "use.latest.version", use_latest, "false",
        "Write with the latest version of the subject (when nothing is registered automatically), and read into it."),
    BOOL_KEY("latest.compatibility.strict", latest_strict, "true",
             "Refuse to write with a latest version that cannot read what the record's own schema describes."),
    {.name = "use.schema.id",
     .type = CD_T_INT,
     .importance = CD_LOW,
     .dflt = "-1",
     AT(schema_id),
     .doc = "Write with the schema of this id (when nothing is registered automatically)."},
    BOOL_KEY("id.compatibility.strict", id_strict, "true", "The same check for use.schema.id."),
    {.name = "use.latest.with.metadata",
     .type = CD_T_LIST,
     .importance = CD_LOW,
     .dflt = "",
     AT(latest_metadata),
     .doc = "Write with the latest version that has this metadata: name=value, separated by commas."},
    {.name = "latest.cache.ttl.sec",
     .type = CD_T_INT,
     .importance = CD_LOW,
     .dflt = "-1",
     AT(latest_ttl_sec),
     .doc = "Ask again for the latest version after so many seconds; -1: never."},
    BOOL_KEY("normalize.schemas", normalize, "false", "Ask the registry to normalise schemas before comparing them."),
    {.name = "schemas.cache.config",
     .type = CD_T_INT,
     .importance = CD_LOW,
     .dflt = "1000",
     .min = 1,
     .flags = CD_K_RANGE_MIN,
     AT(cache_size),
     .doc = "How many compiled schemas are kept per converter (at least 4096 are)."},
    {.name = "max.schemas.per.subject",
     .type = CD_T_INT,
     .importance = CD_LOW,
     .dflt = "1000",
     .flags = CD_K_ACCEPTED,
     .at = CD_NO_FIELD,
     .doc = "Accepted; schemas.cache.config bounds what is kept here."},
    {.name = "key.subject.name.strategy",
     .type = CD_T_CLASS,
     .importance = CD_MEDIUM,
     .dflt = STRATEGY "TopicNameStrategy",
     AT(key_strategy),
     .doc = "How the subject of keys is named: TopicNameStrategy, RecordNameStrategy or TopicRecordNameStrategy."},
    {.name = "value.subject.name.strategy",
     .type = CD_T_CLASS,
     .importance = CD_MEDIUM,
     .dflt = STRATEGY "TopicNameStrategy",
     AT(value_strategy),
     .doc = "How the subject of values is named: TopicNameStrategy, RecordNameStrategy or TopicRecordNameStrategy."},
    BOOL_KEY("enhanced.avro.schema.support", enhanced, "false", "Keep Avro enums and full names of union branches."),
    BOOL_KEY("connect.meta.data", meta_data, "true", "Write and read the connect.* attributes of Avro schemas."),
    BOOL_KEY("scrub.invalid.names", scrub, "false", "Replace characters that Avro does not allow in names."),
    BOOL_KEY("ignore.default.for.nullables", ignore_default, "false", "Write null, not the default, for null fields."),
    BOOL_KEY("allow.optional.map.keys", optional_map_keys, "false", "Write maps with optional string keys as maps."),
    BOOL_KEY("flatten.singleton.unions", flatten_singletons, "true", "Read a union of one type as that type."),
    BOOL_KEY("discard.type.doc.default", discard_doc, "false", "The old way of placing docs and defaults."),
    BOOL_KEY("generalized.sum.type.support", sum_types, "false",
             "Accepted for false only: unions and enums keep the form of the Confluent default."),
    CLIENT_KEY("basic.auth.credentials.source", CD_T_STRING, NULL, "URL, USER_INFO or SASL_INHERIT."),
    CLIENT_KEY("basic.auth.user.info", CD_T_PASSWORD, NULL, "user:password for USER_INFO."),
    CLIENT_KEY("schema.registry.basic.auth.user.info", CD_T_PASSWORD, NULL, "Old name of basic.auth.user.info."),
    CLIENT_KEY("sasl.jaas.config", CD_T_PASSWORD, NULL, "Holds user name and password for SASL_INHERIT."),
    CLIENT_KEY("bearer.auth.credentials.source", CD_T_STRING, NULL, "STATIC_TOKEN or OAUTHBEARER."),
    CLIENT_KEY("bearer.auth.token", CD_T_PASSWORD, NULL, "The token for STATIC_TOKEN."),
    CLIENT_KEY("bearer.auth.issuer.endpoint.url", CD_T_STRING, NULL, "Token endpoint for OAUTHBEARER."),
    CLIENT_KEY("bearer.auth.client.id", CD_T_STRING, NULL, "Client id for OAUTHBEARER."),
    CLIENT_KEY("bearer.auth.client.secret", CD_T_PASSWORD, NULL, "Client secret for OAUTHBEARER."),
    CLIENT_KEY("bearer.auth.scope", CD_T_STRING, NULL, "Scope for OAUTHBEARER."),
    CLIENT_KEY("bearer.auth.logical.cluster", CD_T_STRING, NULL, "Sent as header target-sr-cluster."),
    CLIENT_KEY("bearer.auth.identity.pool.id", CD_T_STRING, NULL, "Sent as header Confluent-Identity-Pool-Id."),
    CLIENT_KEY("proxy.host", CD_T_STRING, "", "HTTP proxy, used with proxy.port."),
    CLIENT_KEY("proxy.port", CD_T_INT, "-1", "Port of the HTTP proxy."),
    CLIENT_KEY("http.connect.timeout.ms", CD_T_INT, "60000", "Longest time to connect to the registry."),
    CLIENT_KEY("http.read.timeout.ms", CD_T_INT, "60000", "Longest time to wait for its answer."),
    CLIENT_KEY("max.retries", CD_T_INT, "3", "Further rounds over all URLs when none answered."),
    CLIENT_KEY("retries.wait.ms", CD_T_INT, "1000", "Longest pause before the first further round; doubles."),
    CLIENT_KEY("retries.max.wait.ms", CD_T_INT, "20000", "Longest pause between rounds."),
    CLIENT_KEY("url.randomize", CD_T_BOOLEAN, "false", "Begin with a random URL instead of the first."),
    CLIENT_KEY("schema.registry.ssl.truststore.location", CD_T_STRING, NULL, "PEM file of trusted certificates."),
    CLIENT_KEY("schema.registry.ssl.truststore.type", CD_T_STRING, NULL, "PEM."),
    CLIENT_KEY("schema.registry.ssl.truststore.password", CD_T_PASSWORD, NULL, "Not needed for PEM."),
    CLIENT_KEY("schema.registry.ssl.truststore.certificates", CD_T_PASSWORD, NULL, "Trusted certificates as PEM text."),
    CLIENT_KEY("schema.registry.ssl.keystore.location", CD_T_STRING, NULL, "PEM or PKCS12 file of the client's key."),
    CLIENT_KEY("schema.registry.ssl.keystore.type", CD_T_STRING, NULL, "PEM or PKCS12."),
    CLIENT_KEY("schema.registry.ssl.keystore.password", CD_T_PASSWORD, NULL, "Password of the key store."),
    CLIENT_KEY("schema.registry.ssl.keystore.key", CD_T_PASSWORD, NULL, "The client's key as PEM text."),
    CLIENT_KEY("schema.registry.ssl.keystore.certificate.chain", CD_T_PASSWORD, NULL, "Its certificate as PEM text."),
    CLIENT_KEY("schema.registry.ssl.key.password", CD_T_PASSWORD, NULL, "Password of the client's key."),
    CLIENT_KEY("schema.registry.ssl.endpoint.identification.algorithm", CD_T_STRING, NULL,
               "https: check the host name of the registry's certificate. Anything else: do not, as in Java."),
    CD_KEY_END,
};

bool avro_subject_needs_schema(const char *strategy)
{
    return str_ends(strategy, "RecordNameStrategy"); /* TopicRecordNameStrategy too */
}

cd_err_t *avro_subject(const char *strategy, const char *topic, bool is_key, const avro_node_t *node, cd_arena_t *arena,
                       const char **ret_subject)
{
    if (!avro_subject_needs_schema(strategy)) {
        *ret_subject = cd_arena_printf(arena, "%s-%s", topic, is_key ? "key" : "value");
        return NULL;
    }
    if (node == NULL || node->type != AVRO_RECORD)
        return cd_err_new(CD_ERR_DATA, CD_JVM_SERIALIZATION,
                          "In configuration %s.subject.name.strategy = %s, the message %s must only be a record schema",
                          is_key ? "key" : "value", strategy, is_key ? "key" : "value");
    bool with_topic = str_ends(strategy, "TopicRecordNameStrategy");
    *ret_subject = with_topic ? cd_arena_printf(arena, "%s-%s", topic, node->full) : cd_arena_strdup(arena, node->full);
    return NULL;
}
