/* Fills a store for `make bench`: a tenant whose devices are registered, joined, enrolled and ready, by the store's own
 * functions. Some of them get real management certificates on one shared RSA key.
 *
 *   bench_seed DIR COUNT REAL OUT     writes OUT/certs.pem, OUT/key.pem, OUT/lookups (one request body a line),
 *                                     and for machines behind the COUNT OUT/imports (500 a line), OUT/singles (one)
 *
 * The devices carry 200 group tags in turn, and there are 200 rules that ask for them.
 *
 * The tenant must be there already (touchdown init). */
#include "api/authority.h"
#include "base/encode.h"
#include "base/file.h"
#include "codec/hwhash.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "store/certificate.h"
#include "store/device.h"
#include "store/enrolment.h"
#include "store/group.h"
#include "store/registration.h"
#include "store/tenant.h"
#include "store/way.h"

#include <stdio.h>
#include <stdlib.h>

enum { SLICE = 50, LOOKUPS = 2000, FEW = 400, RULES = 200, IMPORTS = 20, IMPORT = 500, SINGLES = 400 };

struct seed {
    struct td_service svc;
    struct td_tenant tenant;
    int count, real, first; /* first of the slice */
    struct td_slice spki;
    const char *text;                                    /* hash of the latest machine */
    struct td_buf few, certs, lookups, imports, singles; /* the first certificates, all of them */
    struct td_arena a;
    struct td_cert_row rows[SLICE];
    struct td_enrolment enrolments[SLICE];
    struct td_registration_new machines[SLICE];
    char device_ids[SLICE][TD_UUID_TEXT];
};

static void die(const char *what, const struct td_error *err)
{
    (void)fprintf(stderr, "bench_seed: %s: %s %s\n", what, err->where, err->text);
    exit(1);
}

static void make_machine(struct seed *s, int slot, int number)
{
    struct td_hw_facts hw;
    struct td_registration_new *m = &s->machines[slot];
    char *serial = td_arena_printf(&s->a, "BENCH%07d", number);
    struct td_hw_nic *nic = td_arena_new(&s->a, struct td_hw_nic);
    *nic = (struct td_hw_nic){.medium = 14, .mac = {0x00, 0x1B, 0x21}, .bus = "PCI"};
    for (int i = 0; i < 3; i++)
        nic->mac[5 - i] = (unsigned char)(number >> (8 * i));
    td_hw_facts_init(&hw);
    hw.serial = serial;
    hw.manufacturer = "Contoso";
    hw.model = "Bench 1";
    hw.has_uuid = true;
    td_sha256(td_str(serial), hw.ek_sha256);
    memcpy(hw.uuid, hw.ek_sha256, sizeof(hw.uuid));
    hw.nics = nic;
    hw.nic_count = 1;
    *m = (struct td_registration_new){.serial = serial,
                                      .manufacturer = hw.manufacturer,
                                      .model = hw.model,
                                      .sku = "",
                                      .family = "",
                                      .product_key = "",
                                      .group_tag = td_arena_printf(&s->a, "BENCH%03d", number % RULES),
                                      .purchase_order = "",
                                      .assigned_user = "",
                                      .warning = "",
                                      .has_group_tag = true};
    td_facts_add_hash(&m->facts, &s->a, &hw);
    char *text = NULL;
    struct td_slice octets;
    if (td_hwhash_encode_text(&hw, td_sha256, &s->a, &text, NULL) != TD_OK ||
        td_b64_decode(&s->a, td_str(text), TD_B64_STD, &octets) != TD_OK)
        exit(1);
    m->hash = octets;
    s->text = text;
    if (number < TD_MIN(s->count, LOOKUPS))
        td_buf_printf(&s->lookups, "{\"hardwareHash\":\"%s\"}\n", text);
}

