/* cdc_scans.h: how the capture thread reports a scan. Threads: any; guarded by the server lock. */
#ifndef SIM_CDC_SCANS_H
#define SIM_CDC_SCANS_H

#include "cdc/cdc.h"

typedef struct scan_result {
    int db_id;
    int64_t start, end; /* datetime keys */
    lsn_t first, last;  /* commits; only when transactions > 0 */
    uint64_t transactions, commands, schema_changes;
    int latency_s;
} scan_result_t;

void scans_add(sim_server_t *srv, const scan_result_t *result);

#endif
