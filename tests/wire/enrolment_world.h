/* What the enrolment's wire tests add to wire.h: directory devices, tokens, SOAP requests and what they installed. */
#ifndef TD_TESTS_WIRE_ENROLMENT_WORLD_H
#define TD_TESTS_WIRE_ENROLMENT_WORLD_H

#include "api/enrolment.h"
#include "codec/wap.h"
#include "codec/wstep.h"
#include "crypto/cert.h"
#include "store/event.h"
#include "store/way.h"
#include "wire/wire.h"

#define WORLD_PASSWORD "correct horse"
#define WORLD_AUDIENCE "https://enrollment.manage.microsoft.com/"
#define WORLD_GRAPH "https://graph.microsoft.com"

struct world {
    struct wire wire;
    struct td_door doors[2];
    const char *tenant, *user, *upn; /* ada@contoso.test */
    struct td_key *key;              /* of the device under test */
    struct td_slice csr;             /* its certificate request, as Windows makes them */
};

int world_open(void **state); /* once a program */
int world_close(void **state);
int world_setup(void **state); /* for each test */
int world_teardown(void **state);

/* A joined directory device with its way; with a registration if the id is not NULL. */
const char *world_join(struct world *w, const char *registration);
void world_set(struct world *w, const char *setting, const char *value);

struct token { /* NULL: as it should be */
    const char *aud, *scp, *deviceid, *idtyp;
    bool no_user;
    int64_t age; /* seconds since it was made; it lives an hour */
};
const char *world_token(struct world *w, const struct token *t);

struct td_http_reply world_call(struct world *w, const char *method, const char *target, const char *header,
                                struct td_slice body, const struct td_peer *peer);

/* A request with this credential; soap->message_id and the rest are filled here. */
struct td_soap world_head(struct world *w, const char *action);
struct td_soap world_jwt(struct world *w, const struct token *t);
struct td_soap world_post(struct world *w, const char *service, struct td_slice body, const struct td_peer *peer);
struct td_soap world_rst(struct world *w, const struct td_soap *head, const struct td_rst *rst,
                         const struct td_peer *peer);

/* The answer is this fault. */
void assert_fault_at(struct world *w, const struct td_soap *answer, enum td_fault want, const char *file, int line);
#define assert_fault(w, answer, want) assert_fault_at((w), (answer), (want), __FILE__, __LINE__)

struct installed { /* what an answered enrolment put on the device */
    struct td_wap wap;
    struct td_cert cert;
    struct td_slice document;
};
struct installed world_install(struct world *w, const struct td_soap *answer);
/* An ordinary enrolment of this directory device ("" for none). */
struct installed world_enrol(struct world *w, const char *device);
struct td_peer world_peer(const struct installed *i);

struct td_enrolment world_enrolment(struct world *w, const char *id);
bool world_revoked(struct world *w, const struct installed *i);
const char *world_serial(struct world *w, const struct installed *i); /* as recorded */
struct td_way_row world_way(struct world *w, enum td_way_key key, const char *value);
/* Events of that type on the way. */
size_t world_events(struct world *w, const char *way, const char *type, const char **ret_detail);

#endif
