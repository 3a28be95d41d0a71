#include "policy/desired.h"

#include "base/fault.h"
#include "policy/desired_item.h"

char *td_desired_release_uri(const char *provider, struct td_arena *a)
{
    return td_arena_printf(a, "./Device/Vendor/MSFT/DMClient/Provider/%s/FirstSyncStatus/ServerHasFinishedProvisioning",
                           provider);
}

char *td_desired_error_text_uri(const char *provider, struct td_arena *a)
{
    return td_arena_printf(a, "./Device/Vendor/MSFT/DMClient/Provider/%s/FirstSyncStatus/CustomErrorText", provider);
}

/* LastError first: where the values come in several messages, the state that is acted upon comes last. */
static void add_redeployment(struct td_desired_ctx *c)
{
    if (c->in->ask_release)
        td_want_ask(c, TD_STAGE_INVENTORY, td_desired_release_uri(c->provider, c->arena), NULL)->each_session = true;
    td_want_ask(c, TD_STAGE_INVENTORY, TD_REDEPLOYMENT "LastError", NULL)->each_session = true;
    td_want_ask(c, TD_STAGE_INVENTORY, TD_REDEPLOYMENT "Status", NULL)->each_session = true;
}

static void add_actions(struct td_desired_ctx *c)
{
    for (size_t i = 0; i < c->in->action_count; i++) {
        const struct td_action_order *o = &c->in->actions[i];
        struct td_want *w = td_want_add(c, o->destroys ? TD_STAGE_DESTROY : TD_STAGE_ACTION,
                                        o->replace ? TD_SYNC_REPLACE : TD_SYNC_EXEC, o->uri);
        w->key = td_arena_printf(c->arena, TD_ACTION_KEY "%s", o->id);
        w->format = o->format;
        w->data = o->data;
    }
}

/* csp.md 12. The row outlives the blob: the item's state follows from it. */
static void add_domain(struct td_desired_ctx *c)
{
    const struct td_domain_order *o = &c->in->domain;
    if (o->job == NULL)
        return;
    struct td_want *w = td_want_add(c, TD_STAGE_DOMAIN, TD_SYNC_EXEC, TD_DOMAIN_BLOB_URI);
    w->item = o->item;
    w->format = "b64";
    w->type = "text/plain";
    w->data = o->blob;
    w->held = o->blob == NULL;
    w->version = td_want_text_version(o->job);
    if (o->name[0] != '\0')
        td_want_ask(c, TD_STAGE_PROOF, "./DevDetail/Ext/Microsoft/DeviceName", o->name)->item = o->item;
}

static char *client_node(struct td_desired_ctx *c, bool user, const char *leaf)
{
    return td_arena_printf(c->arena, "./%s/Vendor/MSFT/DMClient/Provider/%s/%s", user ? "User" : "Device", c->provider,
                           leaf);
}

static char *first_node(struct td_desired_ctx *c, bool user, const char *leaf)
{
    return client_node(c, user, td_arena_printf(c->arena, "FirstSyncStatus/%s", leaf));
}

/* csp.md 21, step 1, spelt so that simple clients know the nodes (csp.md 2). */
static const char *const identity[] = {"./DevDetail/Ext/DeviceHardwareData", "./DevDetail/SwV",
                                       "./DevDetail/Ext/Microsoft/SMBIOSSerialNumber",
                                       "./Vendor/MSFT/DMClient/HWDevID"};

bool td_desired_is_identity(const char *uri)
{
    for (size_t i = 0; i < TD_COUNTOF(identity); i++)
        if (strcmp(uri, identity[i]) == 0)
            return true;
    return td_ends(td_str(uri), "/AADDeviceID") || td_starts(td_str(uri), TD_REDEPLOYMENT);
}

static void add_inventory(struct td_desired_ctx *c)
{
    for (size_t i = 0; i < TD_COUNTOF(identity); i++)
        td_want_ask(c, TD_STAGE_INVENTORY, identity[i], NULL)->each_session = true;
    td_want_ask(c, TD_STAGE_INVENTORY, client_node(c, false, "AADDeviceID"), NULL)->each_session = true;
}

/* What a device at work is asked in every session: three short answers, and of a registered one its hash: another
 * mainboard is seen at the next contact (autopilot.md 1.8). */
