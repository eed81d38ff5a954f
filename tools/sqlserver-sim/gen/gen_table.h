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
    uint64_t images, snapshot;
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
/** 'i:70,u:25,d:5' -> the cycle. @return false = cannot be understood */
bool gen_parse_ops(gen_table_t *g, const char *ops);
/** Row images of that many operations. */
uint64_t gen_images_of(const gen_table_t *g, uint64_t operations);
/** LSN of the last transaction. */
void gen_last_lsn(const gen_table_t *g, uint8_t ret_lsn[10]);

#endif
