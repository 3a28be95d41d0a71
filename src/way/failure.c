#include "way/failure.h"

#include "codec/soap.h"
#include "way/action.h"
#include "way/attestation.h"
#include "way/domain_join.h"
#include "way/profile.h"

#include <stdio.h>

/* What no table of a door has. */
static const struct td_failure own[] = {
    {0x80180008, "enrolment", "", "The device met an error of its own, or an answer that it can't read.",
     "Look at the device's enrolment log, then start the enrolment again."},
    {0x80180009, "enrolment", "", "Another enrolment is under way on the device.", "Wait for its end, then try again."},
    {0x8018000a, "enrolment", "", "The device is enrolled already.",
     "Remove the old enrolment on the device, or reset it, then enrol it again."},
    {0x8018000d, "enrolment", "", "The certificate of the enrolment service has run out, or is not good yet.",
     "Check the device's clock and the service's certificate."},
    {0x8018000e, "enrolment", "", "The way of enrolment that was chosen needs a password.",
     "Enrol again and give the password."},
    {0x8018000f, "enrolment", "", "The sign-in page of the enrolment failed.",
     "Check that the device reaches the sign-in page, then start the enrolment again."},
    {0x80180010, "enrolment", "", "The device does not reach the enrolment service.",
     "Check network, name servers and firewall: touchdown-device preflight tells what is missing."},
    {0x80180012, "enrolment", "", "The device does not trust the certificate of the enrolment service.",
     "Install the service's root on the device, and use a name that stands in the certificate."},
    {0x80180022, "enrolment", "", "This edition of Windows can't be managed.",
     "Upgrade to Pro, Education or Enterprise."},
    {0x80180026, "enrolment", "", "Another management client holds the device.",
     "Remove that client from the device, then enrol it again."},
    {0x8018002b, "enrolment", "", "The user's name can't be used for management, or is not in its scope.",
     "Use an account of a verified domain, and allow it to enrol: tenant setting enrol-users."},
    {0x81036501, "enrolment", "", "The device found no management service: none is named, or several are.",
     "See that the tenant's profile names one management service (managementServiceAppId)."},
    {0xc1036501, "enrolment", "",
     "The device can't enrol by itself: several management services are configured for it.",
     "Leave one management service for these devices and deploy again."},
    {0x801c0001, "join", "", "The join's request does not follow its format.", "Update the client."},
    {0x801c0002, "join", "", "The join's token or ticket was not accepted.",
     "Sign in again; a device without a user attests again."},
    {0x801c0003, "join", "", "This user may not join devices, or has joined as many as allowed.",
     "Allow it (join-users, join-device-limit), or delete directory objects of devices that are gone."},
    {0x801c0006, "join", "", "The directory met an error.", "Try again; look into the service's log."},
    {0x801c000b, "join", "", "The discovery led to an address that is not trusted.",
     "Check which service the device asks, and its certificate."},
    {0x801c000c, "join", "", "The directory's discovery failed.", "Check network and name servers, then try again."},
    {0x801c000e, "join", "", "The directory's limit of devices is reached.",
     "Delete directory objects of devices that are gone."},
    {0x801c000f, "join", "", "The device must restart before it can join.", "Restart it, then try again."},
    {0x801c03ea, "attestation", "",
     "The TPM did not prove itself, so that the device gets no token and no certificate.",
     "Look for the reason in the device's timeline (device show --timeline): it has a name and a remedy of its own."},
    {0x801c0011, "attestation", "", "The device's statement about its keys was refused.",
     "Update the TPM's firmware, clear the TPM in the firmware's setup, and try again."},
    {0x801c0012, "join", "", "The answer of the discovery can't be read.", "Check for a proxy that changes answers."},
    {0x801c0013, "join", "", "No tenant has this id or domain.", "Check the tenant's domain in the user's name."},
    {0x801c0014, "join", "", "The user's identifier was not found.", "Sign in again with an account of the tenant."},
    {0x801c03f3, "join", "", "The directory object that belongs to the registration is gone.",
     "Register the device again, so that it gets a new one."},
    {0x800705b4, "attestation", "", "The device has no TPM 2.0, or it did not answer in time.",
     "Enable the TPM in the firmware's setup; a virtual machine needs a virtual TPM."},
    {0x800705b4, "status page", "", "The status page ran out of time.",
     "Look which item it waited for (device show --timeline), and give the page more time if the item needs it."},
    {0x80070490, "attestation", "", "The firmware TPM does not give its endorsement certificate.",
     "Update the machine's firmware (known of AMD's firmware TPMs), then try again."},
    {0x81039023, "attestation", "", "A fault of Windows 11 in attestation, mended by an update.",
     "Install the latest cumulative update from a medium, then try again."},
    {0x81039024, "attestation", "", "The TPM's firmware has a known weakness.",
     "Update the TPM's firmware by its maker's tool, clear the TPM, and try again."},
    {0x81036502, "status page", "", "An application that must be there failed in the device's phase.",
     "Look which one (device show --timeline), mend its package or take it off the list that the page waits for."},
    {0x87d1041c, "application", "", "The application was installed and is not found by its detection.",
     "Mend the package's detection: product code and version."},
    {0x80073cf9, "application", "", "A package of the store could not be installed.",
     "Check that the device reaches the store, or hand the package out another way."},
    {0x80070774, "hybrid join", "", "The device finds no domain controller, or the connector serves another domain.",
     "Check the device's line to a domain controller, and which domains the connectors serve (connector list)."},
    {0x80004005, "hybrid join", "",
     "The domain's answer did not come in time, or a page got a token that it can't read.",
     "Look how far the domain join came (device show --timeline); update Windows."},
    {0x80072ee2, "network", "", "The service did not answer in time.", "Check the network, then try again."},
    {0x80072ee7, "network", "", "The service's name is not known.", "Check the name and the network's name servers."},
    {0x80072efd, "network", "", "No connection to the service can be made.",
     "Check that the service runs and is reachable: address, port, firewall."},
    {0x80072efe, "network", "", "The connection was cut.", "Try again; look for a proxy or firewall in between."},
    {0x80072f7d, "network", "", "No secure connection can be agreed on.",
     "Check that both sides speak TLS 1.2 or later."},
    {0x80072f8f, "network", "", "The service's certificate is not trusted, or the device's clock is wrong.",
     "Check the device's clock, the name in the certificate and the trusted root."},
};

