#include "device/preflight.h"

#include "base/file.h"
#include "codec/autopilot_file.h"
#include "crypto/cert.h"
#include "crypto/tpm.h"
#include "device/disk.h"
#include "device/dm.h"
#include "device/offline.h"
#include "device/tpm.h"
#include "way/match.h"
#include "way/names.h"

#include <stdarg.h>
#include <stdio.h>

enum { GIB = 1 << 30, CERT_WARN_DAYS = 30, SKEW_WARN_MINUTES = 5, MINUTES_A_DAY = 1440 };

/* WinINet's codes, by which td_net tells what stood in the way. */
#define E_NAME UINT32_C(0x80072ee7)
#define E_TRUST UINT32_C(0x80072f8f)
#define E_TLS UINT32_C(0x80072f7d)

struct check {
    const struct td_preflight *p;
    struct td_arena *a;
    struct td_finding *f; /* of the requirement that is looked at */
    enum td_code reached; /* of the one call that the rows of the network share */
    struct td_error why;
    struct td_net_response answer;
    int64_t asked_at, answered_at;
};

static void say(struct check *c, enum td_verdict verdict, const char *remedy, const char *fmt, ...) TD_PRINTF(4, 5);

static void say(struct check *c, enum td_verdict verdict, const char *remedy, const char *fmt, ...)
{
    char line[256];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    c->f->verdict = verdict;
    c->f->found = td_arena_strdup(c->a, line);
    c->f->remedy = remedy;
}

/* ---- the machine ---- */

/* What both sides judge alike; value is what was looked at, "" where the judgement says it all. */
static void tell(struct check *c, struct td_judged j, const char *value)
{
    const char *between = value[0] != '\0' && j.found[0] != '\0' ? ": " : "";
    say(c, j.verdict, j.remedy, "%.120s%s%s", value, between, j.found);
}

static void os_version(struct check *c, const char *arg TD_UNUSED)
{
    tell(c, td_judge_os(c->p->hw->os_version), c->p->hw->os_version);
}

static void edition(struct check *c, const char *arg TD_UNUSED)
{
    tell(c, td_judge_edition(c->p->hw->edition), td_arena_printf(c->a, "%d", c->p->hw->edition));
}

static void tpm(struct check *c, const char *arg TD_UNUSED)
{
    tell(c, td_judge_tpm(c->p->hw->facts.tpm_version), c->p->hw->facts.tpm_version);
}

static void tell_certificate(struct check *c, struct td_slice der)
{
    static const char renew[] = "Get a new certificate of the TPM from its maker; else only the key counts.";
    struct td_ek_cert cert = {.issuer = ""};
    struct td_error why = {0};
    int64_t now = td_now(c->p->dev->env);
    if (td_ek_cert_read(der, c->a, &cert, &why) != TD_OK) {
        say(c, TD_WARN, renew, "its certificate can't be read: %.120s", why.text);
        return;
    }
    if (now < cert.not_before || now > cert.not_after)
        say(c, TD_WARN, renew, "its certificate is not good now; by %.120s", cert.issuer);
    else
        say(c, TD_PASS, "", "certified by %.120s; the service has to trust that maker", cert.issuer);
    td_ek_cert_done(&cert);
}

/* What the service will ask of a device that has no user (attestation.md 3). */
static void tpm_key(struct check *c, const char *arg TD_UNUSED)
{
    static const char none[] = "The service believes it only where the registered hash carries its key (pinned-ek).";
    struct td_tpm *t = NULL;
    struct td_tpm_ek ek = {.cert = {0}};
    struct td_error why = {0};
    if (td_device_tpm(c->p->dev, &t, &why) != TD_OK)
        say(c, TD_WARN, "Start the TPM, or name it: --tpm TCTI.", "%.160s", why.text);
    else if (t == NULL)
        say(c, TD_SKIP, "", "it has no TPM that could be asked");
    else if (td_tpm_ek(t, c->a, &ek, &why) != TD_OK)
        say(c, TD_WARN, "Clear the TPM in the firmware's setup, then look again.", "%.160s", why.text);
    else if (ek.cert.n == 0)
        say(c, TD_WARN, none, "its key has no certificate");
    else
        tell_certificate(c, ek.cert);
}

/* The hash carries octets or KiB, as the firmware told (domain-join-and-tpm.md 3): nobody has 2 TiB in KiB yet. */
static uint64_t memory_of(const struct td_hw_facts *f)
{
    return f->ram >= UINT64_C(1) << 31 ? f->ram : f->ram * 1024;
}

