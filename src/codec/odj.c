#include "codec/odj.h"

#include "base/encode.h"
#include "codec/odj_in.h"
#include "codec/utf16.h"

const unsigned char odj_head[8] = {0x01, 0x10, 0x08, 0x00, 0xcc, 0xcc, 0xcc, 0xcc};
const char odj_sst_head[SST_HEAD + 1] = "\0\0\0\0CERT", odj_root_store[] = "Root";
const unsigned char odj_part_win7[16] = {0x21, 0x76, 0x1c, 0x63, 0x89, 0x52, 0x21, 0x43,
                                         0xbc, 0x9e, 0x80, 0xf8, 0x43, 0xf8, 0x68, 0xc3};
const unsigned char odj_part_account[16] = {0x25, 0xcf, 0x0c, 0xfc, 0xfa, 0x7f, 0x4a, 0x47,
                                            0x86, 0x11, 0x69, 0xff, 0xe2, 0x69, 0x64, 0x5f};
const unsigned char td_odj_part_provider2[16] = {0x6b, 0xc5, 0xbf, 0x57, 0xf9, 0x52, 0x0c, 0x48,
                                                 0xad, 0xcb, 0x91, 0xb3, 0xf8, 0xa8, 0x23, 0x17};
const unsigned char td_odj_part_certificates[16] = {0xe9, 0x71, 0x09, 0x9c, 0x2f, 0x83, 0x73, 0x48,
                                                    0x8e, 0x87, 0xef, 0x14, 0x19, 0xd4, 0x78, 0x1e};
const unsigned char td_odj_part_policies[16] = {0x2a, 0x60, 0xfb, 0x68, 0x09, 0x0c, 0xce, 0x48,
                                                0xb7, 0x5f, 0x07, 0xb7, 0xbd, 0x58, 0xf7, 0xec};

bool odj_known_part(const unsigned char guid[16])
{
    const unsigned char *known[] = {td_odj_part_provider2, td_odj_part_certificates, td_odj_part_policies};
    for (size_t i = 0; i < TD_COUNTOF(known); i++)
        if (memcmp(guid, known[i], 16) == 0)
            return true;
    return false;
}

static enum td_code check_text(const char *value, const char *field, size_t max, bool needed, struct td_error *err)
{
    struct td_slice s = td_str(value);
    if (s.n == 0 && needed)
        return td_fail(err, TD_EINVAL, field, "a blob needs it");
    if (s.n > max)
        return td_fail(err, TD_EINVAL, field, "%zu octets; %zu is the limit", s.n, max);
    if (!td_utf8_ok(s))
        return td_fail(err, TD_EINVAL, field, "not a text in UTF-8");
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return td_fail(err, TD_EINVAL, field, "it holds a control character");
    return TD_OK;
}

/* Characters that neither a NetBIOS nor a DNS name has. */
static enum td_code check_name(const char *value, const char *field, size_t max, struct td_error *err)
{
    td_try(check_text(value, field, max, true, err));
    if (strpbrk(value, " \\/:*?\"<>|$,@") != NULL)
        return td_fail(err, TD_EINVAL, field, "it holds a character that no such name has");
    return TD_OK;
}

static enum td_code check_host(const char *value, const char *field, struct td_error *err)
{
    td_try(check_text(value, field, ODJ_NAME_MAX + 2, false, err));
    if (value != NULL && value[0] != 0 && (!td_starts(td_str(value), "\\\\") || value[2] == 0))
        return td_fail(err, TD_EINVAL, field, "two backward strokes and a name are wanted");
    return TD_OK;
}

