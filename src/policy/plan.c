#include "policy/plan.h"

#include "base/env.h"
#include "base/fault.h"

static const char TOLD_KEY[] = "I ./DevInfo";

static bool is_get(const struct td_row *r)
{
    return r->key[0] == 'G';
}

static bool is_action(const struct td_row *r)
{
    return r->key[0] == TD_ACTION_KEY[0];
}

static bool is_user(const char *key)
{
    return td_sync_uri_is_user(td_str(key + 2));
}

static bool is_final(const struct td_row *r)
{
    return r->state == TD_ROW_DONE || r->state == TD_ROW_FAILED || r->state == TD_ROW_ABSENT;
}

/* 418: there already, which is what an Add wants. */
static bool is_ok(int code)
{
    return (code >= 200 && code <= 213) || code == 418;
}

/* Of the codes of an Atomic or a Sequence and its children the one that tells why. */
static int telling(int code)
{
    if (code == 0)
        return 0;
    if (is_ok(code))
        return 1;
    if (code == 215 || code == 216)
        return 2;
    return code == 507 ? 3 : 4;
}

void td_plan_status(struct td_ledger *l, int64_t session, uint64_t msg, uint64_t cmd, int code, uint32_t original_error)
{
    struct td_row *r = td_ledger_sent(l, session, msg, cmd);
    if (r == NULL || r->state != TD_ROW_SENT || code < 0)
        return;
    if (telling(code) > telling(r->status)) {
        r->status = code;
        r->original_error = original_error;
    }
    l->changed = true;
}

static uint64_t hash_without_blanks(struct td_slice s)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] > ' ')
            h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
    return h;
}

/* What the ledger keeps of a value: itself, or of a long one enough to compare it. */
static char *kept_form(struct td_arena *a, struct td_slice value)
{
    value = td_trim(value);
    if (value.n <= TD_LEDGER_MAX_VALUE && td_utf8_ok(value))
        return td_arena_text(a, value);
    return td_arena_printf(a, "#%016llx", (unsigned long long)hash_without_blanks(value));
}

static bool proves(struct td_arena *a, const char *kept, const char *expect)
{
    if (kept == NULL)
        return false;
    return expect[0] == '\0' ? kept[0] != '\0' : td_ieqs(td_str(kept), kept_form(a, td_str(expect)));
}

static struct td_row *asked(struct td_ledger *l, int64_t session, uint64_t msg, uint64_t cmd, const char *uri)
{
    struct td_row *r = td_ledger_sent(l, session, msg, cmd);
    if (r != NULL && is_get(r))
        return r;
    for (size_t i = 0; i < l->count; i++)
        if (is_get(&l->rows[i]) && l->rows[i].session == session && strcmp(l->rows[i].key + 2, uri) == 0)
            return &l->rows[i];
    return NULL;
}

const char *td_plan_result(struct td_ledger *l, int64_t session, uint64_t msg, uint64_t cmd, const char *uri,
                           struct td_slice value, bool *ret_new)
{
    struct td_row *r = asked(l, session, msg, cmd, uri);
    if (r == NULL)
        return NULL;
    const char *kept = value.n != 0 ? kept_form(l->arena, value) : NULL; /* empty: unknown (13.1) */
    *ret_new = kept != NULL && (r->value == NULL || strcmp(kept, r->value) != 0);
    r->value = kept;
    l->changed = true;
    return r->key + 2;
}

bool td_plan_told(struct td_ledger *l, struct td_slice all)
{
    struct td_row *r = td_ledger_get(l, TOLD_KEY);
    uint64_t version = hash_without_blanks(all);
    if (r == NULL || r->version == version)
        return r == NULL;
    r->version = version;
    r->state = TD_ROW_DONE;
    l->changed = true;
    return true;
}

static void pending_again(struct td_row *r)
{
    r->state = r->attempts >= TD_PLAN_ATTEMPTS ? TD_ROW_FAILED : TD_ROW_PENDING;
}

static void judge_get(struct td_row *r)
{
    if (r->status == 0 && r->value == NULL)
        pending_again(r);
    else
        r->state = is_ok(r->status) || r->value != NULL ? TD_ROW_DONE : TD_ROW_ABSENT;
    if (r->state == TD_ROW_ABSENT)
        r->value = NULL;
}