static void memory(struct check *c, const char *arg TD_UNUSED)
{
    uint64_t ram = memory_of(&c->p->hw->facts);
    double gib = (double)ram / GIB;
    if (ram == 0)
        say(c, TD_WARN, "Look for it yourself.", "the machine does not tell");
    else if (gib < 3.5) /* firmware keeps some of 4 GiB */
        say(c, TD_WARN, "Give the machine 4 GiB or more; below that the first setup is known to stall.", "%.1f GiB",
            gib);
    else
        say(c, TD_PASS, "", "%.1f GiB", gib);
}

static void processors(struct check *c, const char *arg TD_UNUSED)
{
    const struct td_hw_facts *f = &c->p->hw->facts;
    unsigned n = f->cpu_threads > f->cpu_cores ? f->cpu_threads : f->cpu_cores;
    if (n < 2)
        say(c, TD_WARN, "Give a virtual machine two processors.",
            n == 0 ? "the machine does not tell" : "one processor");
    else
        say(c, TD_PASS, "", "%u processors", n);
}

static void serial(struct check *c, const char *arg TD_UNUSED)
{
    tell(c, td_judge_serial(c->p->hw->facts.serial), c->p->hw->facts.serial);
}

static void identity(struct check *c, const char *arg TD_UNUSED)
{
    struct td_facts *facts = td_arena_new(c->a, struct td_facts);
    td_facts_add_hash(facts, c->a, &c->p->hw->facts);
    unsigned kinds = td_facts_kinds(facts);
    tell(c, td_judge_kinds(kinds), td_arena_printf(c->a, "%u kinds of facts, %zu in all", kinds, facts->count));
}

static void recovery(struct check *c, const char *arg TD_UNUSED)
{
    bool there = td_file_exists(td_device_path(c->p->dev, c->a, "disk/box.json")) ? td_disk_has_recovery(c->p->dev)
                                                                                  : c->p->hw->recovery;
    if (there)
        say(c, TD_PASS, "", "it is there");
    else
        say(c, TD_WARN, "reagentc /enable; without it neither Autopilot Reset nor a wipe works (0x80070032).",
            "there is none");
}

static void computer_name(struct check *c, const char *arg TD_UNUSED)
{
    static const char remedy[] =
        "Mend the profile's name template: letters, digits and hyphens, 15 characters at most, "
        "not digits only.";
    struct td_error why = {0};
    const char *template = td_state_get(c->p->dev->state, "profile.device_name");
    char name[TD_NAME_MAX + 1];
    if (template == NULL)
        say(c, TD_PASS, "", "no profile with a template is known yet");
    else if (td_name_expand(td_str(template), c->p->hw->facts.serial, c->p->dev->env, name, &why) != TD_OK)
        say(c, TD_UNMET, remedy, "\"%.60s\": %.120s", template, why.text);
    else
        say(c, TD_PASS, "", "%s gives %s", template, name);
}

static void profile_file(struct check *c, const char *arg TD_UNUSED)
{
    TD_CLEANUP(td_buf_done) struct td_buf text;
    struct td_autopilot_file file;
    struct td_error why = {0};
    const char *path = td_offline_path(c->p->dev, c->a);
    td_buf_init(&text, TD_AUTOPILOT_FILE_MAX + 1);
    if (!td_file_exists(path)) {
        say(c, TD_PASS, "", "there is none");
        return;
    }
    enum td_code rc = td_file_read(path, &text, &why);
    if (rc == TD_OK)
        rc = td_autopilot_file_read(td_buf_slice(&text), c->a, &file, &why);
    if (rc != TD_OK)
        say(c, TD_WARN, td_arena_strdup(c->a, why.remedy), "it is ignored: %.150s", why.text);
    else
        say(c, TD_PASS, "", "profile %s of %.100s", file.correlation_id, file.tenant_domain);
}

/* ---- certificates ---- */

static void until(struct check *c, int64_t not_after, const char *renewal)
{
    char text[TD_TIME_TEXT];
    int64_t left = not_after - td_now(c->p->dev->env);
    td_time_text(not_after, text);
    if (left < 0)
        say(c, TD_UNMET, renewal, "ended at %s", text);
    else
        say(c, left < CERT_WARN_DAYS * TD_DAY ? TD_WARN : TD_PASS, left < CERT_WARN_DAYS * TD_DAY ? renewal : "",
            "until %s", text);
}

static void join_certificate(struct check *c, const char *arg TD_UNUSED)
{
    const char *text = td_state_get(c->p->dev->state, "join.not_after");
    int64_t at;
    if (text == NULL || !td_time_parse(td_str(text), &at))
        say(c, TD_PASS, "", "the device is not joined");
    else
        until(c, at, "Join the device again: reset it.");
}

