#include "runtime/validation/connector_keys.h"

#include "runtime/base/str.h"

static const char *check_name(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    (void)key;
    if (text[0] == '\0') return "String may not be empty";
    char *codes = cd_arena_strdup(arena, "");
    for (const char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p >= 0x20 && *p != 0x7F) continue;
        codes = cd_arena_printf(arena, "%s%s%d", codes, codes[0] != '\0' ? ", " : "", *p);
    }
    if (codes[0] == '\0') return NULL;
    return cd_arena_printf(arena, "String may not contain control sequences but had the following ASCII chars: %s",
                           codes);
}

static const char *check_unique(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    (void)key;
    cd_list_t list = str_split_list(text, arena);
    for (uint32_t i = 0; i < list.n; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(list.items[i], list.items[j]) != 0) continue;
            char *shown = cd_arena_strdup(arena, "");
            for (uint32_t k = 0; k < list.n; k++)
                shown = cd_arena_printf(arena, "%s%s%s", shown, k > 0 ? ", " : "", list.items[k]);
            return cd_arena_printf(arena, "=Invalid value [%s] for configuration %s: Duplicate alias provided.", shown,
                                   key->name);
        }
    }
    return NULL;
}

static const char *check_not_empty(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    (void)key;
    (void)arena;
    return text[0] == '\0' ? "String must be non-empty" : NULL;
}

static const char *const reload_choices[] = {"none", "restart", NULL};
static const char *const tolerance_choices[] = {"none", "all", NULL};
static const char *const eos_choices[] = {"requested", "required", NULL};
static const char *const boundary_choices[] = {"poll", "interval", "connector", NULL};

#define COMMON       "Common"
#define ERRORS       "Error Handling"
#define EXACTLY_ONCE "Exactly Once Support"

#define ROW(n, t, d, imp, g, w, disp, ord, text, ...)                                                                  \
    {                                                                                                                  \
        .key = {.name = (n),                                                                                           \
                .type = (t),                                                                                           \
                .dflt = (d),                                                                                           \
                .importance = (imp),                                                                                   \
                .group = (g),                                                                                          \
                .width = (w),                                                                                          \
                .display = (disp),                                                                                     \
                .doc = (text),                                                                                         \
                .at = CD_NO_FIELD,                                                                                     \
                __VA_ARGS__},                                                                                          \
        .order = (ord)                                                                                                 \
    }

#define COMMON_ROWS                                                                                                    \
    ROW("name", CD_T_STRING, NULL, CD_HIGH, COMMON, CD_W_MEDIUM, "Connector name", 1,                                  \
        "Name of this connector, unique in the cluster.", .flags = CD_K_REQUIRED, .check = check_name),                \
        ROW("connector.class", CD_T_STRING, NULL, CD_HIGH, COMMON, CD_W_LONG, "Connector class", 2,                    \
            "Class of the connector: the full name, or its short form without package and without \"Connector\".",     \
            .flags = CD_K_REQUIRED),                                                                                   \
        ROW("tasks.max", CD_T_INT, "1", CD_HIGH, COMMON, CD_W_SHORT, "Tasks max", 3,                                   \
            "Largest number of tasks this connector may run.", .flags = CD_K_RANGE_MIN, .min = 1),                     \
        ROW("tasks.max.enforce", CD_T_BOOLEAN, "true", CD_LOW, COMMON, CD_W_SHORT, "Enforce tasks max", 4,             \
            "Whether a connector that plans more tasks than tasks.max fails."),                                        \
        ROW("key.converter", CD_T_CLASS, NULL, CD_LOW, COMMON, CD_W_SHORT, "Key converter class", 5,                   \
            "Converter of record keys; the worker's when not set."),                                                   \
        ROW("value.converter", CD_T_CLASS, NULL, CD_LOW, COMMON, CD_W_SHORT, "Value converter class", 6,               \
            "Converter of record values; the worker's when not set."),                                                 \
        ROW("header.converter", CD_T_CLASS, NULL, CD_LOW, COMMON, CD_W_SHORT, "Header converter class", 7,             \
            "Converter of header values; the worker's when not set."),                                                 \
        ROW("transforms", CD_T_LIST, "", CD_LOW, "Transforms", CD_W_LONG, "Transforms", 8,                             \
            "Aliases of the transformations that records pass, in order.", .check = check_unique),                     \
        ROW("predicates", CD_T_LIST, "", CD_LOW, "Predicates", CD_W_LONG, "Predicates", 9,                             \
            "Aliases of the predicates that transformations may refer to.", .check = check_unique),                    \
        ROW("config.action.reload", CD_T_STRING, "restart", CD_LOW, COMMON, CD_W_MEDIUM, "Reload Action", 10,          \
            "What happens when a config provider's value expires: restart the connector, or none.",                    \
            .choices = reload_choices),                                                                                \
        ROW("errors.retry.timeout", CD_T_LONG, "0", CD_MEDIUM, ERRORS, CD_W_MEDIUM, "Retry Timeout for Errors", 1,     \
            "How long (ms) a failed conversion or transformation is retried; 0 never, -1 for ever."),                  \
        ROW("errors.retry.delay.max.ms", CD_T_LONG, "60000", CD_MEDIUM, ERRORS, CD_W_MEDIUM,                           \
            "Maximum Delay Between Retries for Errors", 2, "Longest pause (ms) between two retries."),                 \
        ROW("errors.tolerance", CD_T_STRING, "none", CD_MEDIUM, ERRORS, CD_W_SHORT, "Error Tolerance", 3,              \
            "none: the first bad record fails the task; all: bad records are reported and skipped.",                   \
            .choices = tolerance_choices),                                                                             \
        ROW("errors.log.enable", CD_T_BOOLEAN, "false", CD_MEDIUM, ERRORS, CD_W_SHORT, "Log Errors", 4,                \
            "Whether each failed operation is written to the log."),                                                   \
        ROW("errors.log.include.messages", CD_T_BOOLEAN, "false", CD_MEDIUM, ERRORS, CD_W_SHORT, "Log Error Details",  \
            5, "Whether the log also tells which record failed.")