/* Codes that another try with the same bytes would meet again. */
static bool is_lasting(int code)
{
    static const int codes[] = {400, 403, 413, 414, 415, 424, 425};
    for (size_t i = 0; i < TD_COUNTOF(codes); i++)
        if (codes[i] == code)
            return true;
    return false;
}

static void judge(struct td_row *r)
{
    bool absent = r->status == 404 || r->status == 405 || r->status == 406;
    if (is_get(r)) {
        judge_get(r);
    } else if (r->status != 0 && is_ok(r->status)) {
        r->state = TD_ROW_DONE;
        r->delivered = true;
    } else if (absent && is_user(r->key) && !td_fault("dm-405-is-final")) {
        /* csp.md 3.3: the user's management context is not there yet. Neither a failure nor an attempt. */
        r->state = TD_ROW_PENDING;
        r->attempts = 0;
    } else if (absent) {
        r->state = TD_ROW_ABSENT;
    } else if (is_lasting(r->status)) {
        r->state = TD_ROW_FAILED;
    } else {
        pending_again(r);
    }
}

static bool goes_away(const struct td_row *r)
{
    return (r->key[0] == 'A' || r->key[0] == 'R') && r->delivered && td_desired_goes_away(r->key + 2);
}

size_t td_plan_given(const struct td_ledger *l, struct td_arena *a, const char *const **ret)
{
    const char **uris = td_arena_array(a, const char *, l->count + 1);
    size_t n = 0;
    for (size_t i = 0; i < l->count; i++)
        if (goes_away(&l->rows[i]))
            uris[n++] = l->rows[i].key + 2;
    *ret = uris;
    return n;
}

static bool was_deleted(const struct td_ledger *l, const char *uri)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->rows[i].key[0] == 'D' && strcmp(l->rows[i].key + 2, uri) == 0)
            return l->rows[i].state == TD_ROW_DONE || l->rows[i].state == TD_ROW_ABSENT;
    return false;
}

/* What was taken away is as if it had never been there: assigned again it is sent again. The Delete's own row is the
 * last to go, when nothing is left that it would be looked up for. */
static void forget_deleted(struct td_ledger *l)
{
    static const char *const letters[] = {"AR", "D"};
    for (size_t pass = 0; pass < TD_COUNTOF(letters); pass++) {
        size_t kept = 0;
        for (size_t i = 0; i < l->count; i++) {
            const struct td_row *r = &l->rows[i];
            bool of_pass = strchr(letters[pass], r->key[0]) != NULL && td_desired_goes_away(r->key + 2);
            if (!of_pass ||
                (pass == 0 ? !was_deleted(l, r->key + 2) : r->state != TD_ROW_DONE && r->state != TD_ROW_ABSENT))
                l->rows[kept++] = *r;
        }
        l->count = kept;
    }
}

void td_plan_judge(struct td_ledger *l, int64_t session)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->rows[i].state == TD_ROW_SENT && l->rows[i].session == session) {
            judge(&l->rows[i]);
            l->changed = true;
        }
    forget_deleted(l);
}

void td_plan_reopen(struct td_ledger *l, int64_t session, bool count_attempt)
{
    for (size_t i = 0; i < l->count; i++) {
        struct td_row *r = &l->rows[i];
        if (r->state != TD_ROW_SENT || r->session != session)
            continue;
        r->status = 0;
        r->state = TD_ROW_PENDING;
        if (is_action(r))
            pending_again(r);
        if (!count_attempt) {
            r->session = 0;
            r->attempts -= r->attempts != 0 && !is_action(r);
        }
        l->changed = true;
    }
}

static void renew(struct td_ledger *l, struct td_row *r, uint64_t version)
{
    r->version = version;
    r->state = TD_ROW_PENDING;
    r->attempts = 0;
    r->status = 0;
    r->original_error = 0;
    r->session = 0;
    l->changed = true;
}

/* What showed the effect of the old version proves nothing of the new one. */
static void forget_proofs(const struct td_desired *d, struct td_ledger *l, const char *item)
{
    for (const struct td_want *w = item[0] != '\0' ? d->wants : NULL; w != NULL; w = w->next) {
        struct td_row *r = w->expect != NULL && strcmp(w->item, item) == 0 ? td_ledger_find(l, w->key) : NULL;
        if (r != NULL)
            r->value = NULL;
    }
}