static void management_certificate(struct check *c, const char *arg TD_UNUSED)
{
    TD_CLEANUP(td_buf_done) struct td_buf pem;
    const char *path = td_device_path(c->p->dev, c->a, "mdm.crt.pem");
    struct td_slice der;
    struct td_cert cert;
    td_buf_init(&pem, 65536);
    if (!td_file_exists(path))
        say(c, TD_PASS, "", "the device is not enrolled");
    else if (td_file_read(path, &pem, NULL) != TD_OK ||
             td_cert_from_pem(td_buf_slice(&pem), c->a, &der, NULL) != TD_OK ||
             td_cert_parse(der, c->a, &cert, NULL) != TD_OK)
        say(c, TD_UNMET, TD_STATE_DAMAGED, "it can't be read");
    else
        until(c, cert.not_after, "Let the device renew it (touchdown-device sync), or enrol it again.");
}

/* ---- the network: one call tells how far it gets ---- */

static void call(struct check *c)
{
    const struct td_net_request req = {.method = "GET", .url = td_arena_printf(c->a, "%s/readyz", c->p->dev->server)};
    c->asked_at = td_now(c->p->dev->env);
    c->reached = c->p->net == NULL ? td_fail(&c->why, TD_EUNAVAILABLE, "network", "no server was given")
                                   : c->p->net->send(c->p->net->ctx, &req, c->a, &c->answer, &c->why);
    c->answered_at = td_now(c->p->dev->env);
}

static bool stopped_by(const struct check *c, uint32_t one, uint32_t other)
{
    return c->reached != TD_OK && (c->why.hresult == one || c->why.hresult == other);
}

static void name_service(struct check *c, const char *arg TD_UNUSED)
{
    if (c->p->net == NULL)
        say(c, TD_SKIP, "", "%s", c->why.text);
    else if (stopped_by(c, E_NAME, E_NAME))
        say(c, TD_UNMET, "Check the service's name and the network's name servers.", "%.200s", c->why.text);
    else
        say(c, TD_PASS, "", "%.200s", c->p->dev->server);
}

static void connection(struct check *c, const char *arg TD_UNUSED)
{
    if (c->p->net == NULL || stopped_by(c, E_NAME, E_NAME))
        say(c, TD_SKIP, "", "the name is not known");
    else if (c->reached != TD_OK && !stopped_by(c, E_TRUST, E_TLS))
        say(c, TD_UNMET, "Let the service run, and open its port in the firewalls between.", "%.200s", c->why.text);
    else
        say(c, TD_PASS, "", "the service answers");
}

static void trust(struct check *c, const char *arg TD_UNUSED)
{
    if (stopped_by(c, E_TRUST, E_TLS))
        say(c, TD_UNMET, "Give the service's root with --ca, check the clock, and let nothing between look into TLS.",
            "%.200s", c->why.text);
    else if (c->reached != TD_OK)
        say(c, TD_SKIP, "", "nothing answers");
    else
        say(c, TD_PASS, "", "the certificate is trusted");
}

static void ready(struct check *c, const char *arg TD_UNUSED)
{
    if (c->reached != TD_OK)
        say(c, TD_SKIP, "", "nothing answers");
    else if (c->answer.status != 200)
        say(c, TD_UNMET, "Look into the service's log.", "/readyz answers %d", c->answer.status);
    else
        say(c, TD_PASS, "", "/readyz answers 200");
}

static void clock_of(struct check *c, const char *arg TD_UNUSED)
{
    int64_t theirs;
    if (c->reached != TD_OK || !td_http_date(td_net_header(&c->answer, "Date"), &theirs)) {
        say(c, TD_SKIP, "", "the service tells no time");
        return;
    }
    int64_t skew = (c->asked_at + c->answered_at) / 2 - theirs;
    long long minutes = (long long)((skew < 0 ? -skew : skew) / TD_MINUTE);
    const char *side = skew < 0 ? "behind" : "ahead of";
    if (minutes < SKEW_WARN_MINUTES)
        say(c, TD_PASS, "", "within %d minutes of the service's", SKEW_WARN_MINUTES);
    else
        say(c, minutes < MINUTES_A_DAY ? TD_WARN : TD_UNMET,
            "Set the clock (NTP); certificates and sign-ins fail by it.", "%lld minutes %s the service's", minutes,
            side);
}

