#include "api/import.h"

#include "base/fault.h"
#include "codec/autopilot_csv.h"
#include "crypto/digest.h"
#include "store/tenant.h"
#include "store/user.h"

enum { CONVERTED_MAX = INT32_MAX };

struct slice { /* rows on their way into one write */
    struct td_arena arena;
    struct td_registration_new new[TD_IMPORT_SLICE];
    struct td_import_row row[TD_IMPORT_SLICE];
    size_t count, done, upto; /* rows that are written, and those of the write under way */
};

struct import {
    struct td_store *store;
    const char *tenant, *actor;
    bool dry_run, refuse_bad_checksum;
    struct slice *slice;
    struct seen *seen;
    td_import_report *report;
    void *ctx;
    struct td_import_totals totals;
};

/* Facts of the rows so far, so that a device that stands in the file twice is told as that. Open addressing over 64
 * bits of a digest: a collision would refuse a row wrongly once in 2^40 files of a million rows. */
struct seen {
    uint64_t *slots; /* 0: free */
    size_t count, size;
};

static void seen_put(uint64_t *slots, size_t size, uint64_t key)
{
    size_t at = key % size;
    while (slots[at] != 0 && slots[at] != key)
        at = (at + 1) % size;
    slots[at] = key;
}

static void seen_grow(struct seen *s)
{
    size_t size = s->size != 0 ? s->size * 2 : 1024;
    uint64_t *slots = td_alloc(size * sizeof(*slots));
    for (size_t i = 0; i < s->size; i++)
        if (s->slots[i] != 0)
            seen_put(slots, size, s->slots[i]);
    td_free(s->slots);
    s->slots = slots;
    s->size = size;
}

/* True if it was there already. */
static bool seen_add(struct seen *s, uint64_t key)
{
    if (s->count * 2 >= s->size)
        seen_grow(s);
    size_t at = key % s->size;
    while (s->slots[at] != 0) {
        if (s->slots[at] == key)
            return true;
        at = (at + 1) % s->size;
    }
    s->slots[at] = key;
    s->count++;
    return false;
}

static void seen_done(struct seen *s)
{
    td_free(s->slots);
}

/* Serial number, UUID and endorsement key, as far as they are known; where none is, everything else. */
void td_import_identity(const struct td_facts *f, struct td_arena *a, unsigned char out[32])
{
    const char *parts[TD_FACT_COUNT] = {"", "", "", "", "", ""};
    const char *rest = "";
    bool strong = false;
    for (size_t i = 0; i < f->count; i++) {
        if (f->list[i].kind <= TD_FACT_EK)
            parts[f->list[i].kind] = f->list[i].value;
        strong = strong || f->list[i].kind <= TD_FACT_EK;
    }
    for (size_t i = 0; i < f->count && !strong; i++)
        rest = td_arena_printf(a, "%s\n%d %s", rest, (int)f->list[i].kind, f->list[i].value);
    td_sha256(td_str(td_arena_printf(a, "%s\n%s\n%s%s", parts[0], parts[1], parts[2], rest)), out);
}

/* A row repeats another if its identity is the same. */
static uint64_t row_key(const struct td_facts *f, struct td_arena *a)
{
    unsigned char digest[32];
    uint64_t key;
    td_import_identity(f, a, digest);
    memcpy(&key, digest, sizeof(key));
    return key != 0 ? key : 1;
}

void td_import_refuse(struct td_import_row *row, enum td_ztd_code code, const char *text)
{
    const struct td_ztd_error *e = td_ztd_error(code);
    row->refused = code != TD_ZTD_ALREADY_ASSIGNED;
    row->code = code;
    row->name = e->name;
    row->text = text != NULL ? text : e->text;
    row->remedy = e->remedy;
}

static void refuse_value(struct td_import_row *row, const char *text, const char *remedy)
{
    row->refused = true;
    row->code = TD_ZTD_BAD_ROW;
    row->name = td_ztd_error(TD_ZTD_BAD_ROW)->name;
    row->text = text;
    row->remedy = remedy;
}

static bool user_ok(struct td_slice user)
{
    size_t at = td_find(user, '@');
    for (size_t i = 0; i < user.n; i++)
        if ((unsigned char)user.p[i] <= ' ' || user.p[i] == '\x7F')
            return false;
    return user.n == 0 || (at != SIZE_MAX && at != 0 && at + 1 < user.n && user.n <= TD_USER_MAX &&
                           td_find(td_sub(user, at + 1, user.n), '@') == SIZE_MAX);
}

