/* Exchanged boards at the management door and at the lookup: autopilot.md 1.8, row R16; docs/tasks/repair.md. */
#include "api/import.h"
#include "api/lookup.h"
#include "api/repair.h"
#include "store/attestation.h"
#include "store/life.h"
#include "store/registration.h"
#include "way/mismatch.h"
#include "wire/management_client.h"

#define MISMATCH "./Vendor/MSFT/WindowsAutopilot/HardwareMismatchRemediationData"

struct pc { /* 0: none of it */
    const char *serial;
    int uuid, ek, mac, disk;
};

static const struct pc first = {"SN-0001", 1, 1, 1, 1};
static const struct pc written = {"SN-0001", 2, 2, 2, 1}; /* another board with the serial number of the old one */
static const struct pc blank = {"Default string", 3, 3, 3, 1};

static struct world *w;
static struct client *c;
static const char *id; /* of the registration */

static struct td_hw_facts facts_of(const struct pc *p)
{
    struct td_arena *a = &w->wire.arena;
    struct td_hw_facts f;
    struct td_hw_nic *nic = td_arena_new(a, struct td_hw_nic);
    const char **disk = td_arena_array(a, const char *, 1);
    td_hw_facts_init(&f);
    f.manufacturer = "Contoso";
    f.model = "Book 1";
    f.serial = p->serial;
    f.os = (struct td_hw_version){10, 0, 22631, 2506};
    f.has_uuid = p->uuid != 0;
    memcpy(f.uuid, "\x44\x33\x22\x11\x66\x55\x88\x77\x99\xAA\xBB\xCC", 12);
    f.uuid[15] = (unsigned char)p->uuid;
    if (p->ek != 0)
        f.tpm_ek = td_str(td_arena_printf(a, "endorsement key %d", p->ek));
    *nic = (struct td_hw_nic){.medium = 14, .mac = {0x00, 0x1B, 0x21, 1, 2, (unsigned char)p->mac}, .bus = "PCI"};
    *disk = td_arena_printf(a, "DISK-%d", p->disk);
    f.nics = nic;
    f.nic_count = p->mac != 0;
    f.disk_serials = disk;
    f.disk_serial_count = p->disk != 0;
    return f;
}

static const char *hash_of(const struct pc *p)
{
    struct td_hw_facts f = facts_of(p);
    char *text = NULL;
    assert_ok(td_hwhash_encode_text(&f, td_sha256, &w->wire.arena, &text, NULL));
    return text;
}

static struct td_facts identity_of(const struct pc *p)
{
    struct td_facts list = {.count = 0};
    struct td_hw_facts f;
    assert_ok(td_hwhash_decode_text(td_str(hash_of(p)), td_sha256, &w->wire.arena, &f, NULL, NULL));
    td_facts_add_hash(&list, &w->wire.arena, &f);
    return list;
}

/* What a device of ours tells: it was enrolled as one and is another now. */
static const char *blob_of(const struct pc *enrolled, const struct pc *now)
{
    struct td_buf b;
    struct td_mismatch m = {identity_of(enrolled), identity_of(now)};
    td_buf_init(&b, TD_MISMATCH_MAX);
    td_mismatch_write(&m, &b);
    const char *text = td_arena_text(&w->wire.arena, td_buf_slice(&b));
    td_buf_done(&b);
    return text;
}

static struct { /* of the last imported row */
    enum td_ztd_code code;
    const char *id;
} row;

static void keep_row(void *ctx TD_UNUSED, const struct td_import_row *r)
{
    row.code = r->code;
    row.id = td_arena_strdup(&w->wire.arena, r->registration_id);
}