/* The device takes packages and says nothing of them. */
static bool is_untold(const struct td_desired *d, const struct td_ledger *l, const char *item)
{
    for (const struct td_want *w = d->wants; w != NULL; w = w->next) {
        const struct td_row *r = w->expect != NULL && strcmp(w->item, item) == 0 ? td_ledger_find(l, w->key) : NULL;
        if (r != NULL && r->state == TD_ROW_ABSENT)
            return true;
    }
    return false;
}

static bool is_needless(const struct td_want *w, const struct td_ledger *l)
{
    const char *value = w->unless_uri != NULL ? td_ledger_value(l, w->unless_uri) : NULL;
    return value != NULL && td_ieqs(td_str(value), w->unless_value);
}

/* Nothing to say once more while it was not said once. */
static bool is_first_time(const struct td_want *w, const struct td_ledger *l)
{
    const struct td_row *first = w->again_of != NULL ? td_ledger_find(l, w->again_of) : NULL;
    return w->again_of != NULL && (first == NULL || first->state != TD_ROW_DONE);
}

/* How far those are that a package stands behind: failed, in effect (or taken by a device that does not tell), else
 * pending. */
static enum td_item_state before(const struct td_desired *d, const struct td_ledger *l, const struct td_want *w)
{
    const struct td_row *row;
    bool waits = false;
    for (size_t i = 0; i < w->after_count; i++) {
        enum td_item_state s = td_plan_item(d, l, w->after[i], &row);
        if (s == TD_ITEM_FAILED || s == TD_ITEM_ABSENT)
            return TD_ITEM_FAILED;
        waits = waits || s == TD_ITEM_PENDING || (s == TD_ITEM_APPLIED && !is_untold(d, l, w->after[i]));
    }
    return waits && !td_fault("package-out-of-turn") ? TD_ITEM_PENDING : TD_ITEM_IN_EFFECT;
}

/* A package behind one that failed fails with it, and may be sent where that one is in order after all. */
static void follow(const struct td_desired *d, struct td_ledger *l, const struct td_want *w, struct td_row *r)
{
    if (w->after_count == 0 || r == NULL || (r->state != TD_ROW_PENDING && r->status != TD_PLAN_BEHIND_FAILED))
        return;
    bool failed = before(d, l, w) == TD_ITEM_FAILED;
    if (failed == (r->state == TD_ROW_FAILED))
        return;
    r->state = failed ? TD_ROW_FAILED : TD_ROW_PENDING;
    r->status = failed ? TD_PLAN_BEHIND_FAILED : 0;
    l->changed = true;
}

void td_plan_align(const struct td_desired *d, struct td_ledger *l)
{
    for (const struct td_want *w = d->wants; w != NULL; w = w->next) {
        struct td_row *r = td_ledger_find(l, w->key);
        if (r == NULL) {
            r = td_ledger_get(l, w->key);
            if (r != NULL)
                r->version = w->version;
        } else if (w->verb != TD_SYNC_GET && r->version != w->version) {
            renew(l, r, w->version);
            forget_proofs(d, l, w->item);
        }
        if (r != NULL && r->state == TD_ROW_PENDING && (is_needless(w, l) || is_first_time(w, l))) {
            r->state = TD_ROW_DONE;
            l->changed = true;
        }
    }
    for (const struct td_want *w = d->wants; w != NULL; w = w->next)
        follow(d, l, w, w->after_count != 0 ? td_ledger_find(l, w->key) : NULL);
}

static bool is_listed(const struct td_desired *d, const char *key)
{
    for (const struct td_want *w = d->wants; w != NULL; w = w->next)
        if (strcmp(w->key, key) == 0)
            return true;
    return false;
}

void td_plan_prune(const struct td_desired *d, struct td_ledger *l, const char *keep)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++) {
        const struct td_row *r = &l->rows[i];
        bool lasting = (r->key[0] == 'A' && r->delivered) || r->key[0] == 'I' || goes_away(r);
        if (lasting || r->state == TD_ROW_SENT || strcmp(r->key, keep) == 0 || is_listed(d, r->key))
            l->rows[kept++] = *r;
    }
    l->changed = l->changed || kept != l->count;
    l->count = kept;
}

void td_plan_begin_again(struct td_ledger *l)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++) {
        const struct td_row *r = &l->rows[i];
        bool known = is_get(r) && td_desired_is_identity(r->key + 2);
        if (r->key[0] == 'I' || is_action(r) || known || td_fault("reset-keeps-ledger"))
            l->rows[kept++] = *r;
    }
    l->count = kept;
    l->item_count = 0;
    l->changed = true;
}

