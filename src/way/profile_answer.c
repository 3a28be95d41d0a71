/* What a profile becomes for a device: the lookup's answer, the file for existing devices, the codes of 'none'. */
#include "way/profile.h"

static const char management_app[] = "0000000a-0000-0000-c000-000000000000";

enum { FILE_VERSION = 2049, UPDATE_TIMEOUT_MS = 1800000 };

/* Optional members are missing rather than empty. */
static void optional(struct td_jsonw *w, const char *name, const char *value)
{
    if (value[0] != '\0')
        td_jsonw_kstr(w, name, value);
}

static void server_data(const struct td_profile *p, const struct td_profile_answer *around, struct td_jsonw *w)
{
    struct td_jsonw inner;
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 4096);
    td_jsonw_init(&inner, &b);
    td_jsonw_obj(&inner);
    td_jsonw_key(&inner, "ZeroTouchConfig");
    td_jsonw_obj(&inner);
    td_jsonw_kstr(&inner, "CloudAssignedTenantDomain", around->tenant_domain);
    td_jsonw_kstr(&inner, "CloudAssignedTenantUpn", "");
    td_jsonw_kint(&inner, "ForcedEnrollment", td_profile_forced_enrolment(p));
    td_jsonw_end(&inner);
    td_jsonw_end(&inner);
    td_jsonw_key(w, "CloudAssignedAadServerData");
    td_jsonw_slice(w, td_buf_slice(&b));
}

/* The members that the answer and the file share. */
static void assigned(const struct td_profile *p, const struct td_profile_answer *around, struct td_jsonw *w)
{
    td_jsonw_kstr(w, "ZtdCorrelationId", around->profile_id);
    td_jsonw_kstr(w, "CloudAssignedTenantId", around->tenant_id);
    td_jsonw_kstr(w, "CloudAssignedTenantDomain", around->tenant_domain);
    td_jsonw_kint(w, "CloudAssignedOobeConfig", td_profile_oobe_bits(p));
    td_jsonw_kint(w, "CloudAssignedDomainJoinMethod", p->join);
    td_jsonw_kint(w, "CloudAssignedForcedEnrollment", td_profile_forced_enrolment(p));
    if (p->join != TD_JOIN_HYBRID) /* names of hybrid devices come from the Domain Join profile (autopilot.md 2.2) */
        optional(w, "CloudAssignedDeviceName", around->device_name[0] != '\0' ? around->device_name : p->name_template);
    td_jsonw_kint(w, "CloudAssignedAutopilotUpdateDisabled", 1);
    td_jsonw_kint(w, "CloudAssignedAutopilotUpdateTimeout", UPDATE_TIMEOUT_MS);
    server_data(p, around, w);
}

/* What the exporter of the ecosystem writes (graph-api.md 3.3): the check only where it is skipped; language and region
 * only where the keyboard page goes, and the language is the region unless that was said. */
static void exported(const struct td_profile *p, struct td_jsonw *w)
{
    if (p->join == TD_JOIN_HYBRID && p->skip_connectivity)
        td_jsonw_kint(w, "HybridJoinSkipDCConnectivityCheck", 1);
    if (!p->keyboard_skipped || p->locale[0] == '\0')
        return;
    td_jsonw_kstr(w, "CloudAssignedLanguage", p->locale);
    td_jsonw_kstr(w, "CloudAssignedRegion", p->region[0] != '\0' ? p->region : p->locale);
}

void td_profile_answer(const struct td_profile *p, const struct td_profile_answer *around, struct td_buf *out)
{
    struct td_jsonw w;
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "AutopilotServiceCorrelationId", around->correlation_id);
    td_jsonw_kstr(&w, "ZtdRegistrationId", around->registration_id);
    td_jsonw_kstr(&w, "AadDeviceId", around->device_id);
    td_jsonw_kstr(&w, "CloudAssignedTenantUpn", "");
    td_jsonw_kstr(&w, "TenantDisplayName", around->tenant_name);
    td_jsonw_kstr(&w, "CloudAssignedMdmId", p->management_app[0] != '\0' ? p->management_app : management_app);
    if (around->management_url != NULL) {
        td_jsonw_kstr(&w, "ManagementEnrollmentUrl", around->management_url);
        optional(&w, "ManagementTermsOfUseUrl", around->terms_url);
        optional(&w, "ManagementComplianceUrl", around->compliance_url);
    }
    assigned(p, around, &w);
    if (p->join == TD_JOIN_HYBRID)
        td_jsonw_kint(&w, "HybridJoinSkipDCConnectivityCheck", p->skip_connectivity);
    optional(&w, "CloudAssignedLanguage", p->locale);
    optional(&w, "CloudAssignedRegion", p->region);
    td_jsonw_kint(&w, "AutopilotMode", p->usage);
    td_jsonw_kbool(&w, "PreprovisioningAllowed", p->preprovisioning != 0);
    td_jsonw_kstr(&w, "DeploymentProfileName", around->profile_name);
    td_jsonw_kbool(&w, "IsExplicitProfileAssignment", around->explicit_assignment);
    td_jsonw_ktime(&w, "PolicyDownloadDate", around->now);
    td_jsonw_kstr(&w, "DeviceTicket", around->ticket);
    td_jsonw_ktime(&w, "DeviceTicketExpires", around->ticket_expires);
    td_jsonw_end(&w);
}

