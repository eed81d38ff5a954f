/* gen_table.c: see gen_table.h
 *
 * Operations come in cycles: all inserts of the cycle, then its updates, then its deletes, so that an update never hits a
 * deleted key. Operation o is in transaction o / rows_per_tx. A transaction has a block of its own: its changes take the
 * slots from 1, its commit record the one behind them. */
#include "gen/gen_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/datetime.h"

enum { BLOCK_STEP = 8, TX_MS = 1 };

#define TEXT(t)                                                                                                        \
    {                                                                                                                  \
        .u.s = {.ptr = (t), .len = sizeof(t) - 1 }                                                                     \
    }
#define LOREM                                                                                                          \
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore "   \
    "magna aliqua. "
#define LOREM_8  LOREM LOREM LOREM LOREM LOREM LOREM LOREM LOREM
#define LOREM_64 LOREM_8 LOREM_8 LOREM_8 LOREM_8 LOREM_8 LOREM_8 LOREM_8 LOREM_8

#define INT_COLUMN(n, v)                                                                                               \
    {                                                                                                                  \
        "n" #n, "INT NULL", {.base = SIM_T_INT},                                                                       \
        {                                                                                                              \
            .u.i = (v)                                                                                                 \
        }                                                                                                              \
    }
#define TEXT_COLUMN(n)                                                                                                 \
    {                                                                                                                  \
        "t" #n, "NVARCHAR(50) NULL", {.base = SIM_T_NVARCHAR, .len = 100}, TEXT("value of a wide row")                 \
    }

static const gen_column_t customers[] = {
    {"id", "INT NOT NULL PRIMARY KEY", {.base = SIM_T_INT, .not_null = true}, {.u.i = 0}},
    {"name",
     "NVARCHAR(100) NOT NULL",
     {.base = SIM_T_NVARCHAR, .len = 200, .not_null = true},
     TEXT("Generated Customer")},
    {"email", "NVARCHAR(100) NULL", {.base = SIM_T_NVARCHAR, .len = 200}, TEXT("generated.customer@example.com")},
    {"created_at",
     "DATETIME2 NULL",
     {.base = SIM_T_DATETIME2, .scale = 7},
     {.u.t = {.days = 738959, .ticks = 495301234567}}},
    {"updated_at",
     "DATETIME2 NULL",
     {.base = SIM_T_DATETIME2, .scale = 7},
     {.u.t = {.days = 738959, .ticks = 495301234567}}},
};
static const gen_column_t wide[] = {
    {"id", "BIGINT NOT NULL PRIMARY KEY", {.base = SIM_T_BIGINT, .not_null = true}, {.u.i = 0}},
    INT_COLUMN(1, 11),
    INT_COLUMN(2, 22),
    INT_COLUMN(3, 33),
    INT_COLUMN(4, 44),
    INT_COLUMN(5, 55),
    INT_COLUMN(6, 66),
    INT_COLUMN(7, 77),
    INT_COLUMN(8, 88),
    INT_COLUMN(9, 99),
    INT_COLUMN(10, 110),
    TEXT_COLUMN(1),
    TEXT_COLUMN(2),
    TEXT_COLUMN(3),
    TEXT_COLUMN(4),
    TEXT_COLUMN(5),
    TEXT_COLUMN(6),
    TEXT_COLUMN(7),
    TEXT_COLUMN(8),
    TEXT_COLUMN(9),
    TEXT_COLUMN(10),
    {"amount", "DECIMAL(10,2) NULL", {.base = SIM_T_DECIMAL, .prec = 10, .scale = 2}, {.u.dec = {.mag = 123456}}},
};
static const gen_column_t lob[] = {
    {"id", "INT NOT NULL PRIMARY KEY", {.base = SIM_T_INT, .not_null = true}, {.u.i = 0}},
    {"body", "NVARCHAR(MAX) NULL", {.base = SIM_T_NVARCHAR, .len = SIM_LEN_MAX}, TEXT(LOREM_64)},
};

#define TEMPLATE(t)                                                                                                    \
    {                                                                                                                  \
#t, t, sizeof(t) / sizeof((t)[0])                                                                              \
    }
static const gen_template_t templates[] = {TEMPLATE(customers), TEMPLATE(wide), TEMPLATE(lob)};

const gen_template_t *gen_template(const char *name)
{
    for (size_t i = 0; i < sizeof(templates) / sizeof(templates[0]); i++)
        if (name_eq(templates[i].name, name)) return &templates[i];
    return NULL;
}

static bool parse_counts(const char *ops, unsigned n[3])
{
    for (const char *p = ops; *p != '\0';) {
        static const char letters[] = "iud";
        const char *which = strchr(letters, *p);
        char *end;
        if (which == NULL || p[1] != ':') return false;
        unsigned long count = strtoul(p + 2, &end, 10);
        if (end == p + 2 || count > GEN_CYCLE_MAX) return false;
        n[which - letters] = (unsigned)count;
        p = *end == ',' ? end + 1 : end;
        if (p == end && *p != '\0') return false;
    }
    return n[0] + 2 * n[1] + n[2] > 0 && n[0] + 2 * n[1] + n[2] <= GEN_CYCLE_MAX && n[2] <= n[0];
}

