/* csp/effects: what the nodes mean for the machine: its name, edition, trust, networks, accounts, apps. Derived from
 * the tree each time it is asked, so that no effect can differ from the nodes that caused it. */
#include "base/encode.h"
#include "codec/xml.h"
#include "crypto/cert.h"
#include "device/csp/comanage.h"
#include "device/csp/kiosk.h"
#include "device/csp/tree.h"
#include "device/csp/vpn.h"

#include <stdlib.h>

static const char *computer_name(struct td_csp *csp, struct td_arena *a)
{
    const char *name = td_csp_value(csp, "@name"), *id = td_csp_fact(csp, "hw-device-id", a);
    if (name != NULL)
        return td_arena_strdup(a, name);
    char *first = td_arena_printf(a, "DESKTOP-%.7s", id == NULL ? "0000000" : id);
    for (char *c = first; *c != '\0'; c++)
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    return first;
}

/* --- edition ------------------------------------------------------------------------------------------------- */

static const struct edition {
    int number; /* PRODUCT_ number (mde2.md 6) */
    const char *word;
} editions[] = {{4, "Enterprise"}, {48, "Pro"}, {101, "Home"}, {121, "Education"}, {161, "Pro for Workstations"}};

static const char *edition_number(struct td_csp *csp, struct td_arena *a)
{
    const char *now = td_csp_value(csp, "@edition"), *first = td_csp_fact(csp, "edition", a);
    return now != NULL ? td_arena_strdup(a, now) : first != NULL ? first : "48";
}

static const char *edition_word(struct td_csp *csp, struct td_arena *a)
{
    int number = (int)strtol(edition_number(csp, a), NULL, 10);
    for (size_t i = 0; i < TD_COUNTOF(editions); i++)
        if (editions[i].number == number)
            return editions[i].word;
    return td_arena_printf(a, "edition %d", number);
}

static const char *edition(struct td_csp *csp, struct td_arena *a)
{
    return td_arena_printf(a, "Windows 11 %s", edition_word(csp, a));
}

/* --- lists: one line per member -------------------------------------------------------------------------------- */

struct lines {
    struct td_buf text;
};

static void lines_init(struct lines *l)
{
    td_buf_init(&l->text, TD_CSP_MAX_FILE);
}

static void line_add(struct lines *l, const char *text)
{
    if (l->text.n != 0)
        td_buf_addc(&l->text, '\n');
    td_buf_adds(&l->text, text);
}

static const char *lines_end(struct lines *l, struct td_arena *a)
{
    const char *text = l->text.n == 0 ? NULL : td_arena_text(a, td_buf_slice(&l->text));
    td_buf_done(&l->text);
    return text;
}

static const char *trusted_roots(struct td_csp *csp, struct td_arena *a)
{
    static const char *const stores[] = {"Device/Vendor/MSFT/CertificateStore/Root/System/",
                                         "Device/Vendor/MSFT/RootCATrustedCertificates/Root/"};
    const char *domain = td_csp_fact(csp, "domain-roots", a);
    struct lines l;
    lines_init(&l);
    if (domain != NULL && domain[0] != '\0')
        line_add(&l, domain);
    for (size_t i = 0; i < TD_COUNTOF(stores); i++) {
        size_t at = 0;
        for (const char *key; (key = td_csp_each(csp, stores[i], &at)) != NULL;) {
            struct td_slice der;
            if (!td_ends(td_str(key), "/EncodedCertificate"))
                continue;
            if (td_b64_decode(a, td_str(td_csp_value(csp, key)), TD_B64_ANY, &der) == TD_OK)
                line_add(&l, td_cert_pem(der, a));
        }
    }
    return lines_end(&l, a);
}

/* Segment number n (from 0) of a key, escapes undone. */
static const char *segment(const char *key, int n, struct td_arena *a)
{
    struct td_slice head = {NULL, 0}, rest = td_str(key);
    for (int i = 0; i <= n; i++)
        rest = td_cut(rest, '/', &head);
    return td_arena_text(a, td_pct_decode(a, head, false));
}

static void collect(struct td_csp *csp, struct lines *l, const char *prefix, const char *leaf, int name_at,
                    struct td_arena *a)
{
    size_t at = 0;
    for (const char *key; (key = td_csp_each(csp, prefix, &at)) != NULL;)
        if (td_ends(td_str(key), leaf))
            line_add(l, segment(key, name_at, a));
}