static void import_for(const char *tenant, const struct pc *p, const char *tag)
{
    struct td_import_totals totals;
    struct td_error err = {0};
    const char *csv =
        td_arena_printf(&w->wire.arena, "Device Serial Number,Windows Product ID,Hardware Hash,Group Tag\n%s,,%s,%s\n",
                        p->serial, hash_of(p), tag);
    if (td_import_csv(w->wire.svc.store, tenant, td_str(csv), false, "test", keep_row, NULL, &totals, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
}

static struct td_repair_view now;

static enum td_code look_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_repair_look(tx, w->tenant, ctx, &w->wire.arena, &now, err);
}

static int64_t state_of(const char *registration)
{
    struct td_error err = {0};
    if (td_store_read(w->wire.svc.store, look_fn, (void *)(uintptr_t)registration, &err) != TD_OK)
        fail_msg("%s", err.text);
    return now.r.remediation;
}

static enum td_repair_side side(const char *field)
{
    for (size_t i = 0; i < now.count; i++)
        if (strcmp(now.rows[i].field, field) == 0)
            return now.rows[i].side;
    fail_msg("no field %s", field);
    return TD_SIDE_UNKNOWN;
}

static size_t events(const char *type, const char **detail)
{
    (void)state_of(id);
    return world_events(w, now.r.way_id, type, detail);
}

/* One session at work in which the device is made of this and tells that of an exchange (NULL: it has no such node). */
static int shows(const struct pc *p, const char *blob)
{
    const struct node nodes[] = {{"./Device" FIRST "IsSyncDone", 200, "true"},
                                 {"./Device" FIRST "WasDeviceSuccessfullyProvisioned", 200, "1"},
                                 {"DeviceHardwareData", 200, hash_of(p)},
                                 {"HardwareMismatchRemediationData", blob != NULL ? 200 : 404, blob},
                                 {"DevDetail", 200, "x"},
                                 {NULL, 0, NULL}};
    c->nodes = nodes;
    int messages = run_session(c, LOGIN("user"));
    c->nodes = NULL;
    return messages;
}

/* Registered, enrolled, at work. */
static void at_work_as(void **state, const struct pc *pc)
{
    w = *state;
    import_for(w->tenant, pc, "DESK");
    assert_int_equal(row.code, TD_ZTD_OK);
    id = row.id;
    c = begin_as(state, NULL);
    (void)shows(pc, "");
    (void)shows(pc, "");
    assert_string_equal(world_enrolment(w, c->id).registration_id, id);
    assert_int_equal(state_of(id), TD_REMEDY_NONE);
    assert_int_equal(shows(pc, ""), 2);
    assert_int_equal(count_seen(c, MISMATCH), 0);
}

static void at_work(void **state)
{
    at_work_as(state, &first);
}

static void a_written_board_is_repaired(void **state)
{
    const char *detail = "";
    at_work(state);
    struct td_registration before = now.r;
    const struct node nodes[] = {{"DeviceHardwareData", 200, hash_of(&written)},
                                 {"HardwareMismatch", 200, blob_of(&first, &written)},
                                 {"DevDetail", 200, "x"},
                                 {NULL, 0, NULL}};
    c->nodes = nodes;
    c->session++;
    c->msg = 0;
    send_next(c, LOGIN("user"), true);
    assert_true(asks_for(c, TD_SYNC_GET, "./DevDetail/Ext/DeviceHardwareData"));
    send_next(c, "", true);
    /* the hash differs: fix pending, and asked in the same session */
    assert_true(asks_for(c, TD_SYNC_GET, MISMATCH));
    assert_int_equal(state_of(id), TD_REMEDY_AUTOMATIC);
    assert_string_equal(td_remediation_text(now.r.remediation), "fix pending");
    assert_int_equal(events("device.attention", &detail), 1);
    assert_non_null(strstr(detail, "\"remediation\":\"automatic\""));
    send_next(c, "", true);
    assert_false(has_commands(c));
    c->nodes = NULL;
    assert_int_equal(state_of(id), TD_REMEDY_NONE);
    assert_false(now.is_open);
    assert_int_equal(events("device.repaired", &detail), 1);
    assert_non_null(strstr(detail, "uuid, ek and mac differ"));
    assert_non_null(strstr(detail, "were written into the new board"));
    assert_string_equal(now.r.group_tag, before.group_tag);
    assert_string_equal(now.r.way_id, before.way_id);
    assert_string_equal(now.r.device_id, before.device_id);
    struct td_way_row way = world_way(w, TD_WAY_REGISTRATION, id);
    assert_int_equal(way.way.state[TD_M_DEPLOYMENT], TD_D_READY);
    assert_int_equal(way.way.state[TD_M_ACTION], TD_A_REPAIRED);
    /* its history shows the former parts, and the new board is the registered one from here on */
    assert_int_equal(now.past_count, 1);
    assert_string_equal(now.past[0].actor, "system");
    assert_int_equal(shows(&written, blob_of(&first, &written)), 2);
    assert_int_equal(events("device.repaired", NULL), 1);
}

static void without_its_word_the_hash_is_enough(void **state)
{
    at_work(state);
    assert_int_equal(shows(&written, NULL), 3);
    assert_int_equal(state_of(id), TD_REMEDY_NONE);
    assert_int_equal(events("device.repaired", NULL), 1);
}

static void parts_go_unnoticed(void **state)
{
    static const struct pc parts[] = {
        {"SN-0001", 1, 1, 1, 7}, {"SN-0001", 1, 1, 9, 7}, {"SN-0001", 1, 1, 9, 8}, {"SN-0001", 1, 1, 6, 8}};
    at_work(state);
    for (size_t i = 0; i < TD_COUNTOF(parts); i++) {
        assert_int_equal(shows(&parts[i], ""), 2);
        assert_int_equal(state_of(id), TD_REMEDY_NONE);
        assert_string_equal(now.rows[12].registered, td_arena_printf(&w->wire.arena, "DISK-%d", parts[i].disk));
    }
    assert_int_equal(events("device.attention", NULL), 0);
    assert_int_equal(events("device.hardware-changed", NULL), 4);
    assert_int_equal(now.past_count, 4);
    for (int i = 0; i < TD_HARDWARE_PAST_MAX; i++) {
        const struct pc next = {"SN-0001", 1, 1, 6, 100 + i};
        (void)shows(&next, "");
    }
    (void)state_of(id);
    assert_int_equal(now.past_count, TD_HARDWARE_PAST_MAX);
    assert_string_equal(now.past[0].differs, "disk differs");
    assert_int_equal(events("device.hardware-changed", NULL), TD_HARDWARE_PAST_MAX); /* of one day */
    const struct pc tomorrow = {"SN-0001", 1, 1, 6, 99};
    w->wire.env.now += 2 * TD_DAY;
    (void)shows(&tomorrow, "");
    assert_int_equal(events("device.hardware-changed", NULL), TD_HARDWARE_PAST_MAX + 1);
}

static enum td_code accept_fn(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    return td_repair_accept(tx, w->tenant, id, "admin@contoso.test", err);
}

static enum td_code reject_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_repair_reject(tx, w->tenant, id, ctx, "admin@contoso.test", err);
}