static void add_update(gen_table_t *g, uint16_t ordinal, uint32_t key)
{
    g->cycle[g->cycle_images++] = (gen_image_t){3, ordinal, key};
    g->cycle[g->cycle_images++] = (gen_image_t){4, ordinal, key};
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

/* Draws from what is left of the cycle. A change needs a live key; until the first insert only inserts are drawn, and a
 * delete is put off while the updates that are left would find nothing. */
static void mix(gen_table_t *g, unsigned n[3], uint64_t seed)
{
    uint32_t live[GEN_CYCLE_MAX] = {0}, nlive = 0, made = 0;
    uint16_t ordinal = 0;
    for (;;) {
        unsigned most = n[0] + (nlive > 0 ? n[1] + n[2] : 0);
        if (most == 0) return;
        unsigned draw = (unsigned)(next_random(&seed) % most);
        uint32_t at = nlive > 0 ? (uint32_t)(next_random(&seed) % nlive) : 0;
        if (draw < n[0]) {
            g->cycle[g->cycle_images++] = (gen_image_t){2, ordinal, made};
            live[nlive++] = made++;
            n[0]--;
        } else if (draw < n[0] + n[1] || (nlive == 1 && n[0] == 0 && n[1] > 0)) {
            add_update(g, ordinal, live[at]);
            n[1]--;
        } else {
            g->cycle[g->cycle_images++] = (gen_image_t){1, ordinal, live[at]};
            live[at] = live[--nlive];
            n[2]--;
        }
        ordinal++;
    }
}

bool gen_parse_ops(gen_table_t *g, const char *ops, uint64_t seed)
{
    unsigned n[3] = {0};
    if (!parse_counts(ops, n)) return false;
    g->cycle_keys = n[0] > 0 ? n[0] : 1;
    g->cycle_ops = n[0] + n[1] + n[2];
    if (seed != 0 && n[0] > 0) {
        mix(g, n, seed);
        return true;
    }
    uint16_t ordinal = 0;
    for (unsigned i = 0; i < n[0]; i++) g->cycle[g->cycle_images++] = (gen_image_t){2, ordinal++, i};
    for (unsigned i = 0; i < n[1]; i++) add_update(g, ordinal++, i % g->cycle_keys);
    for (unsigned i = 0; i < n[2]; i++) g->cycle[g->cycle_images++] = (gen_image_t){1, ordinal++, n[0] - 1 - i};
    return true;
}

uint64_t gen_images_of(const gen_table_t *g, uint64_t operations)
{
    uint64_t images = operations / g->cycle_ops * g->cycle_images;
    for (uint32_t i = 0; i < g->cycle_images; i++) images += g->cycle[i].ordinal < operations % g->cycle_ops;
    return images;
}

static void put_lsn(uint8_t lsn[10], uint32_t vlf, uint32_t block, uint16_t slot)
{
    for (int i = 0; i < 4; i++) {
        lsn[i] = (uint8_t)(vlf >> (24 - 8 * i));
        lsn[4 + i] = (uint8_t)(block >> (24 - 8 * i));
    }
    lsn[8] = (uint8_t)(slot >> 8);
    lsn[9] = (uint8_t)slot;
}

static void tx_lsn(const gen_table_t *g, uint64_t tx, uint16_t slot, uint8_t ret_lsn[10])
{
    uint64_t block = g->base_block + tx * BLOCK_STEP;
    put_lsn(ret_lsn, g->base_vlf + (uint32_t)(block >> 32), (uint32_t)block, slot);
}

void sim_gen_row(const void *gen, uint64_t i, sim_gen_row_t *ret_row)
{
    const gen_table_t *g = gen;
    uint64_t cycle = i / g->cycle_images;
    const gen_image_t *image = &g->cycle[i % g->cycle_images];
    uint64_t operation = cycle * g->cycle_ops + image->ordinal, tx = operation / g->rows_per_tx;
    tx_lsn(g, tx, (uint16_t)(g->rows_per_tx + 1), ret_row->start_lsn);
    tx_lsn(g, tx, (uint16_t)(operation % g->rows_per_tx + 1), ret_row->seqval);
    size_t len = (g->ncols + 7) / 8;
    memset(ret_row->mask, 0xFF, sizeof(ret_row->mask));
    if (g->ncols % 8 != 0) ret_row->mask[0] = (uint8_t)((1u << g->ncols % 8) - 1);
    if (image->operation >= 3) { /* an update names the last column */
        memset(ret_row->mask, 0, sizeof(ret_row->mask));
        ret_row->mask[len - 1 - (g->ncols - 1) / 8] = (uint8_t)(1u << (g->ncols - 1) % 8);
    }
    ret_row->operation = image->operation;
    ret_row->key = (int64_t)(g->snapshot + cycle * g->cycle_keys + image->key + 1);
    int64_t ticks = g->ticks + (int64_t)tx * TX_MS * 10000;
    ret_row->days = g->days + (int32_t)(ticks / DT_DAY_TICKS);
    ret_row->ticks = ticks % DT_DAY_TICKS;
}

uint64_t gen_due(const gen_table_t *g, int64_t now_ms)
{
    uint64_t images = (uint64_t)(now_ms - g->started_ms) * g->rate / 1000;
    uint64_t operations = images / g->cycle_images * g->cycle_ops;
    if (operations >= g->operations) return g->operations;
    return operations - operations % g->rows_per_tx;
}

uint64_t gen_visible(const gen_table_t *g)
{
    return g->rate == 0 ? g->images : gen_images_of(g, __atomic_load_n(&g->mapped_ops, __ATOMIC_ACQUIRE));
}

void gen_lsn_of(const gen_table_t *g, uint64_t images, uint8_t ret_lsn[10])
{
    sim_gen_row_t row;
    sim_gen_row(g, images - 1, &row);
    memcpy(ret_lsn, row.start_lsn, 10);
}