static const enum td_ztd_code lookups[] = {TD_ZTD_BAD_ROW,      TD_ZTD_BAD_HASH,         TD_ZTD_MISSING_SERIAL,
                                           TD_ZTD_DUPLICATED,   TD_ZTD_ALREADY_ASSIGNED, TD_ZTD_NOT_REGISTERED,
                                           TD_ZTD_OTHER_TENANT, TD_ZTD_PROFILE_GONE,     TD_ZTD_NO_PROFILE,
                                           TD_ZTD_MISMATCH,     TD_ZTD_AMBIGUOUS,        TD_ZTD_TOO_FEW_FACTS};

static bool of_lookup(size_t i, struct td_failure *ret)
{
    if (i >= TD_COUNTOF(lookups))
        return false;
    const struct td_ztd_error *e = td_ztd_error(lookups[i]);
    *ret = (struct td_failure){(uint32_t)e->code, "lookup", e->name, e->text, e->remedy};
    return true;
}

static bool of_enrolment(size_t i, struct td_failure *ret)
{
    if (i >= TD_FAULT_COUNT)
        return false;
    const struct td_fault_row *f = &td_fault_table[i];
    *ret = (struct td_failure){f->hresult, "enrolment", f->error_type != NULL ? f->error_type : f->subcode, f->cause,
                               f->remedy};
    return true;
}

