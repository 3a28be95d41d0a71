/* Chapters out of events (store/life.h). Events come in their order; a chapter that is not over yet waits, and what
 * began behind it waits with it, so that chapters leave in the order in which they began. What waits is bounded: the
 * oldest one leaves as it is when there are too many. */
#include "codec/json.h"
#include "store/event.h"
#include "store/life.h"

#include <stdio.h>

enum { WAITING_MAX = 64, PAGE = 200, DETAIL_MAX = 65536, ID_MAX = 40 };

/* What an event means for the story. */
enum role {
    POINT,   /* a chapter of its own that happened at once */
    STATION, /* of a deployment: begins one where none is open */
    READY,   /* ends it */
    BROKE,   /* a step failed */
    PROFILE, /* which profile the next deployment has */
    USER,    /* whose it is from now on */
    LEFT,    /* a point that ends what is under way */
    ASKED,
    SENT,
    ENDED /* of an action */
};

static const struct rule {
    const char *type;
    enum role role;
    const char *word; /* kind of the chapter, or its outcome */
} rules[] = {
    {"device.registered", POINT, "registered"},
    {"device.deregistered", POINT, "deregistered"},
    {"device.recognised", POINT, "recognised"},
    {"device.assigned", PROFILE, ""},
    {"device.contacted", STATION, ""},
    {"device.signed-in", STATION, ""},
    {"device.attested", STATION, ""},
    {"device.joined", STATION, ""},
    {"device.enrolled", STATION, ""},
    {"device.device-setup", STATION, ""},
    {"device.device-done", STATION, ""},
    {"device.account-setup", STATION, ""},
    {"device.ready", READY, "ready"},
    {"device.handed-over", READY, "handed over"},
    {"device.provisioned", READY, "pre-provisioned"},
    {"device.failed", BROKE, "failed"},
    {"device.reset", LEFT, "reset"},
    {"device.wiped", LEFT, "wiped"},
    {"device.retired", LEFT, "retired"},
    {"device.unjoined", LEFT, "unjoined"},
    {"device.unenrolled", LEFT, "unenrolled"},
    {"device.repurposed", POINT, "repurposed"},
    {"device.repaired", POINT, "repaired"},
    {"device.hardware-changed", POINT, "hardware changed"},
    {"device.attention", POINT, "attention"},
    {"managed-device.user-assigned", USER, "user assigned"},
    {"managed-device.user-unassigned", USER, "user removed"},
    {"device.action-queued", ASKED, ""},
    {"device.action-sent", SENT, "sent"},
    {"device.action-done", ENDED, "done"},
    {"device.action-failed", ENDED, "failed"},
    {"device.action-cancelled", ENDED, "cancelled"},
};

struct waiting {
    struct td_life_chapter c;
    char id[ID_MAX]; /* of an action */
    bool over;
};

struct story {
    struct waiting *list; /* in the order in which they began */
    size_t count;
    struct td_life_chapter *deployment; /* that is open; NULL: none */
    bool deployed_before;
    bool shelved; /* a technician's part is done, its user's is to come (autopilot.md 3.4) */
    char profile[TD_LIFE_TEXT];
    char owner[TD_LIFE_TEXT]; /* whose it is, for deployments in which nobody needs to sign in */
    td_life_fn *fn;
    void *ctx;
};

static void put(char *to, size_t room, const char *text)
{
    if (text != NULL)
        (void)snprintf(to, room, "%s", text);
}
#define PUT(field, text) put((field), sizeof(field), (text))

static enum td_code leave(struct story *s, size_t count, struct td_error *err)
{
    for (size_t i = 0; i < count; i++)
        td_try(s->fn(s->ctx, &s->list[i].c, err));
    s->count -= count;
    memmove(s->list, s->list + count, s->count * sizeof(*s->list));
    if (s->deployment != NULL) {
        size_t at = (size_t)((const struct waiting *)s->deployment - s->list);
        s->deployment = at < count ? NULL : &s->list[at - count].c;
    }
    return TD_OK;
}

