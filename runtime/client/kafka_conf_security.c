/* Java describes TLS by key stores and SASL by a JAAS line; librdkafka wants PEM or PKCS12 files and plain keys. */
#include "runtime/base/str.h"
#include "runtime/client/kafka_conf_priv.h"

#include <errno.h>

#define JAAS_MAX     ((size_t)64 * 1024)
#define JAAS_OPTIONS 32u

static bool jaas_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static cd_err_t *jaas_error(const char *why)
{
    return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "Invalid value [hidden] for configuration sasl.jaas.config: %s",
                      why);
}

/** One word: bare up to a blank, '=' or ';', or quoted with backslash escapes. NULL at a broken quote. */
static const char *jaas_word(const char **p, cd_arena_t *arena)
{
    const char *s = *p;
    size_t n = 0;
    char *out = cd_arena_alloc(arena, strlen(s) + 1);
    if (*s == '"' || *s == '\'') {
        char quote = *s++;
        while (*s != '\0' && *s != quote) {
            if (*s == '\\' && s[1] != '\0') s++;
            out[n++] = *s++;
        }
        if (*s != quote) return NULL;
        s++;
    } else {
        while (*s != '\0' && !jaas_space(*s) && *s != '=' && *s != ';') out[n++] = *s++;
    }
    out[n] = '\0';
    *p = s;
    return out;
}

cd_err_t *kafka_jaas_parse(const char *text, cd_arena_t *arena, const char **ret_module, cd_config_t *ret_options)
{
    if (strlen(text) > JAAS_MAX) return jaas_error("it is too long");
    const char *p = text;
    cd_pair_t *pairs = cd_arena_array(arena, cd_pair_t, JAAS_OPTIONS);
    uint32_t n = 0;
    while (jaas_space(*p)) p++;
    const char *module = jaas_word(&p, arena);
    if (module == NULL || module[0] == '\0') return jaas_error("Login module not specified in JAAS config");
    while (jaas_space(*p)) p++;
    const char *flag = jaas_word(&p, arena);
    if (flag == NULL || (strcasecmp(flag, "required") != 0 && strcasecmp(flag, "requisite") != 0 &&
                         strcasecmp(flag, "sufficient") != 0 && strcasecmp(flag, "optional") != 0))
        return jaas_error("Login module control flag not specified in JAAS config");
    for (;;) {
        while (jaas_space(*p)) p++;
        if (*p == ';') break;
        if (*p == '\0') return jaas_error("JAAS config entry not terminated by semi-colon");
        const char *name = jaas_word(&p, arena);
        while (jaas_space(*p)) p++;
        if (name == NULL || name[0] == '\0' || *p != '=')
            return jaas_error("Value not specified for an option in JAAS config");
        p++;
        while (jaas_space(*p)) p++;
        const char *value = jaas_word(&p, arena);
        if (value == NULL) return jaas_error("a quoted value is not closed");
        if (n == JAAS_OPTIONS) return jaas_error("it has too many options");
        pairs[n++] = (cd_pair_t){name, value};
    }
    *ret_module = module;
    *ret_options = (cd_config_t){n, pairs};
    return NULL;
}

static cd_err_t *set_from(rd_kafka_conf_t *conf, const char *native, const char *value, const char *java)
{
    return value == NULL ? NULL : kafka_conf_set(conf, native, value, java);
}

static cd_err_t *set_jaas(const char *text, const char *mechanism, rd_kafka_conf_t *conf)
{
    cd_arena_t arena = {0};
    const char *module = NULL;
    cd_config_t opts = {0};
    cd_err_t *err = kafka_jaas_parse(text, &arena, &module, &opts);
    if (err != NULL) goto out;
    if (strcasecmp(mechanism, "OAUTHBEARER") == 0) {
        err = set_from(conf, "sasl.oauthbearer.method", "oidc", "sasl.jaas.config");
        if (err == NULL)
            err = set_from(conf, "sasl.oauthbearer.client.id", cd_config_get(&opts, "clientId"), "sasl.jaas.config");
        if (err == NULL)
            err = set_from(conf, "sasl.oauthbearer.client.secret", cd_config_get(&opts, "clientSecret"),
                           "sasl.jaas.config");
        if (err == NULL)
            err = set_from(conf, "sasl.oauthbearer.scope", cd_config_get(&opts, "scope"), "sasl.jaas.config");
    } else if (strcasecmp(mechanism, "GSSAPI") == 0) {
        err = set_from(conf, "sasl.kerberos.principal", cd_config_get(&opts, "principal"), "sasl.jaas.config");
        if (err == NULL)
            err = set_from(conf, "sasl.kerberos.keytab", cd_config_get(&opts, "keyTab"), "sasl.jaas.config");
        if (err == NULL)
            err = set_from(conf, "sasl.kerberos.service.name", cd_config_get(&opts, "serviceName"), "sasl.jaas.config");
    } else {
        err = set_from(conf, "sasl.username", cd_config_get(&opts, "username"), "sasl.jaas.config");
        if (err == NULL) err = set_from(conf, "sasl.password", cd_config_get(&opts, "password"), "sasl.jaas.config");
    }
out:
    cd_arena_done(&arena);
    return err;
}

enum store_type { STORE_UNKNOWN, STORE_PEM, STORE_PKCS12, STORE_JKS };

