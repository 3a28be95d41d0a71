/* The ledger of one enrolment: what was asked of the device, and what it said. One short text in the store.
 *
 * A row is a command or a query by its key ("R ./Device/...": letter of the verb and LocURI). It is handed out once and
 * open until its Status comes; no secret and no large value rests in it. Item rows keep the state of each configuration
 * item, so that a change of it can be told as an event. Rows live in the arena. Pure. */
#ifndef TD_POLICY_LEDGER_H
#define TD_POLICY_LEDGER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum td_row_state {
    TD_ROW_PENDING,
    TD_ROW_SENT, /* handed out, no Status yet */
    TD_ROW_DONE,
    TD_ROW_FAILED,
    TD_ROW_ABSENT, /* 404, 405, 406: not on this build or edition */
    TD_ROW_STATE_COUNT
};

enum td_item_state {
    TD_ITEM_PENDING,
    TD_ITEM_APPLIED,   /* the device took it; nothing proves its effect yet */
    TD_ITEM_IN_EFFECT, /* a later report shows it */
    TD_ITEM_FAILED,
    TD_ITEM_ABSENT,
    TD_ITEM_STATE_COUNT
};

enum { TD_LEDGER_MAX = 2 << 20, TD_LEDGER_MAX_ROWS = 8000, TD_LEDGER_MAX_VALUE = 512 };

struct td_row {
    const char *key;
    uint64_t version; /* of what was wanted; another one makes the row pending again */
    enum td_row_state state;
    bool delivered; /* taken by the device at least once, in any version */
    unsigned attempts;
    int64_t session;   /* number of the session that handed it out last */
    uint64_t msg, cmd; /* ids under which it was handed out */
    unsigned span;     /* ids of its children follow cmd */
    int status;        /* what was said, 0 if nothing; of children the most telling */
    uint32_t original_error;
    const char *value; /* a query's answer, cut; NULL if none */
};

struct td_item_row {
    const char *item; /* id */
    uint64_t version; /* revision that the state is of */
    enum td_item_state state;
    int status;
    uint32_t original_error;
};

struct td_ledger {
    struct td_row *rows;
    size_t count, cap;
    struct td_item_row *items;
    size_t item_count, item_cap;
    bool changed;   /* since it was read */
    size_t *nearby; /* where a search found its row last: rows are sought in the order in which they were made */
    struct td_arena *arena;
};

void td_ledger_init(struct td_ledger *l, struct td_arena *a);
/* Text from td_ledger_write; "" is an empty ledger. TD_EFORMAT if it is not ours. */
enum td_code td_ledger_parse(struct td_slice text, struct td_arena *a, struct td_ledger *ret, struct td_error *err)
    TD_MUST_USE;
void td_ledger_write(const struct td_ledger *l, struct td_buf *out);

struct td_row *td_ledger_find(const struct td_ledger *l, const char *key); /* NULL if none */
struct td_row *td_ledger_get(struct td_ledger *l, const char *key);        /* made pending if missing; NULL when full */
/* The row handed out under these ids, its children's included. */
struct td_row *td_ledger_sent(const struct td_ledger *l, int64_t session, uint64_t msg, uint64_t cmd);
const char *td_ledger_value(const struct td_ledger *l, const char *uri);   /* last answer of a Get; NULL if none */
struct td_item_row *td_ledger_item(struct td_ledger *l, const char *item); /* made if missing; NULL when full */

const char *
td_item_state_word(enum td_item_state state); /* "pending", "applied", "in effect", "failed", "not offered" */

#endif
