/* main/connector_file.h: the connector files on the command line of a standalone worker. Pure but for reading. */
#ifndef RUNTIME_MAIN_CONNECTOR_FILE_H
#define RUNTIME_MAIN_CONNECTOR_FILE_H

#include "runtime/base/properties.h"
#include "runtime/store/config_record.h"

typedef struct connector_file {
    props_t config;            /* holds "name" */
    enum target_state initial; /* TARGET_NONE when the file gives none */
} connector_file_t;

/** Read a flat JSON object of settings, a JSON create request ({"name", "config", "initial_state"}), or a properties
 *  file, tried in this order. */
CD_CHECK cd_err_t *connector_file_read(const char *path, connector_file_t *ret_file);
void connector_file_done(connector_file_t *f);

#endif
