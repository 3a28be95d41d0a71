/* Tenants, their domains and settings. The settings table (names, types, defaults, ranges) is td_tenant_settings. */
#ifndef TD_STORE_TENANT_H
#define TD_STORE_TENANT_H

#include "store/db.h"

struct td_tenant {
    const char *id;     /* UUID text */
    const char *name;   /* display name */
    const char *domain; /* default domain, lower case */
};

enum td_code td_tenant_add(struct td_tx *tx, const char *domain, const char *name, struct td_arena *a,
                           struct td_tenant *ret, struct td_error *err)
    TD_MUST_USE; /* TD_EEXISTS if the domain is taken */
/* key: the tenant's id or any of its domains, any case. TD_ENOTFOUND. */
enum td_code td_tenant_find(struct td_tx *tx, struct td_slice key, struct td_arena *a, struct td_tenant *ret,
                            struct td_error *err) TD_MUST_USE;
/* The only tenant, for commands without --tenant. TD_EINVAL names --tenant when there are several. */
enum td_code td_tenant_only(struct td_tx *tx, struct td_arena *a, struct td_tenant *ret, struct td_error *err)
    TD_MUST_USE;
enum td_code td_tenant_list(struct td_tx *tx, struct td_arena *a, struct td_tenant **ret, size_t *ret_count,
                            struct td_error *err) TD_MUST_USE;

/* One more domain of the tenant. TD_OK if it is its own already, TD_EEXISTS if it is another tenant's. */
enum td_code td_tenant_domain_add(struct td_tx *tx, const char *tenant, const char *domain, const char *actor,
                                  struct td_error *err) TD_MUST_USE;

enum td_setting_type { TD_SET_BOOL, TD_SET_INT, TD_SET_TEXT, TD_SET_CHOICE };
struct td_setting {
    const char *key; /* "password-grant", ... as typed at the command line */
    enum td_setting_type type;
    const char *otherwise; /* default */
    int64_t min, max;      /* of integers; length of text */
    const char *choices;   /* words of a choice, blanks between them; NULL for others */
    const char *about;     /* one sentence for --help and docs */
};
extern const struct td_setting td_tenant_settings[];
extern const size_t td_tenant_setting_count;

/* Unknown keys and bad values are refused with the field's name. */
enum td_code td_tenant_set(struct td_tx *tx, const char *tenant, const char *key, const char *value, const char *actor,
                           struct td_error *err) TD_MUST_USE;
enum td_code td_tenant_get(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a, const char **ret,
                           struct td_error *err) TD_MUST_USE;
enum td_code td_tenant_get_int(struct td_tx *tx, const char *tenant, const char *key, int64_t *ret,
                               struct td_error *err) TD_MUST_USE;

#endif