static void make_cert(struct seed *s, int slot, int number)
{
    struct td_cert_row *row = &s->rows[slot];
    struct td_enrolment *e = &s->enrolments[slot];
    struct td_error err = {0};
    int64_t now = td_now(s->svc.env);
    *row = (struct td_cert_row){.tenant = s->tenant.id,
                                .purpose = "management",
                                .subject = e->id,
                                .serial = e->id,
                                .not_after = now + 365 * TD_DAY};
    td_sha256(td_str(e->id), row->sha256);
    if (number < s->real) {
        struct td_rdn names[] = {{"CN", e->id}, {"OU", e->provider}};
        struct td_cert_template t = {.subject = names,
                                     .subject_count = 2,
                                     .spki = s->spki,
                                     .not_before = now - TD_DAY,
                                     .not_after = row->not_after,
                                     .key_encipherment = true};
        struct td_cert parsed;
        struct td_slice der;
        if (td_authority_issue(&s->svc, TD_PURPOSE_MANAGEMENT, &t, &s->a, &der, &err) != TD_OK ||
            td_cert_parse(der, &s->a, &parsed, &err) != TD_OK)
            die("certificate", &err);
        memcpy(row->sha256, parsed.sha256, sizeof(row->sha256));
        row->serial = parsed.serial;
        td_buf_adds(&s->certs, td_cert_pem(der, &s->a));
        if (number < FEW)
            td_buf_adds(&s->few, td_cert_pem(der, &s->a));
    }
    memcpy(e->cert_sha256, row->sha256, sizeof(e->cert_sha256));
    e->cert_not_after = row->not_after;
}

static void make_enrolment(struct seed *s, int slot, int number)
{
    char *hw = td_arena_printf(&s->a, "%064X", (unsigned)number + 16);
    td_uuid_new(s->svc.env, s->device_ids[slot]);
    s->enrolments[slot] = (struct td_enrolment){.id = td_uuid_arena(s->svc.env, &s->a),
                                                .tenant = s->tenant.id,
                                                .device_id = s->device_ids[slot],
                                                .registration_id = "",
                                                .way_id = "",
                                                .user_id = "",
                                                .user_upn = "",
                                                .type = "Device",
                                                .provider = "Touchdown",
                                                .dm_id = "bench",
                                                .hw_dev_id = hw,
                                                .device_name = "BENCH",
                                                .device_type = "CIMClient_Windows",
                                                .os_version = "10.0.22631.1",
                                                .os_edition = "4",
                                                .locale = "en-US",
                                                .version = 50};
}

static enum td_code add_one(struct seed *s, struct td_tx *tx, int slot, struct td_error *err)
{
    const char *tenant = s->tenant.id;
    struct td_import_verdict v = {0};
    struct td_registration reg = {0};
    struct td_enrolment *e = &s->enrolments[slot];
    static const enum td_way_event story[] = {TD_EV_CONTACTED,     TD_EV_SIGNED_IN,    TD_EV_JOINED,
                                              TD_EV_ENROLLED,      TD_EV_DEVICE_SETUP, TD_EV_DEVICE_DONE,
                                              TD_EV_ACCOUNT_SETUP, TD_EV_READY};
    td_try(td_registration_add(tx, tenant, &s->machines[slot], "bench", &s->a, &v, err));
    td_try(td_registration_find(tx, tenant, v.registration_id, &s->a, &reg, err));
    struct td_device_joining j = {.id = reg.device_id,
                                  .registration_id = reg.id,
                                  .display_name = reg.serial,
                                  .os = "Windows",
                                  .os_version = "10.0.22631.1",
                                  .trust_type = "AzureAd",
                                  .owner_id = "",
                                  .owner_upn = "",
                                  .hardware_id = "",
                                  .alt_security_id = "",
                                  .transport_key = s->spki};
    td_sha256(td_str(reg.id), j.key_sha256);
    td_try(td_device_join(tx, tenant, &j, err));
    e->device_id = reg.device_id;
    e->registration_id = reg.id;
    e->way_id = reg.way_id;
    td_try(td_enrolment_add(tx, e, NULL, err));
    td_try(td_cert_record(tx, &s->rows[slot], err));
    td_try(td_way_link(tx, tenant, reg.way_id, TD_WAY_DEVICE, reg.device_id, err));
    td_try(td_way_link(tx, tenant, reg.way_id, TD_WAY_ENROLMENT, e->id, err));
    for (size_t i = 0; i < TD_COUNTOF(story); i++)
        td_try(td_way_happened(tx, tenant, reg.way_id, story[i], "bench", "{}", err));
    return TD_OK;
}

static enum td_code add_slice(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct seed *s = ctx;
    for (int i = 0; i < SLICE && s->first + i < s->count; i++)
        td_try(add_one(s, tx, i, err));
    return TD_OK;
}

static enum td_code add_rules(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct seed *s = ctx;
    struct td_group g;
    for (int i = 0; i < RULES; i++)
        td_try(
            td_group_add(tx, s->tenant.id, td_arena_printf(&s->a, "Bench %03d", i),
                         td_arena_printf(&s->a, "(device.devicePhysicalIds -any (_ -eq \"[OrderID]:BENCH%03d\"))", i),
                         "bench", &s->a, &g, err));
    return TD_OK;
}