static enum td_code leave_over(struct story *s, struct td_error *err)
{
    size_t n = 0;
    while (n < s->count && s->list[n].over)
        n++;
    return n != 0 ? leave(s, n, err) : TD_OK;
}

static enum td_code begin(struct story *s, const char *kind, const struct td_event *e, bool over, struct waiting **ret,
                          struct td_error *err)
{
    if (s->count == WAITING_MAX)
        td_try(leave(s, 1, err));
    struct waiting *w = &s->list[s->count++];
    *w = (struct waiting){.over = over, .c = {.begin_at = e->at, .end_at = over ? e->at : 0}};
    PUT(w->c.kind, kind);
    PUT(w->c.who, e->actor);
    PUT(w->c.way, e->subject);
    if (!over)
        PUT(w->c.outcome, "open");
    *ret = w;
    return TD_OK;
}

static void end(struct td_life_chapter *c, int64_t at, const char *outcome)
{
    struct waiting *w = (struct waiting *)c; /* its first member */
    PUT(c->outcome, outcome);
    c->end_at = at;
    w->over = true;
}

static bool is_person(const char *actor)
{
    return strchr(actor, '@') != NULL;
}

/* The sentence that a detail holds about why. */
static const char *why_of(const struct td_json *detail)
{
    static const char *const names[] = {"reason", "cause", "differs", "why"};
    for (size_t i = 0; i < TD_COUNTOF(names); i++) {
        const char *text = td_json_str(detail, names[i]);
        if (text != NULL && text[0] != '\0')
            return text;
    }
    return "";
}

static const char *text_of(const struct td_json *detail, const char *name)
{
    const char *text = td_json_str(detail, name);
    return text != NULL ? text : "";
}

static struct waiting *action_of(struct story *s, const char *id)
{
    for (size_t i = s->count; i-- > 0;)
        if (!s->list[i].over && id[0] != '\0' && strcmp(s->list[i].id, id) == 0)
            return &s->list[i];
    return NULL;
}

/* --- the roles --- */

struct told {
    const struct td_event *e;
    const struct rule *rule;
    const struct td_json *detail;
};

/* How it stands with an exchanged board: it begins, asks for somebody, and is over. */
static const char *remediation_of(const struct td_json *detail)
{
    static const char *const words[][2] = {{"automatic", "fix pending"}, {"manual", "required"}, {"none", "over"}};
    const char *word = text_of(detail, "remediation");
    for (size_t i = 0; i < TD_COUNTOF(words); i++)
        if (strcmp(words[i][0], word) == 0)
            return words[i][1];
    return "";
}

static enum td_code point(struct story *s, const struct told *t, struct td_error *err)
{
    struct waiting *w = NULL;
    td_try(begin(s, t->rule->word, t->e, true, &w, err));
    PUT(w->c.why, why_of(t->detail));
    PUT(w->c.what, text_of(t->detail, "action"));
    PUT(w->c.user, text_of(t->detail, "user"));
    PUT(w->c.outcome, remediation_of(t->detail));
    return TD_OK;
}

static enum td_code station(struct story *s, const struct told *t, struct td_error *err)
{
    struct td_life_chapter *d = s->deployment;
    if (d == NULL) {
        struct waiting *w = NULL;
        td_try(begin(s, s->deployed_before ? "redeployed" : "deployed", t->e, false, &w, err));
        s->deployment = d = &w->c;
        PUT(d->profile, s->profile);
    }
    if (is_person(t->e->actor)) {
        PUT(d->user, t->e->actor);
        PUT(d->who, t->e->actor);
    }
    return TD_OK;
}

static void close_deployment(struct story *s, int64_t at, const char *outcome)
{
    if (s->deployment == NULL)
        return;
    end(s->deployment, at, outcome);
    s->deployment = NULL;
}