static const char *wifi(struct td_csp *csp, struct td_arena *a)
{
    struct lines l;
    lines_init(&l);
    collect(csp, &l, "Device/Vendor/MSFT/WiFi/Profile/", "/WlanXml", 5, a);
    collect(csp, &l, "User/Vendor/MSFT/WiFi/Profile/", "/WlanXml", 5, a);
    return lines_end(&l, a);
}

static const char *vpn(struct td_csp *csp, struct td_arena *a)
{
    struct td_csp_vpn list[TD_CSP_MAX_VPNS];
    struct lines l;
    lines_init(&l);
    size_t n = td_csp_vpns(csp, a, list);
    for (size_t i = 0; i < n; i++)
        line_add(&l, td_arena_printf(a, "%s by %s%s", list[i].name, list[i].servers,
                                     list[i].device_tunnel ? ", device tunnel"
                                     : list[i].always_on   ? ", always on"
                                                           : ""));
    return lines_end(&l, a);
}

static const char *apps(struct td_csp *csp, struct td_arena *a)
{
    static const char *const scopes[] = {"Device", "User"};
    struct lines l;
    lines_init(&l);
    for (size_t i = 0; i < TD_COUNTOF(scopes); i++) {
        const char *prefix = td_arena_printf(a, "%s/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/", scopes[i]);
        size_t at = 0;
        for (const char *key; (key = td_csp_each(csp, prefix, &at)) != NULL;) {
            if (!td_ends(td_str(key), "/Status") || td_csp_int(csp, key, 0) != 70)
                continue;
            const char *version = td_arena_printf(a, "%.*s/Version", (int)(strlen(key) - strlen("/Status")), key);
            line_add(&l, td_arena_printf(a, "%s %s", segment(key, 5, a), td_csp_value(csp, version)));
        }
    }
    return lines_end(&l, a);
}

static const char *policies(struct td_csp *csp, struct td_arena *a)
{
    static const char *const prefixes[] = {"Device/Vendor/MSFT/Policy/Config/", "User/Vendor/MSFT/Policy/Config/"};
    struct lines l;
    lines_init(&l);
    for (size_t i = 0; i < TD_COUNTOF(prefixes); i++) {
        size_t at = 0, n = strlen(prefixes[i]);
        for (const char *key; (key = td_csp_each(csp, prefixes[i], &at)) != NULL;)
            line_add(&l, td_arena_printf(a, "%s=%s", key + n, td_csp_value(csp, key)));
    }
    return lines_end(&l, a);
}

/* --- groups: who is in Administrators ---------------------------------------------------------------------------- */

enum { MAX_MEMBERS = 64 };
struct members {
    const char *v[MAX_MEMBERS];
    size_t count;
};

/* "AzureAD\ada@contoso.test" and "ada@contoso.test" are one. */
static struct td_slice account_of(const char *member)
{
    const char *slash = strrchr(member, '\\');
    return td_str(slash == NULL ? member : slash + 1);
}

static void member_remove(struct members *m, const char *who)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->count; i++)
        if (!td_ieq(account_of(m->v[i]), account_of(who)))
            m->v[kept++] = m->v[i];
    m->count = kept;
}