static void a_blank_board_needs_a_person(void **state)
{
    static const char foreign[] = "AQAAANCMnd8BFdERjHoAwE/Cl+s=";
    const char *detail = "";
    at_work(state);
    (void)shows(&blank, foreign);
    assert_int_equal(state_of(id), TD_REMEDY_MANUAL);
    assert_true(now.is_open);
    assert_non_null(strstr(now.open.cause, "were not written"));
    assert_true(td_eqs(now.open.blob, foreign)); /* kept as it came, and not misread */
    assert_false(now.blob_known);
    assert_int_equal(side("serial number"), TD_SIDE_DIFFERS);
    assert_int_equal(side("SMBIOS UUID"), TD_SIDE_DIFFERS);
    assert_int_equal(side("disks"), TD_SIDE_AGREES);
    assert_int_equal(side("manufacturer"), TD_SIDE_AGREES);
    assert_int_equal(side("TPM version"), TD_SIDE_UNKNOWN);
    /* it stays so, without a new event each time */
    (void)shows(&blank, foreign);
    assert_int_equal(state_of(id), TD_REMEDY_MANUAL);
    assert_int_equal(events("device.attention", NULL), 2);
    assert_ok(td_store_write(w->wire.svc.store, accept_fn, NULL, NULL));
    assert_int_equal(state_of(id), TD_REMEDY_NONE);
    assert_string_equal(now.r.serial, "SN-0001"); /* a placeholder is no name */
    assert_int_equal(events("device.repaired", &detail), 1);
    assert_non_null(strstr(detail, "an administrator accepted it"));
    assert_int_equal(shows(&blank, foreign), 2);
    assert_int_equal(td_store_write(w->wire.svc.store, accept_fn, NULL, NULL), TD_ENOTFOUND);
}

static enum td_code find_life(struct td_tx *tx, void *serial, struct td_error *err)
{
    struct td_life life;
    td_try(td_life_find(tx, w->tenant, serial, &w->wire.arena, &life, err));
    assert_string_equal(life.serial, "SN-0003");
    return TD_OK;
}