/* Its answer says that the package failed: then its job is ordered once more. */
static void order_again(struct td_ledger *l, struct td_row *status)
{
    const char *slash = strrchr(status->key, '/');
    struct td_row *job = td_ledger_find(
        l, td_arena_printf(l->arena, "S %.*s/DownloadInstall", (int)(slash - status->key) - 2, status->key + 2));
    if (job == NULL || status->value == NULL || strcmp(status->value, "70") == 0)
        return;
    status->value = NULL;
    job->state = TD_ROW_PENDING;
    job->attempts = 0;
    job->status = 0;
}

void td_plan_begin_user(struct td_ledger *l)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++)
        if (td_search(td_str(l->rows[i].key), TD_S("/FirstSyncStatus/")) == SIZE_MAX)
            l->rows[kept++] = l->rows[i];
    l->count = kept;
    l->changed = true;
    for (size_t i = 0; i < l->count; i++) {
        struct td_row *r = &l->rows[i];
        if (is_get(r) && td_ends(td_str(r->key), "/Status"))
            order_again(l, r);
        if (r->state != TD_ROW_FAILED || is_action(r) || td_fault("user-inherits-failures"))
            continue;
        r->state = TD_ROW_PENDING;
        r->attempts = 0;
        r->status = 0;
        r->original_error = 0;
    }
}

void td_plan_drop_actions(const struct td_desired *d, struct td_ledger *l)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++)
        if (!is_action(&l->rows[i]) || is_listed(d, l->rows[i].key))
            l->rows[kept++] = l->rows[i];
    l->changed = l->changed || kept != l->count;
    l->count = kept;
}

/* Every want of these stages has its answer. */
static bool answered(const struct td_desired *d, const struct td_ledger *l, enum td_stage from, enum td_stage below)
{
    for (const struct td_want *w = d->wants; w != NULL; w = w->next) {
        if (w->stage < from || w->stage >= below || w->early)
            continue;
        const struct td_row *r = td_ledger_find(l, w->key);
        if (r == NULL || !is_final(r))
            return false;
    }
    return true;
}

static bool nothing_is_out(const struct td_ledger *l)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->rows[i].state == TD_ROW_SENT)
            return false;
    return true;
}

/* A reset, a wipe or a retirement stands in this session: what would follow it might be taken with it. */
static bool is_parting(const struct td_desired *d, const struct td_ledger *l, int64_t session)
{
    for (const struct td_want *w = d->wants; w != NULL; w = w->next) {
        const struct td_row *r = w->stage == TD_STAGE_DESTROY ? td_ledger_find(l, w->key) : NULL;
        if (r != NULL && r->session == session && (r->state == TD_ROW_SENT || r->state == TD_ROW_DONE))
            return true;
    }
    return false;
}

static bool stage_is_open(const struct td_desired *d, const struct td_ledger *l, enum td_stage stage)
{
    const struct td_row *release;
    switch (stage) {
    case TD_STAGE_DESTROY:
        return nothing_is_out(l) || td_fault("dm-destroys-early");
    case TD_STAGE_RELEASE:
        if (d->holds_release && !td_fault("domain-release-early"))
            return false;
        return answered(d, l, TD_STAGE_INVENTORY, stage) || td_fault("dm-release-early");
    case TD_STAGE_PROOF:
        return answered(d, l, TD_STAGE_INVENTORY, stage) || td_fault("dm-release-early");
    case TD_STAGE_USER_RELEASE:
        if (d->holds_user_release && !td_fault("domain-account-early"))
            return false;
        return answered(d, l, TD_STAGE_USER_PAGE, stage);
    case TD_STAGE_USER_AFTER:
    case TD_STAGE_USER_PROOF:
        release = td_ledger_find(l, d->user_release_key);
        return release == NULL || release->state == TD_ROW_DONE;
    default:
        return true;
    }
}

/* Edition's number is asked before the key is sent. */
static bool precondition_known(const struct td_want *w, const struct td_ledger *l)
{
    for (size_t i = 0; w->unless_uri != NULL && i < l->count; i++)
        if (is_get(&l->rows[i]) && strcmp(l->rows[i].key + 2, w->unless_uri) == 0)
            return is_final(&l->rows[i]);
    return true;
}

