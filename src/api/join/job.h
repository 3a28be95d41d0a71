/* One join with a bearer: who asks (ticket.c), whether he may and as what (allowed.c), and the join itself (join.c). */
#ifndef TD_API_JOIN_JOB_H
#define TD_API_JOIN_JOB_H

#include "api/attestation.h"
#include "api/join/room.h"
#include "api/token.h"
#include "store/certificate.h"
#include "store/device.h"

struct td_join_job { /* one join on its way through read, signature and write */
    struct td_service *svc;
    struct td_http_request *req;
    struct td_arena *arena;
    struct td_claims caller;
    struct td_join_ticket attested; /* a TPM was proven instead of a user; challenge_id NULL: not */
    struct td_join_request asked;
    struct td_device_joining joining;
    const char *ticket_tenant;              /* "" without a ticket of ours */
    const char *failed_tenant, *failed_way; /* whose timeline tells of a refusal */
    struct td_cert cert;
    struct td_cert_row cert_row;
    bool owner_administrator;
    bool stranger;         /* not the machine that its ticket is of: its refusal is not the machine's failure */
    bool moved;            /* another join came between read and write */
    const char *boxed_way; /* what this join proves to have come from its box; NULL: nothing to end */
};

static inline bool td_join_by_tpm(const struct td_join_job *j)
{
    return j->attested.challenge_id != NULL;
}

/* TD_EDENIED with the number that Windows shows. */
enum td_code td_join_deny(struct td_error *err, const char *where, const char *why, const char *remedy);

/* The bearer: a user's token, or the join ticket of a device that proved its TPM. Fills caller, attested and whom the
 * device will belong to. */
enum td_code td_join_check_caller(struct td_tx *tx, struct td_join_job *j, struct td_error *err) TD_MUST_USE;
/* The device ticket of a user's join: ticket_tenant and the registration that it names, "" without one of ours. */
enum td_code td_join_open_device_ticket(struct td_join_job *j, struct td_error *err) TD_MUST_USE;
/* The request's key: RSA with a user; with a join ticket the one that the TPM certified. */
enum td_code td_join_check_key(const struct td_join_job *j, struct td_error *err) TD_MUST_USE;
/* Uses the join ticket up, in the write that joins. */
enum td_code td_join_spend_ticket(struct td_tx *tx, struct td_join_job *j, struct td_error *err) TD_MUST_USE;
/* A refusal from here on is told in the timeline of the ticket's registration. */
void td_join_note_way(struct td_tx *tx, struct td_join_job *j);

/* What the organization allows, and the id that this join gets: NULL for a device that was not there before. Says in j
 * whether its user is made administrator. Asked in the read, and again in the write. */
enum td_code td_join_choose(struct td_tx *tx, struct td_join_job *j, const char **ret_id, struct td_error *err)
    TD_MUST_USE;

#endif