/* The file must be ASCII (autopilot.md 2.4), so what is not is escaped. */
static void add_ascii(struct td_buf *out, struct td_slice utf8)
{
    for (size_t i = 0; i < utf8.n;) {
        unsigned char first = (unsigned char)utf8.p[i++];
        if (first < 0x80) {
            td_buf_addc(out, (char)first);
            continue;
        }
        int more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
        uint32_t c = first & (0x3Fu >> more);
        while (more-- > 0 && i < utf8.n)
            c = c << 6 | ((unsigned char)utf8.p[i++] & 0x3Fu);
        if (c >= 0x10000) {
            td_buf_printf(out, "\\u%04x", 0xD800 + ((c - 0x10000) >> 10));
            c = 0xDC00 + ((c - 0x10000) & 0x3FF);
        }
        td_buf_printf(out, "\\u%04x", c);
    }
}

enum td_code td_profile_export(const struct td_profile *p, const struct td_profile_answer *around, struct td_buf *out,
                               struct td_error *err)
{
    struct td_jsonw w;
    TD_CLEANUP(td_buf_done) struct td_buf b, comment;
    td_buf_init(&b, TD_PROFILE_MAX_JSON);
    td_buf_init(&comment, 4096);
    if (p->usage == TD_USAGE_SHARED)
        return td_remedy(err,
                         td_fail(err, TD_EINVAL, "deviceUsageType", "the file cannot carry a self-deploying profile"),
                         "export a user-driven profile");
    td_buf_printf(&comment, "Profile %s", around->profile_name);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kint(&w, "Version", FILE_VERSION);
    td_jsonw_key(&w, "Comment_File");
    td_jsonw_slice(&w, td_buf_slice(&comment));
    assigned(p, around, &w);
    exported(p, &w);
    td_jsonw_end(&w);
    add_ascii(out, td_buf_slice(&b));
    return td_buf_check(out, "profile", err);
}

static const struct td_ztd_error errors[] = {
    {TD_ZTD_OK, "None", "", ""},
    {TD_ZTD_BAD_ROW, "InvalidZtdRequestBody", "the row cannot be read", "mend the row"},
    {TD_ZTD_BAD_HASH, "InvalidZtdHardwareHash",
     "the hardware hash cannot be decoded, or lacks a field that must be there",
     "capture the hash again on the device, after its firmware fields are filled"},
    {TD_ZTD_MISSING_SERIAL, "MissingZtdSerialNumberAndProductKey", "there is no serial number",
     "fill the column Device Serial Number"},
    {TD_ZTD_DUPLICATED, "ZtdDeviceDuplicated", "the same device stands in the file twice", "drop one of the rows"},
    {TD_ZTD_ALREADY_ASSIGNED, "ZtdDeviceAlreadyAssigned", "the device is registered in this tenant already",
     "nothing is to be done"},
    {TD_ZTD_NOT_REGISTERED, "ZtdDeviceIsNotRegistered", "no registration matches this device",
     "register the device's hardware hash, then try again; no restart is needed"},
    {TD_ZTD_OTHER_TENANT, "ZtdDeviceAssignedToOtherTenant", "the device is registered in another tenant",
     "its owner must deregister it first"},
    {TD_ZTD_PROFILE_GONE, "ZtdDeviceHasNoAssignedProfile", "the profile that was assigned has been deleted",
     "assign another profile, then try again"},
    {TD_ZTD_NO_PROFILE, "ZtdDeviceHasNoAssignedProfile",
     "the device is registered, but no profile is assigned to it and none to all devices",
     "assign a profile to one of its groups or to all devices, then try again"},
    {TD_ZTD_MISMATCH, "SerialNumberMismatch", "the serial number of the row is not the one inside the hash",
     "look whether columns or rows were shifted, and export the file again"},
    {TD_ZTD_AMBIGUOUS, "ZtdDeviceIsAmbiguous", "two registrations match this device equally well",
     "an administrator must deregister the one that is wrong"},
    {TD_ZTD_TOO_FEW_FACTS, "ZtdTooFewIdentityFacts", "fewer than two facts identify this device",
     "send the whole hardware hash; fill serial number and UUID in the firmware"},
};

const struct td_ztd_error *td_ztd_error(enum td_ztd_code code)
{
    for (size_t i = 0; i < TD_COUNTOF(errors); i++)
        if (errors[i].code == code)
            return &errors[i];
    return &errors[0];
}
