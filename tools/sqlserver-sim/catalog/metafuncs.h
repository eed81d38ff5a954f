/* metafuncs.h: SQLite functions behind the catalog views. Threads: registered per connection. */
#ifndef SIM_METAFUNCS_H
#define SIM_METAFUNCS_H

#include <sqlite3.h>
#include <stdbool.h>

bool metafuncs_register(sqlite3 *sq);

#endif
