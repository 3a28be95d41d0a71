/* Device configurations: the items of docs/tasks/configure.md as custom settings, read only for now, secrets masked
 * (graph-api.md 1.7). */
#include "base/encode.h"
#include "graph/managed.h"
#include "graph/types.h"
#include "policy/desired.h"
#include "store/views.h"

#include <string.h>

#define PATH "deviceManagement/deviceConfigurations"
#define MASK "****"

/* ---- values ---- */

struct setting {
    const char *name, *uri, *type; /* type behind omaSetting */
    const char *text;              /* value of all but numbers and Booleans */
    int64_t number;
    bool secret;
};

static void write_setting(struct td_g_call *call, const struct setting *s, struct td_jsonw *w)
{
    td_jsonw_obj(w);
    if (call->metadata != TD_G_NONE)
        td_jsonw_kstr(w, "@odata.type", td_arena_printf(call->arena, "#microsoft.graph.omaSetting%s", s->type));
    td_jsonw_kstr(w, "displayName", s->name);
    td_jsonw_kstr(w, "description", NULL);
    td_jsonw_kstr(w, "omaUri", s->uri);
    if (call->beta) {
        td_jsonw_kbool(w, "isEncrypted", s->secret);
        td_jsonw_kstr(w, "secretReferenceValueId", NULL);
    }
    if (strcmp(s->type, "Base64") == 0 || strcmp(s->type, "StringXml") == 0)
        td_jsonw_kstr(w, "fileName", NULL);
    if (strcmp(s->type, "Integer") == 0 && call->beta)
        td_jsonw_kbool(w, "isReadOnly", false);
    if (strcmp(s->type, "Integer") == 0)
        td_jsonw_kint(w, "value", s->number);
    else if (strcmp(s->type, "Boolean") == 0)
        td_jsonw_kbool(w, "value", s->number != 0);
    else
        td_jsonw_kstr(w, "value", s->secret ? MASK : s->text);
    td_jsonw_end(w);
}

