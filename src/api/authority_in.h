/* Inside of the authority: shared by authority*.c and pki.c, by nobody else. */
#ifndef TD_API_AUTHORITY_IN_H
#define TD_API_AUTHORITY_IN_H

#include "api/authority.h"

#include <pthread.h>

enum { TD_VERDICT_SLOTS = 131072 }; /* 8 MB when all are in use; untouched ones cost nothing */

struct td_issuer {
    struct td_slice der, subject_der;
    struct td_key *key;
    int64_t not_before, not_after;
};

/* What can't change about a certificate: that its chain is good, for what, and between which dates. Only good chains
 * are kept, so a stranger can't push out anything. */
struct td_verdict {
    unsigned char sha256[32];
    bool good;
    enum td_purpose purpose;
    int64_t not_before, not_after;
};

struct td_authority {
    struct td_arena arena;
    struct td_slice root;
    struct td_issuer issuers[TD_PURPOSE_COUNT];
    pthread_mutex_t lock; /* guards verdicts */
    struct td_verdict *verdicts;
};

extern const char *const td_purpose_words[TD_PURPOSE_COUNT]; /* "server", "device", "management": as in the store */

#endif