/* Nothing to prove before the device took one of the item's commands. */
static bool item_is_delivered(const struct td_desired *d, const struct td_ledger *l, const char *item)
{
    for (const struct td_want *w = d->wants; w != NULL; w = w->next) {
        if (w->verb == TD_SYNC_GET || strcmp(w->item, item) != 0)
            continue;
        const struct td_row *r = td_ledger_find(l, w->key);
        if (r != NULL && r->state == TD_ROW_DONE)
            return true;
    }
    return false;
}

static bool is_wanted(const struct td_desired *d, const struct td_want *w, const struct td_ledger *l,
                      const struct td_row *r, int64_t session, bool user_active)
{
    if (r->session == session || (w->user && !user_active) || r->state == TD_ROW_SENT || w->held)
        return false;
    if (w->verb != TD_SYNC_GET)
        return r->state == TD_ROW_PENDING && precondition_known(w, l) &&
               (w->after_count == 0 || before(d, l, w) == TD_ITEM_IN_EFFECT);
    if (w->each_session)
        return true;
    if (w->expect != NULL)
        return !proves(l->arena, r->value, w->expect) && item_is_delivered(d, l, w->item);
    return r->state == TD_ROW_PENDING;
}

const struct td_want *td_plan_next(const struct td_desired *d, const struct td_ledger *l, int64_t session,
                                   bool user_active, const struct td_want *after)
{
    enum td_stage stage = TD_STAGE_COUNT;
    bool open = false;
    if (is_parting(d, l, session) && !td_fault("dm-goes-on-behind"))
        return NULL;
    for (const struct td_want *w = after != NULL ? after->next : d->wants; w != NULL; w = w->next) {
        if (w->stage != stage) {
            stage = w->stage;
            open = stage_is_open(d, l, stage);
        }
        const struct td_row *r = open ? td_ledger_find(l, w->key) : NULL;
        if (r != NULL && is_wanted(d, w, l, r, session, user_active))
            return w;
    }
    return NULL;
}

void td_plan_hand_out(struct td_ledger *l, const struct td_want *w, int64_t session, uint64_t msg, uint64_t cmd,
                      unsigned span)
{
    struct td_row *r = td_ledger_get(l, w->key);
    if (r == NULL)
        return;
    r->state = TD_ROW_SENT;
    r->session = session;
    r->msg = msg;
    r->cmd = cmd;
    r->span = span;
    r->status = 0;
    r->original_error = 0;
    r->attempts++;
    l->changed = true;
}

void td_plan_too_big(struct td_ledger *l, const struct td_want *w)
{
    struct td_row *r = td_ledger_get(l, w->key);
    if (r == NULL)
        return;
    r->state = TD_ROW_FAILED;
    r->status = 413;
    l->changed = true;
}

/* A package that says 30 or 60 has failed; 10 to 50 is under way (csp.md 5). */
static bool refuted(const struct td_want *w, const struct td_row *r)
{
    if (r == NULL || r->value == NULL || !td_ends(td_str(w->uri), "/Status"))
        return false;
    return strcmp(r->value, "60") == 0 || strcmp(r->value, "30") == 0 || strcmp(r->value, "0") == 0;
}

enum td_item_state td_plan_item(const struct td_desired *d, const struct td_ledger *l, const char *item,
                                const struct td_row **ret_row)
{
    bool pending = false, absent = false, proven = false, unproven = false, done = false;
    *ret_row = NULL;
    for (const struct td_want *w = d->wants; w != NULL; w = w->next) {
        if (strcmp(w->item, item) != 0 || (w->verb == TD_SYNC_GET && w->expect == NULL))
            continue;
        const struct td_row *r = td_ledger_find(l, w->key);
        if (r != NULL && (w->verb == TD_SYNC_GET ? refuted(w, r) : r->state == TD_ROW_FAILED)) {
            *ret_row = r;
            return TD_ITEM_FAILED;
        }
        if (w->verb == TD_SYNC_GET) {
            bool shown = r != NULL && proves(l->arena, r->value, w->expect);
            proven = proven || shown;
            unproven = unproven || !shown;
            continue;
        }
        pending = pending || r == NULL || !is_final(r);
        absent = absent || (r != NULL && r->state == TD_ROW_ABSENT);
        done = done || (r != NULL && r->state == TD_ROW_DONE);
    }
    if (pending || (!absent && !done && !proven))
        return TD_ITEM_PENDING;
    if (proven && !unproven)
        return TD_ITEM_IN_EFFECT;
    return absent && !done ? TD_ITEM_ABSENT : TD_ITEM_APPLIED;
}
