#include "api/repair.h"

#include "base/encode.h"
#include "crypto/digest.h"
#include "way/mismatch.h"

#include <stddef.h>

enum { LIST_MAX = 4096 };

const char *td_remediation_text(int64_t remediation)
{
    if (remediation == TD_REMEDY_AUTOMATIC)
        return "fix pending";
    return remediation == TD_REMEDY_MANUAL ? "attention required" : "";
}

/* ---- what a hash says, as texts ---- */

static const char *uuid_of(const struct td_hw_facts *f, struct td_arena *a)
{
    char text[TD_UUID_TEXT];
    if (!f->has_uuid)
        return "";
    td_uuid_text(f->uuid, true, text);
    return td_arena_strdup(a, text);
}

static const char *ek_of(const struct td_hw_facts *f, struct td_arena *a)
{
    return f->tpm_ek.n != 0 ? td_hex(a, td_bytes(f->ek_sha256, sizeof(f->ek_sha256))) : "";
}

static const char *ram_of(const struct td_hw_facts *f, struct td_arena *a)
{
    return f->ram != 0 ? td_arena_printf(a, "%llu", (unsigned long long)f->ram) : "";
}

static void add(struct td_buf *b, const char *text)
{
    td_buf_adds(b, b->n != 0 && text[0] != '\0' ? ", " : "");
    td_buf_adds(b, text);
}

static const char *disks_of(const struct td_hw_facts *f, struct td_arena *a)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, LIST_MAX);
    for (size_t i = 0; i < f->disk_serial_count; i++)
        add(&b, f->disk_serials[i]);
    for (size_t i = 0; i < f->kernel_disk_serial_count; i++)
        add(&b, f->kernel_disk_serials[i]);
    return td_arena_text(a, td_buf_slice(&b));
}

static const char *nics_of(const struct td_hw_facts *f, struct td_arena *a)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, LIST_MAX);
    for (size_t i = 0; i < f->nic_count; i++) {
        char mac[TD_MAC_TEXT];
        td_hw_mac_text(f->nics[i].mac, mac);
        add(&b, mac);
    }
    return td_arena_text(a, td_buf_slice(&b));
}

/* A field is a text of the hash, or made by a function. */
static const struct field {
    const char *name;
    size_t offset;
    const char *(*make)(const struct td_hw_facts *f, struct td_arena *a);
    bool list;
} fields[] = {
    {"serial number", offsetof(struct td_hw_facts, serial), NULL, false},
    {"manufacturer", offsetof(struct td_hw_facts, manufacturer), NULL, false},
    {"model", offsetof(struct td_hw_facts, model), NULL, false},
    {"SMBIOS UUID", 0, uuid_of, false},
    {"TPM key (SHA-256)", 0, ek_of, false},
    {"TPM version", offsetof(struct td_hw_facts, tpm_version), NULL, false},
    {"board", offsetof(struct td_hw_facts, board_product), NULL, false},
    {"board version", offsetof(struct td_hw_facts, board_version), NULL, false},
    {"firmware", offsetof(struct td_hw_facts, firmware_version), NULL, false},
    {"product key id", offsetof(struct td_hw_facts, product_key_id), NULL, false},
    {"processor", offsetof(struct td_hw_facts, cpu_model), NULL, false},
    {"memory", 0, ram_of, false},
    {"disks", 0, disks_of, true},
    {"network adapters", 0, nics_of, true},
};
_Static_assert(TD_COUNTOF(fields) <= TD_REPAIR_ROWS, "a row for each field");

static const char *text_of(const struct field *field, const struct td_hw_facts *f, struct td_arena *a)
{
    if (field->make != NULL)
        return field->make(f, a);
    const char *const *text = (const void *)((const char *)f + field->offset);
    return *text;
}

static bool share_one(const char *x, const char *y, struct td_arena *a)
{
    struct td_slice rest = td_str(x), one;
    while (rest.n != 0) {
        rest = td_cut(rest, ',', &one);
        const char *word = td_arena_text(a, td_trim(one));
        if (word[0] != '\0' && td_search(td_str(y), td_str(word)) != SIZE_MAX)
            return true;
    }
    return false;
}

static enum td_repair_side side_of(const struct td_repair_row *row, bool list, struct td_arena *a)
{
    if (row->registered[0] == '\0' || row->seen[0] == '\0')
        return TD_SIDE_UNKNOWN;
    if (strcmp(td_fact_normal(a, td_str(row->registered)), td_fact_normal(a, td_str(row->seen))) == 0)
        return TD_SIDE_AGREES;
    return list && share_one(row->registered, row->seen, a) ? TD_SIDE_PARTLY : TD_SIDE_DIFFERS;
}

