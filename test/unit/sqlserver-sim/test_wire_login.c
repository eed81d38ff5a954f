/* PRELOGIN and LOGIN7: the documented bytes, the table of encryption choices, and damaged input. */
#include "test/unit/sqlserver-sim/wire_capture.h"
#include "wire/login7.h"
#include "wire/prelogin.h"

static void test_prelogin_reply_bytes(void **state)
{
    (void)state;
    uint8_t body[PRELOGIN_REPLY_SIZE], expected[64];
    prelogin_reply(body, 15, TDS_ENC_NOT_SUP);
    size_t n = from_hex("00 00 1A 00 06 01 00 20 00 01 02 00 21 00 01 03 00 22 00 00 04 00 22 00 01 FF"
                        "0F 00 10 00 00 00 02 00 00",
                        expected);
    assert_int_equal(n, PRELOGIN_REPLY_SIZE);
    assert_memory_equal(body, expected, n);
}

static void test_prelogin_parse(void **state)
{
    (void)state;
    uint8_t body[64];
    prelogin_t p;
    size_t n = from_hex("00 00 0B 00 06 01 00 11 00 01 FF 0A 00 01 02 00 00 81", body);
    assert_true(prelogin_parse(body, n, &p));
    assert_int_equal(p.encryption, TDS_ENC_ON);
    assert_int_equal(p.version[0], 10);
    assert_true(prelogin_parse((const uint8_t *)"\xFF", 1, &p));
    assert_int_equal(p.encryption, TDS_ENC_NOT_SUP);
    for (size_t cut = 0; cut < 11; cut++) assert_false(prelogin_parse(body, cut, &p));
    body[7] = 0xFF; /* offset behind the end */
    assert_false(prelogin_parse(body, n, &p));
}

static void test_encryption_table(void **state)
{
    (void)state;
    static const struct {
        tds_encrypt_t client;
        tls_policy_t policy;
        tds_encrypt_t reply;
        tls_scope_t scope;
    } rows[] = {
        {TDS_ENC_NOT_SUP, TLS_POLICY_OFF, TDS_ENC_NOT_SUP, TLS_SCOPE_NONE},
        {TDS_ENC_NOT_SUP, TLS_POLICY_ON, TDS_ENC_NOT_SUP, TLS_SCOPE_NONE},
        {TDS_ENC_NOT_SUP, TLS_POLICY_REQUIRED, TDS_ENC_REQ, TLS_SCOPE_ALL},
        {TDS_ENC_OFF, TLS_POLICY_OFF, TDS_ENC_NOT_SUP, TLS_SCOPE_NONE},
        {TDS_ENC_OFF, TLS_POLICY_ON, TDS_ENC_OFF, TLS_SCOPE_LOGIN},
        {TDS_ENC_OFF, TLS_POLICY_REQUIRED, TDS_ENC_REQ, TLS_SCOPE_ALL},
        {TDS_ENC_ON, TLS_POLICY_OFF, TDS_ENC_NOT_SUP, TLS_SCOPE_NONE},
        {TDS_ENC_ON, TLS_POLICY_ON, TDS_ENC_ON, TLS_SCOPE_ALL},
        {TDS_ENC_REQ, TLS_POLICY_ON, TDS_ENC_ON, TLS_SCOPE_ALL},
        {TDS_ENC_ON, TLS_POLICY_REQUIRED, TDS_ENC_ON, TLS_SCOPE_ALL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tls_scope_t scope;
        assert_int_equal(prelogin_encryption(rows[i].client, rows[i].policy, &scope), rows[i].reply);
        assert_int_equal(scope, rows[i].scope);
    }
}

static void test_password_bytes(void **state)
{
    (void)state;
    uint8_t bytes[32], clear[32];
    size_t n = from_hex("A0 A5 B3 A5 92 A5 92 A5 B6 A5", bytes);
    login7_unscramble(bytes, n);
    assert_int_equal(from_hex("'Pass1'", clear), n);
    assert_memory_equal(bytes, clear, n);
}

/* A LOGIN7 for sa / Pass1 on testDB with a UTF-8 feature request. @return its length */
static size_t build_login(uint8_t *body)
{
    size_t at = 94;
    memset(body, 0, 512);
    put_le(body + 4, TDS_V74, 4);
    put_le(body + 8, 8192, 4);
    body[25] = 0x02;
    body[26] = 0x20;
    body[27] = 0x10;
    static const struct {
        unsigned field;
        const char *hex;
    } fields[] = {{36, "'box'"}, {40, "'sa'"}, {44, "A0 A5 B3 A5 92 A5 92 A5 B6 A5"}, {48, "'app'"}, {68, "'testDB'"}};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        size_t n = from_hex(fields[i].hex, body + at);
        put_le(body + fields[i].field, at, 2);
        put_le(body + fields[i].field + 2, n / 2, 2);
        at += n;
    }
    put_le(body + 56, at, 2);
    put_le(body + 58, 4, 2);
    put_le(body + at, at + 4, 4);
    at += 4;
    at += from_hex("04 01 00 00 00 01 0A 00 00 00 00 FF", body + at);
    put_le(body, at, 4);
    return at;
}

static void test_login_fields(void **state)
{
    (void)state;
    uint8_t body[512];
    size_t n = build_login(body);
    pool_t pool = {0};
    login7_t login;
    assert_true(login7_parse(body, n, &pool, &login));
    assert_string_equal(login.user, "sa");
    assert_string_equal(login.password, "Pass1");
    assert_int_equal(login.password_len, 5);
    assert_string_equal(login.host, "box");
    assert_string_equal(login.app, "app");
    assert_string_equal(login.database, "testDB");
    assert_string_equal(login.language, "");
    assert_int_equal(login.tds_version, TDS_V74);
    assert_int_equal(login.packet_size, 8192);
    assert_true(login.odbc && login.read_only && login.utf8_asked);
    assert_false(login.sspi);
    pool_done(&pool);
}

static void test_login_damaged(void **state)
{
    (void)state;
    uint8_t body[512], copy[512];
    size_t n = build_login(body);
    login7_t login;
    pool_t pool = {0};
    for (size_t cut = 0; cut < n; cut++) { /* an exact copy, so that a read behind its end is found */
        uint8_t *exact = test_malloc(cut + 1);
        memcpy(exact, body, cut);
        assert_false(login7_parse(exact, cut, &pool, &login));
        test_free(exact);
    }
    static const unsigned fields[] = {36, 40, 44, 48, 68, 56};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        memcpy(copy, body, n);
        put_le(copy + fields[i], 0xFFFF, 2); /* offset */
        assert_false(login7_parse(copy, n, &pool, &login));
        memcpy(copy, body, n);
        put_le(copy + fields[i] + 2, 0xFFFF, 2); /* length */
        assert_false(login7_parse(copy, n, &pool, &login));
    }
    memcpy(copy, body, n);
    put_le(copy, UINT32_MAX, 4);
    assert_false(login7_parse(copy, n, &pool, &login));
    memcpy(copy, body, n);
    put_le(copy + n - 5, UINT32_MAX, 4); /* the feature's length */
    assert_false(login7_parse(copy, n, &pool, &login));
    pool_done(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prelogin_reply_bytes), cmocka_unit_test(test_prelogin_parse),
        cmocka_unit_test(test_encryption_table),     cmocka_unit_test(test_password_bytes),
        cmocka_unit_test(test_login_fields),         cmocka_unit_test(test_login_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
