#include "connectors/postgres/conn_target.h"
#include "test/unit/connectors/postgres/host.h"

static void test_url_grammar(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        enum jdbc_url_status status;
        const char *host, *port, *database;
    } cases[] = {{"jdbc:postgresql://h1:5433/db", JDBC_URL_OK, "h1", "5433", "db"},
                 {"jdbc:postgresql:///", JDBC_URL_OK, "localhost", "5432", NULL},
                 {"jdbc:postgresql://", JDBC_URL_OK, "localhost", "5432", NULL},
                 {"jdbc:postgresql:db", JDBC_URL_OK, "localhost", "5432", "db"},
                 {"jdbc:postgresql:", JDBC_URL_OK, "localhost", "5432", NULL},
                 {"jdbc:PostgreSQL://[::1]:6000/a%40b+c", JDBC_URL_OK, "::1", "6000", "a@b c"},
                 {"jdbc:postgresql://:7000/db", JDBC_URL_OK, "localhost", "7000", "db"},
                 {"jdbc:postgresql://h/db?PORT=7001&Host=other&dbname=x", JDBC_URL_OK, "other", "7001", "x"},
                 {"jdbc:postgresql://h", JDBC_URL_UNPARSABLE, NULL, NULL, NULL},
                 {"jdbc:postgresql://h/a/b", JDBC_URL_UNPARSABLE, NULL, NULL, NULL},
                 {"jdbc:postgresql://h:0/a", JDBC_URL_UNPARSABLE, NULL, NULL, NULL},
                 {"jdbc:postgresql://h:99999/a", JDBC_URL_UNPARSABLE, NULL, NULL, NULL},
                 {"jdbc:postgresql://h:x/a", JDBC_URL_UNPARSABLE, NULL, NULL, NULL},
                 {"jdbc:postgresql://::1/a", JDBC_URL_UNPARSABLE, NULL, NULL, NULL},
                 {"jdbc:postgresql://h/%zz", JDBC_URL_UNPARSABLE, NULL, NULL, NULL},
                 {"jdbc:postgresql://h/%0", JDBC_URL_UNPARSABLE, NULL, NULL, NULL},
                 {"jdbc:postgresql://h/d?host=a,b&port=1,2,3", JDBC_URL_UNPARSABLE, NULL, NULL, NULL},
                 {"jdbc:mysql://h/db", JDBC_URL_NOT_POSTGRESQL, NULL, NULL, NULL},
                 {"postgresql://h/db", JDBC_URL_NOT_JDBC, NULL, NULL, NULL},
                 {"jdbc::", JDBC_URL_NOT_JDBC, NULL, NULL, NULL}};
    cd_arena_t arena = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        jdbc_url_t url;
        assert_int_equal(jdbc_url_parse(cases[i].url, &arena, &url), cases[i].status);
        if (cases[i].status != JDBC_URL_OK) continue;
        assert_string_equal(url.hosts[0], cases[i].host);
        assert_string_equal(url.ports[0], cases[i].port);
        if (cases[i].database == NULL)
            assert_null(url.database);
        else
            assert_string_equal(url.database, cases[i].database);
    }
    cd_arena_done(&arena);
}

static void test_masking(void **state)
{
    (void)state;
    cd_arena_t arena = {0};
    assert_string_equal(jdbc_url_mask("jdbc:postgresql://h/d?a=1&sslPassword=x&PASSWORD=&b=2", &arena),
                        "jdbc:postgresql://h/d?a=1&sslPassword=****&PASSWORD=****&b=2");
    assert_string_equal(jdbc_url_mask("jdbc:x", &arena), "jdbc:x");
    cd_arena_done(&arena);
}

static void expect(const conn_target_t *t, const char *key, const char *want)
{
    const char *got = conn_target_get(t, key);
    if (want == NULL) {
        assert_null(got);
    } else {
        assert_non_null(got);
        assert_string_equal(got, want);
    }
}

static void test_parameters(void **state)
{
    (void)state;
    cd_arena_t arena = {0};
    sink_conf_t conf;
    conn_target_t t;
    CONF(&arena, &conf, "connection.url",
         "jdbc:postgresql://h1:5433,h2/db?sslmode=require&currentSchema=app&ApplicationName=cdc&connectTimeout=3");
    assert_null(conn_target_build(&conf, &arena, &t));
    expect(&t, "host", "h1,h2");
    expect(&t, "port", "5433,5432");
    expect(&t, "dbname", "db");
    expect(&t, "sslmode", "require");
    expect(&t, "sslrootcert", "/nonexistent/root.crt");
    expect(&t, "application_name", "cdc");
    expect(&t, "options", "-c search_path=app");
    expect(&t, "keepalives", "0");
    expect(&t, "user", NULL);
    assert_int_equal(t.connect_timeout_s, 3);
    sink_conf_done(&conf);

    CONF(&arena, &conf, "connection.url",
         "jdbc:postgresql://h/db?ssl=true&user=url&prepareThreshold=0&options=-c%20a=b", "connection.user", "conf",
         "connection.password", "pw", "connection.pool.size", "10", "connection.currentSchema", "a b",
         "connection.stringtype", "unspecified", "connection.targetServerType", "preferSecondary");
    assert_null(conn_target_build(&conf, &arena, &t));
    expect(&t, "sslmode", "verify-full");
    expect(&t, "sslrootcert", NULL);
    expect(&t, "user", "url");
    expect(&t, "password", "pw");
    expect(&t, "options", "-c a=b -c search_path=a\\ b");
    expect(&t, "target_session_attrs", "prefer-standby");
    assert_true(t.no_prepare);
    assert_true(t.string_unspecified);
    sink_conf_done(&conf);
    cd_arena_done(&arena);
}

static void test_refused_parameters(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"jdbc:postgresql://h/db?sslmode=foo", "Invalid sslmode value: foo"},
        {"jdbc:postgresql://h/db?targetServerType=foo", "Invalid targetServerType value: foo"},
        {"jdbc:postgresql://h/db?socketTimeout=x", "socketTimeout parameter value must be an integer but was: x"},
        {"jdbc:postgresql://h?password=s", "Unable to parse URL jdbc:postgresql://h?password=****"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cd_arena_t arena = {0};
        sink_conf_t conf;
        conn_target_t t;
        CONF(&arena, &conf, "connection.url", cases[i][0]);
        cd_err_t *err = conn_target_build(&conf, &arena, &t);
        assert_non_null(err);
        assert_string_equal(err->message, cases[i][1]);
        cd_err_free(err);
        sink_conf_done(&conf);
        cd_arena_done(&arena);
    }
}

static void test_key_table(void **state)
{
    (void)state;
    cd_arena_t arena = {0};
    for (const cd_key_t *k = sink_keys_table; k->name != NULL; k++) {
        assert_true(k->doc != NULL && strlen(k->doc) > 20);
        assert_non_null(k->display);
        assert_non_null(k->group);
        if (k->check != NULL && k->dflt != NULL) assert_null(k->check(k, k->dflt, &arena));
    }
    assert_true(sink_conf_is_own("connection.attempts"));
    assert_false(sink_conf_is_own("connection.pool.size"));
    cd_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_url_grammar), cmocka_unit_test(test_masking),
                                       cmocka_unit_test(test_parameters), cmocka_unit_test(test_refused_parameters),
                                       cmocka_unit_test(test_key_table)};
    return cmocka_run_group_tests(tests, give_host, NULL);
}