static void decode(struct td_slice octets, struct td_arena *a, struct td_hw_facts *ret)
{
    td_hw_facts_init(ret);
    if (octets.n != 0 && td_hwhash_decode(octets, td_sha256, a, ret, NULL) != TD_OK)
        td_hw_facts_init(ret);
}

static void make_rows(struct td_repair_view *v, struct td_slice registered, struct td_arena *a)
{
    struct td_hw_facts *known = td_arena_new(a, struct td_hw_facts), *seen = td_arena_new(a, struct td_hw_facts);
    decode(registered, a, known);
    decode(v->is_open ? v->open.octets : TD_S(""), a, seen);
    for (size_t i = 0; i < TD_COUNTOF(fields); i++) {
        struct td_repair_row *row = &v->rows[v->count++];
        *row = (struct td_repair_row){fields[i].name, text_of(&fields[i], known, a), text_of(&fields[i], seen, a),
                                      TD_SIDE_UNKNOWN};
        row->side = side_of(row, fields[i].list, a);
    }
}

static enum td_code find(struct td_tx *tx, const char *tenant, const char *id, enum td_proposal_state state,
                         struct td_arena *a, struct td_proposal *ret, bool *ret_there, struct td_error *err)
{
    enum td_code rc = td_proposal_find(tx, tenant, id, state, a, ret, err);
    *ret_there = rc == TD_OK;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

enum td_code td_repair_look(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_arena *a,
                            struct td_repair_view *ret, struct td_error *err)
{
    struct td_slice registered = TD_S("");
    struct td_mismatch told;
    memset(ret, 0, sizeof(*ret));
    td_try(td_registration_find(tx, tenant, registration_id, a, &ret->r, err));
    td_try(find(tx, tenant, registration_id, TD_PROPOSAL_OPEN, a, &ret->open, &ret->is_open, err));
    td_try(find(tx, tenant, registration_id, TD_PROPOSAL_REJECTED, a, &ret->rejected, &ret->is_rejected, err));
    td_try(td_registration_hash(tx, tenant, registration_id, a, &registered, err));
    td_try(td_hardware_past_list(tx, tenant, ret->r.way_id, a, &ret->past, &ret->past_count, err));
    ret->blob_known = ret->is_open && td_mismatch_parse(ret->open.blob, a, &told, NULL) == TD_OK;
    make_rows(ret, registered, a);
    return TD_OK;
}

static void past_members(const struct td_repair_view *v, struct td_jsonw *w)
{
    td_jsonw_key(w, "former");
    td_jsonw_arr(w);
    for (size_t i = 0; i < v->past_count; i++) {
        td_jsonw_obj(w);
        td_jsonw_ktime(w, "replacedDateTime", v->past[i].replaced_at);
        td_jsonw_kstr(w, "differs", v->past[i].differs);
        td_jsonw_kstr(w, "proof", v->past[i].proof);
        td_jsonw_kstr(w, "by", v->past[i].actor);
        td_jsonw_end(w);
    }
    td_jsonw_arr_end(w);
}

void td_repair_members(const struct td_repair_view *v, struct td_jsonw *w)
{
    const char *state = td_remediation_text(v->r.remediation);
    td_jsonw_kstr(w, "registrationId", v->r.id);
    td_jsonw_kstr(w, "serialNumber", v->r.serial);
    td_jsonw_kstr(w, "state", state[0] != '\0' ? state : "none");
    td_jsonw_kbool(w, "waits", v->is_open);
    td_jsonw_kstr(w, "cause", v->is_open ? v->open.cause : "");
    td_jsonw_kstr(w, "remedy", v->is_open ? v->open.remedy : "");
    td_jsonw_kstr(w, "source", v->is_open ? v->open.source : "");
    td_jsonw_ktime(w, "firstSeenDateTime", v->is_open ? v->open.first_at : 0);
    td_jsonw_kstr(w, "remediationData",
                  !v->is_open || v->open.blob.n == 0 ? "none"
                  : v->blob_known                    ? "read"
                                                     : "kept, of another make");
    td_jsonw_key(w, "fields");
    td_jsonw_arr(w);
    for (size_t i = 0; i < v->count; i++) {
        td_jsonw_obj(w);
        td_jsonw_kstr(w, "field", v->rows[i].field);
        td_jsonw_kstr(w, "registered", v->rows[i].registered);
        td_jsonw_kstr(w, "seen", v->rows[i].seen);
        td_jsonw_kstr(w, "agrees", td_repair_side_word(v->rows[i].side));
        td_jsonw_end(w);
    }
    td_jsonw_arr_end(w);
    td_jsonw_kbool(w, "rejectedBefore", v->is_rejected);
    past_members(v, w);
}
