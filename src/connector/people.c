/* Whom the service knows of a domain, as far as this process told it: who is missing at the next look is gone there, or
 * lies outside the base now. Nothing else says so to an account of little right. */
#include "base/fault.h"
#include "connector/room.h"

#include <stdlib.h>

/* A look takes one server and one thread at most this part of the time. */
enum { LOOK_PART = 20 };

static int by_octets(const void *x, const void *y)
{
    return memcmp(x, y, 16);
}

static void add(void *ctx, const unsigned char guid[16])
{
    struct td_conn_guids *g = ctx;
    if (g->count == g->room) {
        g->room = g->room != 0 ? 2 * g->room : 256;
        g->list = td_realloc(g->list, g->room * sizeof(*g->list));
    }
    memcpy(g->list[g->count++], guid, 16);
}

static void sort(struct td_conn_guids *g)
{
    if (g->count != 0)
        qsort(g->list, g->count, sizeof(*g->list), by_octets);
}

static bool has(const struct td_conn_guids *g, const unsigned char guid[16])
{
    return g->count != 0 && bsearch(guid, g->list, g->count, sizeof(*g->list), by_octets) != NULL;
}

static void take_over(struct td_conn_guids *from, struct td_conn_guids *to)
{
    td_free(to->list);
    *to = *from;
    *from = (struct td_conn_guids){NULL, 0, 0};
}

void td_conn_people_forget(struct td_conn_people *p)
{
    td_free(p->known.list);
    td_free(p->seen.list);
    *p = (struct td_conn_people){.whole = false};
}

void td_conn_people_told(struct td_conn_people *p, const char *guid)
{
    unsigned char octets[16];
    if (td_guid_bytes(td_str(guid), octets, NULL) == TD_OK)
        add(&p->seen, octets);
}

static bool is_due(const struct td_conn_people *p, int64_t now)
{
    return p->whole && now >= p->look_at;
}

enum td_code td_conn_people_look(struct td_conn_people *p, const struct td_env *env, const struct td_conn_line *line,
                                 const char *base, td_conn_gone_fn *gone, void *ctx, struct td_error *err)
{
    int64_t began = td_now(env);
    size_t named = p->seen.count;
    if (!is_due(p, began))
        return TD_OK;
    td_try(td_ad_present(line->ldap, &line->facts, base, add, &p->seen, err));
    p->look_at = td_now(env) + LOOK_PART * (td_now(env) - began);
    p->looked = p->seen.count != named; /* a look that finds nobody is none: a full run says what is so */
    if (!p->looked)
        return TD_OK;
    sort(&p->seen);
    for (size_t i = 0; i < p->known.count; i++) {
        char text[TD_UUID_TEXT];
        if (has(&p->seen, p->known.list[i]) || td_fault("connector-misses-nobody"))
            continue;
        td_try(td_guid_text(td_bytes(p->known.list[i], 16), text, err));
        td_try(gone(ctx, text, err));
    }
    return TD_OK;
}

void td_conn_people_end(struct td_conn_people *p, bool full, bool taken)
{
    if (taken && (full || p->looked)) {
        sort(&p->seen);
        take_over(&p->seen, &p->known);
        p->whole = true;
    } else if (taken) {
        for (size_t i = 0; i < p->seen.count; i++)
            add(&p->known, p->seen.list[i]);
        sort(&p->known);
    }
    p->seen.count = 0;
    p->looked = false;
}
