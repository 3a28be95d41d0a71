/* What the files of connect/ad.h share. */
#ifndef TD_CONNECT_AD_ROOM_H
#define TD_CONNECT_AD_ROOM_H

#include "connect/ad.h"
#include "way/domain_join.h"

/* A directory's refusal, by what its result says: NoDc, NoRight, NoOu, NameTaken, Quota, Refused. */
enum td_code td_ad_said_no(struct td_ldap *l, enum td_code code, struct td_error *err);

/* The one entry of a search, kept in the arena; TD_ENOTFOUND if there is none (err is not set then). */
enum td_code td_ad_one(struct td_ldap *l, const struct td_ldap_search *s, struct td_arena *a, struct td_ldap_entry *ret,
                       struct td_error *err) TD_MUST_USE;

/* People and groups that somebody made: users (no computers, no trusts) and groups, without those that every domain has
 * of its own (Administrator, krbtgt, Domain Admins, ...: [MS-ADA1] 2.353). */
#define TD_AD_MADE "(!(isCriticalSystemObject=TRUE))"
#define TD_AD_PEOPLE "(sAMAccountType=805306368)" TD_AD_MADE
#define TD_AD_PEOPLE_AND_GROUPS "(|(sAMAccountType=805306368)(objectClass=group))" TD_AD_MADE

/* Bits of userAccountControl ([MS-ADTS] 2.2.16). */
enum { TD_AD_DISABLED = 0x2, TD_AD_WORKSTATION = 0x1000, TD_AD_DC = 0x2000, TD_AD_RODC = 0x4000000 };
uint64_t td_ad_number(const struct td_ldap_entry *e, const char *name); /* 0 if absent */
/* Filter (attribute=octets) in the arena. */
const char *td_ad_equals(struct td_arena *a, const char *name, struct td_slice value);
const char *td_ad_text(const struct td_ldap_entry *e, const char *name, struct td_arena *a); /* "" if absent */
bool td_ad_has_class(const struct td_ldap_entry *e, const char *name);
enum td_code td_ad_ids(const struct td_ldap_entry *e, struct td_sid *ret_sid, char ret_guid[37], struct td_error *err)
    TD_MUST_USE;

/* ad_narrow.c: the list of a security descriptor without the rights that its owner got as creator and does not need
 * (to out, as a descriptor with a list alone). false: nothing to narrow. */
bool td_ad_narrowed(struct td_slice descriptor, struct td_buf *out);
void td_ad_narrow(struct td_ldap *l, const char *dn);

#endif
