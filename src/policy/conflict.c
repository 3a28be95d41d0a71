#include "policy/conflict.h"

#include "base/fault.h"

#define CONFIG "/Vendor/MSFT/Policy/Config/"

/* Beginnings of what stands behind Policy/Config/, or behind the scope. */
static const struct {
    const char *begin, *why;
} POLICIES[] =
    {
        {"DeviceLock/", "a rule for passwords ends the empty password that the kiosk's account signs in with"},
        {"LocalPoliciesSecurityOptions/InteractiveLogon_MessageT", "a banner before the sign-in waits for a key press"},
        {"LocalPoliciesSecurityOptions/InteractiveLogon_DoNotDisplay", "the sign-in screen asks for a name"},
        {"LocalPoliciesSecurityOptions/InteractiveLogon_DoNotRequireCTRLALTDEL", "it can make people press keys first"},
        {"LocalPoliciesSecurityOptions/UserAccountControl_", "elevation behind the sign-in stops the first pages"},
        {"LocalPoliciesSecurityOptions/Accounts_", "it can take local accounts away that the kiosk signs in with"},
        {"Authentication/PreferredAadTenantDomainName", "the domain is put behind the kiosk's account name"},
        {"UserRights/AllowLocalLogOn", "the kiosk's account may not be among those who may sign in"},
        {"UserRights/DenyLocalLogOn", "the kiosk's account may be among those who may not sign in"},
},
  OTHERS[] = {
      {"Vendor/MSFT/AppLocker/", "its rules restart the device on the way, and may not let the kiosk's app run"},
      {"Vendor/MSFT/AssignedAccess/", "it writes what the kiosk's item writes"},
      {"Vendor/MSFT/PassportForWork/", "it can ask for a PIN at the first sign-in"},
};

static const char *reason_of(struct td_slice rest)
{
    for (size_t i = 0; i < TD_COUNTOF(POLICIES); i++)
        if (td_istarts(rest, POLICIES[i].begin))
            return POLICIES[i].why;
    return NULL;
}

const char *td_conflict_with_autologon(const char *uri)
{
    struct td_slice text = td_str(uri);
    size_t at = td_search(text, TD_S(CONFIG));
    if (at != SIZE_MAX)
        return reason_of(td_sub(text, at + strlen(CONFIG), text.n));
    for (size_t i = 0; i < TD_COUNTOF(OTHERS); i++)
        if (td_search(text, td_str(OTHERS[i].begin)) != SIZE_MAX)
            return OTHERS[i].why;
    return NULL;
}

static bool signs_in(const struct td_item *item)
{
    return item->kind == TD_ITEM_KIOSK && item->as.kiosk.account[0] == '\0';
}

/* The first setting of the item that the kiosk suffers from. */
static bool collides(const struct td_item *kiosk, const struct td_item *other, struct td_conflict *ret)
{
    *ret = (struct td_conflict){.kiosk = kiosk, .other = other, .uri = ""};
    if (other->kind == TD_ITEM_KIOSK)
        ret->why = kiosk < other ? "a device takes one kiosk: the older item holds" : NULL;
    for (size_t i = 0; other->kind == TD_ITEM_POLICY && ret->why == NULL && i < other->as.policy.count; i++) {
        ret->uri = other->as.policy.settings[i].uri;
        ret->why = td_conflict_with_autologon(ret->uri);
    }
    return ret->why != NULL && !td_fault("kiosk-conflict-unseen");
}

bool td_conflict_next(const struct td_item *items, size_t count, size_t *at, struct td_conflict *ret)
{
    for (; *at < count * count; (*at)++) {
        const struct td_item *kiosk = &items[*at / count], *other = &items[*at % count];
        if (kiosk != other && (signs_in(kiosk) || (kiosk->kind == other->kind && kiosk->kind == TD_ITEM_KIOSK)) &&
            collides(kiosk, other, ret)) {
            (*at)++;
            return true;
        }
    }
    return false;
}
