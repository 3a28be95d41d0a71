/* Machines for tests of registration and lookup: hashes made by the codec, device lists made of them. */
#ifndef TD_TESTS_WIRE_FLEET_H
#define TD_TESTS_WIRE_FLEET_H

#include "api/import.h"
#include "base/encode.h"
#include "codec/hwhash.h"
#include "service_box.h"
#include "store/event.h"
#include "store/group.h"
#include "store/profile.h"
#include "store/way.h"

struct machine {
    const char *serial; /* NULL: "SN-<number>" */
    unsigned number;    /* UUID, MAC and disk are made of it */
    bool bad_checksum, no_uuid, other_board, other_disk;
    const char *manufacturer; /* NULL: "Contoso" */
    bool tpm, tpm_key;        /* its hash tells of a TPM 2.0, and has its key */
};

static inline char *machine_hash(struct service_box *b, const struct machine *m)
{
    struct td_hw_facts f;
    td_hw_facts_init(&f);
    f.manufacturer = m->manufacturer != NULL ? m->manufacturer : "Contoso";
    f.model = "Book 1";
    f.serial = m->serial != NULL ? m->serial : td_arena_printf(&b->arena, "SN-%04u", m->number);
    f.os = (struct td_hw_version){10, 0, 22631, 2506};
    f.has_uuid = !m->no_uuid;
    memcpy(f.uuid, "\x44\x33\x22\x11\x66\x55\x88\x77\x99\xAA\xBB\xCC", 12);
    f.uuid[14] = (unsigned char)(m->number >> 8);
    f.uuid[15] = (unsigned char)(m->number + (m->other_board ? 0x80 : 0));
    struct td_hw_nic nic = {.medium = 14, .mac = {0x00, 0x1B, 0x21, 1}, .bus = "PCI"};
    nic.mac[4] = f.uuid[14];
    nic.mac[5] = f.uuid[15];
    const char *disk = td_arena_printf(&b->arena, "DISK-%u%s", m->number, m->other_disk ? "-NEW" : "");
    f.nics = &nic;
    f.nic_count = 1;
    f.disk_serials = &disk;
    f.disk_serial_count = 1;
    if (m->tpm)
        f.tpm_version = "TPM-Version:2.0 -Level:0";
    if (m->tpm_key)
        f.tpm_ek = td_str(td_arena_printf(&b->arena, "the key of %u, which nobody reads here", m->number));
    TD_CLEANUP(td_buf_done) struct td_buf out;
    td_buf_init(&out, TD_HW_MAX_OCTETS);
    assert_ok(td_hwhash_encode(&f, td_sha256, &out, NULL));
    if (m->bad_checksum)
        out.p[((unsigned char)out.p[2] | (unsigned char)out.p[3] << 8) + 10] ^= 1;
    return td_b64(&b->arena, td_buf_slice(&out));
}

static inline const char *machine_row(struct service_box *b, const struct machine *m, const char *tag)
{
    const char *serial = m->serial != NULL ? m->serial : td_arena_printf(&b->arena, "SN-%04u", m->number);
    return td_arena_printf(&b->arena, "%s,,%s,%s\n", serial, machine_hash(b, m), tag);
}

static const char fleet_header[] = "Device Serial Number,Windows Product ID,Hardware Hash,Group Tag\n";

/* What the import told, one line a row. */
struct fleet_told {
    struct td_buf text;
    struct td_import_totals totals;
};

static void fleet_report(void *ctx, const struct td_import_row *row)
{
    struct fleet_told *t = ctx;
    td_buf_printf(&t->text, "%zu %s %d %s%s%s\n", row->row, row->serial, row->code, row->name,
                  row->updated ? " updated" : "", row->warning[0] != '\0' ? " warning" : "");
}

static inline enum td_code fleet_import(struct service_box *b, const char *tenant, const char *csv, bool dry_run,
                                        struct fleet_told *ret, struct td_error *err)
{
    td_buf_init(&ret->text, 1 << 20);
    return td_import_csv(b->svc.store, tenant, td_str(csv), dry_run, "test", fleet_report, ret, &ret->totals, err);
}

static inline const char *fleet_text(struct service_box *b, struct fleet_told *t)
{
    const char *text = td_arena_text(&b->arena, td_buf_slice(&t->text));
    td_buf_done(&t->text);
    return text;
}

/* Imports and gives what was told. */
static inline const char *fleet_take(struct service_box *b, const char *tenant, const char *csv)
{
    struct fleet_told t;
    struct td_error err = {0};
    if (fleet_import(b, tenant, csv, false, &t, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
    return fleet_text(b, &t);
}

static inline void fleet_machine(struct service_box *b, unsigned number, const char *tag)
{
    struct machine m = {.number = number};
    const char *csv = td_arena_printf(&b->arena, "%s%s", fleet_header, machine_row(b, &m, tag));
    const char *want = td_arena_printf(&b->arena, "1 SN-%04u 0 None\n", number);
    assert_string_equal(fleet_take(b, b->tenant, csv), want);
}

#endif
