#include "runtime/config/config_key.h"

#include "runtime/base/json.h"
#include "runtime/base/str.h"

#include <errno.h>
#include <math.h>

const char *config_type_name(uint8_t type)
{
    static const char *const names[] = {"STRING",  "INT",  "SHORT", "LONG",    "DOUBLE",
                                        "BOOLEAN", "LIST", "CLASS", "PASSWORD"};
    return type < sizeof(names) / sizeof(names[0]) ? names[type] : "STRING";
}

const char *config_importance_name(uint8_t importance)
{
    return importance == CD_HIGH ? "HIGH" : importance == CD_MEDIUM ? "MEDIUM" : "LOW";
}

const char *config_width_name(uint8_t width)
{
    static const char *const names[] = {"NONE", "SHORT", "MEDIUM", "LONG"};
    return width < sizeof(names) / sizeof(names[0]) ? names[width] : "NONE";
}

const cd_key_t *config_key_find(const cd_key_t *keys, uint32_t stride, const char *name)
{
    if (keys == NULL) return NULL;
    for (const cd_key_t *k = keys; k->name != NULL; k = config_key_next(k, stride))
        if (strcmp(k->name, name) == 0) return k;
    return NULL;
}

void config_result_add(config_result_t *r, cd_arena_t *arena, const char *message)
{
    if (r->nerrors == r->cap) {
        uint32_t cap = r->cap == 0 ? 4 : r->cap * 2;
        const char **errors = cd_arena_array(arena, const char *, cap);
        if (r->nerrors > 0) memcpy(errors, r->errors, r->nerrors * sizeof(*errors));
        r->errors = errors;
        r->cap = cap;
    }
    r->errors[r->nerrors++] = message;
}

/* "Invalid value <v> for configuration <key>: <reason>"; null prints as the word. */
static void add_invalid(config_result_t *r, cd_arena_t *arena, const char *value, const char *reason)
{
    config_result_add(r, arena,
                      cd_arena_printf(arena, "Invalid value %s for configuration %s: %s",
                                      r->key->type == CD_T_PASSWORD && value != NULL ? "[hidden]"
                                      : value == NULL                                ? "null"
                                                                                     : value,
                                      r->key->name, reason));
}

static bool parse_integer(const char *text, int64_t least, int64_t most, int64_t *ret)
{
    const char *digits = text[0] == '+' || text[0] == '-' ? text + 1 : text;
    if (*digits < '0' || *digits > '9') return false;
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || v < least || v > most) return false;
    *ret = v;
    return true;
}

static bool parse_real(const char *text, double *ret)
{
    char *end;
    if (text[0] == '\0' || strpbrk(text, "xXpP") != NULL) return false;
    double v = strtod(text, &end);
    if (*end != '\0') return false;
    *ret = v;
    return true;
}

static char *join_list(cd_list_t list, cd_arena_t *arena)
{
    size_t n = 1;
    for (uint32_t i = 0; i < list.n; i++) n += strlen(list.items[i]) + 1;
    char *text = cd_arena_alloc(arena, n), *at = text;
    for (uint32_t i = 0; i < list.n; i++)
        at += snprintf(at, n - (size_t)(at - text), "%s%s", i ? "," : "", list.items[i]);
    *at = '\0';
    return text;
}

/* ConfigDef.parseType: sets text and the parsed form, or adds the error and leaves text NULL. */
static void parse_text(config_result_t *r, const char *given, cd_arena_t *arena)
{
    static const struct {
        int64_t least, most;
    } ranges[] = {[CD_T_INT] = {INT32_MIN, INT32_MAX},
                  [CD_T_SHORT] = {INT16_MIN, INT16_MAX},
                  [CD_T_LONG] = {INT64_MIN, INT64_MAX}};
    uint8_t type = r->key->type;
    const char *text = type == CD_T_PASSWORD ? given : str_trim_dup(given, arena);
    switch (type) {
    case CD_T_INT:
    case CD_T_SHORT:
    case CD_T_LONG:
        if (!parse_integer(text, ranges[type].least, ranges[type].most, &r->number)) {
            add_invalid(r, arena, given, cd_arena_printf(arena, "Not a number of type %s", config_type_name(type)));
            return;
        }
        text = cd_arena_printf(arena, "%lld", (long long)r->number);
        break;
    case CD_T_DOUBLE: {
        if (!parse_real(text, &r->real)) {
            add_invalid(r, arena, given, "Not a number of type DOUBLE");
            return;
        }
        strbuf_t b = {0};
        json_write_double(r->real, &b);
        text = cd_arena_strdup(arena, strbuf_str(&b));
        strbuf_done(&b);
        break;
    }
    case CD_T_BOOLEAN:
        if (strcasecmp(text, "true") != 0 && strcasecmp(text, "false") != 0) {
            add_invalid(r, arena, given, "Expected value to be either true or false");
            return;
        }
        r->number = strcasecmp(text, "true") == 0;
        text = r->number ? "true" : "false";
        break;
    case CD_T_LIST:
        r->list = str_split_list(text, arena);
        text = join_list(r->list, arena);
        break;
    default:
        break;
    }
    r->text = text;
}