static bool same_text(struct td_arena *a, struct td_slice x, const char *y)
{
    return strcmp(td_fact_normal(a, x), td_fact_normal(a, td_str(y))) == 0;
}

/* Texts of firmware are short; what is not is no device's, and would swell every event and list that names it. */
static const char *too_long(const struct td_hw_facts *hw)
{
    enum { FIRMWARE_TEXT_MAX = 256 };
    const struct {
        const char *word, *text;
    } texts[] = {{"manufacturer", hw->manufacturer},
                 {"model", hw->model},
                 {"SKU number", hw->sku},
                 {"system family", hw->family},
                 {"product key id", hw->product_key_id}};
    for (size_t i = 0; i < TD_COUNTOF(texts); i++)
        if (strlen(texts[i].text) > FIRMWARE_TEXT_MAX && !td_fault("import-any-length"))
            return texts[i].word;
    return NULL;
}

/* Fields that a hash must fill, and those where row and hash must agree. */
static bool judge_hash(const struct td_import_given *g, const struct td_hw_facts *hw, bool refuse_bad_checksum,
                       struct td_arena *a, struct td_import_row *row)
{
    if (hw->serial[0] == '\0' || hw->manufacturer[0] == '\0')
        td_import_refuse(row, TD_ZTD_BAD_HASH,
                         hw->serial[0] == '\0' ? "the hash has no serial number" : "the hash has no manufacturer");
    else if (too_long(hw) != NULL)
        td_import_refuse(row, TD_ZTD_BAD_HASH,
                         td_arena_printf(a, "the %s in the hash is too long to be a device's", too_long(hw)));
    else if (!same_text(a, g->serial, hw->serial))
        td_import_refuse(
            row, TD_ZTD_MISMATCH,
            td_arena_printf(a, "the row says serial number %.*s, its hash %s", TD_FMT(g->serial), hw->serial));
    else if (!hw->checksum_ok && refuse_bad_checksum)
        td_import_refuse(row, TD_ZTD_BAD_HASH, "the check sum of the hash is wrong");
    else if (!hw->checksum_ok)
        row->warning = "the check sum of its hash is wrong";
    return !row->refused;
}

static const char *hash_or(struct td_arena *a, const char *of_hash, struct td_slice of_row)
{
    return of_hash[0] != '\0' ? of_hash : td_arena_text(a, of_row);
}

static void fill(const struct td_import_given *g, const struct td_hw_facts *hw, struct td_slice octets,
                 struct td_arena *a, struct td_registration_new *ret, struct td_import_row *row)
{
    *ret = (struct td_registration_new){.serial = td_arena_text(a, g->serial),
                                        .manufacturer = hash_or(a, hw->manufacturer, g->manufacturer),
                                        .model = hash_or(a, hw->model, g->model),
                                        .sku = hw->sku,
                                        .family = hw->family,
                                        .product_key = g->product_key.n != 0 ? td_arena_text(a, g->product_key)
                                                                             : hw->product_key_id,
                                        .group_tag = td_arena_text(a, g->group_tag),
                                        .purchase_order = td_arena_text(a, g->purchase_order),
                                        .assigned_user = td_arena_text(a, g->user),
                                        .has_group_tag = g->has_group_tag,
                                        .has_assigned_user = g->has_user,
                                        .hash = octets};
    td_facts_add_hash(&ret->facts, a, hw);
    if (td_facts_kinds(&ret->facts) == 0)
        td_import_refuse(row, TD_ZTD_BAD_HASH, "nothing in the hash tells this device from others");
    else if (td_facts_kinds(&ret->facts) == 1 && row->warning[0] == '\0')
        row->warning = "its hash has only one identity fact, a deployment lookup needs two";
    ret->warning = row->warning;
}

