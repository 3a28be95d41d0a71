/* Which registration is this machine? Identity facts in a normal form, what they weigh, what contradicts. Pure: the
 * store finds candidates, this file judges them. Source: docs/protocol/ztd.md 2; autopilot.md 1.1, 1.8; design.md 3.
 *
 * Values live in the caller's arena. Placeholder values never become facts, so they carry no weight anywhere. */
#ifndef TD_WAY_MATCH_H
#define TD_WAY_MATCH_H

#include "codec/hwhash.h"

enum td_fact_kind {                /* numbers are stored: never renumber */
                    TD_FACT_TUPLE, /* manufacturer | model | serial number */
                    TD_FACT_UUID,
                    TD_FACT_EK,
                    TD_FACT_MAC,
                    TD_FACT_DISK,
                    TD_FACT_PKID,
                    TD_FACT_COUNT
};

/* A value that more registrations than TD_FACT_SHARED_MAX share carries no weight: docks, cloned machines. Two
 * candidates whose weights differ by no more than TD_MATCH_MARGIN are a tie. */
enum { TD_FACTS_MAX = 80, TD_FACT_SHARED_MAX = 2, TD_MATCH_MARGIN = 1 };

struct td_fact {
    enum td_fact_kind kind;
    const char *value; /* normal form */
};

struct td_facts {
    struct td_fact list[TD_FACTS_MAX];
    size_t count;
};

/* Letters and digits in upper case: how serial numbers are compared everywhere. */
char *td_fact_normal(struct td_arena *a, struct td_slice raw);
/* True for what firmware makers leave in ("To be filled by O.E.M.", "0", "Default string"). */
bool td_fact_is_placeholder(struct td_slice raw);

/* Each adds the fact if it has weight and there is room; false if it was left out. */
bool td_facts_add_tuple(struct td_facts *f, struct td_arena *a, struct td_slice manufacturer, struct td_slice model,
                        struct td_slice serial);
bool td_facts_add_uuid(struct td_facts *f, struct td_arena *a, struct td_slice uuid_text);
bool td_facts_add_mac(struct td_facts *f, struct td_arena *a, const unsigned char mac[6]);
bool td_facts_add_mac_text(struct td_facts *f, struct td_arena *a, struct td_slice text);
bool td_facts_add_ek(struct td_facts *f, struct td_arena *a, struct td_slice sha256_hex);
bool td_facts_add_text(struct td_facts *f, struct td_arena *a, enum td_fact_kind kind,
                       struct td_slice raw); /* disk, pkid */
void td_facts_add_hash(struct td_facts *f, struct td_arena *a, const struct td_hw_facts *hw);

unsigned td_facts_kinds(const struct td_facts *f); /* how many kinds have at least one fact */

struct td_match {
    unsigned kinds; /* bit (1 << kind) for each kind that is equal */
    int kind_count;
    int weight;              /* sum of the weights of those kinds */
    const char *contradicts; /* NULL, or why this is another machine ("SMBIOS UUID and endorsement key differ") */
};

struct td_match td_facts_match(const struct td_facts *known, const struct td_facts *asked);
/* Two kinds, no contradiction: enough for a lookup. */
bool td_match_is_device(const struct td_match *m);
/* Enough to call an import a repetition: the same device, or the same tuple with nothing against it. */
bool td_match_is_duplicate(const struct td_match *m);

const char *td_fact_word(enum td_fact_kind kind); /* "tuple", "uuid", ... */
int td_fact_weight(enum td_fact_kind kind);

bool td_facts_have(const struct td_facts *f, const struct td_fact *fact);
/* "disk and mac differ": kinds of which one side has a value that the other does not have; "" if none. */
const char *td_facts_difference(const struct td_facts *known, const struct td_facts *asked, struct td_arena *a);
/* "uuid (4), tuple (4) and disk (1) agree: weight 9", then what contradicts. */
const char *td_match_text(const struct td_match *m, struct td_arena *a);

#endif
