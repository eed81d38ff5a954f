/* metaprocs.h: see sql/proc.h for the entry points of the metadata procedures. */
#ifndef SIM_METAPROCS_H
#define SIM_METAPROCS_H

#include "sql/proc.h"

#endif
