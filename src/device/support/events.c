#include "device/events.h"

#include "base/fault.h"
#include "codec/json.h"

#include <stdio.h>

#define CHANNEL "Microsoft-Windows-ModernDeployment-Diagnostics-Provider/Autopilot"

/* A line of the log has a kind and a text. More than one row may fit; all of them are told, in this order. */
static const struct row {
    int id;
    const char *level, *meaning;
    const char *kinds; /* of the line, blanks between and around */
    const char *begin; /* of its text */
    const char *holds; /* somewhere in it */
} rows[] = {
    {100, "warning", "policy not found yet: the profile is waited for", " wait ", "lookup:", ""},
    {160, "information", "acquisition of the profile begins", " step ", "profile found: ", ""},
    {164, "information", "Internet available, the profile is asked for", " step ", "profile found: ", ""},
    {161, "information", "acquisition of the profile succeeded", " step ", "profile found: ", ""},
    {153, "information", "ProfileState_Unknown to ProfileState_Available", " step ", "profile found: ", ""},
    {163, "information", "download not required: provisioned by a file", " step ", "profile from ", ""},
    {153, "information", "ProfileState_Unknown to ProfileState_Available", " step ", "profile from ", ""},
    {164, "information", "Internet available, the profile is asked for", " failed time-out ", "", "; lookup; 8"},
    {164, "information", "Internet available, the profile is asked for", " failed time-out ", "", "; lookup; 908 "},
    {807, "error", "ZtdDeviceIsNotRegistered", " failed time-out ", "", "; lookup; 807 "},
    {809, "error", "ZtdDeviceHasNoAssignedProfile: the assigned profile was deleted", " failed time-out ", "",
     "; lookup; 809 "},
    {815, "error", "ZtdDeviceHasNoAssignedProfile: none assigned and no default", " failed time-out ", "",
     "; lookup; 815 "},
    {908, "error", "SerialNumberMismatch or ProductKeyIdMismatch", " failed time-out ", "", "; lookup; 908 "},
    {306, "information", "offline domain join: the blob was applied (ODJApplied)", " domain ",
     "offline domain join applied: ", ""},
    {305, "error", "offline domain join: the blob could not be applied", " domain ", "0x",
     "offline domain join refused: "},
    {109, "information", "a page is left out or shown by the profile", " skip ", "", ""},
    {111, "information", "settings retrieved", " page ", "securing your hardware", ""},
    {171, "error", "TPM identity not confirmed", " failed time-out ", "", "; attestation; "},
    {171, "error", "TPM identity not confirmed", " page ", "red: ", " attestation: "},
    {172, "error", "the profile could not be set available", " failed time-out ", "", "; attestation; "},
    {172, "error", "the profile could not be set available", " failed time-out ", "", "; CloudAssigned"},
};

struct line {
    struct td_slice at, kind, text;
};

static struct line split(struct td_slice text)
{
    struct line l;
    l.text = td_cut(text, ' ', &l.at);
    l.text = td_trim(td_cut(l.text, ' ', &l.kind));
    return l;
}

static bool fits(const struct row *r, const struct line *l)
{
    char kind[20];
    if (l->kind.n == 0 || l->kind.n > sizeof(kind) - 3)
        return false;
    (void)snprintf(kind, sizeof(kind), " %.*s ", TD_FMT(l->kind));
    return strstr(r->kinds, kind) != NULL && td_starts(l->text, r->begin) &&
           (r->holds[0] == '\0' || td_search(l->text, td_str(r->holds)) != SIZE_MAX);
}

/* 0x and eight digits at the beginning of a failure, or behind "red: ". */
static struct td_slice code_of(struct td_slice text)
{
    size_t at = td_search(text, TD_S("0x"));
    struct td_slice code = at <= 5 ? td_sub(text, at, TD_MIN(at + 10, text.n)) : td_str("");
    for (size_t i = 2; i < code.n; i++)
        if (strchr("0123456789abcdefABCDEF", code.p[i]) == NULL)
            return td_str("");
    return code.n == 10 ? code : td_str("");
}

static void write_event(struct td_jsonw *w, const struct row *r, const struct line *l)
{
    struct td_slice code = code_of(l->text);
    td_jsonw_obj(w);
    td_jsonw_key(w, "at");
    td_jsonw_slice(w, l->at);
    td_jsonw_kint(w, "id", r->id);
    td_jsonw_kstr(w, "level", r->level);
    td_jsonw_kstr(w, "meaning", r->meaning);
    if (code.n != 0) {
        td_jsonw_key(w, "code");
        td_jsonw_slice(w, code);
    }
    td_jsonw_key(w, "text");
    td_jsonw_slice(w, l->text);
    td_jsonw_end(w);
}

/* The verdict of 6.5, over the newest acquisition: what was wrong with an earlier one was mended since. */
static const char *verdict(const int *ids, size_t count)
{
    static const struct {
        int id;
        const char *word;
    } order[] = {{807, "not registered"},
                 {908, "serial number or product key of another device"},
                 {809, "its profile was deleted"},
                 {815, "no profile is assigned"},
                 {161, "got it"},
                 {153, "got it"},
                 {163, "got it"},
                 {164, "asked, and nothing is assigned"},
                 {100, "no network yet"}};
    for (size_t i = 0; i < TD_COUNTOF(order); i++)
        for (size_t k = 0; k < count; k++)
            if (ids[k] == order[i].id)
                return order[i].word;
    return "never asked";
}

/* Forgets the ids before the newest acquisition when another one begins. */
static void note(int *ids, size_t *count, const struct row *r, bool first_of_line)
{
    bool acquisition = r->id == 100 || r->id == 160 || r->id == 163 || r->id == 164;
    if (acquisition && first_of_line)
        *count = 0;
    if (*count < 16)
        ids[(*count)++] = r->id;
}

static size_t count_events(struct td_slice log)
{
    size_t n = 0;
    for (struct td_slice one; log.n != 0;) {
        log = td_cut(log, '\n', &one);
        const struct line l = split(one);
        for (size_t i = 0; i < TD_COUNTOF(rows); i++)
            n += fits(&rows[i], &l);
    }
    return n;
}

void td_events_write(struct td_slice log, struct td_buf *out)
{
    struct td_jsonw w;
    int ids[16];
    size_t known = 0, all = count_events(log), left = all > TD_EVENTS_MAX ? all - TD_EVENTS_MAX : 0;
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "channel", CHANNEL);
    td_jsonw_key(&w, "events");
    td_jsonw_arr(&w);
    for (struct td_slice one; log.n != 0;) {
        log = td_cut(log, '\n', &one);
        const struct line l = split(one);
        bool first = true;
        for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
            if (!fits(&rows[i], &l) || (rows[i].id == 171 && td_fault("events-no-tpm")))
                continue;
            note(ids, &known, &rows[i], first);
            first = false;
            if (left > 0)
                left--;
            else
                write_event(&w, &rows[i], &l);
        }
    }
    td_jsonw_arr_end(&w);
    td_jsonw_kstr(&w, "whyNoProfile", verdict(ids, known));
    td_jsonw_end(&w);
}
