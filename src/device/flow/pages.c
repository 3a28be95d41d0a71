#include "device/pages.h"

#include "base/fault.h"
#include "device/flow.h"

const struct td_page td_pages[] = {
    {"language", "language", 0, TD_PAGES_FIRST, TD_SKIP_LANGUAGE},
    {"region", "region", 0, TD_PAGES_FIRST, TD_SKIP_REGION},
    {"keyboard", "keyboard", 1024, TD_PAGES_FIRST, TD_SKIP_BY_BIT},
    {"second keyboard", NULL, 1024, TD_PAGES_FIRST, TD_SKIP_BY_BIT},
    {"network", "wifi", 0, TD_PAGES_FIRST, TD_SKIP_NETWORK},
    {"licence terms", NULL, 16, TD_PAGES_BEFORE_SIGN_IN, TD_SKIP_BY_BIT},
    {"work or personal", NULL, 0, TD_PAGES_BEFORE_SIGN_IN, TD_SKIP_ALWAYS},
    {"privacy", NULL, 4, TD_PAGES_AFTER_SIGN_IN, TD_SKIP_BY_BIT},
    {"voice assistant", NULL, 0, TD_PAGES_AFTER_SIGN_IN, TD_SKIP_ALWAYS},
    {"cloud storage", NULL, 0, TD_PAGES_AFTER_SIGN_IN, TD_SKIP_ALWAYS},
    {"maker's registration", NULL, 0, TD_PAGES_AFTER_SIGN_IN, TD_SKIP_ALWAYS},
};
const size_t td_page_count = TD_COUNTOF(td_pages);

/* Language, region and keyboard are set by a profile only where it was known in time, on a wire (autopilot.md 2.1). */
static bool known_in_time(const struct td_page *page, const struct td_page_facts *facts)
{
    return facts->profile && (facts->wired || page->stage != TD_PAGES_FIRST);
}

static const char *skipped_by_rule(const struct td_page *page, const struct td_page_facts *facts)
{
    bool early = facts->profile && facts->wired;
    switch (page->rule) {
    case TD_SKIP_LANGUAGE:
        return early && facts->language[0] != '\0' ? "set by the profile" : NULL;
    case TD_SKIP_REGION:
        return early && (facts->region[0] != '\0' || facts->language[0] != '\0') ? "set by the profile" : NULL;
    case TD_SKIP_NETWORK:
        return facts->wired ? "a wire is plugged in" : NULL;
    case TD_SKIP_ALWAYS:
        return facts->profile ? "left out on a registered device" : NULL;
    case TD_SKIP_BY_BIT:
        break;
    }
    return known_in_time(page, facts) && (facts->oobe & page->skip_bit) != 0 ? "left out by the profile" : NULL;
}

const char *td_page_skipped(const struct td_page *page, const struct td_page_facts *facts)
{
    const char *why = skipped_by_rule(page, facts);
    if (why == NULL && facts->nobody && known_in_time(page, facts) && !td_fault("device-pages-for-nobody"))
        why = "the device deploys itself"; /* nobody is there who could press a key (3.3) */
    return why;
}

static enum td_code network_there(const struct td_flow *f, const char *name, struct td_error *err)
{
    struct td_slice ssid;
    (void)td_cut(td_str(name), ':', &ssid); /* "name:password" */
    for (size_t i = 0; f->hw.wifi[i] != NULL; i++)
        if (td_eqs(ssid, f->hw.wifi[i]))
            return TD_OK;
    (void)td_fail(err, TD_ENOTFOUND, "wifi", "no network \"%.32s\" is in reach", ssid.p);
    return td_remedy(err, TD_ENOTFOUND, "choose one that the hardware file lists under wifi");
}

static enum td_code show(struct td_flow *f, const struct td_page *page, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    if (page->answer == NULL) {
        td_device_say(f->dev, "page", "%s: accepted", page->name);
        return td_ui_confirm(f->ui, page->name, page->name, err);
    }
    char *answer = NULL;
    bool network = page->rule == TD_SKIP_NETWORK;
    td_try(td_ui_ask(f->ui, page->answer, page->name, false, false, &a, &answer, err));
    if (network) {
        td_try(network_there(f, answer, err));
        answer[strcspn(answer, ":")] = '\0'; /* the password of a network is no one's to keep */
    }
    td_device_say(f->dev, "page", "%s: %s", page->name, answer);
    td_state_set(f->dev->state, td_arena_printf(&a, "answer.%s", page->answer), answer);
    return TD_OK;
}

/* What a skipped page would have been answered: the profile's language, or the one that the box speaks. */
static void answer_skipped(struct td_flow *f, const struct td_page *page)
{
    const char *set = page->rule == TD_SKIP_LANGUAGE ? td_flow_get(f, "profile.language")
                      : page->rule == TD_SKIP_REGION ? td_flow_get(f, "profile.region")
                                                     : "";
    if (set[0] == '\0' && td_flow_nobody(f))
        set = "os-default";
    bool own = strcmp(set, "os-default") == 0;
    if (page->rule == TD_SKIP_LANGUAGE && set[0] != '\0')
        td_state_set(f->dev->state, "answer.language", own ? f->hw.locale : set);
    if (page->rule == TD_SKIP_REGION && set[0] != '\0')
        td_state_set(f->dev->state, "answer.region", own ? f->hw.locale : set);
}

static enum td_code walk(struct td_flow *f, enum td_page_stage stage, struct td_error *err)
{
    const struct td_page_facts facts = {.wired = f->hw.wired,
                                        .profile = td_flow_get(f, "profile.tenant_id")[0] != '\0',
                                        .nobody = td_flow_nobody(f),
                                        .oobe = td_state_int(f->dev->state, "profile.oobe", 0),
                                        .language = td_flow_get(f, "profile.language"),
                                        .region = td_flow_get(f, "profile.region")};
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    for (size_t i = 0; i < td_page_count; i++) {
        const char *key = td_arena_printf(&a, "page.%s", td_pages[i].name);
        const char *why = td_page_skipped(&td_pages[i], &facts);
        if (td_pages[i].stage != stage || td_flow_get(f, key)[0] != '\0')
            continue;
        if (why == NULL) {
            td_try(show(f, &td_pages[i], err));
        } else {
            answer_skipped(f, &td_pages[i]);
            td_device_say(f->dev, "skip", "%s: %s", td_pages[i].name, why);
        }
        td_try(td_flow_keep(f, key, why != NULL ? "skipped" : "shown", err));
    }
    return TD_OK;
}

enum td_code td_flow_first_pages(struct td_flow *f, struct td_error *err)
{
    return walk(f, TD_PAGES_FIRST, err);
}

enum td_code td_flow_pages(struct td_flow *f, struct td_error *err)
{
    td_try(walk(f, TD_PAGES_FIRST, err));
    return walk(f, TD_PAGES_BEFORE_SIGN_IN, err);
}

enum td_code td_flow_last_pages(struct td_flow *f, struct td_error *err)
{
    return walk(f, TD_PAGES_AFTER_SIGN_IN, err);
}