void td_import_prepare(const struct td_import_given *given, bool refuse_bad_checksum, struct td_arena *a,
                       struct td_registration_new *ret, struct td_import_row *ret_row)
{
    struct td_hw_facts hw;
    struct td_slice octets;
    struct td_error why;
    *ret_row = (struct td_import_row){.serial = td_arena_text(a, td_sub(given->serial, 0, TD_SERIAL_MAX)),
                                      .registration_id = "",
                                      .name = "None",
                                      .text = "",
                                      .remedy = "",
                                      .warning = ""};
    if (given->serial.n == 0)
        td_import_refuse(ret_row, TD_ZTD_MISSING_SERIAL, NULL);
    else if (given->hash.n == 0)
        td_import_refuse(ret_row, TD_ZTD_BAD_HASH, "there is no hardware hash");
    else if (given->serial.n > TD_SERIAL_MAX || given->group_tag.n > TD_TAG_MAX ||
             given->product_key.n > TD_SERIAL_MAX || given->purchase_order.n > TD_TAG_MAX)
        refuse_value(ret_row, "serial number, product id or group tag is too long", "shorten it");
    else if (!user_ok(given->user))
        refuse_value(ret_row, "the assigned user is no user principal name", "write it as name@domain");
    else if (td_hwhash_decode_text(given->hash, td_sha256, a, &hw, &octets, &why) != TD_OK)
        td_import_refuse(ret_row, TD_ZTD_BAD_HASH, td_arena_printf(a, "hardware hash: %s", why.text));
    else if (judge_hash(given, &hw, refuse_bad_checksum, a, ret_row))
        fill(given, &hw, octets, a, ret, ret_row);
}

