/* Unit `attest` of the load generator: a device whose TPM is made of OpenSSL proves it to the service, over a
 * connection that load.c has opened. Devices come from files that bench_makers wrote. */
#ifndef TD_TESTS_BENCH_ATTEST_H
#define TD_TESTS_BENCH_ATTEST_H

#include "base/slice.h"

typedef bool attest_post(void *ctx, const char *path, struct td_slice body, const char **ret_reply);

/* DIR/attest.pem: key and certificate of each EK; DIR/attest-between.pem; DIR/attest-ids: registrations, one a line. */
void attest_load(const char *dir);
/* Both exchanges of one device. A mark that answers with constants gets the same requests: what it says is used as it
 * is. */
bool attest_unit(attest_post *post, void *ctx, int unit);

#endif