static void add_import(struct seed *s, struct td_buf *b, int number)
{
    make_machine(s, 0, number);
    td_buf_printf(b, "{\"serialNumber\":\"%s\",\"hardwareIdentifier\":\"%s\",\"groupTag\":\"%s\"}",
                  s->machines[0].serial, s->text, s->machines[0].group_tag);
}

/* Machines that are not there yet, as the administration interface takes them. */
static void make_imports(struct seed *s)
{
    int number = s->count;
    for (int chunk = 0; chunk < IMPORTS; chunk++) {
        td_buf_adds(&s->imports, "{\"importedWindowsAutopilotDeviceIdentities\":[");
        for (int i = 0; i < IMPORT; i++) {
            td_buf_adds(&s->imports, i != 0 ? "," : "");
            add_import(s, &s->imports, number++);
        }
        td_buf_adds(&s->imports, "]}\n");
        td_arena_done(&s->a);
    }
    for (int i = 0; i < SINGLES; i++) {
        add_import(s, &s->singles, number++);
        td_buf_addc(&s->singles, '\n');
    }
    td_arena_done(&s->a);
}

static enum td_code find_tenant(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct seed *s = ctx;
    return td_tenant_only(tx, &s->a, &s->tenant, err);
}

static void write_out(const char *dir, const char *name, struct td_slice data)
{
    char path[1024];
    struct td_error err = {0};
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (td_file_write(path, data, 0600, &err) != TD_OK)
        die(name, &err);
}

static void make_key(struct seed *s, const char *out, struct td_arena *a)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    struct td_error err = {0};
    char *pem = NULL;
    if (td_key_generate(TD_KEY_RSA, &key, &err) != TD_OK || td_key_private_pem(key, a, &pem) != TD_OK ||
        td_key_public_der(key, a, &s->spki) != TD_OK)
        die("key", &err);
    write_out(out, "key.pem", td_str(pem));
}

int main(int argc, char **argv)
{
    static struct seed s;
    struct td_error err = {0};
    struct td_arena keep;
    if (argc != 5)
        return 2;
    td_arena_init(&s.a);
    td_arena_init(&keep);
    td_buf_init(&s.few, 8 << 20);
    td_buf_init(&s.certs, 512 << 20);
    td_buf_init(&s.lookups, 64 << 20);
    td_buf_init(&s.imports, 128 << 20);
    td_buf_init(&s.singles, 8 << 20);
    s.count = (int)strtol(argv[2], NULL, 10);
    s.real = (int)strtol(argv[3], NULL, 10);
    s.svc.env = &td_env_real;
    s.svc.data_dir = argv[1];
    s.svc.base = "https://localhost";
    if (td_store_open(argv[1], s.svc.env, &s.svc.store, &err) != TD_OK ||
        td_master_load(argv[1], s.svc.env, &s.svc.master, &err) != TD_OK ||
        td_authority_open(&s.svc, &s.svc.authority, &err) != TD_OK ||
        td_store_read(s.svc.store, find_tenant, &s, &err) != TD_OK)
        die("open", &err);
    s.tenant.id = td_arena_strdup(&keep, s.tenant.id);
    make_key(&s, argv[4], &keep);
    if (td_store_write(s.svc.store, add_rules, &s, &err) != TD_OK)
        die("rules", &err);
    for (s.first = 0; s.first < s.count; s.first += SLICE) {
        for (int i = 0; i < SLICE && s.first + i < s.count; i++) {
            make_machine(&s, i, s.first + i);
            make_enrolment(&s, i, s.first + i);
            make_cert(&s, i, s.first + i);
        }
        if (td_store_write(s.svc.store, add_slice, &s, &err) != TD_OK)
            die("write", &err);
        td_arena_done(&s.a);
    }
    make_imports(&s);
    write_out(argv[4], "imports", td_buf_slice(&s.imports));
    write_out(argv[4], "singles", td_buf_slice(&s.singles));
    write_out(argv[4], "few.pem", td_buf_slice(&s.few));
    write_out(argv[4], "certs.pem", td_buf_slice(&s.certs));
    write_out(argv[4], "lookups", td_buf_slice(&s.lookups));
    td_authority_close(s.svc.authority);
    td_store_close(s.svc.store);
    return 0;
}