/* A name that nobody has locks its device out until somebody makes the user (pain Z06): kept as a warning. */
static enum td_code look_for_user(struct td_tx *tx, const char *tenant, struct td_registration_new *one,
                                  struct td_arena *a, struct td_import_row *row, struct td_error *err)
{
    struct td_user user;
    if (row->refused || one->assigned_user[0] == '\0' || row->warning[0] != '\0')
        return TD_OK;
    enum td_code rc = td_user_find(tx, tenant, td_str(one->assigned_user), a, &user, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    if (rc == TD_ENOTFOUND)
        one->warning = row->warning = "its assigned user does not exist yet";
    return TD_OK;
}

/* Only the user's domain is asked: the user may be made later (autopilot.md 1.3). One of another tenant would lock the
 * device out. */
static enum td_code judge_user(struct td_tx *tx, const char *tenant, struct td_registration_new *one,
                               struct td_arena *a, struct td_import_row *row, struct td_error *err)
{
    struct td_tenant t;
    struct td_slice name, domain = td_cut(td_str(one->assigned_user), '@', &name);
    if (domain.n == 0)
        return TD_OK;
    enum td_code rc = td_tenant_find(tx, domain, a, &t, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    if (rc == TD_ENOTFOUND || strcmp(t.id, tenant) != 0)
        refuse_value(row, "the assigned user is not of this tenant",
                     "name a user of one of the tenant's domains, or none");
    return look_for_user(tx, tenant, one, a, row, err);
}

enum td_code td_import_write(struct td_tx *tx, const char *tenant, const struct td_registration_new *given,
                             const char *actor, struct td_arena *a, struct td_import_row *row, struct td_error *err)
{
    struct td_import_verdict v;
    struct td_registration_new one = *given;
    if (!row->refused)
        td_try(judge_user(tx, tenant, &one, a, row, err));
    if (row->refused)
        return TD_OK;
    td_try(td_registration_add(tx, tenant, &one, actor, a, &v, err));
    row->updated = v.updated;
    row->registration_id = v.registration_id;
    if (v.code != TD_ZTD_OK)
        td_import_refuse(row, v.code, NULL);
    return TD_OK;
}

static enum td_code judge_known(struct td_tx *tx, struct import *im, size_t i, struct td_error *err)
{
    struct td_hardware_found found;
    enum td_code rc = td_hardware_duplicate(tx, &im->slice->new[i].facts, &im->slice->arena, &found, err);
    if (rc == TD_ENOTFOUND)
        return TD_OK;
    td_try(rc);
    bool ours = strcmp(found.tenant, im->tenant) == 0;
    td_import_refuse(&im->slice->row[i], ours ? TD_ZTD_ALREADY_ASSIGNED : TD_ZTD_OTHER_TENANT, NULL);
    im->slice->row[i].registration_id = ours ? found.registration_id : "";
    return TD_OK;
}

static enum td_code judge_slice(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct import *im = ctx;
    for (size_t i = 0; i < im->slice->count; i++) {
        if (!im->slice->row[i].refused)
            td_try(judge_user(tx, im->tenant, &im->slice->new[i], &im->slice->arena, &im->slice->row[i], err));
        if (!im->slice->row[i].refused)
            td_try(judge_known(tx, im, i, err));
    }
    return TD_OK;
}

static enum td_code write_slice(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct import *im = ctx;
    struct slice *s = im->slice;
    int64_t end = td_monotonic() + TD_IMPORT_WRITE;
    for (s->upto = s->done; s->upto < s->count && (s->upto == s->done || td_monotonic() < end); s->upto++) {
        td_try(td_import_write(tx, im->tenant, &s->new[s->upto], im->actor, &s->arena, &s->row[s->upto], err));
    }
    return TD_OK;
}

/* In writes of bounded time. */
static enum td_code write_all(struct import *im, struct td_error *err)
{
    for (im->slice->done = 0; im->slice->done < im->slice->count; im->slice->done = im->slice->upto)
        td_try(td_store_write(im->store, write_slice, im, err));
    return TD_OK;
}

static void count(struct td_import_totals *t, const struct td_import_row *row)
{
    t->rows++;
    t->refused += row->refused;
    t->known += row->code == TD_ZTD_ALREADY_ASSIGNED;
    t->registered += row->code == TD_ZTD_OK;
    t->updated += row->updated;
    t->warnings += row->warning[0] != '\0' && !row->refused;
}

static enum td_code flush(struct import *im, struct td_error *err)
{
    struct slice *s = im->slice;
    if (s->count != 0 && im->dry_run)
        td_try(td_store_read(im->store, judge_slice, im, err));
    else if (s->count != 0)
        td_try(write_all(im, err));
    for (size_t i = 0; i < s->count; i++) {
        count(&im->totals, &s->row[i]);
        im->report(im->ctx, &s->row[i]);
    }
    s->count = 0;
    td_arena_done(&s->arena);
    return TD_OK;
}

static void take_row(struct import *im, const struct td_autopilot_row *r)
{
    struct slice *s = im->slice;
    struct td_import_row *row = &s->row[s->count];
    struct td_registration_new *new = &s->new[s->count++];
    struct td_import_given given = {.serial = r->cell[TD_COL_SERIAL],
                                    .product_key = r->cell[TD_COL_PRODUCT_KEY],
                                    .hash = r->cell[TD_COL_HASH],
                                    .group_tag = r->cell[TD_COL_GROUP_TAG],
                                    .user = r->cell[TD_COL_USER],
                                    .manufacturer = r->cell[TD_COL_MANUFACTURER],
                                    .model = r->cell[TD_COL_MODEL]};
    /* an empty cell says nothing: a repeated import never clears what an administrator has set */
    given.has_group_tag = given.group_tag.n != 0;
    given.has_user = given.user.n != 0;
    td_import_prepare(&given, im->refuse_bad_checksum, &s->arena, new, row);
    new->source = "csv";
    row->row = r->row;
    row->line = r->line;
    if (r->broken != NULL)
        refuse_value(row, r->broken, "mend the row");
    if (!row->refused && !td_fault("import-twice") && seen_add(im->seen, row_key(&new->facts, &s->arena)))
        td_import_refuse(row, TD_ZTD_DUPLICATED, NULL);
}

enum td_code td_import_refuses_checksum(struct td_tx *tx, const char *tenant, struct td_arena *a, bool *ret,
                                        struct td_error *err)
{
    const char *value;
    td_try(td_tenant_get(tx, tenant, "hash-checksum", a, &value, err));
    *ret = strcmp(value, "refuse") == 0;
    return TD_OK;
}

static enum td_code read_setting(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct import *im = ctx;
    return td_import_refuses_checksum(tx, im->tenant, &im->slice->arena, &im->refuse_bad_checksum, err);
}

static enum td_code run(struct import *im, struct td_autopilot_csv *csv, struct td_error *err)
{
    struct td_autopilot_row row;
    td_try(td_store_read(im->store, read_setting, im, err));
    while (td_autopilot_csv_next(csv, &im->slice->arena, &row)) {
        take_row(im, &row);
        if (im->slice->count == TD_IMPORT_SLICE)
            td_try(flush(im, err));
    }
    return flush(im, err);
}

enum td_code td_import_csv(struct td_store *store, const char *tenant, struct td_slice csv, bool dry_run,
                           const char *actor, td_import_report *report, void *ctx, struct td_import_totals *ret,
                           struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf converted;
    TD_CLEANUP(seen_done) struct seen seen = {0};
    struct td_autopilot_csv reader;
    td_buf_init(&converted, CONVERTED_MAX);
    td_try(td_autopilot_csv_open(csv, &converted, &reader, err));
    struct import im = {.store = store,
                        .tenant = tenant,
                        .actor = actor,
                        .dry_run = dry_run,
                        .slice = td_new(struct slice),
                        .seen = &seen,
                        .report = report,
                        .ctx = ctx};
    enum td_code rc = run(&im, &reader, err);
    td_arena_done(&im.slice->arena);
    td_free(im.slice);
    *ret = im.totals;
    return rc;
}