enum td_code odj_check(const struct td_odj *odj, struct td_error *err)
{
    td_try(check_name(odj->domain, "domain", ODJ_NAME_MAX, err));
    td_try(check_name(odj->forest, "forest", ODJ_NAME_MAX, err));
    td_try(check_name(odj->netbios, "netbios", ODJ_NETBIOS_MAX, err));
    td_try(check_name(odj->machine, "machine", ODJ_NETBIOS_MAX, err));
    struct td_slice password = td_str(odj->password);
    if (password.n == 0 || password.n > (size_t)ODJ_PASSWORD_MAX * 4 || !td_utf8_ok(password))
        return td_fail(err, TD_EINVAL, "password", "1 to %d characters are wanted", ODJ_PASSWORD_MAX);
    if (odj->domain_sid.count == 0 || odj->domain_sid.count >= TD_SID_MAX_SUBS)
        return td_fail(err, TD_EINVAL, "domain_sid", "no domain has such an identifier");
    td_try(check_host(odj->dc.name, "dc.name", err));
    td_try(check_host(odj->dc.address, "dc.address", err));
    td_try(check_text(odj->dc.domain, "dc.domain", ODJ_NAME_MAX, false, err));
    td_try(check_text(odj->dc.forest, "dc.forest", ODJ_NAME_MAX, false, err));
    td_try(check_text(odj->dc.dc_site, "dc.dc_site", ODJ_NAME_MAX, false, err));
    td_try(check_text(odj->dc.client_site, "dc.client_site", ODJ_NAME_MAX, false, err));
    if (odj->extra_count > TD_ODJ_EXTRA_MAX)
        return td_fail(err, TD_EINVAL, "extra", "%zu further parts; %d is the limit", odj->extra_count,
                       TD_ODJ_EXTRA_MAX);
    return TD_OK;
}

void td_odj_file_write(struct td_slice blob, struct td_buf *out)
{
    struct td_buf text;
    td_buf_init(&text, (size_t)TD_ODJ_MAX * 2);
    td_b64_add(&text, blob);
    td_buf_add(out, TD_S("\xff\xfe"));
    for (size_t i = 0; i < text.n; i++)
        td_buf_le16(out, (uint16_t)(unsigned char)text.p[i]);
    td_buf_le16(out, 0);
    out->failed = out->failed || text.failed;
    td_buf_wipe(&text);
}

static enum td_code from_base64(struct td_slice text, struct td_arena *a, struct td_slice *ret, struct td_error *err)
{
    if (td_b64_decode(a, text, TD_B64_STD | TD_B64_SPACES, ret) != TD_OK || ret->n == 0)
        return td_fail(err, TD_EFORMAT, "blob", "neither a blob, nor base64 of one, nor djoin's file");
    return TD_OK;
}

/* Its base64 is plain letters; anything else in 16 bits is none. A NUL may stand at the end. */
static enum td_code from_djoin(struct td_slice utf16, struct td_arena *a, struct td_slice *ret, struct td_error *err)
{
    size_t n = utf16.n / 2;
    char *text = td_arena_alloc(a, n + 1);
    bool ok = utf16.n % 2 == 0;
    for (size_t i = 0; ok && i < n; i++) {
        text[i] = utf16.p[2 * i];
        ok = utf16.p[2 * i + 1] == 0 && (text[i] != 0 || i + 1 == n);
    }
    if (!ok)
        return td_fail(err, TD_EFORMAT, "blob", "djoin's file holds more than base64");
    return from_base64(td_str(text), a, ret, err);
}

enum td_code td_odj_file_read(struct td_slice file, struct td_arena *a, struct td_slice *ret_blob, struct td_error *err)
{
    if (file.n > (size_t)TD_ODJ_MAX * 3)
        return td_fail(err, TD_ELIMIT, "blob", "%zu octets; no blob is so long", file.n);
    if (file.n >= sizeof(odj_head) && memcmp(file.p, odj_head, 4) == 0)
        *ret_blob = td_arena_copy(a, file);
    else if (td_starts(file, "\xff\xfe"))
        td_try(from_djoin(td_sub(file, 2, file.n), a, ret_blob, err));
    else
        td_try(from_base64(file, a, ret_blob, err));
    if (ret_blob->n > TD_ODJ_MAX)
        return td_fail(err, TD_ELIMIT, "blob", "%zu octets; %d is the limit", ret_blob->n, TD_ODJ_MAX);
    return TD_OK;
}

void td_odj_answer_file(struct td_slice blob, struct td_buf *out)
{
    td_buf_adds(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
                     "<unattend xmlns=\"urn:schemas-microsoft-com:unattend\">\n"
                     "  <settings pass=\"specialize\">\n"
                     "    <component name=\"Microsoft-Windows-UnattendedJoin\" processorArchitecture=\"amd64\""
                     " publicKeyToken=\"31bf3856ad364e35\" language=\"neutral\" versionScope=\"nonSxS\">\n"
                     "      <OfflineIdentification>\n"
                     "        <Provisioning>\n"
                     "          <AccountData>");
    td_b64_add(out, blob);
    td_buf_adds(out, "</AccountData>\n"
                     "        </Provisioning>\n"
                     "      </OfflineIdentification>\n"
                     "    </component>\n"
                     "  </settings>\n"
                     "</unattend>\n");
}
