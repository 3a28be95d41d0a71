/* A computer of the domain becomes a device of the directory (join-and-tokens.md 3.2): it writes a certificate of its
 * own to its own account, and proves with its key that it is the machine of that account. */
#include "base/encode.h"
#include "base/fault.h"
#include "base/file.h"
#include "codec/sid.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "device/domain/room.h"
#include "device/join.h"
#include "device/web.h"

#include <stdio.h>

enum { REGISTER_MAX_OCTETS = 32768, REGISTER_TRIES = 80 };

#define REGISTER_PAUSE (30 * TD_SECOND)
#define CERTIFICATE_LIFE (3650 * TD_DAY)

static const char key_file[] = "domain.key.pem", certificate_file[] = "domain.crt.pem";

struct account { /* the machine's own object */
    const char *dn, *sid;
    char guid[37];
    const struct td_slice *certificates;
    size_t count;
};

struct row { /* of a search that finds one */
    struct td_arena *a;
    struct account *account;
    size_t count;
};

static enum td_code take_account(void *ctx, const struct td_ldap_entry *e, struct td_error *err)
{
    struct row *r = ctx;
    struct td_sid sid;
    char text[TD_SID_TEXT];
    r->count++;
    td_try(td_guid_text(td_ldap_get(e, "objectGUID"), r->account->guid, err));
    td_try(td_sid_read(td_ldap_get(e, "objectSid"), &sid, NULL, err));
    r->account->dn = td_arena_strdup(r->a, e->dn);
    r->account->sid = td_arena_strdup(r->a, td_sid_text(&sid, text));
    const struct td_ldap_value *v = td_ldap_attr(e, "userCertificate");
    struct td_slice *list = td_arena_array(r->a, struct td_slice, v != NULL && v->count != 0 ? v->count : 1);
    for (size_t i = 0; v != NULL && i < v->count; i++)
        list[i] = td_arena_copy(r->a, v->values[i]);
    r->account->certificates = list;
    r->account->count = v != NULL ? v->count : 0;
    return TD_OK;
}

static enum td_code find_account(struct td_device *dev, struct td_ldap *l, struct td_arena *a, struct account *ret,
                                 struct td_error *err)
{
    static const char *const attrs[] = {"objectGUID", "objectSid", "userCertificate", NULL};
    struct row row = {a, ret, 0};
    const struct td_ldap_search s = {.base = td_domain_dn(dev, a),
                                     .filter = td_arena_printf(a, "(&(objectClass=computer)(sAMAccountName=%s))",
                                                               td_ldap_escape(a, td_str(td_domain_principal(dev, a)))),
                                     .scope = TD_LDAP_SUBTREE,
                                     .attrs = attrs,
                                     .max_rows = 2};
    struct td_error why = {0};
    enum td_code rc = l->ops->search(l, &s, a, take_account, &row, &why);
    if (rc == TD_OK && row.count == 1)
        return TD_OK;
    return td_domain_refuse(err, rc == TD_EUNAVAILABLE ? TD_DJ_DEVICE_NO_DC : TD_DJ_DEVICE_REFUSED,
                            rc != TD_OK ? why.text : "it does not find its own account");
}

struct person {
    const char *user;
    char *sid;
    bool exact; /* by the name that was typed, not by the account's alone */
};

/* Somebody's account may be called as somebody else's sign-in name begins. */
static enum td_code take_sid(void *ctx, const struct td_ldap_entry *e, struct td_error *err)
{
    struct person *p = ctx;
    struct td_sid sid;
    bool exact = td_ieqs(td_ldap_get(e, "userPrincipalName"), p->user);
    if (p->exact && !exact && !td_fault("device-any-namesake"))
        return TD_OK;
    p->exact = exact;
    td_try(td_sid_read(td_ldap_get(e, "objectSid"), &sid, NULL, err));
    (void)td_sid_text(&sid, p->sid);
    return TD_OK;
}

enum td_code td_domain_sid_of(struct td_device *dev, struct td_ldap *l, const char *user, struct td_arena *a,
                              char ret[TD_SID_TEXT], struct td_error *err)
{
    static const char *const attrs[] = {"objectSid", "userPrincipalName", NULL};
    struct person person = {user, ret, false};
    struct td_slice sam;
    (void)td_cut(td_str(user), '@', &sam);
    const struct td_ldap_search s = {.base = td_domain_dn(dev, a),
                                     .filter = td_arena_printf(a,
                                                               "(&(objectCategory=person)(|(userPrincipalName=%s)"
                                                               "(sAMAccountName=%s)))",
                                                               td_ldap_escape(a, td_str(user)), td_ldap_escape(a, sam)),
                                     .scope = TD_LDAP_SUBTREE,
                                     .attrs = attrs,
                                     .max_rows = 2};
    ret[0] = '\0';
    td_try(l->ops->search(l, &s, a, take_sid, &person, err));
    return ret[0] != '\0' ? TD_OK : td_fail(err, TD_ENOTFOUND, "user", "the domain does not show this account");
}

