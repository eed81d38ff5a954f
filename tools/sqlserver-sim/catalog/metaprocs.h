/* metaprocs.h: see sql/proc.h for the entry points of the metadata procedures. */
#ifndef SIM_METAPROCS_H
#define SIM_METAPROCS_H

#include "sql/proc.h"

/* How ODBC describes a type; ODBC_NONE where it says nothing. */
#define ODBC_NONE (-32768)
typedef struct odbc {
    int type, prec, len, scale, radix, sql_type, sub, octet, ss;
} odbc_t;
odbc_t odbc_of(const sim_typeinfo_t *t);

bool sp_special_columns(proc_call_t *c);

#endif
