#include "connect/ad.h"
#define STUB(...) do { const void *x[] = {__VA_ARGS__}; (void)x; return td_fail(err, TD_ENOTOFFERED, "ad", "not there yet"); } while (0)
enum td_code td_ad_facts(struct td_ldap *l, const char *dc_address, struct td_arena *a, struct td_ad_domain *ret,
                         struct td_error *err) { STUB(l, dc_address, a, ret); }
enum td_code td_ad_computer_make(struct td_ldap *l, const struct td_ad_domain *d, const struct td_ad_computer_wish *w,
                                 struct td_arena *a, struct td_ad_computer *ret, struct td_error *err) { STUB(l, d, w, a, ret); }
enum td_code td_ad_computer_find(struct td_ldap *l, const struct td_ad_domain *d, const char *guid, struct td_arena *a,
                                 struct td_ad_computer *ret, struct td_error *err) { STUB(l, d, guid, a, ret); }
enum td_code td_ad_computer_disable(struct td_ldap *l, const struct td_ad_domain *d, const char *guid,
                                    struct td_error *err) { STUB(l, d, guid); }
enum td_code td_ad_computer_delete(struct td_ldap *l, const struct td_ad_domain *d, const char *guid,
                                   struct td_error *err) { STUB(l, d, guid); }
enum td_code td_ad_blob(const struct td_ad_domain *d, const struct td_ad_computer *c, const char *password,
                        struct td_buf *out, struct td_error *err) { STUB(d, c, password, out); }
enum td_code td_ad_password(struct td_ldap *l, const struct td_ad_domain *d, const char *upn, const char *password,
                            td_ad_bind_fn *bind, void *bind_ctx, struct td_arena *a, struct td_ad_object *ret,
                            struct td_error *err) { STUB(l, d, upn, password, bind, bind_ctx, a, ret); }
enum td_code td_ad_changed(struct td_ldap *l, const struct td_ad_domain *d, const struct td_ad_changes *c,
                           struct td_arena *a,
                           enum td_code (*each)(void *ctx, const struct td_ad_object *o, struct td_error *err),
                           void *ctx, uint64_t *ret_usn, struct td_error *err) { STUB(l, d, c, a, each, ctx, ret_usn); }