/** What the file is, by its first bytes: users leave the type at its default (JKS) whatever the file is. */
static cd_err_t *store_sniff(const char *key, const char *path, enum store_type *ret_type)
{
    unsigned char head[16] = {0};
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                          "Invalid value %s for configuration %s: the file cannot be read: %s", path, key,
                          strerrordesc_np(errno));
    size_t n = fread(head, 1, sizeof(head), f);
    (void)fclose(f);
    *ret_type = STORE_PEM; /* text before the first BEGIN line is common in PEM files */
    if (n >= 4 && head[0] == 0xFE && head[1] == 0xED && head[2] == 0xFE && head[3] == 0xED)
        *ret_type = STORE_JKS;
    else if (n >= 2 && head[0] == 0x30 && (head[1] & 0x80) != 0)
        *ret_type = STORE_PKCS12;
    return NULL;
}

static cd_err_t *jks_refusal(const char *key, const char *path, bool trust)
{
    return cd_err_new(
        CD_ERR_CONFIG, CD_JVM_CONFIG,
        "Invalid value %s for configuration %s: a Java key store of this type cannot be read here. Convert it "
        "with 'keytool -importkeystore -deststoretype PKCS12'%s, and name the new file.",
        path, key, trust ? " and 'openssl pkcs12 -nokeys -out ca.pem'" : "");
}

static cd_err_t *set_truststore(const cd_config_t *layers, uint32_t n, rd_kafka_conf_t *conf)
{
    static const char key[] = "ssl.truststore.location";
    const char *path = kafka_conf_get(layers, n, key);
    enum store_type type = STORE_UNKNOWN;
    cd_err_t *err = set_from(conf, "ssl.ca.pem", kafka_conf_get(layers, n, "ssl.truststore.certificates"),
                             "ssl.truststore.certificates");
    if (err != NULL || str_empty(path)) return err;
    err = store_sniff(key, path, &type);
    if (err != NULL) return err;
    if (type != STORE_PEM) return jks_refusal(key, path, true);
    return kafka_conf_set(conf, "ssl.ca.location", path, key);
}

static cd_err_t *set_keystore(const cd_config_t *layers, uint32_t n, rd_kafka_conf_t *conf)
{
    static const char key[] = "ssl.keystore.location";
    const char *path = kafka_conf_get(layers, n, key);
    const char *key_password = kafka_conf_get(layers, n, "ssl.key.password");
    enum store_type type = STORE_UNKNOWN;
    cd_err_t *err = set_from(conf, "ssl.certificate.pem", kafka_conf_get(layers, n, "ssl.keystore.certificate.chain"),
                             "ssl.keystore.certificate.chain");
    if (err == NULL)
        err = set_from(conf, "ssl.key.pem", kafka_conf_get(layers, n, "ssl.keystore.key"), "ssl.keystore.key");
    if (err == NULL) err = set_from(conf, "ssl.key.password", key_password, "ssl.key.password");
    if (err != NULL || str_empty(path)) return err;
    err = store_sniff(key, path, &type);
    if (err != NULL) return err;
    if (type == STORE_JKS) return jks_refusal(key, path, false);
    if (type == STORE_PKCS12) {
        err = kafka_conf_set(conf, key, path, key);
        if (err == NULL)
            err = set_from(conf, "ssl.keystore.password", kafka_conf_get(layers, n, "ssl.keystore.password"),
                           "ssl.keystore.password");
        return err;
    }
    err = kafka_conf_set(conf, "ssl.certificate.location", path, key);
    return err != NULL ? err : kafka_conf_set(conf, "ssl.key.location", path, key);
}

cd_err_t *kafka_conf_security(const cd_config_t *layers, uint32_t n, rd_kafka_conf_t *conf)
{
    const char *protocol = kafka_conf_get(layers, n, "security.protocol");
    if (str_empty(protocol)) return NULL; /* PLAINTEXT: no file is looked at, as in Java */
    cd_err_t *err = kafka_conf_set(conf, "security.protocol", protocol, "security.protocol");
    if (err != NULL) return err;
    if (str_starts(protocol, "SASL") || str_starts(protocol, "sasl")) {
        const char *mechanism = kafka_conf_get(layers, n, "sasl.mechanism");
        if (str_empty(mechanism)) mechanism = "GSSAPI";
        err = kafka_conf_set(conf, "sasl.mechanism", mechanism, "sasl.mechanism");
        const char *jaas = kafka_conf_get(layers, n, "sasl.jaas.config");
        if (err == NULL && !str_empty(jaas)) err = set_jaas(jaas, mechanism, conf);
        if (err != NULL) return err;
    }
    if (str_ends(protocol, "SSL") || str_ends(protocol, "ssl")) {
        const char *algorithm = kafka_conf_get(layers, n, "ssl.endpoint.identification.algorithm");
        err = kafka_conf_set(conf, "ssl.endpoint.identification.algorithm",
                             algorithm == NULL      ? "https"
                             : algorithm[0] == '\0' ? "none"
                                                    : algorithm,
                             "ssl.endpoint.identification.algorithm");
        if (err == NULL) err = set_truststore(layers, n, conf);
        if (err == NULL) err = set_keystore(layers, n, conf);
    }
    return err;
}
