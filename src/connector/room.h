/* What the files of the connector share. One struct td_connector_state is used by several threads: what changes in it
 * is behind its lock; connections to directories belong to a seat, and a seat to one thread. */
#ifndef TD_CONNECTOR_ROOM_H
#define TD_CONNECTOR_ROOM_H

#include "codec/json.h"
#include "connector/connector.h"
#include "crypto/key.h"
#include "way/domain_join.h"

#include <pthread.h>

enum {
    TD_CONNECTOR_DOMAINS = 16,
    TD_CONNECTOR_POOL = 4, /* pieces of work done at once */
    TD_CONNECTOR_BODY = 1 << 20,
    TD_CONNECTOR_SECRET = 120 /* characters of a machine's password */
};
#define TD_CONNECTOR_HELLO TD_MINUTE
#define TD_CONNECTOR_REUSE TD_MINUTE /* a connection serves questions for so long */

/* How a domain is, and what the service wants of it. */
struct td_conn_known {
    bool probed;
    char netbios[64], dc[256], site[64];
    char problem[32]; /* name of a reason, "" fine */
    char detail[240];
    size_t good; /* URL that answered last */
    bool sync;
    char sync_base[512];
    int64_t sync_us;
};

/* Whom the service knows of a domain; of the thread that syncs alone (people.c). */
struct td_conn_guids {
    unsigned char (*list)[16];
    size_t count, room;
};
struct td_conn_people {
    struct td_conn_guids known, seen; /* seen: in the run that is under way */
    bool whole;                       /* known has been all of them since a full run */
    bool looked;                      /* in this run */
    int64_t look_at;
};

/* How far the people of a domain have been told: of the thread that syncs alone. */
struct td_conn_told {
    char server[64]; /* "" not known yet */
    uint64_t from;
    int64_t next_at, full_at;
    char failure[240]; /* said already */
    char base[512];    /* of the last run */
    struct td_conn_people people;
};

struct td_conn_seat;
struct td_connector_state {
    const struct td_connector_config *config;
    const struct td_connector_world *world;
    struct td_key *key, *secrets;
    char id[64], name[256];
    struct td_conn_seat *seat; /* of td_connector_round */
    const atomic_bool *stop;   /* of td_connector_run: ends the waiting for work; NULL */
    struct td_conn_told told[TD_CONNECTOR_DOMAINS];
    int64_t probe_at, hello_at; /* of td_connector_round */
    pthread_mutex_t lock;
    struct td_conn_known known[TD_CONNECTOR_DOMAINS];
    bool changed;            /* something to tell by hello */
    bool look;               /* something went wrong: look at the domains soon */
    char away[240];          /* why the service does not answer, "" it does */
    char refused[240];       /* why it does not take the hello, "" it does; of the thread that says hello alone */
    void (*poke)(void *ctx); /* something changed: wakes the threads of td_connector_run, or NULL */
    void *poke_ctx;
};

/* --- keys.c: DIR */

enum td_code td_conn_keys(struct td_connector_state *c, struct td_error *err) TD_MUST_USE;
enum td_code td_conn_registration(struct td_connector_state *c, struct td_error *err) TD_MUST_USE; /* if any */
enum td_code td_conn_remember(struct td_connector_state *c, struct td_slice answer, struct td_error *err) TD_MUST_USE;

/* --- call.c */

/* One call; body is a JSON object. TD_EAUTH: the service does not know us; TD_EDENIED, TD_ESTATE (409), TD_EINVAL: it
 * refused, in its words; TD_EUNAVAILABLE: it is away or busy. */
enum td_code td_conn_call(struct td_connector_state *c, const char *path, struct td_slice body, struct td_arena *a,
                          const struct td_json **ret, struct td_error *err) TD_MUST_USE;
enum td_code td_conn_register(struct td_connector_state *c, struct td_error *err) TD_MUST_USE;
/* A further call is of no use: the service does not know the connector. */
bool td_conn_is_final(enum td_code code);
int64_t td_conn_pause(const struct td_env *env, int tries); /* 1 s, 2 s, 4 s, 8 s, 15 s, each a little shorter */

void td_conn_say(struct td_connector_state *c, const char *fmt, ...) TD_PRINTF(2, 3);
/* It answers, and does not let this connector serve a domain that it names. */
bool td_conn_is_not_bound(enum td_code rc, const struct td_error *err);
/* Says once that the service is away and why, or that it is back. */
void td_conn_note(struct td_connector_state *c, enum td_code rc, const struct td_error *err);
/* The reason in an error, by its name or by its code; and what it says beyond the reason's own words. */
enum td_domain_reason td_conn_reason(const struct td_error *err);
const char *td_conn_detail(const struct td_error *err);