static void add_checks(struct td_desired_ctx *c)
{
    static const char *const uris[] = {"./DevDetail/SwV", "./DevDetail/Ext/Microsoft/DeviceName",
                                       "./Vendor/MSFT/WindowsLicensing/Edition"};
    for (size_t i = 0; i < TD_COUNTOF(uris); i++)
        td_want_ask(c, TD_STAGE_PROOF, uris[i], NULL)->each_session = true;
    if (c->in->registered && !c->in->inventory && !td_fault("repair-never-looks"))
        td_want_ask(c, TD_STAGE_PROOF, identity[0], NULL)->each_session = true;
}

/* Every 3 minutes until the status page would time out, then every 8 hours for ever (csp.md 3.2, 3.3: poll fast while a
 * release is pending). One Atomic: between two of its values the schedule would be invalid. */
static void add_poll(struct td_desired_ctx *c, const struct td_item_page *page)
{
    const struct {
        const char *leaf;
        int value;
    } rows[] = {
        {"Poll/IntervalForFirstSetOfRetries", 3},
        {"Poll/NumberOfFirstRetries", page->timeout_minutes * 2 / 3 + 5},
        {"Poll/IntervalForSecondSetOfRetries", 0},
        {"Poll/NumberOfSecondRetries", 0},
        {"Poll/IntervalForRemainingScheduledRetries", 480},
        {"Poll/NumberOfRemainingScheduledRetries", 0},
    };
    struct td_want *atomic = td_want_add(c, TD_STAGE_PAGE, TD_SYNC_ATOMIC, client_node(c, false, "Poll"));
    struct td_want **tail = c->tail;
    c->tail = &atomic->child;
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        td_want_put(c, TD_STAGE_PAGE, client_node(c, false, rows[i].leaf), "int",
                    td_arena_printf(c->arena, "%d", rows[i].value));
    c->tail = tail;
    atomic->version = (uint64_t)page->timeout_minutes;
}

static void put_bool(struct td_desired_ctx *c, enum td_stage stage, const char *uri, bool value)
{
    td_want_put(c, stage, uri, "bool", value ? "true" : "false");
}

/* csp.md 3.3. Lists of the status page are written before anything that they name is sent. */
static void add_lists(struct td_desired_ctx *c, bool user, enum td_stage stage)
{
    static const char *const leaves[TD_EXPECT_COUNT] = {
        [TD_EXPECT_POLICY] = "ExpectedPolicies",
        [TD_EXPECT_NETWORK] = "ExpectedNetworkProfiles",
        [TD_EXPECT_MSI] = "ExpectedMSIAppPackages",
    };
    for (unsigned list = 0; list < TD_EXPECT_COUNT; list++) {
        struct td_buf b;
        td_buf_init(&b, TD_ITEM_MAX);
        for (size_t i = 0; i < c->in->item_count; i++)
            if (c->in->items[i].user == user && c->in->items[i].tracked)
                td_item_expect(&c->in->items[i], list, c->arena, &b);
        if (b.n != 0 && !b.failed)
            td_want_put(c, stage, first_node(c, user, leaves[list]), "chr", td_arena_text(c->arena, td_buf_slice(&b)));
        td_buf_done(&b);
    }
}

static bool has_user(const struct td_desired_in *in)
{
    return !in->for_nobody && (in->user_upn[0] != '\0' || in->awaits_user);
}

static void add_page(struct td_desired_ctx *c, const struct td_item_page *p)
{
    int block = (p->allow_reset ? 1 : 0) | (p->allow_retry ? 2 : 0) | (p->allow_continue ? 4 : 0);
    td_want_put(c, TD_STAGE_PAGE, client_node(c, false, "SyncApplicationVersion"), "chr", "4.0");
    add_poll(c, p);
    put_bool(c, TD_STAGE_PAGE, first_node(c, false, "SkipDeviceStatusPage"), !p->show);
    put_bool(c, TD_STAGE_PAGE, first_node(c, false, "SkipUserStatusPage"), !p->show || !has_user(c->in));
    if (!p->show)
        return;
    td_want_put(c, TD_STAGE_PAGE, first_node(c, false, "TimeOutUntilSyncFailure"), "int",
                td_arena_printf(c->arena, "%d", p->timeout_minutes));
    td_want_put(c, TD_STAGE_PAGE, first_node(c, false, "BlockInStatusPage"), "int",
                td_arena_printf(c->arena, "%d", block));
    put_bool(c, TD_STAGE_PAGE, first_node(c, false, "AllowCollectLogsButton"), p->collect_logs);
    add_lists(c, false, TD_STAGE_PAGE);
}

