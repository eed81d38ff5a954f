/* types.h: the SQL Server type system: names, sizes, precedence, metadata numbers.
 * Threads any; pure functions.
 */
#ifndef SIM_TYPES_H
#define SIM_TYPES_H

#include "engine.h"
#include "util/mem.h"

typedef struct type_row {
    const char *name;
    sim_base_t base;
    uint8_t system_type_id;
    uint8_t precedence; /* higher wins when types mix */
    uint8_t size;       /* sys.columns.max_length of fixed types */
    uint8_t prec, scale;
} type_row_t;

const type_row_t *type_row(sim_base_t base);
/** By SQL name, synonyms included (integer, dec, rowversion, sysname, character varying, ...). NULL = unknown. */
const type_row_t *type_by_name(const char *name);

bool type_is_char(sim_base_t b);    /* any string, xml excluded */
bool type_is_unicode(sim_base_t b); /* nchar, nvarchar, ntext */
bool type_is_binary(sim_base_t b);  /* binary, varbinary, image, timestamp */
bool type_is_exact(sim_base_t b);   /* bit .. smallmoney */
bool type_is_integer(sim_base_t b); /* bit .. bigint */
bool type_is_decimal(sim_base_t b);
bool type_is_money(sim_base_t b);
bool type_is_float(sim_base_t b);
bool type_is_number(sim_base_t b);
bool type_is_datetime(sim_base_t b);
bool type_is_lob(const sim_typeinfo_t *t); /* (max), text, ntext, image, xml */

sim_typeinfo_t type_simple(sim_base_t base);
sim_typeinfo_t type_nvarchar(int chars); /* chars or SIM_LEN_MAX */
sim_typeinfo_t type_varchar(int len);
sim_typeinfo_t type_varbinary(int len);
sim_typeinfo_t type_binary(int len);
sim_typeinfo_t type_decimal(int prec, int scale);
sim_typeinfo_t type_scaled(sim_base_t base, int scale);
sim_typeinfo_t type_sysname(void);

/** Text as in error messages and captured_columns: "int", "nvarchar". */
const char *type_name(sim_base_t base);
/** Full declaration: "nvarchar(100)", "decimal(10,2)". */
char *type_declaration(arena_t *a, const sim_typeinfo_t *t);
int type_max_length(const sim_typeinfo_t *t); /* sys.columns.max_length */
int type_precision(const sim_typeinfo_t *t);  /* sys.columns.precision */
int type_scale(const sim_typeinfo_t *t);
int type_chars(const sim_typeinfo_t *t); /* declared length in characters or bytes, SIM_LEN_MAX for (max) */
int type_digits(const sim_typeinfo_t *t, int *ret_scale); /* as a decimal: precision and scale of any exact type */

/** Result type when both sides must agree (CASE, UNION, COALESCE, comparison). */
sim_typeinfo_t type_unify(const sim_typeinfo_t *a, const sim_typeinfo_t *b);

int64_t type_pack(const sim_typeinfo_t *t);
sim_typeinfo_t type_unpack(int64_t code);

#endif