/* --- the certificate ---------------------------------------------------------------------------------------------- */

static enum td_code make_certificate(struct td_flow *f, const struct td_key *key, const char *guid, struct td_arena *a,
                                     struct td_slice *ret, struct td_error *err)
{
    const struct td_rdn cn = {"CN", guid};
    int64_t now = td_now(f->dev->env);
    struct td_cert_template t = {.subject = &cn,
                                 .subject_count = 1,
                                 .not_before = now - TD_HOUR,
                                 .not_after = now + CERTIFICATE_LIFE,
                                 .eku = TD_EKU_CLIENT};
    td_try(td_key_public_der(key, a, &t.spki));
    td_random_fill(f->dev->env, t.serial, sizeof(t.serial));
    td_try(td_cert_issue(&t, TD_S(""), key, a, ret, err));
    return td_flow_write(f, certificate_file, td_str(td_cert_pem(*ret, a)), err);
}

/* Kept from an earlier try if it is for this account: what was written to it stands. */
static enum td_code own_certificate(struct td_flow *f, const struct td_key *key, const char *guid, struct td_arena *a,
                                    struct td_slice *ret, struct td_error *err)
{
    struct td_slice pem;
    struct td_cert cert;
    if (td_file_exists(td_device_path(f->dev, a, certificate_file)) &&
        td_flow_read(f, certificate_file, a, &pem, NULL) == TD_OK && td_cert_from_pem(pem, a, ret, NULL) == TD_OK &&
        td_cert_parse(*ret, a, &cert, NULL) == TD_OK && strcmp(cert.subject_cn, guid) == 0)
        return TD_OK;
    return make_certificate(f, key, guid, a, ret, err);
}

/* Of an earlier installation of this machine: whoever kept its disk could register as this computer with the key. What
 * an authority issued to the machine is not ours to take away. */
static bool is_former(const struct account *account, struct td_slice certificate, struct td_arena *a)
{
    struct td_cert cert;
    return td_cert_parse(certificate, a, &cert, NULL) == TD_OK && td_ieqs(td_str(cert.subject_cn), account->guid) &&
           td_eq(cert.issuer_der, cert.subject_der);
}

static enum td_code publish(struct td_ldap *l, const struct account *account, struct td_slice der, struct td_arena *a,
                            struct td_error *err)
{
    struct td_error why = {0};
    struct td_slice *former = td_arena_array(a, struct td_slice, account->count + 1);
    struct td_ldap_change changes[2];
    size_t n = 0, former_count = 0;
    bool there = false;
    for (size_t i = 0; i < account->count; i++) {
        bool own = td_eq(account->certificates[i], der);
        there = there || own;
        if (!own && !td_fault("device-keeps-former-keys") && is_former(account, account->certificates[i], a))
            former[former_count++] = account->certificates[i];
    }
    if (former_count != 0)
        changes[n++] = (struct td_ldap_change){TD_LDAP_DELETE_VALUE, {"userCertificate", former, former_count}};
    if (!there)
        changes[n++] = (struct td_ldap_change){TD_LDAP_ADD_VALUE, {"userCertificate", &der, 1}};
    if (n == 0)
        return TD_OK;
    enum td_code rc = l->ops->modify(l, account->dn, changes, n, &why);
    if (rc == TD_OK || rc == TD_EEXISTS)
        return TD_OK;
    return td_domain_refuse(err, rc == TD_EUNAVAILABLE ? TD_DJ_DEVICE_NO_DC : TD_DJ_NOT_REGISTERED, why.text);
}

static enum td_code show_at(struct td_flow *f, struct td_ldap *l, const struct td_key *key, struct td_arena *a,
                            struct account *account, struct td_error *err)
{
    struct td_slice der = {"", 0};
    td_try(find_account(f->dev, l, a, account, err));
    td_try(own_certificate(f, key, account->guid, a, &der, err));
    if (!td_fault("device-hides-its-certificate"))
        td_try(publish(l, account, der, a, err));
    td_state_set(f->dev->state, "domain.guid", account->guid);
    td_state_set(f->dev->state, "domain.sid", account->sid);
    return td_state_save(f->dev->state, err);
}

/* One controller of a domain is as good as another: what one takes the others are told. */
static enum td_code show_certificate(struct td_flow *f, const struct td_key *key, struct td_arena *a,
                                     struct account *account, struct td_error *err)
{
    struct td_domain_turn t = {.dev = f->dev, .a = a};
    enum td_code rc;
    do {
        TD_CLEANUP(td_domain_close) struct td_ldap *l = NULL;
        td_try(td_domain_open(&t, &l, err));
        rc = show_at(f, l, key, a, account, err);
    } while (rc == TD_EUNAVAILABLE);
    return rc;
}