/* A device that waits for its domain shows why, whether or not it has a status page (csp.md 3.3). */
static void add_error_text(struct td_desired_ctx *c, const struct td_item_page *p)
{
    const struct td_domain_order *o = &c->in->domain;
    const char *text = o->problem != NULL ? o->problem : p->show ? p->error_text : "";
    if (text[0] != '\0' || (o->told && !td_fault("domain-problem-stays")))
        td_want_put(c, TD_STAGE_PAGE, td_desired_error_text_uri(c->provider, c->arena), "chr", text);
}

/* autopilot.md 2.2: DNSComputerName, in effect after the restart that ends the device phase. */
static void add_name(struct td_desired_ctx *c)
{
    c->item = TD_ITEM_COMPUTER_NAME;
    const char *uri = "./DevDetail/Ext/Microsoft/DNSComputerName";
    td_want_put(c, TD_STAGE_NAME, uri, "chr", c->in->computer_name);
    td_want_ask(c, TD_STAGE_PROOF, "./DevDetail/Ext/Microsoft/DeviceName", c->in->computer_name);
    c->item = "";
}

static void add_group(struct td_buf *b, const char *group, const char *change, const struct td_desired_in *in)
{
    td_buf_printf(b, "<accessgroup desc=\"%s\"><group action=\"U\"/><%s member=\"%s", group, change,
                  in->hybrid ? "" : "AzureAD\\");
    td_xml_escape(b, td_str(in->hybrid ? in->user_sid : in->user_upn), true);
    td_buf_adds(b, "\"/></accessgroup>");
}

/* The joining user leaves Administrators (S-1-5-32-544) and is a member of Users (S-1-5-32-545). A domain's user is no
 * administrator by joining, so that one who shall be is made one (Z28). */
static void add_account_type(struct td_desired_ctx *c)
{
    static const char uri[] = "./Device/Vendor/MSFT/Policy/Config/LocalUsersAndGroups/Configure";
    struct td_buf b;
    td_buf_init(&b, 4096);
    td_buf_adds(&b, "<GroupConfiguration>");
    add_group(&b, "S-1-5-32-544", c->in->standard_user ? "remove" : "add", c->in);
    if (c->in->standard_user)
        add_group(&b, "S-1-5-32-545", "add", c->in);
    td_buf_adds(&b, "</GroupConfiguration>");
    c->item = TD_ITEM_ACCOUNT_TYPE;
    const char *data = td_arena_text(c->arena, td_buf_slice(&b));
    td_want_put(c, TD_STAGE_SETTING, uri, "chr", data)->type = "text/plain";
    td_want_ask(c, TD_STAGE_PROOF, "./Device/Vendor/MSFT/Policy/Result/LocalUsersAndGroups/Configure", data);
    c->item = "";
    td_buf_done(&b);
}

static void add_release(struct td_desired_ctx *c, struct td_desired *d)
{
    put_bool(c, TD_STAGE_RELEASE, first_node(c, false, "ServerHasFinishedProvisioning"), true);
    if (d->page.show) {
        td_want_ask(c, TD_STAGE_PROOF, d->device_done, NULL)->each_session = true;
        td_want_ask(c, TD_STAGE_PROOF, d->device_result, NULL)->each_session = true;
    }
}

static void add_account(struct td_desired_ctx *c, struct td_desired *d)
{
    add_lists(c, true, TD_STAGE_USER_PAGE);
    put_bool(c, TD_STAGE_USER_RELEASE, first_node(c, true, "ServerHasFinishedProvisioning"), true);
    if (!d->page.show)
        return;
    /* else the next user's first sign-in would open the account phase again (csp.md 3.3, later users) */
    if (!d->page.show_to_every_user) {
        struct td_want *w =
            td_want_put(c, TD_STAGE_USER_AFTER, first_node(c, false, "SkipUserStatusPage"), "bool", "true");
        w->key = td_arena_printf(c->arena, "%s after", w->key);
    }
    td_want_ask(c, TD_STAGE_USER_PROOF, d->user_done, NULL)->each_session = true;
    td_want_ask(c, TD_STAGE_USER_PROOF, d->user_result, NULL)->each_session = true;
}

