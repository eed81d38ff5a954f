/* base/version.h: what this worker calls itself.
 * CONNECT_VERSION is the Kafka Connect release whose REST answers and formats the worker gives; clients gate features
 * on it, so it is not our own version. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define CONNECTD_VERSION "0.1.0"
#define CONNECT_VERSION  "3.9.1"
#define CONNECT_COMMIT   "f745dfdcee2b9851"

#endif