/* Scripts look a managed device up by the serial number that stands on it now. */
static void the_managed_device_is_called_anew(void **state)
{
    const struct pc moved = {"SN-0003", 3, 3, 1, 1}; /* disk and adapter went over to a board of its own */
    at_work(state);
    assert_string_not_equal(world_enrolment(w, c->id).serial, "SN-0003");
    (void)shows(&moved, "");
    assert_int_equal(state_of(id), TD_REMEDY_NONE);
    assert_string_equal(now.r.serial, "SN-0003");
    assert_string_equal(world_enrolment(w, c->id).serial, "SN-0003");
    static char known[][16] = {"SN-0003", "sn-0001"}; /* and its life by the one that it had */
    for (size_t i = 0; i < TD_COUNTOF(known); i++)
        assert_ok(td_store_read(w->wire.svc.store, find_life, known[i], NULL));
    assert_int_equal(td_store_read(w->wire.svc.store, find_life, (char[]){"SN-000"}, NULL), TD_ENOTFOUND);
}

static void what_was_rejected_is_passed_over(void **state)
{
    const struct pc another = {"Default string", 5, 5, 5, 1};
    struct td_error err = {0};
    at_work(state);
    (void)shows(&blank, "");
    assert_int_equal(state_of(id), TD_REMEDY_MANUAL);
    assert_ok(td_store_write(w->wire.svc.store, reject_fn, (void *)(uintptr_t) "not ours", &err));
    assert_int_equal(state_of(id), TD_REMEDY_NONE);
    assert_true(now.is_rejected);
    (void)shows(&blank, "");
    assert_int_equal(state_of(id), TD_REMEDY_NONE);
    assert_int_equal(side("serial number"), TD_SIDE_UNKNOWN);
    assert_int_equal(events("device.repaired", NULL), 0);
    (void)shows(&another, "");
    assert_int_equal(state_of(id), TD_REMEDY_MANUAL);
}

static void the_tenant_may_want_to_be_asked(void **state)
{
    at_work(state);
    world_set(w, "hardware-repair", "ask");
    (void)shows(&written, blob_of(&first, &written));
    assert_int_equal(state_of(id), TD_REMEDY_MANUAL);
    assert_non_null(strstr(now.open.cause, "wants to be asked"));
    assert_true(now.blob_known);
}

static enum td_code bind_tpm(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    const struct td_tpm_binding bound = {.registration_id = id,
                                         .ek_sha256 = "ab",
                                         .manufacturer = "",
                                         .model = "",
                                         .version = "",
                                         .pcrs = "",
                                         .baseline = ""};
    return td_tpm_bind(tx, w->tenant, &bound, err);
}

/* Whoever has its system could bring the key of a TPM of their own in this way. */
static void a_proven_tpm_is_not_exchanged_silently(void **state)
{
    at_work(state);
    assert_ok(td_store_write(w->wire.svc.store, bind_tpm, NULL, NULL));
    (void)shows(&written, blob_of(&first, &written));
    assert_int_equal(state_of(id), TD_REMEDY_MANUAL);
    assert_non_null(strstr(now.open.cause, "proven by an attestation"));
    assert_int_equal(events("device.repaired", NULL), 0);
}

static void what_it_tells_must_fit(void **state)
{
    at_work(state);
    (void)shows(&written, blob_of(&first, &blank));
    assert_int_equal(state_of(id), TD_REMEDY_MANUAL);
    assert_non_null(strstr(now.open.cause, "does not fit the hash"));
}

static void hardware_of_another_registration(void **state)
{
    const struct pc taken = {"SN-0001", 9, 2, 2, 1};
    const struct pc owner = {"SN-0009", 9, 9, 9, 9};
    struct td_error err = {0};
    at_work(state);
    import_for(w->wire.other.id, &owner, "");
    assert_int_equal(row.code, TD_ZTD_OK);
    (void)shows(&taken, "");
    assert_int_equal(state_of(id), TD_REMEDY_MANUAL);
    assert_non_null(strstr(now.open.cause, "belongs to another registration"));
    assert_int_equal(td_store_write(w->wire.svc.store, accept_fn, NULL, &err), TD_EEXISTS);
    assert_int_equal(state_of(id), TD_REMEDY_MANUAL);
}

/* Of a board that was registered without UUID and key a lying device may tell any: those of another registration, by
 * which that one's machine would be found as this one, are not taken. */
