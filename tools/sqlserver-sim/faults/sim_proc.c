/* sim_proc.c: EXEC sim.*: the stand-in's own procedures, by name. */
#include "faults/fault.h"
#include "gen/gen.h"
#include "sql/proc.h"

bool sim_procedures(proc_call_t *c, bool *ret_found)
{
    arena_t *a = &c->s->arena;
    sim_value_t *values = arena_alloc(a, sizeof(*values) * (c->n + 1));
    sim_typeinfo_t *types = arena_alloc(a, sizeof(*types) * (c->n + 1));
    const char **names = arena_alloc(a, sizeof(*names) * (c->n + 1));
    for (size_t i = 0; i < c->n; i++) {
        values[i] = c->args[i].value;
        values[i].is_null = values[i].is_null || c->args[i].is_default;
        types[i] = c->args[i].type;
        names[i] = c->args[i].name;
    }
    if (!fault_procedure(c->s, c->name, values, types, names, c->n, ret_found) || *ret_found)
        return c->s->err.text == NULL;
    return gen_procedure(c->s, c->name, values, types, names, c->n, ret_found);
}