static struct td_item_page page_of(const struct td_desired_in *in)
{
    if (in->page != NULL && !in->page_is_default)
        return *in->page;
    for (size_t i = 0; i < in->item_count; i++)
        if (in->items[i].kind == TD_ITEM_STATUS_PAGE)
            return in->items[i].as.page;
    return in->page != NULL ? *in->page : td_item_default_page();
}

/* A stable sort by stage: the list was made topic by topic. */
static struct td_want *by_stage(struct td_want *list)
{
    struct td_want *heads[TD_STAGE_COUNT] = {0}, **tails[TD_STAGE_COUNT], *all = NULL, **end = &all;
    for (unsigned i = 0; i < TD_STAGE_COUNT; i++)
        tails[i] = &heads[i];
    for (struct td_want *w = list, *next; w != NULL; w = next) {
        next = w->next;
        w->next = NULL;
        *tails[w->stage] = w;
        tails[w->stage] = &w->next;
    }
    for (unsigned i = 0; i < TD_STAGE_COUNT; i++) {
        *end = heads[i];
        if (heads[i] != NULL)
            end = tails[i];
    }
    return all;
}

/* Two items that write one node: the first one holds. Queries may stand twice, they are asked once. */
static void drop_repeated(struct td_desired *d)
{
    for (struct td_want *w = d->wants; w != NULL; w = w->next)
        for (struct td_want **p = &w->next; *p != NULL;) {
            if ((*p)->verb != TD_SYNC_GET && strcmp((*p)->key, w->key) == 0)
                *p = (*p)->next;
            else
                p = &(*p)->next;
        }
}

static void add_items(struct td_desired_ctx *c)
{
    for (size_t i = 0; i < c->in->item_count; i++) {
        c->item = c->in->items[i].id;
        c->revision = (uint64_t)c->in->items[i].revision;
        c->untracked = !c->in->items[i].tracked;
        td_item_wants(c, &c->in->items[i]);
    }
    c->item = "";
    c->revision = 0;
    c->untracked = false;
}

void td_desired_make(const struct td_desired_in *in, struct td_arena *a, struct td_desired *ret)
{
    struct td_desired_ctx c = {.in = in, .arena = a, .provider = in->provider, .item = "", .tail = &ret->wants};
    *ret = (struct td_desired){.page = page_of(in)};
    ret->device_done = first_node(&c, false, "IsSyncDone");
    ret->device_result = first_node(&c, false, "WasDeviceSuccessfullyProvisioned");
    ret->user_done = first_node(&c, true, "IsSyncDone");
    ret->user_result = first_node(&c, true, "WasDeviceSuccessfullyProvisioned");
    ret->release_key = td_arena_printf(a, "R %s", td_desired_release_uri(in->provider, a));
    ret->user_release_key = td_arena_printf(a, "R %s", first_node(&c, true, "ServerHasFinishedProvisioning"));
    if (in->inventory)
        add_inventory(&c);
    if (in->mismatch)
        td_want_ask(&c, TD_STAGE_INVENTORY, TD_MISMATCH_URI, NULL)->each_session = true;
    if (in->ask_redeployment)
        add_redeployment(&c);
    add_actions(&c);
    add_domain(&c);
    ret->holds_release = in->domain.job != NULL && in->domain.open;
    ret->holds_user_release = in->domain.job != NULL && in->domain.unregistered;
    if (in->other_user && in->user_upn[0] != '\0') /* csp.md 3.1: it was enrolled in another one's name */
        td_want_put(&c, TD_STAGE_PAGE, client_node(&c, false, "UPN"), "chr", in->user_upn);
    if (in->setup) {
        add_page(&c, &ret->page);
        add_error_text(&c, &ret->page);
        add_release(&c, ret);
    }
    if (in->computer_name[0] != '\0')
        add_name(&c);
    if (in->hybrid ? in->user_sid[0] != '\0' : in->standard_user && in->user_upn[0] != '\0')
        add_account_type(&c);
    add_items(&c);
    td_removal_wants(&c, ret->wants);
    if (in->setup && in->account)
        add_account(&c, ret);
    if (!in->setup)
        add_checks(&c);
    drop_repeated(ret);
    ret->wants = by_stage(ret->wants);
}