static void member_add(struct members *m, const char *who)
{
    member_remove(m, who);
    if (m->count < MAX_MEMBERS && *who != '\0')
        m->v[m->count++] = who;
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* A group's member by identifier is the person whose identifier it is (Z28 of autopilot.md). */
static const char *named(struct td_csp *csp, const char *member, struct td_arena *a)
{
    const char *user = td_csp_fact(csp, "user", a), *sid = td_csp_fact(csp, "user-sid", a);
    return is_set(sid) && is_set(user) && strcmp(member, sid) == 0 ? user : member;
}

static void apply_group(struct td_csp *csp, struct members *m, const struct td_xml *access, struct td_arena *a)
{
    const char *action = td_xml_attr(td_xml_child(access, NULL, "group"), "action");
    if (action != NULL && strcmp(action, "R") == 0)
        m->count = 0;
    for (const struct td_xml *e = access->child; e != NULL; e = e->next) {
        const char *member = td_xml_attr(e, "member");
        if (member != NULL && strcmp(e->name, "add") == 0)
            member_add(m, td_arena_strdup(a, named(csp, member, a)));
        if (member != NULL && strcmp(e->name, "remove") == 0)
            member_remove(m, named(csp, member, a));
    }
}

static void apply_policy(struct td_csp *csp, struct members *m, struct td_arena *a)
{
    const char *xml = td_csp_value(csp, "Device/Vendor/MSFT/Policy/Config/LocalUsersAndGroups/Configure");
    struct td_xml *root;
    if (xml == NULL || td_xml_parse(td_str(xml), TD_CSP_MAX_VALUE, a, &root, NULL) != TD_OK)
        return;
    for (const struct td_xml *g = root->child; g != NULL; g = g->next) {
        const char *who = td_xml_attr(g, "desc");
        if (who != NULL && (strcmp(who, "S-1-5-32-544") == 0 || td_ieqs(td_str(who), "Administrators")))
            apply_group(csp, m, g, a);
    }
}

static void find_administrators(struct td_csp *csp, struct members *m, struct td_arena *a)
{
    static const char prefix[] = "Device/Vendor/MSFT/Accounts/Users/";
    const char *user = td_csp_fact(csp, "user", a), *type = td_csp_fact(csp, "user-type", a);
    const char *managed = td_csp_fact(csp, "laps-account", a);
    size_t at = 0;
    if (managed != NULL)
        member_add(m, managed);
    if (user != NULL && type != NULL && strcmp(type, "administrator") == 0)
        member_add(m, user);
    for (const char *key; (key = td_csp_each(csp, prefix, &at)) != NULL;)
        if (td_ends(td_str(key), "/LocalUserGroup") && td_csp_int(csp, key, 1) == 2)
            member_add(m, segment(key, 5, a));
    apply_policy(csp, m, a);
}

static const char *administrators(struct td_csp *csp, struct td_arena *a)
{
    struct members m = {.count = 0};
    struct lines l;
    lines_init(&l);
    const char *user = td_csp_fact(csp, "user", a), *sid = td_csp_fact(csp, "user-sid", a);
    find_administrators(csp, &m, a);
    for (size_t i = 0; i < m.count; i++) {
        bool known = is_set(sid) && is_set(user) && td_ieq(account_of(m.v[i]), account_of(user));
        line_add(&l, known ? td_arena_printf(a, "%s (%s)", m.v[i], sid) : m.v[i]);
    }
    return lines_end(&l, a);
}

static const char *account_group(struct td_csp *csp, struct td_arena *a)
{
    struct members m = {.count = 0};
    const char *user = td_csp_fact(csp, "user", a);
    if (user == NULL || *user == '\0')
        return NULL;
    find_administrators(csp, &m, a);
    for (size_t i = 0; i < m.count; i++)
        if (td_ieq(account_of(m.v[i]), account_of(user)))
            return "Administrators";
    return "Users";
}

static const char *accounts(struct td_csp *csp, struct td_arena *a)
{
    struct lines l;
    lines_init(&l);
    if (account_group(csp, a) != NULL)
        line_add(&l, td_arena_printf(a, "%s (%s)", td_csp_fact(csp, "user", a), account_group(csp, a)));
    /* whoever sat down at it is a standard user */
    const char *user = td_csp_fact(csp, "user", a);
    for (struct td_slice rest = td_str(td_csp_fact(csp, "people", a)), who; rest.n != 0;) {
        rest = td_cut(rest, '\n', &who);
        if (user == NULL || !td_ieqs(who, user))
            line_add(&l, td_arena_printf(a, "%.*s (Users)", TD_FMT(who)));
    }
    size_t at = 0;
    for (const char *key; (key = td_csp_each(csp, "Device/Vendor/MSFT/Accounts/Users/", &at)) != NULL;)
        if (td_ends(td_str(key), "/LocalUserGroup"))
            line_add(&l, td_arena_printf(a, "%s (%s)", segment(key, 5, a),
                                         td_csp_int(csp, key, 1) == 2 ? "Administrators" : "Users"));
    return lines_end(&l, a);
}

static const char *restarts(struct td_csp *csp, struct td_arena *a)
{
    return td_arena_printf(a, "%lld", (long long)td_csp_int(csp, "@restarts", 0));
}

static const char *tenant_lockdown(struct td_csp *csp, struct td_arena *a)
{
    const char *v = td_csp_value(csp, "Device/Vendor/MSFT/TenantLockdown/RequireNetworkInOOBE");
    return v == NULL ? NULL : td_arena_strdup(a, v);
}

/* --- the screen: kiosk and shared PC ------------------------------------------------------------------------------ */

static const char *kiosk_app(struct td_csp *csp, struct td_arena *a)
{
    struct td_csp_kiosk k;
    if (!td_csp_kiosk(csp, a, &k))
        return NULL;
    const char *app = k.launched[0] != '\0' ? k.launched : "the allowed apps";
    return k.arguments[0] != '\0' ? td_arena_printf(a, "%s %s", app, k.arguments) : app;
}

static const char *kiosk_apps(struct td_csp *csp, struct td_arena *a)
{
    struct td_csp_kiosk k;
    return td_csp_kiosk(csp, a, &k) ? k.apps : NULL;
}

static const char *kiosk_account(struct td_csp *csp, struct td_arena *a)
{
    struct td_csp_kiosk k;
    return td_csp_kiosk(csp, a, &k) ? k.account : NULL;
}

static const char *autologon(struct td_csp *csp, struct td_arena *a)
{
    const char *account = td_csp_value(csp, "@autologon");
    return account != NULL ? td_arena_strdup(a, account) : NULL;
}

static const char *word_of(int number, const char *const *words, int count)
{
    return words[number >= 0 && number < count ? number : 0];
}

static const char *shared_pc(struct td_csp *csp, struct td_arena *a TD_UNUSED)
{
    static const char *const words[] = {"guests", "people of the organisation",
                                        "people of the organisation and guests"};
    struct td_csp_shared s;
    return td_csp_shared(csp, &s) ? word_of(s.accounts, words, TD_COUNTOF(words)) : NULL;
}

static const char *account_deletion(struct td_csp *csp, struct td_arena *a TD_UNUSED)
{
    static const char *const words[] = {"at sign-out", "when the disk fills",
                                        "when the disk fills or after inactivity"};
    struct td_csp_shared s;
    if (!td_csp_shared(csp, &s))
        return NULL;
    return s.manager ? word_of(s.deletion, words, TD_COUNTOF(words)) : "never";
}

/* What stands on the screen while nobody has signed in by hand. */
static const char *screen(struct td_csp *csp, struct td_arena *a)
{
    const char *by_itself = td_csp_value(csp, "@autologon"), *app = kiosk_app(csp, a), *who = shared_pc(csp, a);
    if (by_itself != NULL && app != NULL)
        return td_arena_printf(a, "kiosk: %s as %s", app, by_itself);
    if (app != NULL)
        return td_arena_printf(a, "sign-in screen: %s gets the kiosk %s", kiosk_account(csp, a), app);
    return who != NULL ? td_arena_printf(a, "sign-in screen: shared PC for %s", who) : "sign-in screen";
}

/* What stands on the status page where something failed (csp.md 3.3). */
static const char *page_error_text(struct td_csp *csp, struct td_arena *a)
{
    size_t at = 0;
    (void)a;
    for (const char *key; (key = td_csp_each(csp, "Device/Vendor/MSFT/DMClient/Provider/", &at)) != NULL;)
        if (td_ends(td_str(key), "/FirstSyncStatus/CustomErrorText"))
            return td_csp_value(csp, key);
    return NULL;
}

static const struct effect {
    const char *word;
    const char *(*fn)(struct td_csp *csp, struct td_arena *a);
} effects[] = {
    {"computer_name", computer_name},
    {"edition", edition},
    {"edition_number", edition_number},
    {"trusted_roots", trusted_roots},
    {"wifi", wifi},
    {"vpn", vpn},
    {"co_management", td_csp_co_management},
    {"account_group", account_group},
    {"administrators", administrators},
    {"accounts", accounts},
    {"apps", apps},
    {"policies", policies},
    {"restarts", restarts},
    {"tenant_lockdown", tenant_lockdown},
    {"kiosk_app", kiosk_app},
    {"kiosk_apps", kiosk_apps},
    {"kiosk_account", kiosk_account},
    {"autologon", autologon},
    {"shared_pc", shared_pc},
    {"account_deletion", account_deletion},
    {"screen", screen},
    {"page_error_text", page_error_text},
};

const char *td_csp_effect(struct td_csp *csp, const char *word, struct td_arena *a)
{
    for (size_t i = 0; i < TD_COUNTOF(effects); i++)
        if (strcmp(effects[i].word, word) == 0)
            return effects[i].fn(csp, a);
    return NULL;
}

const char *td_csp_effect_word(size_t i)
{
    return i < TD_COUNTOF(effects) ? effects[i].word : NULL;
}

int td_csp_effect_node(struct td_csp_call *call)
{
    return call->op == TD_CSP_GET ? td_csp_tell(call, td_csp_effect(call->csp, call->row->arg, call->a)) : 0;
}

int td_csp_fact_node(struct td_csp_call *call)
{
    return call->op == TD_CSP_GET ? td_csp_tell(call, td_csp_fact(call->csp, call->row->arg, call->a)) : 0;
}

int td_csp_local_time(struct td_csp_call *call)
{
    const struct td_env *env = td_csp_env(call->csp);
    return call->op == TD_CSP_GET ? td_csp_tell(call, td_time_arena(call->a, td_now(env))) : 0;
}
