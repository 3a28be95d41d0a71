/* Which group policies of a domain apply to a computer, and in which order: links of site, domain and organizational
 * units from the top down, blocked inheritance, enforced links, and who may apply a policy. Pure; the texts come from a
 * directory and are bounded here. Applying what stands in a policy is Windows' part.
 * Sources: autopilot.md S09; [MS-GPOL] 2.2, 3.2.5.1. */
#ifndef TD_WAY_GROUP_POLICY_H
#define TD_WAY_GROUP_POLICY_H

#include "base/arena.h"
#include "base/err.h"
#include "codec/sid.h"

enum { TD_GP_MAX_PLACES = 64, TD_GP_MAX_LINKS = 512 };

/* A place where policies are linked: site, domain, organizational unit. */
struct td_gp_place {
    const char *dn;
    const char *links; /* gPLink; "" none */
    bool blocks;       /* gPOptions: nothing from above, but what is enforced */
};

enum td_gp_verdict {
    TD_GP_APPLIES,
    TD_GP_EMPTY,         /* applies, and holds nothing for computers yet */
    TD_GP_LINK_DISABLED, /* the link is switched off */
    TD_GP_BLOCKED,       /* a place below its own takes nothing from above */
    TD_GP_MISSING,       /* the link leads to no policy that this computer can see */
    TD_GP_OTHER_VERSION, /* made for other clients */
    TD_GP_DISABLED,      /* its part for computers is switched off */
    TD_GP_DENIED,        /* the security filter leaves this computer out */
    TD_GP_VERDICT_COUNT
};
const char *td_gp_word(enum td_gp_verdict verdict); /* "applies", "blocked", ...: in state and output */
const char *td_gp_text(enum td_gp_verdict verdict); /* the reason, as part of a sentence */
static inline bool td_gp_applies(enum td_gp_verdict verdict)
{
    return verdict <= TD_GP_EMPTY;
}

struct td_gp_link {
    const char *policy; /* DN */
    const char *place;  /* DN */
    bool enforced;
    enum td_gp_verdict verdict; /* as far as the links tell */
};

/* The places above an object, by its DN: the domain first, then its units from the top down. Containers are no such
 * places. TD_EFORMAT: the object is not in this domain. */
enum td_code td_gp_places(const char *object, const char *domain, struct td_arena *a, struct td_gp_place *ret,
                          size_t *ret_count, struct td_error *err) TD_MUST_USE;
/* places in the order site (if it is known), domain, units from the top. Links that apply come first, in the order in
 * which they are to be applied (the last wins); what does not apply stands behind them. */
enum td_code td_gp_order(const struct td_gp_place *places, size_t count, struct td_arena *a, struct td_gp_link **ret,
                         size_t *ret_count, struct td_error *err) TD_MUST_USE;

struct td_gp_object { /* a groupPolicyContainer as it was read */
    bool found;
    int64_t functionality, flags, version; /* -1: the attribute was not there */
    struct td_slice descriptor;            /* nTSecurityDescriptor; empty: not shown to this computer */
};
/* who: the computer's own identifier and all its groups. */
enum td_gp_verdict td_gp_judge(const struct td_gp_object *o, const struct td_sid *who, size_t who_count,
                               struct td_arena *a);

/* versionNumber: one half counts changes of the part for computers, the other those for users. */
static inline unsigned td_gp_computer_version(int64_t version)
{
    return (unsigned)(version & 0xffff);
}

/* "\\corp.test\sysvol\corp.test\Policies\{...}": share and path behind it, if the domain (or its controller) holds it.
 */
enum td_code td_gp_path(const char *file_path, const char *domain, const char *controller, struct td_arena *a,
                        const char **ret_share, const char **ret_path, struct td_error *err) TD_MUST_USE;
/* Version= of a gpt.ini. */
enum td_code td_gp_ini_version(struct td_slice ini, int64_t *ret, struct td_error *err) TD_MUST_USE;

#endif