static void facts_of_another_registration(void **state)
{
    const struct pc known = {"SN-0001", 0, 0, 1, 1}, owner = {"SN-0009", 9, 9, 9, 9};
    const struct pc liar = {"SN-0001", 9, 9, 1, 1}, honest = {"SN-0001", 4, 4, 1, 1};
    at_work_as(state, &known);
    import_for(w->wire.other.id, &owner, "");
    assert_int_equal(row.code, TD_ZTD_OK);
    (void)shows(&liar, "");
    assert_int_equal(state_of(id), TD_REMEDY_MANUAL);
    assert_non_null(strstr(now.open.cause, "belongs to another registration"));
    assert_int_equal(events("device.hardware-changed", NULL), 0);
    (void)shows(&honest, "");
    assert_int_equal(state_of(id), TD_REMEDY_NONE);
    assert_int_equal(events("device.hardware-changed", NULL), 1);
}

/* Everything but disk and adapter is the same, and both show themselves: one of them is a copy. */
static void a_copy_is_never_taken_silently(void **state)
{
    const struct pc copy = {"SN-0001", 1, 1, 8, 8};
    at_work(state);
    (void)shows(&copy, ""); /* so far two exchanged parts */
    assert_int_equal(state_of(id), TD_REMEDY_NONE);
    (void)shows(&first, "");
    assert_int_equal(state_of(id), TD_REMEDY_MANUAL);
    assert_non_null(strstr(now.open.cause, "take turns"));
    (void)shows(&copy, "");
    (void)shows(&first, "");
    assert_int_equal(state_of(id), TD_REMEDY_MANUAL);
    assert_int_equal(events("device.attention", NULL), 1);
}

static void boards_that_take_turns(void **state)
{
    at_work(state);
    (void)shows(&written, "");
    assert_int_equal(events("device.repaired", NULL), 1);
    (void)shows(&first, ""); /* the old board, and the session is as good */
    assert_int_equal(state_of(id), TD_REMEDY_MANUAL);
    assert_non_null(strstr(now.open.cause, "take turns"));
    (void)shows(&written, "");
    assert_int_equal(state_of(id), TD_REMEDY_MANUAL);
    assert_int_equal(events("device.repaired", NULL), 1);
}

/* Put back before anybody decided: nothing is left of it. */
static void the_old_board_comes_back(void **state)
{
    at_work(state);
    (void)shows(&blank, "");
    assert_int_equal(state_of(id), TD_REMEDY_MANUAL);
    (void)shows(&first, "");
    assert_int_equal(state_of(id), TD_REMEDY_NONE);
    assert_false(now.is_open);
    (void)shows(&blank, "");
    assert_non_null(strstr((state_of(id), now.open.cause), "take turns"));
}

static struct td_json *lookup(const struct pc *p)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    struct td_json *answer = NULL;
    struct td_door doors[] = {{td_lookup_routes, td_lookup_route_count, &w->wire.svc}};
    struct td_router router = {doors, 1};
    struct td_http_reply reply;
    const struct td_peer peer = {.address = "127.0.0.1", .tls = true};
    td_reply_init(&reply);
    const char *body = td_arena_printf(&w->wire.arena, "{\"hardwareHash\":\"%s\"}", hash_of(p));
    td_loopback(&router, "POST", "/ztd/v1/lookup", headers, td_str(body), &peer, &w->wire.arena, &reply);
    if (reply.status != 200)
        fail_msg("%d %.*s", reply.status, (int)reply.body.n, reply.body.p);
    assert_ok(
        td_json_parse(td_arena_copy(&w->wire.arena, td_buf_slice(&reply.body)), 65536, &w->wire.arena, &answer, NULL));
    td_reply_done(&reply);
    return answer;
}

/* autopilot.md 1.8, last sentence: a reset system on a new board needs a person. */
static void a_reset_device_needs_a_person(void **state)
{
    w = *state;
    import_for(w->tenant, &first, "DESK");
    id = row.id;
    assert_int_equal(td_json_int(lookup(&first), "ErrorCode", 0), 815);
    w->wire.env.now += 2 * TD_MINUTE;
    assert_int_equal(td_json_int(lookup(&written), "ErrorCode", 0), 807);
    assert_int_equal(state_of(id), TD_REMEDY_MANUAL);
    assert_true(now.is_open);
    assert_string_equal(now.open.source, "lookup");
    assert_non_null(strstr(now.open.cause, "own management session"));
    assert_int_equal(side("SMBIOS UUID"), TD_SIDE_DIFFERS);
    assert_ok(td_store_write(w->wire.svc.store, accept_fn, NULL, NULL));
    assert_int_equal(td_json_int(lookup(&written), "ErrorCode", 0), 815);
    assert_int_equal(td_json_int(lookup(&first), "ErrorCode", 0), 807);
}