/* --- config.c */

/* A secret that everybody on this machine can read. False too where there is none. */
bool td_conn_is_open(const char *path);

/* --- directory.c: connections to domain controllers */

struct td_conn_line {
    struct td_ldap *ldap;
    struct td_arena arena; /* of facts */
    struct td_ad_domain facts;
    const char *url;
    int64_t opened_at;
};
struct td_conn_seat {
    struct td_conn_line lines[TD_CONNECTOR_DOMAINS];
};
void td_conn_seat_done(struct td_conn_seat *s);
/* SIZE_MAX: not one of ours. */
size_t td_conn_domain(const struct td_connector_state *c, const char *domain);
/* A connection with the facts of its domain. fresh: bind anew in any case. *ret_kept: it is one that stood already. */
enum td_code td_conn_line(struct td_connector_state *c, struct td_conn_seat *s, size_t domain, bool fresh,
                          struct td_conn_line **ret, bool *ret_kept, struct td_error *err) TD_MUST_USE;
void td_conn_hang_up(struct td_conn_line *line);
/* First the URL that answered last, then the others in turn. */
enum td_code td_conn_reach(const struct td_connector_ad *ad, const struct td_connector_world *world, size_t first,
                           struct td_conn_line *ret, size_t *ret_url, struct td_error *err) TD_MUST_USE;

/* --- hello.c */

void td_conn_probe(struct td_connector_state *c, struct td_conn_seat *s);
enum td_code td_conn_hello(struct td_connector_state *c, struct td_error *err) TD_MUST_USE;

/* --- work.c */

struct td_conn_piece {
    struct td_arena arena; /* secrets pass through it */
    const char *id, *kind, *domain;
    int64_t attempt, until; /* when the lease ends */
    const struct td_json *what;
    struct td_conn_piece *next;
};
/* At most `free` pieces, linked; waits as long as the service lets it. */
enum td_code td_conn_fetch(struct td_connector_state *c, int free, struct td_conn_piece **ret, struct td_error *err)
    TD_MUST_USE;
/* Does it and tells the result. give_up (may be NULL) ends the trying. */
void td_conn_do(struct td_connector_state *c, struct td_conn_seat *s, struct td_conn_piece *p,
                const atomic_bool *give_up);
void td_conn_piece_free(struct td_conn_piece *p);

/* --- kinds.c: what is done for each kind of work. Writes the members of the result. */

enum td_code td_conn_join(struct td_connector_state *c, const struct td_conn_line *line, const struct td_conn_piece *p,
                          struct td_jsonw *w, struct td_error *err) TD_MUST_USE;
enum td_code td_conn_disable(struct td_connector_state *c, const struct td_conn_line *line,
                             const struct td_conn_piece *p, struct td_jsonw *w, struct td_error *err) TD_MUST_USE;
enum td_code td_conn_delete(struct td_connector_state *c, const struct td_conn_line *line,
                            const struct td_conn_piece *p, struct td_jsonw *w, struct td_error *err) TD_MUST_USE;
enum td_code td_conn_password(struct td_connector_state *c, const struct td_conn_line *line,
                              const struct td_conn_piece *p, struct td_jsonw *w, struct td_error *err) TD_MUST_USE;
enum td_code td_conn_computer(struct td_connector_state *c, const struct td_conn_line *line,
                              const struct td_conn_piece *p, struct td_jsonw *w, struct td_error *err) TD_MUST_USE;

/* --- sync.c */

/* Domains whose time has come. *ret_next: when one is due again. Failures are said and tried again. TD_EAUTH alone is
 * handed on. */
enum td_code td_conn_sync(struct td_connector_state *c, struct td_conn_seat *s, int64_t *ret_next, struct td_error *err)
    TD_MUST_USE;

/* --- people.c: who is gone, told as such */

void td_conn_people_forget(struct td_conn_people *p);
void td_conn_people_told(struct td_conn_people *p, const char *guid); /* somebody is named in this run */
typedef enum td_code td_conn_gone_fn(void *ctx, const char *guid, struct td_error *err);
/* Calls gone for each that is known and not there any more; nothing where nobody is known, or a look is too early. */
enum td_code td_conn_people_look(struct td_conn_people *p, const struct td_env *env, const struct td_conn_line *line,
                                 const char *base, td_conn_gone_fn *gone, void *ctx, struct td_error *err) TD_MUST_USE;
/* The run has ended; taken: as the service says. */
void td_conn_people_end(struct td_conn_people *p, bool full, bool taken);

#endif