static const char *last_segment(const char *uri)
{
    const char *slash = strrchr(uri, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : uri;
}

/* Formats of the management protocol and their settings here (csp.md, item.h). */
static void write_node(struct td_g_call *call, const char *uri, const char *format, const char *value,
                       struct td_jsonw *w)
{
    struct setting s = {.uri = uri, .type = "String", .text = value != NULL ? value : ""};
    if (s.uri == NULL || format == NULL)
        return;
    s.name = last_segment(s.uri);
    if (strcmp(format, "int") == 0 && td_parse_i64(td_str(s.text), &s.number)) {
        s.type = "Integer";
    } else if (strcmp(format, "bool") == 0) {
        s.type = "Boolean";
        s.number = strcmp(s.text, "true") == 0;
    } else if (strcmp(format, "b64") == 0) {
        s.type = "Base64";
    } else if (strcmp(format, "xml") == 0) {
        s.type = "StringXml";
        s.text = td_b64(call->arena, td_str(s.text));
    }
    write_setting(call, &s, w);
}

/* A VPN of which all is secret says at least where it is. */
static void write_veiled(struct td_g_call *call, const struct td_json *body, struct td_jsonw *w)
{
    struct td_buf name;
    td_buf_init(&name, 1024);
    td_pct_add(&name, td_str(td_json_str(body, "name") != NULL ? td_json_str(body, "name") : ""));
    struct setting s = {
        .name = "ProfileXML",
        .uri = td_arena_printf(
            call->arena, "./%s/Vendor/MSFT/VPNv2/%.*s/ProfileXML",
            td_json_str(body, "scope") != NULL && strcmp(td_json_str(body, "scope"), "user") == 0 ? "User" : "Device",
            TD_FMT(td_buf_slice(&name))),
        .type = "StringXml",
        .text = "",
        .secret = true};
    td_buf_done(&name);
    if (td_json_get(body, "name") != NULL)
        write_setting(call, &s, w);
}

static bool is_made(const char *kind)
{
    static const enum td_item_kind made[] = {TD_ITEM_KIOSK, TD_ITEM_SHARED_PC, TD_ITEM_VPN, TD_ITEM_CO_MANAGEMENT};
    for (size_t i = 0; i < TD_COUNTOF(made); i++)
        if (strcmp(kind, td_item_word(made[i])) == 0)
            return true;
    return false;
}

/* What is made of an item and stands nowhere else, setting by setting, as a device is told. */
static void write_made(struct td_g_call *call, const struct td_view_row *row, const struct td_json *body,
                       struct td_jsonw *w)
{
    struct td_item item;
    struct td_desired desired;
    if (td_item_parse(body, call->arena, &item, NULL) != TD_OK) {
        write_veiled(call, body, w);
        return;
    }
    item.id = td_view_text(row, "id");
    item.name = item.id;
    item.revision = 1;
    const struct td_desired_in in = {
        .provider = "", .user_upn = "", .computer_name = "", .items = &item, .item_count = 1};
    td_desired_make(&in, call->arena, &desired);
    bool xml = item.kind == TD_ITEM_KIOSK || item.kind == TD_ITEM_VPN;
    for (const struct td_want *outer = desired.wants; outer != NULL; outer = outer->next) {
        const struct td_want *want = outer->child != NULL ? outer->child : outer;
        if (want->data != NULL && strcmp(want->item, item.id) == 0)
            write_node(call, want->uri, xml ? "xml" : want->format, want->data, w);
    }
}

static void write_wifi(struct td_g_call *call, const struct td_json *body, struct td_jsonw *w)
{
    const char *ssid = td_json_str(body, "ssid");
    struct setting s = {.name = ssid != NULL ? ssid : "",
                        .uri = td_arena_printf(call->arena, "./Device/Vendor/MSFT/WiFi/Profile/%s/WlanXml", ssid),
                        .type = "String",
                        .text = "",
                        .secret = true};
    write_setting(call, &s, w);
}

static void write_certificate(struct td_g_call *call, const struct td_json *body, struct td_jsonw *w)
{
    const char *thumb = td_json_str(body, "thumbprint"), *text = td_json_str(body, "certificate");
    struct setting s = {
        .name = thumb != NULL ? thumb : "",
        .uri = td_arena_printf(call->arena, "./Device/Vendor/MSFT/RootCATrustedCertificates/Root/%s/EncodedCertificate",
                               thumb),
        .type = "Base64",
        .text = text != NULL ? text : ""};
    write_setting(call, &s, w);
}

void td_g_configuration_settings(struct td_g_call *call, const struct td_view_row *row,
                                 const struct td_g_prop *prop TD_UNUSED, struct td_jsonw *w)
{
    const struct td_json *body = td_g_row_json(call, row, "body"), *list = td_json_get(body, "settings");
    const char *kind = td_view_text(row, "kind");
    td_jsonw_arr(w);
    for (const struct td_json *s = list != NULL ? list->child : NULL; s != NULL; s = s->next)
        write_node(call, td_json_str(s, "uri"), td_json_str(s, "format"), td_json_str(s, "value"), w);
    if (strcmp(kind, "wifi") == 0)
        write_wifi(call, body, w);
    else if (strcmp(kind, "root-certificate") == 0)
        write_certificate(call, body, w);
    else if (is_made(kind))
        write_made(call, row, body, w);
    td_jsonw_arr_end(w);
}

/* PRODUCT_ numbers that have a word. */
void td_g_configuration_edition(struct td_g_call *call, const struct td_view_row *row,
                                const struct td_g_prop *prop TD_UNUSED, struct td_jsonw *w)
{
    static const struct {
        int number;
        const char *word;
    } words[] = {{4, "windows10Enterprise"},
                 {27, "windows10EnterpriseN"},
                 {121, "windows10Education"},
                 {122, "windows10EducationN"},
                 {48, "windows10Professional"},
                 {49, "windows10ProfessionalN"},
                 {164, "windows10ProfessionalEducation"},
                 {161, "windows10ProfessionalWorkstation"},
                 {101, "windows10Home"}};
    int64_t number = td_json_int(td_g_row_json(call, row, "body"), "edition", 0);
    const char *word = "notConfigured";
    for (size_t i = 0; i < TD_COUNTOF(words); i++)
        if (words[i].number == number)
            word = words[i].word;
    td_jsonw_str(w, word);
}

/* The key rests sealed and is never read back. */
void td_g_configuration_key(struct td_g_call *call TD_UNUSED, const struct td_view_row *row TD_UNUSED,
                            const struct td_g_prop *prop TD_UNUSED, struct td_jsonw *w)
{
    td_jsonw_str(w, "#####-#####-#####-#####-#####");
}

/* ---- tables ---- */

static const struct td_g_action actions[] = {
    {.name = "assign",
     .right = TD_RIGHT_CONFIGURATION,
     .access = TD_ACCESS_WRITE,
     .run = td_g_configuration_assign,
     .params = "assignments:Collection(deviceConfigurationAssignment)",
     .returns = "Collection(deviceConfigurationAssignment)"},
    {.name = "getOmaSettingPlainTextValue",
     .flags = TD_G_NOT_OFFERED | TD_G_FUNCTION,
     .right = TD_RIGHT_CONFIGURATION,
     .access = TD_ACCESS_WRITE,
     .params = "secretReferenceValueId:String"},
};

static const struct td_g_set sets[] = {
    {.path = PATH,
     .type = &td_g_type_device_configuration,
     .view = &td_view_configuration,
     .read = TD_RIGHT_CONFIGURATION,
     .write = TD_RIGHT_CONFIGURATION,
     .about = "Configuration items of `touchdown policy add`. Domain join configurations are written here too; of the"
              " others name, description, assignment and end. Secrets are masked.",
     .create = td_g_configuration_create,
     .update = td_g_configuration_update,
     .remove = td_g_configuration_remove,
     .actions = actions,
     .action_count = TD_COUNTOF(actions)},
    {.path = PATH "/{id}/assignments",
     .type = &td_g_type_configuration_assignment,
     .view = &td_view_configuration_assignment,
     .parent = "configuration",
     .read = TD_RIGHT_CONFIGURATION,
     .write = TD_RIGHT_CONFIGURATION,
     .about = "Groups, or all devices, that get the item. PUT replaces the whole set (ours).",
     .create = td_g_configuration_add_target,
     .remove = td_g_configuration_drop_target,
     .put = td_g_configuration_put_targets},
    {.path = PATH "/{id}/networkAccessConfigurations",
     .type = &td_g_type_device_configuration,
     .view = &td_view_configuration,
     .flags = TD_G_BETA_SHAPE,
     .read = TD_RIGHT_CONFIGURATION,
     .write = TD_RIGHT_CONFIGURATION,
     .about = "Of a domain join configuration: at most two Wi-Fi or VPN items that devices get before their sign-in,"
              " assigned or not.",
     .rows = td_g_configuration_networks,
     .add_ref = td_g_configuration_add_network,
     .remove_ref = td_g_configuration_drop_network},
};
const struct td_g_family td_g_family_configurations = {
    .about = "Device configurations", .sets = sets, .count = TD_COUNTOF(sets)};

const struct td_g_set *td_g_configuration_assignment_set(void)
{
    return &sets[1];
}

enum td_code td_g_configuration_assignments(struct td_g_call *call, struct td_tx *tx, const struct td_view_row *row,
                                            struct td_jsonw *w, struct td_error *err)
{
    return td_g_expand_assignments(call, tx, row, &sets[1], w, err);
}