/* What keeps its user is set up anew for the same one. */
static void put_owner(struct story *s)
{
    if (s->deployment == NULL)
        return;
    if (s->deployment->user[0] == '\0')
        PUT(s->deployment->user, s->owner);
    else
        PUT(s->owner, s->deployment->user);
}

/* A step that failed can be tried again, and then the same deployment goes on. */
static enum td_code broke(struct story *s, const struct told *t, struct td_error *err)
{
    if (s->deployment == NULL)
        return point(s, t, err);
    PUT(s->deployment->outcome, "failed");
    PUT(s->deployment->why, why_of(t->detail));
    return TD_OK;
}

/* Whose it is: the audit's list of changes holds one. */
static enum td_code user(struct story *s, const struct told *t, struct td_error *err)
{
    const struct td_json *changes = td_json_get(t->detail, "changes");
    const struct td_json *first = changes != NULL ? changes->child : NULL;
    const char *after = text_of(first, "after"), *before = text_of(first, "before");
    struct waiting *w = NULL;
    td_try(begin(s, t->rule->word, t->e, true, &w, err));
    PUT(w->c.user, after[0] != '\0' ? after : before);
    PUT(s->owner, after);
    if (s->deployment != NULL && after[0] != '\0')
        PUT(s->deployment->user, after);
    return TD_OK;
}

/* Who asked, and who let it pass where two must agree. */
static void put_who(struct td_life_chapter *c, const struct told *t)
{
    const char *by = text_of(t->detail, "by"), *approved = text_of(t->detail, "approvedBy");
    if (by[0] != '\0')
        PUT(c->who, by);
    if (approved[0] != '\0')
        (void)snprintf(c->who, sizeof(c->who), "%s, approved by %s", by, approved);
}

/* The end of an action that leads out of a deployment: it says who asked for it and why. */
static enum td_code left(struct story *s, const struct told *t, struct td_error *err)
{
    bool sealed = s->shelved && strcmp(t->rule->word, "unjoined") == 0;
    s->shelved = false;
    if (sealed)
        return TD_OK;
    struct waiting *asked = action_of(s, text_of(t->detail, "id")), *w = NULL;
    if (asked != NULL) {
        end(&asked->c, t->e->at, "done");
        put_who(&asked->c, t);
    }
    if (s->deployment != NULL)
        close_deployment(s, t->e->at, strcmp(s->deployment->outcome, "failed") == 0 ? "failed" : "broken off");
    if (strcmp(t->rule->word, "reset") != 0)
        s->owner[0] = '\0';
    td_try(begin(s, t->rule->word, t->e, true, &w, err));
    put_who(&w->c, t);
    PUT(w->c.why, why_of(t->detail));
    PUT(w->c.what, text_of(t->detail, "action"));
    return TD_OK;
}

static enum td_code asked(struct story *s, const struct told *t, struct td_error *err)
{
    struct waiting *w = NULL;
    if (action_of(s, text_of(t->detail, "id")) != NULL)
        return TD_OK; /* approved: it was told when it was asked for */
    td_try(begin(s, "action", t->e, false, &w, err));
    PUT(w->id, text_of(t->detail, "id"));
    PUT(w->c.what, text_of(t->detail, "action"));
    PUT(w->c.why, text_of(t->detail, "reason"));
    return TD_OK;
}

/* Behind the reason that a person gave stands what became of it. */
static void add_why(struct td_life_chapter *c, const char *cause)
{
    size_t n = strlen(c->why);
    if (cause[0] != '\0')
        (void)snprintf(c->why + n, sizeof(c->why) - n, "%s%s", n != 0 ? "; " : "", cause);
}

static enum td_code ended(struct story *s, const struct told *t, struct td_error *err)
{
    struct waiting *w = action_of(s, text_of(t->detail, "id"));
    const char *cause = text_of(t->detail, "cause");
    if (w == NULL) { /* nobody asked here, or the asking was removed */
        td_try(begin(s, "action", t->e, true, &w, err));
        PUT(w->c.what, text_of(t->detail, "action"));
    }
    end(&w->c, t->e->at, t->rule->word);
    put_who(&w->c, t);
    add_why(&w->c, cause);
    return TD_OK;
}

