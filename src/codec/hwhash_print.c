#include "base/encode.h"
#include "base/env.h"
#include "codec/hwhash_table.h"
#include "codec/json.h"

#include <stdio.h>

void td_hw_mac_text(const unsigned char mac[6], char out[TD_MAC_TEXT])
{
    (void)snprintf(out, TD_MAC_TEXT, "%02X:%02X:%02X:%02X:%02X:%02X", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

static void hex_value(struct td_jsonw *w, struct td_slice octets)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 2 * octets.n + 1);
    td_hex_add(&b, octets, true);
    td_jsonw_slice(w, td_buf_slice(&b));
}

static void version_value(struct td_jsonw *w, const struct td_hw_version *v)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%u.%u.%u.%u", v->major, v->minor, v->build, v->revision);
    td_jsonw_str(w, text);
}

static void uuid_value(struct td_jsonw *w, const unsigned char raw[16])
{
    char text[TD_UUID_TEXT];
    td_uuid_text(raw, true, text);
    td_jsonw_str(w, text);
}

static void number_value(struct td_jsonw *w, enum td_hw_kind kind, const void *from)
{
    if (kind == TD_HW_U8)
        td_jsonw_int(w, *(const uint8_t *)from);
    else if (kind == TD_HW_S8)
        td_jsonw_int(w, *(const int8_t *)from);
    else if (kind == TD_HW_U16)
        td_jsonw_int(w, *(const uint16_t *)from);
    else if (kind == TD_HW_U32)
        td_jsonw_int(w, *(const uint32_t *)from);
    else
        td_jsonw_int(w, (int64_t)TD_MIN(*(const uint64_t *)from, (uint64_t)INT64_MAX));
}

static void field_value(struct td_jsonw *w, const struct td_hw_field *f, const char *object)
{
    const void *from = object + f->offset;
    char mac[TD_MAC_TEXT];
    switch (f->kind) {
    case TD_HW_TEXT:
    case TD_HW_WIDE:
        td_jsonw_str(w, *(const char *const *)from);
        return;
    case TD_HW_REST:
        hex_value(w, *(const struct td_slice *)from);
        return;
    case TD_HW_VERSION:
        version_value(w, from);
        return;
    case TD_HW_UUID16:
        uuid_value(w, from);
        return;
    case TD_HW_MAC:
        td_hw_mac_text(from, mac);
        td_jsonw_str(w, mac);
        return;
    default:
        number_value(w, f->kind, from);
    }
}

static void layout_value(struct td_jsonw *w, const struct td_hw_layout *l, const char *object)
{
    if (l->fields[1].name == NULL) { /* one field: the value itself */
        field_value(w, &l->fields[0], object);
        return;
    }
    td_jsonw_obj(w);
    for (const struct td_hw_field *f = l->fields; f->name != NULL; f++) {
        td_jsonw_key(w, f->name);
        field_value(w, f, object);
    }
    td_jsonw_end(w);
}

static bool is_there(const struct td_hw_facts *f, const struct td_hw_layout *l)
{
    for (size_t i = 0; i < f->record_count; i++)
        if (f->records[i].type == l->type && f->records[i].data.n >= l->min)
            return true;
    return false;
}

static void print_layout(struct td_jsonw *w, const struct td_hw_facts *f, const struct td_hw_layout *l)
{
    if (!is_there(f, l))
        return;
    td_jsonw_key(w, l->name);
    if (l->element == 0) {
        layout_value(w, l, (const char *)f);
        return;
    }
    const char *list;
    memcpy(&list, (const char *)f + l->list_offset, sizeof(list));
    size_t n = *(const size_t *)(const void *)((const char *)f + l->count_offset);
    td_jsonw_arr(w);
    for (size_t i = 0; i < n; i++)
        layout_value(w, l, list + i * l->element);
    td_jsonw_arr_end(w);
}

static void print_rest(struct td_jsonw *w, const struct td_hw_facts *f)
{
    td_jsonw_key(w, "other");
    td_jsonw_arr(w);
    for (size_t i = 0; i < f->record_count; i++) {
        const struct td_hw_layout *l = td_hw_layout(f->records[i].type);
        if (l != NULL && f->records[i].data.n >= l->min)
            continue;
        td_jsonw_obj(w);
        td_jsonw_kint(w, "type", f->records[i].type);
        td_jsonw_key(w, "octets");
        hex_value(w, f->records[i].data);
        td_jsonw_end(w);
    }
    td_jsonw_arr_end(w);
}

void td_hwhash_json(const struct td_hw_facts *f, struct td_buf *out)
{
    struct td_jsonw w;
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "checksum", f->checksum_ok ? "ok" : "wrong");
    td_jsonw_kint(&w, "records", (int64_t)f->record_count);
    for (size_t i = 0; i < td_hw_layout_count; i++)
        print_layout(&w, f, &td_hw_layouts[i]);
    if (f->has_uuid) { /* ports of the format print the octets in either order, so they are told raw as well */
        td_jsonw_key(&w, "smbiosUuidOctets");
        hex_value(&w, td_bytes(f->uuid, sizeof(f->uuid)));
    }
    if (f->tpm_ek.n != 0) {
        td_jsonw_key(&w, "tpmEkSha256");
        hex_value(&w, td_bytes(f->ek_sha256, sizeof(f->ek_sha256)));
    }
    print_rest(&w, f);
    td_jsonw_end(&w);
}