/* Any answer but 'no such page' and 'broken' shows that the door is there; nothing is asked of it. */
static void door(struct check *c, const char *path)
{
    struct td_net_response r = {.status = 0};
    struct td_error why = {0};
    const struct td_net_request req = {.method = "GET", .url = td_arena_printf(c->a, "%s%s", c->p->dev->server, path)};
    if (c->reached != TD_OK) {
        say(c, TD_SKIP, "", "nothing answers");
        return;
    }
    if (c->p->net->send(c->p->net->ctx, &req, c->a, &r, &why) != TD_OK)
        say(c, TD_UNMET, "Check the network, then try again.", "%.200s", why.text);
    else if (r.status == 404 || r.status >= 500)
        say(c, TD_UNMET, "Let the proxy in front of the service pass every path on.", "%s answers %d", path, r.status);
    else
        say(c, TD_PASS, "", "%s answers", path);
}

static void proxy(struct check *c, const char *arg TD_UNUSED)
{
    if (c->p->proxy != NULL && c->p->proxy[0] != '\0')
        say(c, TD_WARN, "Open a direct way to the service; the first setup uses no proxy that somebody has set here.",
            "the environment names a proxy, which is not used");
    else
        say(c, TD_PASS, "", "none is set");
}

static const struct row {
    struct td_requirement r;
    void (*look)(struct check *c, const char *arg);
    const char *arg;
} rows[] = {
    {{"os-version", "Windows 10 1703 (10.0.15063) or later; 1903 for the whole status page"}, os_version, NULL},
    {{"edition", "Pro, Education or Enterprise in any of their forms; Home can't be managed"}, edition, NULL},
    {{"tpm", "a TPM 2.0, for the self-deploying mode, pre-provisioning and Windows 11"}, tpm, NULL},
    {{"tpm-key",
      "the TPM answers and its key is certified by its maker, for the self-deploying mode and pre-provisioning"},
     tpm_key,
     NULL},
    {{"memory", "4 GiB of memory"}, memory, NULL},
    {{"processors", "two processors, also of a virtual machine"}, processors, NULL},
    {{"serial-number", "a serial number in the firmware that is not a maker's placeholder"}, serial, NULL},
    {{"identity", "two kinds of facts that tell the machine from others, none of them a placeholder"}, identity, NULL},
    {{"recovery", "the recovery environment, for resets and wipes"}, recovery, NULL},
    {{"computer-name", "the profile's template gives a valid computer name"}, computer_name, NULL},
    {{"profile-file", "AutopilotConfigurationFile.json, where there is one, can be read"}, profile_file, NULL},
    {{"join-certificate", "the certificate of the directory join is valid"}, join_certificate, NULL},
    {{"management-certificate", "the certificate of the management is valid"}, management_certificate, NULL},
    {{"proxy", "no proxy that this program would not use"}, proxy, NULL},
    {{"name-service", "the service's name is known (DNS)"}, name_service, NULL},
    {{"connection", "the service's port answers (TCP)"}, connection, NULL},
    {{"trust", "the service's certificate is trusted (TLS)"}, trust, NULL},
    {{"service", "the service is ready"}, ready, NULL},
    {{"clock", "the clock is within five minutes of the service's"}, clock_of, NULL},
    {{"lookup", "the deployment lookup can be reached"}, door, "/ztd/v1/lookup"},
    {{"sign-in", "the sign-in can be reached"}, door, "/common/.well-known/openid-configuration"},
    {{"join", "the directory join can be reached"}, door, "/EnrollmentServer/contract?api-version=1.0"},
    {{"discovery", "the enrolment's discovery can be reached"}, door, "/EnrollmentServer/Discovery.svc"},
    {{"enrolment", "the enrolment can be reached"}, door, "/EnrollmentServer/Enrollment.svc"},
    {{"management", "the management can be reached"}, door, "/ManagementServer/MDM.svc"},
};

void td_preflight_run(const struct td_preflight *p, struct td_arena *a, struct td_finding **ret, size_t *ret_count)
{
    struct check c = {.p = p, .a = a};
    *ret = td_arena_array(a, struct td_finding, TD_COUNTOF(rows));
    *ret_count = TD_COUNTOF(rows);
    call(&c);
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        c.f = &(*ret)[i];
        c.f->requirement = &rows[i].r;
        rows[i].look(&c, rows[i].arg);
    }
}

bool td_http_date(struct td_slice text, int64_t *ret_us)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char iso[TD_TIME_TEXT];
    if (text.n != 29 || !td_ends(text, " GMT") || text.p[3] != ',')
        return false;
    size_t at = td_search(td_str(months), td_sub(text, 8, 3));
    if (at == SIZE_MAX || at % 3 != 0)
        return false;
    (void)snprintf(iso, sizeof(iso), "%.4s-%02d-%.2sT%.8sZ", text.p + 12, (int)(at / 3) + 1, text.p + 5, text.p + 17);
    return td_time_parse(td_str(iso), ret_us);
}