#define END_ROW                                                                                                        \
    {                                                                                                                  \
        .key = CD_KEY_END                                                                                              \
    }

static const connector_key_t common_keys[] = {COMMON_ROWS, END_ROW};

static const connector_key_t sink_keys[] = {
    COMMON_ROWS,
    ROW("topics", CD_T_LIST, "", CD_HIGH, COMMON, CD_W_LONG, "Topics", 4, "Topics to consume, separated by commas."),
    ROW("topics.regex", CD_T_STRING, "", CD_HIGH, COMMON, CD_W_LONG, "Topics regex", 4,
        "Regular expression that matches the whole names of the topics to consume."),
    ROW("errors.deadletterqueue.topic.name", CD_T_STRING, "", CD_MEDIUM, ERRORS, CD_W_MEDIUM,
        "Dead Letter Queue Topic Name", 6, "Topic that receives the records that failed; empty for none."),
    ROW("errors.deadletterqueue.topic.replication.factor", CD_T_SHORT, "3", CD_MEDIUM, ERRORS, CD_W_MEDIUM,
        "Dead Letter Queue Topic Replication Factor", 7, "Replicas of that topic when it has to be created."),
    ROW("errors.deadletterqueue.context.headers.enable", CD_T_BOOLEAN, "false", CD_MEDIUM, ERRORS, CD_W_MEDIUM,
        "Enable Error Context Headers", 8, "Whether headers tell where and why a record in that topic failed."),
    END_ROW};

static const connector_key_t source_keys[] = {
    COMMON_ROWS,
    ROW("topic.creation.groups", CD_T_LIST, "", CD_LOW, "Topic Creation", CD_W_LONG, "Topic Creation Groups", 1,
        "Groups of settings for topics that the connector creates.", .check = check_unique),
    ROW("exactly.once.support", CD_T_STRING, "requested", CD_MEDIUM, EXACTLY_ONCE, CD_W_SHORT, "Exactly once support",
        2, "requested: use it where the worker has it; required: refuse the connector otherwise.",
        .choices = eos_choices, .flags = CD_K_ANY_CASE),
    ROW("transaction.boundary", CD_T_STRING, "poll", CD_MEDIUM, EXACTLY_ONCE, CD_W_SHORT, "Transaction Boundary", 3,
        "Where transactions of exactly-once sources end.", .choices = boundary_choices, .flags = CD_K_ANY_CASE),
    ROW("transaction.boundary.interval.ms", CD_T_LONG, NULL, CD_LOW, EXACTLY_ONCE, CD_W_SHORT,
        "Transaction boundary interval", 4, "Interval (ms) of transactions under the interval boundary.",
        .flags = CD_K_RANGE_MIN, .min = 0),
    ROW("offsets.storage.topic", CD_T_STRING, NULL, CD_LOW, "offsets.topic", CD_W_LONG, "Offsets topic", 1,
        "A topic of its own for this connector's offsets.", .check = check_not_empty),
    END_ROW};

static const cd_key_t transform_keys[] = {
    {.name = "negate",
     .type = CD_T_BOOLEAN,
     .dflt = "false",
     .importance = CD_MEDIUM,
     .display = "negate",
     .at = CD_NO_FIELD,
     .doc = "Whether the transformation applies to records for which the predicate is false."},
    {.name = "predicate",
     .type = CD_T_STRING,
     .importance = CD_MEDIUM,
     .display = "predicate",
     .at = CD_NO_FIELD,
     .doc = "Alias of the predicate that decides which records are transformed."},
    CD_KEY_END};

const connector_key_t *connector_keys(uint32_t kind)
{
    return kind == CD_KIND_SINK ? sink_keys : kind == CD_KIND_SOURCE ? source_keys : common_keys;
}

const cd_key_t *connector_transform_keys(void)
{
    return transform_keys;
}