static enum td_code take(struct story *s, const struct told *t, struct td_error *err)
{
    struct waiting *w = NULL;
    switch (t->rule->role) {
    case POINT:
        return point(s, t, err);
    case STATION:
        return station(s, t, err);
    case READY:
        s->shelved = strcmp(t->rule->word, "pre-provisioned") == 0;
        s->deployed_before = s->deployed_before || !s->shelved;
        put_owner(s);
        close_deployment(s, t->e->at, t->rule->word);
        return TD_OK;
    case BROKE:
        return broke(s, t, err);
    case PROFILE:
        PUT(s->profile, text_of(t->detail, "profile"));
        return TD_OK;
    case USER:
        return user(s, t, err);
    case LEFT:
        return left(s, t, err);
    case ASKED:
        return asked(s, t, err);
    case SENT:
        w = action_of(s, text_of(t->detail, "id"));
        if (w != NULL)
            PUT(w->c.outcome, t->rule->word);
        return TD_OK;
    case ENDED:
        return ended(s, t, err);
    }
    return TD_OK;
}

static enum td_code take_event(struct story *s, const struct td_event *e, struct td_arena *a, struct td_error *err)
{
    struct told t = {.e = e};
    struct td_json *detail = NULL;
    for (size_t i = 0; i < TD_COUNTOF(rules) && t.rule == NULL; i++)
        if (strcmp(rules[i].type, e->type) == 0)
            t.rule = &rules[i];
    if (t.rule == NULL)
        return TD_OK;
    if (td_json_parse(td_str(e->detail), DETAIL_MAX, a, &detail, NULL) == TD_OK)
        t.detail = detail;
    td_try(take(s, &t, err));
    return leave_over(s, err);
}

/* One page of the events of all ways, in the order of their positions. */
static enum td_code page(struct td_tx *tx, const char *tenant, const struct td_life *life, int64_t *after,
                         struct story *s, size_t *ret_count, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_event *list = td_arena_array(&a, struct td_event, PAGE);
    const char *w[TD_LIFE_WAYS];
    struct td_rows r;
    size_t n = 0;
    for (size_t i = 0; i < TD_LIFE_WAYS; i++)
        w[i] = life->ways[i < life->way_count ? i : 0];
    td_try(td_sql_query(tx, &r, err,
                        "SELECT pos, at, subject, type, actor, detail FROM event WHERE tenant = $1 AND pos > $2"
                        " AND subject IN ($4, $5, $6, $7, $8, $9, $10, $11) ORDER BY pos LIMIT $3",
                        "siissssssss", tenant, *after, (int64_t)PAGE, w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]));
    while (n < PAGE && td_rows_next(&r))
        list[n++] = (struct td_event){.pos = td_col_int(&r, 0),
                                      .at = td_col_int(&r, 1),
                                      .subject = td_col_text0(&r, 2, &a),
                                      .type = td_col_text0(&r, 3, &a),
                                      .actor = td_col_text0(&r, 4, &a),
                                      .detail = td_col_text0(&r, 5, &a)};
    td_try(td_rows_done(&r, err));
    for (size_t i = 0; i < n; i++)
        td_try(take_event(s, &list[i], &a, err));
    if (n != 0)
        *after = list[n - 1].pos;
    *ret_count = n;
    return TD_OK;
}

enum td_code td_life_tell(struct td_tx *tx, const char *tenant, const struct td_life *life, td_life_fn *fn, void *ctx,
                          struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct story s = {.list = td_arena_array(&a, struct waiting, WAITING_MAX), .fn = fn, .ctx = ctx};
    int64_t after = 0;
    size_t n = PAGE;
    if (life->way_count == 0)
        return TD_OK;
    while (n == PAGE)
        td_try(page(tx, tenant, life, &after, &s, &n, err));
    return leave(&s, s.count, err);
}
