/* The hub's inside, shared by hub.c, question.c and turn.c alone. */
#ifndef TD_API_CONNECTOR_HUB_H
#define TD_API_CONNECTOR_HUB_H

#include "api/connector/room.h"

#include <pthread.h>

enum { TD_HUB_ASKED_MOST = 4 };

struct td_hub_question { /* a question under way, on the stack of whoever asks */
    struct td_hub_question *next;
    const struct td_connector_question *q;
    const char **able; /* ids of connectors that may be asked */
    size_t able_count;
    char id[TD_UUID_TEXT];
    char given[TD_HUB_ASKED_MOST][TD_UUID_TEXT]; /* connectors that have it */
    bool gave_up[TD_HUB_ASKED_MOST];             /* of those, who could not do it */
    size_t given_count;
    bool done;
    int64_t hand_at; /* when another one is asked */
    struct td_buf answer;
    enum td_domain_reason reason;
    char detail[200];
};

struct td_connector_hub {
    const struct td_env *env;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct td_hub_waiter *first, **last;
    _Atomic int waiting; /* changed under the lock */
    struct td_hub_question *questions;
    struct td_connector_turn *turns; /* the latest first */
    int asking, at_once;
    int queueing; /* turns that others have before them: each holds a worker as a question does */
    int64_t in_all, each;
    bool stopping;
    void (*lend)(void *ctx, bool waits);
    void *lend_ctx;
    uint64_t asked, answered, refused, unanswered;
};

extern const char td_hub_json[]; /* the media type of answers */

/* All of them with the lock held. */
struct td_hub_waiter *td_hub_unlink(struct td_connector_hub *hub, struct td_hub_waiter **at);
bool td_hub_is_gone(const struct td_hub_waiter *w); /* its connector died, or lost the line */
void td_hub_wait_until(struct td_connector_hub *hub, int64_t at);
/* Without the lock: a worker of the server stands still, or goes on. */
void td_hub_lend(const struct td_connector_hub *hub, bool waits);

#endif