/* --- the request -------------------------------------------------------------------------------------------------- */

static enum td_code write_identity(struct td_flow *f, const struct td_key *key, const char *sid, struct td_arena *a,
                                   struct td_jsonw *w, struct td_error *err)
{
    char at[TD_TIME_TEXT];
    struct td_slice signature = {"", 0};
    (void)td_time_text(td_now(f->dev->env), at); /* 2030-01-02T03:04:05Z, with a blank in the place of the T */
    char *text = td_arena_printf(a, "%s.%.10s %.9s", sid, at, at + 11);
    if (td_key_sign(key, TD_RS256, td_str(text), a, &signature) != TD_OK)
        return td_fail(err, TD_EINTERNAL, "registration", "the key of the certificate does not sign");
    td_jsonw_key(w, "ClientIdentity");
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "Type", "sha256signed");
    td_jsonw_kstr(w, "Sid", text);
    td_jsonw_kstr(w, "SignedBlob", td_b64(a, signature));
    td_jsonw_end(w);
    return TD_OK;
}

static enum td_code write_request(struct td_flow *f, const struct td_join_keys *keys, const struct td_key *own,
                                  const struct account *account, struct td_arena *a, struct td_buf *out,
                                  struct td_error *err)
{
    struct td_jsonw w;
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    td_try(td_join_write_csr(keys, a, &w, err));
    td_jsonw_key(&w, "ServerAdJoinData");
    td_jsonw_obj(&w);
    td_try(td_join_write_facts(f, keys, a, &w, err));
    td_jsonw_kstr(&w, "TargetDomainId", td_flow_get(f, "profile.tenant_id"));
    td_try(write_identity(f, own, account->sid, a, &w, err));
    td_jsonw_end(&w);
    td_jsonw_kint(&w, "JoinType", 6);
    td_join_write_attributes(&w, f, a);
    td_jsonw_end(&w);
    return td_buf_check(out, "registration", err);
}

/* The service does not know the account, or not the key that signed: it may not have seen it yet. */
static enum td_code judge(enum td_code rc, const struct td_error *why, struct td_error *err)
{
    if (rc == TD_ENOTFOUND || rc == TD_EAUTH || rc == TD_EDENIED || rc == TD_EINVAL)
        return td_domain_refuse(err, TD_DJ_NOT_REGISTERED, why->text);
    if (rc != TD_OK && err != NULL)
        *err = *why;
    return rc;
}

static enum td_code send(struct td_flow *f, const struct td_join_keys *keys, const struct account *account,
                         struct td_slice body, struct td_arena *a, struct td_error *err)
{
    struct td_error why = {0};
    const struct td_json *reply = NULL;
    enum td_code rc = td_join_put(f, account->guid, body, a, &reply, &why);
    td_try(judge(rc, &why, err));
    return td_join_install(f, keys, reply, a, err);
}

static enum td_code register_once(struct td_flow *f, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_buf_done) struct td_buf body;
    TD_CLEANUP(td_join_keys_done) struct td_join_keys keys = {0};
    TD_CLEANUP(td_key_cleanup) struct td_key *own = NULL;
    struct account account = {.sid = ""};
    td_buf_init(&body, REGISTER_MAX_OCTETS);
    td_try(td_flow_key(f, key_file, &own, err));
    td_try(show_certificate(f, own, &a, &account, err));
    td_try(td_join_keys_open(f, &keys, err));
    td_try(write_request(f, &keys, own, &account, &a, &body, err));
    return send(f, &keys, &account, td_buf_slice(&body), &a, err);
}

/* The account page waits for it (3.2, step 11): a directory that knows the computer a little later is no failure. */
enum td_code td_flow_domain_register(struct td_flow *f, struct td_error *err)
{
    struct td_error why = {0};
    td_device_say(f->dev, "status", "Joining your organization's network (Working on it)");
    for (int i = 0; i < REGISTER_TRIES; i++) {
        enum td_code rc = register_once(f, &why);
        const struct td_domain_reason_row *row = td_domain_reason_by_name(why.where);
        if (rc != TD_OK && (row == NULL || !row->again)) {
            if (err != NULL)
                *err = why;
            return rc;
        }
        if (rc == TD_OK) {
            td_device_say(f->dev, "status", "Joining your organization's network (Complete)");
            td_flow_news(f, "registered: device %s, computer %s", td_flow_get(f, "join.device_id"),
                         td_flow_get(f, "domain.guid"));
            /* where the profile skipped the contact, this is the first one */
            return td_flow_get(f, "domain.gpos")[0] != '\0' ? TD_OK : td_domain_policies(f->dev, err);
        }
        td_device_say(f->dev, "wait", "registration: %s", why.text);
        td_try(td_device_wait(f->dev, REGISTER_PAUSE, err));
    }
    return td_domain_over(&why, err);
}