static bool is_choice(const cd_key_t *key, const char *text)
{
    for (const char *const *c = key->choices; *c != NULL; c++) {
        if ((key->flags & CD_K_ANY_CASE) != 0 ? strcasecmp(*c, text) == 0 : strcmp(*c, text) == 0) return true;
    }
    return false;
}

static void check_choices(config_result_t *r, bool null_is_fine, cd_arena_t *arena)
{
    const cd_key_t *key = r->key;
    if (r->text == NULL ? null_is_fine : is_choice(key, r->text)) return;
    strbuf_t b = {0};
    strbuf_adds(&b, (key->flags & CD_K_ANY_CASE) != 0 ? "String must be one of (case insensitive): "
                                                      : "String must be one of: ");
    for (const char *const *c = key->choices; *c != NULL; c++)
        strbuf_addf(&b, "%s%s", c == key->choices ? "" : ", ", *c);
    add_invalid(r, arena, r->text, strbuf_str(&b));
    strbuf_done(&b);
}

static void check_range(config_result_t *r, bool null_is_fine, cd_arena_t *arena)
{
    const cd_key_t *key = r->key;
    if (r->text == NULL) {
        if (!null_is_fine) add_invalid(r, arena, NULL, "Value must be non-null");
    } else if ((key->flags & CD_K_RANGE_MIN) != 0 && r->number < key->min) {
        add_invalid(r, arena, r->text, cd_arena_printf(arena, "Value must be at least %lld", (long long)key->min));
    } else if ((key->flags & CD_K_RANGE_MAX) != 0 && r->number > key->max) {
        add_invalid(r, arena, r->text, cd_arena_printf(arena, "Value must be no more than %lld", (long long)key->max));
    }
}

static void check_own(config_result_t *r, cd_arena_t *arena)
{
    if (r->text == NULL) return;
    const char *message = r->key->check(r->key, r->text, arena);
    if (message == NULL) return;
    if (message[0] == '=')
        config_result_add(r, arena, message + 1);
    else
        add_invalid(r, arena, r->text, message);
}

static bool config_has(const cd_config_t *config, const char *name, const char **ret_value)
{
    for (uint32_t i = 0; i < config->n; i++) {
        if (strcmp(config->pairs[i].name, name) != 0) continue;
        *ret_value = config->pairs[i].value;
        return true;
    }
    return false;
}

void config_check(const cd_key_t *key, const cd_config_t *config, const char *full_name, cd_arena_t *arena,
                  config_result_t *ret_result)
{
    config_result_t *r = ret_result;
    *r = (config_result_t){.key = key, .visible = true};
    const char *given = NULL;
    if (config_has(config, key->name, &given)) {
        if (given != NULL) parse_text(r, given, arena);
    } else if ((key->flags & CD_K_REQUIRED) != 0) {
        config_result_add(
            r, arena,
            cd_arena_printf(arena, "Missing required configuration \"%s\" which has no default value.", full_name));
    } else if (key->dflt != NULL) {
        parse_text(r, key->dflt, arena);
    }
    /* A key whose default is null may be null; any other null (after a parse error, a missing required key, or given as
     * null) is one that ConfigDef's validators object to in a second sentence. */
    bool null_is_fine = r->nerrors == 0 && key->dflt == NULL;
    if ((key->flags & CD_K_SELF_CHECKED) == 0) {
        if (key->choices != NULL) check_choices(r, null_is_fine, arena);
        if ((key->flags & (CD_K_RANGE_MIN | CD_K_RANGE_MAX)) != 0) check_range(r, null_is_fine, arena);
        if (key->check != NULL) check_own(r, arena);
    }
    if (key->recommend != NULL) r->recommended = key->recommend(key, config, arena);
    if (key->visible != NULL) r->visible = key->visible(key, config);
}

static void store(const cd_key_t *key, const config_result_t *r, cd_arena_t *arena, char *out)
{
    void *at = out + key->at;
    bool null = r->text == NULL;
    switch (key->type) {
    case CD_T_INT:
    case CD_T_SHORT:
        *(int32_t *)at = null ? 0 : (int32_t)r->number;
        break;
    case CD_T_LONG:
        *(int64_t *)at = null ? 0 : r->number;
        break;
    case CD_T_DOUBLE:
        *(double *)at = null ? 0 : r->real;
        break;
    case CD_T_BOOLEAN:
        *(bool *)at = !null && r->number != 0;
        break;
    case CD_T_LIST:
        *(cd_list_t *)at = null ? (cd_list_t){0} : r->list;
        break;
    default:
        *(const char **)at = null ? NULL : cd_arena_strdup(arena, r->text);
    }
}

cd_err_t *config_parse(const cd_key_t *keys, uint32_t stride, const cd_config_t *config, cd_arena_t *arena, void *out,
                       cd_problems_t *problems)
{
    cd_err_t *first = NULL;
    for (const cd_key_t *key = keys; key->name != NULL; key = config_key_next(key, stride)) {
        config_result_t r;
        config_check(key, config, key->name, arena, &r);
        for (uint32_t i = 0; i < r.nerrors; i++) {
            if (first == NULL) first = cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "%s", r.errors[i]);
            if (problems != NULL) problems->report(problems, key->name, r.errors[i]);
        }
        if (key->at != CD_NO_FIELD && out != NULL && r.nerrors == 0) store(key, &r, arena, out);
    }
    return first;
}
