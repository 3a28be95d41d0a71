/* One view of a machine's life: what happened to it in this tenant, by whom, why and how long it took, as chapters.
 *
 * A life goes over all ways of one machine: it may have been registered, deregistered and registered again, or managed
 * before anybody registered it. Ways are one machine's if its serial number (no placeholder) and maker agree, or if two
 * kinds of identity facts agree and nothing contradicts (way/match.h). Chapters are read from events, a page at a time:
 * a life of many years costs no more memory than a short one. Nothing here writes, but td_life_remember. Sources:
 * autopilot.md row S23, 3.9. */
#ifndef TD_STORE_LIFE_H
#define TD_STORE_LIFE_H

#include "store/registration.h"

enum { TD_LIFE_WAYS = 8, TD_LIFE_TEXT = 256, TD_LIFE_WORD = 32 };

struct td_life {
    const char *serial, *manufacturer, *model; /* "" where nobody knows */
    const char *registration_id;               /* of the registration that holds now, "" if none */
    const char *word;                          /* where it is on its way now (way/way.h) */
    const char *user;                          /* who has it now, "" if nobody */
    const char *ways[TD_LIFE_WAYS];            /* oldest first; the last one is the present one */
    size_t way_count;
    int64_t cut_at; /* retention has removed what was before this moment, 0: nothing */
};
/* key: a serial number in any spelling, or an id that the machine has or had (registration, directory, management).
 * TD_ENOTFOUND; TD_EINVAL if several machines have that serial number. */
enum td_code td_life_find(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                          struct td_life *ret, struct td_error *err) TD_MUST_USE;

struct td_life_chapter {
    char kind[TD_LIFE_WORD];    /* "registered", "deployed", "reset", "repurposed", "repaired", "action", ... */
    int64_t begin_at, end_at;   /* equal for what happened at once; end 0: still open */
    char who[TD_LIFE_TEXT];     /* who did or asked it: a person, "device", "command line", "system" */
    char why[TD_LIFE_TEXT * 2]; /* the reason that a person gave, or what was found */
    char outcome[TD_LIFE_WORD]; /* "ready", "failed", "done", "cancelled", "open", ...; "" where there is none */
    char profile[TD_LIFE_TEXT]; /* of deployments, as it was called then */
    char user[TD_LIFE_TEXT];    /* for whom */
    char what[TD_LIFE_TEXT];    /* of actions its word */
    char way[TD_LIFE_TEXT];
};
typedef enum td_code td_life_fn(void *ctx, const struct td_life_chapter *chapter, struct td_error *err);
/* In the order in which the chapters began. */
enum td_code td_life_tell(struct td_tx *tx, const char *tenant, const struct td_life *life, td_life_fn *fn, void *ctx,
                          struct td_error *err) TD_MUST_USE;

/* Before a registration ends: by what the machine will be known again. */
enum td_code td_life_remember(struct td_tx *tx, const char *tenant, const struct td_registration *r,
                              struct td_error *err) TD_MUST_USE;

#endif