static bool of_attestation(size_t i, struct td_failure *ret)
{
    const struct td_attest_row *r = td_attest_row((enum td_attest_reason)(i + 1));
    if (i + 1 >= TD_ATT_COUNT)
        return false;
    *ret = (struct td_failure){r->hresult, "attestation", r->name, r->cause, r->remedy};
    return true;
}

static bool of_domain(size_t i, struct td_failure *ret)
{
    if (i + 1 >= TD_DJ_COUNT)
        return false;
    const struct td_domain_reason_row *r = td_domain_reason_row((enum td_domain_reason)(i + 1));
    *ret = (struct td_failure){r->hresult, "hybrid join", r->name, r->cause, r->remedy};
    return true;
}

static bool of_action(size_t i, struct td_failure *ret)
{
    const struct td_action_failure *f = td_action_failure(i);
    if (f == NULL)
        return false;
    *ret = (struct td_failure){f->hresult, "reset", "", f->cause, f->remedy};
    return true;
}

static bool of_own(size_t i, struct td_failure *ret)
{
    if (i >= TD_COUNTOF(own))
        return false;
    *ret = own[i];
    return true;
}

bool td_failure_at(size_t i, struct td_failure *ret)
{
    static bool (*const sources[])(size_t i, struct td_failure * ret) = {of_lookup, of_enrolment, of_attestation,
                                                                         of_own,    of_domain,    of_action};
    for (size_t s = 0; s < TD_COUNTOF(sources); s++) {
        size_t n = 0;
        struct td_failure skipped;
        if (sources[s](i, ret))
            return true;
        while (sources[s](n, &skipped))
            n++;
        i -= n;
    }
    return false;
}

static int digit(char c)
{
    char low = (char)(c | 0x20);
    return c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

static bool hex(struct td_slice s, uint32_t *ret)
{
    uint32_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (digit(s.p[i]) < 0)
            return false;
        v = v << 4 | (uint32_t)digit(s.p[i]);
    }
    *ret = v;
    return s.n >= 1 && s.n <= 8;
}

bool td_failure_code(struct td_slice text, uint32_t *ret)
{
    int64_t number = 0;
    text = td_trim(text);
    if (td_istarts(text, "0x"))
        return hex(td_sub(text, 2, SIZE_MAX), ret);
    if (text.n == 8 && text.p[0] != '-') /* as codes are shown without their prefix: no decimal one has eight digits */
        return hex(text, ret);
    if (!td_parse_i64(text, &number) || number < INT32_MIN || number > UINT32_MAX)
        return false;
    *ret = (uint32_t)number;
    return true;
}

const char *td_failure_family(uint32_t code)
{
    static const struct {
        uint32_t high;
        const char *text;
    } families[] = {
        {0x8018, "management enrolment"},
        {0x801c, "directory join"},
        {0x8103, "deployment (attestation, enrolment)"},
        {0xc103, "deployment"},
        {0x8019, "an HTTP status"},
        {0x8007, "Windows itself"},
        {0x8600, "management by OMA-DM"},
        {0x87d1, "application management"},
        {0x8009, "keys and certificates"},
        {0x8028, "the TPM"},
        {0x8029, "the TPM's platform services"},
        {0xcaa2, "sign-in"},
        {0xcaa5, "sign-in's device keys"},
    };
    for (size_t i = 0; i < TD_COUNTOF(families); i++)
        if (code >> 16 == families[i].high)
            return families[i].text;
    return "";
}

const char *td_failure_remedy(uint32_t code, const char *area)
{
    struct td_failure f;
    const char *found = "";
    for (size_t i = 0; code != 0 && td_failure_at(i, &f); i++) {
        if (f.code != code || (area != NULL && strcmp(f.area, area) != 0))
            continue;
        if (f.name[0] == '\0')
            return f.remedy;
        found = found[0] == '\0' ? f.remedy : found;
    }
    return found;
}

const char *td_failure_text(uint32_t code, char out[TD_FAILURE_CODE_TEXT])
{
    (void)snprintf(out, TD_FAILURE_CODE_TEXT, code < 0x10000 ? "%u" : "0x%08x", code);
    return out;
}
