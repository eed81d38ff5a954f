/* wire/tls.c: see tls.h */
#include "wire/tls.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static char *tls_error(const char *what)
{
    char reason[256] = "unknown reason", *text = NULL;
    unsigned long code = ERR_get_error();
    if (code != 0) ERR_error_string_n(code, reason, sizeof(reason));
    if (asprintf(&text, "%s: %s", what, reason) < 0) return NULL;
    return text;
}

static bool add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    return ok;
}

/* An elliptic key is made in a millisecond, which an RSA key of any use is not: the server must start at once. */
static bool use_self_signed(SSL_CTX *ctx, tls_made_t made)
{
    bool expired = made == TLS_MADE_EXPIRED, elsewhere = made == TLS_MADE_WRONG_HOST;
    const char *host = elsewhere ? "elsewhere.example" : "localhost";
    const char *names = elsewhere ? "DNS:elsewhere.example" : "DNS:localhost,IP:127.0.0.1,IP:::1";
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    bool ok = key != NULL && cert != NULL;
    if (ok) {
        X509_NAME *name = X509_get_subject_name(cert);
        ok = X509_set_version(cert, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) == 1 &&
             X509_gmtime_adj(X509_getm_notBefore(cert), expired ? -2 * 86400 : -3600) != NULL &&
             X509_gmtime_adj(X509_getm_notAfter(cert), expired ? -86400 : 3650L * 86400) != NULL &&
             X509_set_pubkey(cert, key) == 1 &&
             X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)host, -1, -1, 0) == 1 &&
             X509_set_issuer_name(cert, name) == 1 && add_extension(cert, NID_subject_alt_name, names) &&
             add_extension(cert, NID_basic_constraints, "CA:FALSE") && X509_sign(cert, key, EVP_sha256()) > 0 &&
             SSL_CTX_use_certificate(ctx, cert) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1;
    }
    X509_free(cert);
    EVP_PKEY_free(key);
    return ok;
}

static SSL_CTX *context_new(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (ctx == NULL) return NULL;
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    /* Real servers speak TLS 1.3 only in strict mode. In TDS 7.4 its last flight comes from the client, and FreeTDS 1.3
     * never sends it: it waits in a packet that only the next read would flush. */
    SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    return ctx;
}

SSL_CTX *tls_context_made(tls_made_t made, char **ret_error)
{
    SSL_CTX *ctx = context_new();
    if (ctx != NULL && use_self_signed(ctx, made)) return ctx;
    *ret_error = tls_error("cannot make a self-signed certificate");
    SSL_CTX_free(ctx);
    return NULL;
}

SSL_CTX *tls_context_new(const char *cert, const char *key, char **ret_error)
{
    if (cert == NULL) return tls_context_made(TLS_MADE_SELF_SIGNED, ret_error);
    SSL_CTX *ctx = context_new();
    const char *what = "cannot make a TLS context";
    if (ctx == NULL) goto failed;
    what = "cannot read the certificate file";
    if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1) goto failed;
    what = "cannot use the key file";
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(ctx) != 1)
        goto failed;
    return ctx;
failed:
    *ret_error = tls_error(what);
    SSL_CTX_free(ctx);
    return NULL;
}