/* Nothing but the serial number was carried over: board and disk are new. */
static void a_serial_number_alone_is_shown_too(void **state)
{
    const struct pc all_new = {"SN-0001", 5, 5, 5, 5};
    w = *state;
    import_for(w->tenant, &first, "DESK");
    id = row.id;
    assert_int_equal(td_json_int(lookup(&all_new), "ErrorCode", 0), 807);
    assert_int_equal(state_of(id), TD_REMEDY_MANUAL);
    assert_int_equal(side("serial number"), TD_SIDE_AGREES);
    assert_int_equal(side("disks"), TD_SIDE_DIFFERS);
    import_for(w->tenant, &all_new, "");
    assert_int_equal(row.code, TD_ZTD_OK);
    assert_string_equal(row.id, id); /* it waited for this hash */
}

/* Registered anew by its new hash: the same registration, and no second one (1.8: the board must be re-registered). */
static void its_new_hash_is_imported(void **state)
{
    const struct pc other = {"SN-0002", 40, 40, 40, 40};
    w = *state;
    import_for(w->tenant, &first, "DESK");
    id = row.id;
    (void)lookup(&written);
    assert_int_equal(state_of(id), TD_REMEDY_MANUAL);
    import_for(w->tenant, &other, ""); /* somebody else's is not taken for it */
    assert_string_not_equal(row.id, id);
    assert_int_equal(state_of(id), TD_REMEDY_MANUAL);
    import_for(w->tenant, &written, "LAB");
    assert_int_equal(row.code, TD_ZTD_OK);
    assert_string_equal(row.id, id);
    assert_int_equal(state_of(id), TD_REMEDY_NONE);
    assert_string_equal(now.r.group_tag, "LAB");
    assert_int_equal(events("device.repaired", NULL), 1);
    assert_int_equal(td_json_int(lookup(&written), "ErrorCode", 0), 815);
}

/* Nobody has seen the new board yet: serial number and disk tell whose it is; the serial number alone does not. */
static void imported_before_it_is_seen(void **state)
{
    const struct pc twin = {"SN-0001", 60, 60, 60, 60};
    w = *state;
    import_for(w->tenant, &first, "DESK");
    id = row.id;
    import_for(w->tenant, &twin, "");
    assert_int_equal(row.code, TD_ZTD_OK);
    assert_string_not_equal(row.id, id);
    import_for(w->tenant, &written, "");
    assert_int_equal(row.code, TD_ZTD_OK);
    assert_string_equal(row.id, id);
    assert_int_equal(state_of(id), TD_REMEDY_NONE);
    assert_string_equal(now.r.group_tag, "DESK");
    assert_int_equal(events("device.repaired", NULL), 1);
    import_for(w->wire.other.id, &written, "");
    assert_int_equal(row.code, TD_ZTD_OTHER_TENANT);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_written_board_is_repaired),
        TEST(without_its_word_the_hash_is_enough),
        TEST(parts_go_unnoticed),
        TEST(a_blank_board_needs_a_person),
        TEST(the_managed_device_is_called_anew),
        TEST(what_was_rejected_is_passed_over),
        TEST(the_tenant_may_want_to_be_asked),
        TEST(a_proven_tpm_is_not_exchanged_silently),
        TEST(what_it_tells_must_fit),
        TEST(hardware_of_another_registration),
        TEST(facts_of_another_registration),
        TEST(a_copy_is_never_taken_silently),
        TEST(boards_that_take_turns),
        TEST(the_old_board_comes_back),
        TEST(a_reset_device_needs_a_person),
        TEST(its_new_hash_is_imported),
        TEST(a_serial_number_alone_is_shown_too),
        TEST(imported_before_it_is_seen),
    };
    return cmocka_run_group_tests_name("repair", tests, world_open, world_close);
}
