/* The group policies of the domain for this computer: read (policies_read.c), told and kept (policies.c). The rules are
 * way/group_policy.h. */
#ifndef TD_DEVICE_DOMAIN_POLICIES_H
#define TD_DEVICE_DOMAIN_POLICIES_H

#include "base/buf.h"
#include "connect/ldap.h"
#include "device/device.h"
#include "way/group_policy.h"

struct td_domain_policy {
    struct td_gp_link link; /* verdict: the last word */
    const char *name;       /* displayName, or the DN's first name */
    const char *file_path;  /* gPCFileSysPath; "" unknown */
    int64_t version;        /* of the object; -1 unknown */
    int64_t file_version;   /* of its gpt.ini; -1: not read, file_problem says why */
    const char *file_problem;
    bool filtered; /* a WMI filter is on it, which only Windows can judge */
};

struct td_domain_source { /* where they are read from */
    struct td_ldap *ldap;
    const char *machine; /* "PC-1$" */
    const char *domain;  /* DNS name */
    const char *controller;
    const char *site; /* "" unknown: that of the controller */
    enum td_code (*file)(void *ctx, const char *share, const char *path, struct td_buf *out, struct td_error *err);
    void *ctx;
};

/* In the order of application; those that do not apply stand behind. Texts are in the arena. */
enum td_code td_domain_policies_read(const struct td_domain_source *from, struct td_arena *a,
                                     struct td_domain_policy **ret, size_t *ret_count, struct td_error *err)
    TD_MUST_USE;
/* Says each, and keeps them as "domain.gpos": [{"name","policy","place","enforced","applies","verdict","version",
 * "fileVersion"}], the first TD_DOMAIN_POLICIES_KEPT of them. */
enum { TD_DOMAIN_POLICIES_KEPT = 100 };
void td_domain_policies_tell(struct td_device *dev, const struct td_domain_policy *list, size_t count);

#endif
