/* gen_table.h: a generator's definition and its arithmetic. Pure functions, any thread. */
#ifndef SIM_GEN_TABLE_H
#define SIM_GEN_TABLE_H

#include "engine.h"
#include "sql/session.h"

enum { GEN_CYCLE_MAX = 200, GEN_CT_COLUMNS = 5, GEN_COLUMNS_MAX = 64 };

typedef enum gen_object { GEN_TABLE, GEN_CHANGES, GEN_FUNCTION } gen_object_t;

typedef struct gen_image { /* one row image of the cycle of operations */
    uint8_t operation;     /* 1..4 */
    uint16_t ordinal;      /* of its operation within the cycle */
    uint32_t key;          /* within the cycle's keys */
} gen_image_t;

struct gen_table {
    gen_table_t *next;
    int db_id;
    char *schema, *name, *instance; /* instance without _CT */
    size_t ncols;                   /* of the table, key first */
    const struct gen_template *tpl;
    gen_image_t cycle[GEN_CYCLE_MAX];
    uint32_t cycle_images, cycle_ops, cycle_keys;
    uint32_t rows_per_tx;
    uint64_t operations, images, snapshot;
    uint64_t rate;       /* images per second; 0 = all of them at once */
    int64_t started_ms;  /* mono_ms() of the first image */
    uint64_t mapped_ops; /* rate only: operations that the time mapping covers; atomic */
    bool replay;         /* every row is the template: for measuring readers */
    uint32_t base_vlf, base_block;
    int32_t days; /* of the first transaction's commit, UTC */
    int64_t ticks;
    int offset_min; /* of the commit times */
};

typedef struct gen_column {
    const char *name, *ddl;
    sim_typeinfo_t type;
    sim_value_t value; /* what every row has there; ignored for the key */
} gen_column_t;

typedef struct gen_template {
    const char *name;
    const gen_column_t *cols;
    size_t ncols;
} gen_template_t;

const gen_template_t *gen_template(const char *name);
/** 'i:70,u:25,d:5' -> the cycle. Seed 0: inserts, updates, deletes one after the other; any other seed mixes them, so that
 *  changes hit keys that exist at that moment. @return false = cannot be understood */
bool gen_parse_ops(gen_table_t *g, const char *ops, uint64_t seed);
/** Row images of that many operations. */
uint64_t gen_images_of(const gen_table_t *g, uint64_t operations);
/** Row images that can be read now, whole transactions only. */
uint64_t gen_visible(const gen_table_t *g);
/** Operations that should have happened by now at the generator's rate, whole transactions only. */
uint64_t gen_due(const gen_table_t *g, int64_t now_ms);
/** LSN of the last of the first `images` images. */
void gen_lsn_of(const gen_table_t *g, uint64_t images, uint8_t ret_lsn[10]);

#endif
