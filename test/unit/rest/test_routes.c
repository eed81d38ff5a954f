#include "rest/routes.h"
#include "test/unit/support/cmocka_all.h"

static enum route_result match(const char *method, const char *path, call_t *c, const char **ret_path,
                               const char **ret_allow)
{
    const route_t *route = NULL;
    *c = (call_t){0};
    *ret_allow = NULL;
    enum route_result r = routes_match(method, path, strlen(path), c, &route, ret_allow);
    *ret_path = route != NULL ? route->path : NULL;
    return r;
}

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path;
        enum route_result result;
        const char *route, *name;
    } cases[] = {
        {"GET", "/", ROUTE_FOUND, "", NULL},
        {"GET", "//", ROUTE_NO_PATH, NULL, NULL},
        {"GET", "/connectors", ROUTE_FOUND, "connectors", NULL},
        {"GET", "/connectors/", ROUTE_FOUND, "connectors", NULL},
        {"GET", "/connectors//", ROUTE_NO_PATH, NULL, NULL},
        {"GET", "/Connectors", ROUTE_NO_PATH, NULL, NULL},
        {"GET", "/%63onnectors", ROUTE_NO_PATH, NULL, NULL},
        {"GET", "/connectors/a%20b", ROUTE_FOUND, "connectors/{name}", "a b"},
        {"GET", "/connectors/a+b", ROUTE_FOUND, "connectors/{name}", "a+b"},
        {"GET", "/connectors/%C3%BC%2Fx/status", ROUTE_FOUND, "connectors/{name}/status", "\xC3\xBC/x"},
        {"GET", "/connectors/..", ROUTE_FOUND, "connectors/{name}", ".."},
        {"GET", "/connectors/a;v=1", ROUTE_FOUND, "connectors/{name}", "a"},
        {"GET", "/connectors/a%", ROUTE_BAD_PATH, NULL, NULL},
        {"GET", "/connectors/a%00", ROUTE_BAD_PATH, NULL, NULL},
        {"HEAD", "/connectors/a", ROUTE_FOUND, "connectors/{name}", "a"},
        {"PUT", "/connectors/a/pause", ROUTE_FOUND, "connectors/{name}/pause", "a"},
        {"POST", "/connectors/a/tasks/x/restart", ROUTE_NO_PATH, NULL, NULL},
        {"POST", "/connectors/a/tasks/2147483648/restart", ROUTE_NO_PATH, NULL, NULL},
        {"POST", "/connectors/a/tasks/-1/restart", ROUTE_FOUND, "connectors/{name}/tasks/{task}/restart", "a"},
        {"GET", "/metrics", ROUTE_NO_PATH, NULL, NULL},
        {"GET", "", ROUTE_NO_PATH, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        call_t c;
        const char *path, *allow;
        enum route_result r = match(cases[i].method, cases[i].path, &c, &path, &allow);
        if (r != cases[i].result) fail_msg("%s %s: %d", cases[i].method, cases[i].path, r);
        if (cases[i].route != NULL) assert_string_equal(path, cases[i].route);
        if (cases[i].name != NULL) assert_string_equal(c.name, cases[i].name);
        cd_arena_done(&c.arena);
    }
}

static void test_a_known_path_names_its_methods(void **state)
{
    (void)state;
    call_t c;
    const char *path, *allow;
    assert_int_equal(match("DELETE", "/connectors", &c, &path, &allow), ROUTE_NO_METHOD);
    assert_string_equal(allow, "GET, HEAD, POST, OPTIONS");
    cd_arena_done(&c.arena);
}

static void test_task_numbers(void **state)
{
    (void)state;
    call_t c;
    const char *path, *allow;
    assert_int_equal(match("GET", "/connectors/a/tasks/00/status", &c, &path, &allow), ROUTE_FOUND);
    assert_int_equal(c.task, 0);
    cd_arena_done(&c.arena);
}

static void test_query_parameters(void **state)
{
    (void)state;
    call_t c = {.query = "expand=info&expand=status&includeTasks=TRUE&onlyFailed=&x=%2Fa"};
    cd_list_t expand = call_params(&c, "expand");
    assert_int_equal(expand.n, 2);
    assert_string_equal(expand.items[1], "status");
    assert_true(call_param_bool(&c, "includeTasks", false));
    assert_false(call_param_bool(&c, "onlyFailed", false));
    assert_true(call_param_bool(&c, "connectorsOnly", true));
    assert_string_equal(call_param(&c, "x"), "/a");
    assert_null(call_param(&c, "Expand"));
    cd_arena_done(&c.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_a_known_path_names_its_methods),
        cmocka_unit_test(test_task_numbers),
        cmocka_unit_test(test_query_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
