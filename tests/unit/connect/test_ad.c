/* connect/ad.h on a directory made of a table: accounts, takeovers and races, passwords, changes, every refusal. */
#include "../test.h"
#include "codec/security_descriptor.h"
#include "connect/ad_room.h"
#include "fake_directory.h"
#include "way/domain_join.h"

static struct td_arena arena;

struct bench {
    struct fake_directory f;
    struct td_ad_domain d;
    struct td_error err;
};

static void begin(struct bench *b)
{
    *b = (struct bench){.err = {.code = TD_OK}};
    fake_init(&b->f);
    assert_ok(td_ad_facts(&b->f.ldap, "10.77.2.10", &arena, &b->d, &b->err));
}

static void end(struct bench *b)
{
    fake_done(&b->f);
}

#define assert_reason(b, expr, name)                  \
    do {                                              \
        assert_int_not_equal((expr), TD_OK);          \
        assert_string_equal((b)->err.where, (name));  \
        assert_int_not_equal((b)->err.hresult, 0);    \
        assert_string_not_equal((b)->err.remedy, ""); \
    } while (0)

/* --- facts -------------------------------------------------------------------------------------------------------- */

static void facts_are_read(void **state)
{
    (void)state;
    struct bench b;
    char sid[TD_SID_TEXT];
    begin(&b);
    assert_string_equal(b.d.dn, "DC=corp,DC=test");
    assert_string_equal(b.d.dns, "corp.test");
    assert_string_equal(b.d.netbios, "CORP");
    assert_string_equal(b.d.forest, "corp.test");
    assert_string_equal(b.d.realm, "CORP.TEST");
    assert_string_equal(b.d.dc_name, "dc1.corp.test");
    assert_string_equal(b.d.dc_address, "10.77.2.10");
    assert_string_equal(b.d.dc_site, "Berlin");
    assert_string_equal(b.d.client_site, "Berlin");
    assert_string_equal(b.d.invocation_id, "00000001-0002-0003-0405-060708090a0b");
    assert_string_equal(td_sid_text(&b.d.sid, sid), "S-1-5-21-1-2-3");
    assert_int_equal(b.d.clock, FAKE_CLOCK);
    assert_true(b.d.highest_usn >= 5000);
    end(&b);
}

static void clocks_are_compared(void **state)
{
    (void)state;
    struct bench b;
    begin(&b);
    assert_ok(td_ad_clock(&b.d, FAKE_CLOCK + 5 * TD_MINUTE, &b.err));
    assert_ok(td_ad_clock(&b.d, FAKE_CLOCK - 5 * TD_MINUTE, &b.err));
    assert_reason(&b, td_ad_clock(&b.d, FAKE_CLOCK + 5 * TD_MINUTE + 1, &b.err), "ClockSkew");
    assert_reason(&b, td_ad_clock(&b.d, FAKE_CLOCK - 6 * TD_MINUTE, &b.err), "ClockSkew");
    assert_non_null(strstr(b.err.text, "6 minutes ahead"));
    end(&b);
}

/* Another kind of directory, or one that hides what a join needs. */
static void half_a_domain_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *dn, *attr, *value;
    } rows[] = {
        {"rootDSE", "defaultNamingContext", ""},
        {"rootDSE", "dnsHostName", ""},
        {"rootDSE", "currentTime", "yesterday"},
        {FAKE_DN, "objectSid", "short"},
        {"CN=CORP,CN=Partitions,CN=Configuration," FAKE_DN, "nCName", "DC=other"},
        {"CN=CORP,CN=Partitions,CN=Configuration," FAKE_DN, "nETBIOSName", ""},
        {FAKE_SERVER, "invocationId", "short"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct bench b;
        begin(&b);
        fake_set(&b.f, fake_find(&b.f, rows[i].dn), rows[i].attr, rows[i].value);
        assert_reason(&b, td_ad_facts(&b.f.ldap, NULL, &arena, &b.d, &b.err), "Refused");
        end(&b);
    }
}

/* --- accounts ----------------------------------------------------------------------------------------------------- */

static struct td_ad_computer_wish wish(const char *name)
{
    return (struct td_ad_computer_wish){.name = name,
                                        .ou = FAKE_OU,
                                        .reuse = TD_REUSE_OWN,
                                        .registration = "reg-1",
                                        .job = "job-1",
                                        .attempt = 1,
                                        .password = "Machine-Password-1"};
}

static enum td_code make(struct bench *b, const struct td_ad_computer_wish *w, struct td_ad_computer *ret)
{
    static struct td_ad_computer unseen;
    b->err = (struct td_error){.code = TD_OK};
    return td_ad_computer_make(&b->f.ldap, &b->d, w, &arena, ret != NULL ? ret : &unseen, &b->err);
}

static const char *password_of(struct bench *b, const char *name)
{
    struct td_buf out = {.max = 1024};
    struct fake_attr *at = fake_attr_of(fake_account(&b->f, name), "unicodePwd", false);
    assert_non_null(at);
    assert_int_equal(at->count, 1);
    td_utf16_add_utf8(&out, at->values[0], false);
    const char *text = td_arena_text(&arena, td_buf_slice(&out));
    td_buf_done(&out);
    return text;
}

static void an_account_is_made(void **state)
{
    (void)state;
    struct bench b;
    struct td_ad_computer c = {0};
    begin(&b);
    struct td_ad_computer_wish w = wish("PC-1");
    assert_ok(make(&b, &w, &c));
    struct fake_entry *e = fake_find(&b.f, "CN=PC-1," FAKE_OU);
    assert_non_null(e);
    assert_string_equal(fake_get(&b.f, e, "sAMAccountName"), "PC-1$");
    assert_string_equal(fake_get(&b.f, e, "userAccountControl"), "4096");
    assert_string_equal(fake_get(&b.f, e, "dNSHostName"), "pc-1.corp.test");
    assert_string_equal(fake_get(&b.f, e, "description"), "Touchdown reg-1 job-1 1");
    assert_string_equal(password_of(&b, "PC-1"), "\"Machine-Password-1\"");
    struct fake_attr *spn = fake_attr_of(e, "servicePrincipalName", false);
    assert_int_equal(spn->count, 4);
    assert_slice(spn->values[0], "HOST/PC-1");
    assert_slice(spn->values[3], "RestrictedKrbHost/pc-1.corp.test");
    assert_string_equal(c.dn, "CN=PC-1," FAKE_OU);
    assert_string_equal(c.name, "PC-1");
    assert_string_equal(c.guid, fake_guid(&b.f, e));
    assert_int_equal(c.rid, b.f.rid);
    assert_true(c.enabled);
    assert_false(c.existed);
    end(&b);
}

/* The default container is what the domain says it is. */
static void without_a_unit_the_default_is_taken(void **state)
{
    (void)state;
    struct bench b;
    struct td_ad_computer c = {0};
    begin(&b);
    struct td_ad_computer_wish w = wish("PC-1");
    w.ou = "";
    assert_ok(make(&b, &w, &c));
    assert_string_equal(c.dn, "CN=PC-1,CN=Computers," FAKE_DN);
    fake_set(&b.f, fake_find(&b.f, FAKE_DN), "wellKnownObjects", "B:32:AA312825768811D1ADED00C04FD8D5CD:" FAKE_OU);
    w = wish("PC-2");
    w.ou = "";
    assert_ok(make(&b, &w, &c));
    assert_string_equal(c.dn, "CN=PC-2," FAKE_OU);
    end(&b);
}

static void units_and_rights_are_judged(void **state)
{
    (void)state;
    static const struct {
        const char *ou, *reason;
    } rows[] = {
        {FAKE_OTHER, "NoRight"},
        {"OU=Nowhere," FAKE_DN, "NoOu"},
        {"OU=Autopilot,DC=other,DC=test", "NoOu"},
        {"OU=x", "NoOu"},
        {"nonsense", "NoOu"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct bench b;
        begin(&b);
        struct td_ad_computer_wish w = wish("PC-1");
        w.ou = rows[i].ou;
        assert_reason(&b, make(&b, &w, NULL), rows[i].reason);
        assert_null(fake_account(&b.f, "PC-1"));
        end(&b);
    }
}

static void names_are_judged(void **state)
{
    (void)state;
    static const char *const names[] = {"", "1234567890", "A234567890123456", "PC 1", "PC$", "PC,OU=x", "P\xC3\xA4"};
    for (size_t i = 0; i < TD_COUNTOF(names); i++) {
        struct bench b;
        begin(&b);
        struct td_ad_computer_wish w = wish(names[i]);
        int searches = b.f.searches;
        assert_reason(&b, make(&b, &w, NULL), "NameInvalid");
        assert_int_equal(b.f.searches, searches);
        end(&b);
    }
}

/* How a directory says no to the add, and what it is called. */
static void refusals_of_an_add(void **state)
{
    (void)state;
    static const struct {
        int code;
        uint32_t win32;
        const char *text, *reason;
    } rows[] = {
        {50, 5, "00000005: SecErr: DSID-03152E29, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0", "NoRight"},
        {53, 8557, "0000216D: SvcErr: DSID-031A124C, problem 5003 (WILL_NOT_PERFORM), data 0", "Quota"},
        {11, 1816, "00000718: quota", "Quota"},
        {19, 8647, "000021C7: AtrErr: DSID-03200EBD, #1", "NameTaken"},
        {19, 0, "samldb: spn[HOST/PC-1] would cause a conflict", "NameTaken"},
        {19, 1325, "0000052D: SvcErr: DSID-031A124C, problem 5003, data 0", "Refused"},
        {68, 0x2071, "00002071: UpdErr: DSID-03050394, problem 6005 (ENTRY_EXISTS), data 0", "NameTaken"},
        {32, 0x208D, "0000208D: NameErr", "NoOu"},
        {10, 0x202B, "0000202B: RefErr", "NoOu"},
        {53, 5, "00000005: not allowed", "NoRight"},
        {1, 0, "operations error", "Refused"},
        {51, 0, "busy", "NoDc"},
        {FAKE_DOWN, 0, "gone", "NoDc"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct bench b;
        begin(&b);
        struct td_ad_computer_wish w = wish("PC-1");
        fake_refuse(&b.f, "add", rows[i].code, rows[i].win32, rows[i].text);
        assert_reason(&b, make(&b, &w, NULL), rows[i].reason);
        end(&b);
    }
}

/* The directory goes away at each operation in turn: it is told, and the next attempt ends with one account. */
static void the_line_dies_at_each_step(void **state)
{
    (void)state;
    static const char *const ops[] = {"search", "search", "search", "add", "modify"};
    static const int skips[] = {0, 1, 3, 0, 0}; /* 2: the account is made, only not narrowed */
    for (size_t i = 0; i < TD_COUNTOF(ops); i++) {
        struct bench b;
        struct td_ad_computer c = {0};
        begin(&b);
        struct td_ad_computer_wish w = wish("PC-1");
        if (i == 4)
            fake_computer(&b.f, "PC-1", FAKE_OU, "Touchdown reg-1 job-1 0");
        fake_refuse(&b.f, ops[i], FAKE_DOWN, 0, "gone");
        b.f.refuse_skip = skips[i];
        assert_reason(&b, make(&b, &w, NULL), "NoDc");
        w.attempt = 2;
        w.password = "Second";
        assert_ok(make(&b, &w, &c));
        assert_string_equal(password_of(&b, "PC-1"), "\"Second\"");
        assert_true(b.f.adds <= 2);
        end(&b);
    }
}

/* --- what the creator gets of its own accord ---------------------------------------------------------------------- */

static const struct td_sid creator = {.count = 5, .authority = 5, .sub = {21, 1, 2, 3, 1103}};
static const struct td_sid administrator = {.count = 5, .authority = 5, .sub = {21, 1, 2, 3, 512}};
static const unsigned char reset_right[16] = {0x70, 0x95, 0x29, 0x00, 0x6d, 0x24, 0xd0, 0x11,
                                              0xa7, 0x68, 0x00, 0xaa, 0x00, 0x6e, 0x05, 0x29};

static void entry(struct td_buf *b, char flags, uint32_t mask, const struct td_sid *who)
{
    unsigned char octets[TD_SID_MAX_BYTES];
    size_t n = td_sid_write(who, octets);
    td_buf_addc(b, 0);
    td_buf_addc(b, flags);
    td_buf_le16(b, (uint16_t)(8 + n));
    td_buf_le32(b, mask);
    td_buf_add(b, td_bytes(octets, n));
}

/* Owner, then a list of three: administrators with everything, the creator with every extended right, and the same by
 * inheritance (which is the unit's word, not the creator's). */
static struct td_slice descriptor_with(const struct td_sid *owner, uint32_t mask, uint32_t inherited)
{
    struct td_buf list = {.max = 4096}, b = {.max = 4096};
    unsigned char octets[TD_SID_MAX_BYTES];
    size_t n = td_sid_write(owner, octets);
    entry(&list, 0, 0xF01FF, &administrator);
    entry(&list, 0, mask, &creator);
    entry(&list, 0x10, inherited, &creator);
    td_buf_add(&b, TD_S("\1\0\4\x84"));
    td_buf_le32(&b, (uint32_t)(20 + 8 + list.n));
    td_buf_le32(&b, 0);
    td_buf_le32(&b, 0);
    td_buf_le32(&b, 20);
    td_buf_add(&b, TD_S("\2\0"));
    td_buf_le16(&b, (uint16_t)(8 + list.n));
    td_buf_le16(&b, 3);
    td_buf_le16(&b, 0);
    td_buf_add(&b, td_buf_slice(&list));
    td_buf_add(&b, td_bytes(octets, n));
    struct td_slice out = td_arena_copy(&arena, td_buf_slice(&b));
    td_buf_done(&list);
    td_buf_done(&b);
    return out;
}

static struct td_slice descriptor(const struct td_sid *owner, uint32_t mask)
{
    return descriptor_with(owner, mask, 0x1);
}

static void a_creators_rights_are_narrowed(void **state)
{
    (void)state;
    static const unsigned char any[16] = {1};
    struct td_buf out = {.max = 65536};
    struct td_security_descriptor sd;
    struct td_slice before = descriptor(&creator, 0x301D4); /* RPCRLCLORCSDDT and so on */
    assert_ok(td_security_descriptor_read(before, &arena, &sd, NULL));
    assert_true(td_security_descriptor_grants(&sd, &creator, 1, 0x100, any));
    assert_true(td_ad_narrowed(before, &out));
    assert_ok(td_security_descriptor_read(td_buf_slice(&out), &arena, &sd, NULL));
    assert_int_equal(sd.ace_count, 5);
    assert_false(sd.has_owner);
    assert_false(
        td_security_descriptor_grants(&sd, &creator, 1, 0x100, any)); /* as reading what is confidential asks */
    assert_true(td_security_descriptor_grants(&sd, &creator, 1, 0x100, reset_right));
    assert_true(td_security_descriptor_grants(&sd, &creator, 1, 0x300D4, NULL));
    assert_true(td_security_descriptor_grants(&sd, &administrator, 1, 0xF01FF, NULL));
    const struct td_sid owner = {.count = 1, .authority = 3, .sub = {4}};
    assert_true(td_sid_equal(&sd.aces[1].who, &owner));
    assert_int_equal(sd.aces[1].mask, 0x20000);
    td_buf_done(&out);
}

static void what_is_not_the_creators_stays(void **state)
{
    (void)state;
    struct td_buf out = {.max = 65536};
    assert_false(td_ad_narrowed(descriptor(&administrator, 0x301D4), &out)); /* administrators own it */
    assert_false(td_ad_narrowed(descriptor(&creator, 0x300D4), &out));       /* narrow already */
    assert_false(td_ad_narrowed(descriptor_with(&creator, 0x300D4, 0x101), &out));
    struct td_slice whole = descriptor(&creator, 0x301D4);
    for (size_t n = 0; n < whole.n; n++) {
        char *cut = td_alloc(n + 1); /* of its own, so that one octet too far is seen */
        memcpy(cut, whole.p, n);
        struct td_buf none = {.max = 65536};
        assert_false(td_ad_narrowed(td_bytes(cut, n), &none));
        td_buf_done(&none);
        td_free(cut);
    }
    td_buf_done(&out);
}

static void describe(struct fake_directory *f, const char *op, const char *dn)
{
    struct fake_entry *e = strcmp(op, "search") == 0 ? fake_find(f, dn) : NULL;
    struct fake_attr *at = e != NULL ? fake_attr_of(e, "nTSecurityDescriptor", true) : NULL;
    if (at != NULL && at->count == 0)
        fake_value(f, e, "nTSecurityDescriptor", descriptor(&creator, 0x301D4));
}

static void a_new_account_is_narrowed(void **state)
{
    (void)state;
    struct bench b;
    struct td_security_descriptor sd;
    begin(&b);
    b.f.before = describe;
    struct td_ad_computer_wish w = wish("PC-1");
    assert_ok(make(&b, &w, NULL));
    struct fake_attr *at = fake_attr_of(fake_account(&b.f, "PC-1"), "nTSecurityDescriptor", false);
    assert_ok(td_security_descriptor_read(at->values[0], &arena, &sd, NULL));
    assert_false(td_security_descriptor_grants(&sd, &creator, 1, 0x100, NULL));
    /* whoever made it died before it came to that: the next attempt does it; an account of before is not ours to change
     */
    for (int own = 0; own < 2; own++) {
        struct fake_entry *e =
            fake_computer(&b.f, own ? "PC-3" : "PC-4", FAKE_OU, own ? "Touchdown reg-1 job-1 0" : "old");
        w = wish(own ? "PC-3" : "PC-4");
        w.reuse = TD_REUSE_ANY;
        fake_value(&b.f, e, "nTSecurityDescriptor", descriptor(&creator, 0x301D4));
        assert_ok(make(&b, &w, NULL));
        at = fake_attr_of(e, "nTSecurityDescriptor", false);
        assert_ok(td_security_descriptor_read(at->values[0], &arena, &sd, NULL));
        assert_int_equal(td_security_descriptor_grants(&sd, &creator, 1, 0x100, NULL), !own);
    }
    /* a directory that keeps its owners from it: the account is good all the same */
    w = wish("PC-2");
    fake_refuse(&b.f, "modify", 50, 5, "00000005: no");
    assert_ok(make(&b, &w, NULL));
    end(&b);
}

/* --- accounts that are there already ------------------------------------------------------------------------------ */

static void who_may_be_taken_over(void **state)
{
    (void)state;
    static const struct {
        const char *description;
        enum td_domain_reuse reuse;
        const char *reason; /* NULL: taken */
        bool existed;
    } rows[] = {
        {"Touchdown reg-1 job-1 1", TD_REUSE_NEVER, NULL, false}, /* its answer got lost */
        {"Touchdown reg-1 job-1 0", TD_REUSE_NEVER, NULL, false},
        {"Touchdown reg-1 job-1 2", TD_REUSE_ANY, "Superseded", false},
        {"Touchdown reg-1 job-0 9", TD_REUSE_OWN, NULL, true},
        {"Touchdown reg-1 job-0 9", TD_REUSE_NEVER, "NameTaken", false},
        {"Touchdown reg-2 job-1 1", TD_REUSE_OWN, "NameTaken", false},
        {"Touchdown reg-2 job-1 1", TD_REUSE_ANY, NULL, true},
        {"Ada's old laptop", TD_REUSE_OWN, "NameTaken", false},
        {"Ada's old laptop", TD_REUSE_ANY, NULL, true},
        {"", TD_REUSE_OWN, "NameTaken", false},
        {"", TD_REUSE_ANY, NULL, true},
        {"Touchdown reg-1 job-1 x", TD_REUSE_OWN, "NameTaken", false},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct bench b;
        struct td_ad_computer c = {0};
        begin(&b);
        struct fake_entry *e = fake_computer(&b.f, "PC-1", FAKE_OTHER, rows[i].description);
        fake_set(&b.f, e, "userAccountControl", "4098"); /* disabled when its device was retired */
        struct td_ad_computer_wish w = wish("PC-1");
        w.reuse = rows[i].reuse;
        if (rows[i].reason != NULL) {
            assert_reason(&b, make(&b, &w, NULL), rows[i].reason);
            assert_string_equal(fake_get(&b.f, e, "description"), rows[i].description);
            assert_null(fake_attr_of(e, "unicodePwd", false));
        } else {
            assert_ok(make(&b, &w, &c));
            assert_int_equal(c.existed, rows[i].existed);
            assert_true(c.enabled);
            assert_string_equal(c.dn, "CN=PC-1," FAKE_OTHER); /* it stays where it is */
            assert_string_equal(fake_get(&b.f, e, "description"), "Touchdown reg-1 job-1 1");
            assert_string_equal(password_of(&b, "PC-1"), "\"Machine-Password-1\"");
        }
        assert_int_equal(b.f.adds, 0);
        end(&b);
    }
}

/* Domain controllers, trusts, accounts of services and people are never taken, whatever is allowed. */
static void others_are_never_taken(void **state)
{
    (void)state;
    static const struct {
        const char *class, *control, *more; /* more: a class beside it */
    } rows[] = {
        {"computer", "532480", NULL},   /* domain controller */
        {"computer", "83890176", NULL}, /* read-only domain controller */
        {"user", "2080", NULL},         /* trust */
        {"computer", "4096", "msDS-GroupManagedServiceAccount"},
        {"computer", "4096", "msDS-ManagedServiceAccount"},
        {"user", "512", NULL},
        {"computer", "512", NULL},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct bench b;
        begin(&b);
        struct fake_entry *e = fake_computer(&b.f, "PC-1", FAKE_OU, "Touchdown reg-1 job-1 0");
        fake_attr_of(e, "objectClass", false)->count = 1;
        fake_value(&b.f, e, "objectClass", td_str(rows[i].class));
        if (rows[i].more != NULL)
            fake_value(&b.f, e, "objectClass", td_str(rows[i].more));
        fake_set(&b.f, e, "userAccountControl", rows[i].control);
        struct td_ad_computer_wish w = wish("PC-1");
        w.reuse = TD_REUSE_ANY;
        assert_reason(&b, make(&b, &w, NULL), "NameTaken");
        assert_int_equal(b.f.modifies, 0);
        end(&b);
    }
}

/* Another connector is quicker between our search and our change. */
static void quicker(struct fake_directory *f, const char *op, const char *dn)
{
    if (strcmp(op, f->before_ctx) != 0)
        return;
    f->before = NULL;
    (void)dn;
    struct fake_entry *e = fake_account(f, "PC-1");
    if (e == NULL)
        e = fake_computer(f, "PC-1", FAKE_OU, "");
    fake_set(f, e, "description", "Touchdown reg-1 job-1 2");
    fake_set(f, e, "unicodePwd", "theirs");
}

static void a_race_has_one_winner(void **state)
{
    (void)state;
    static const struct {
        const char *description; /* NULL: no account before */
        char *op;
    } rows[] = {{NULL, "add"}, {"Touchdown reg-1 job-1 0", "modify"}, {"", "modify"}};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct bench b;
        begin(&b);
        if (rows[i].description != NULL)
            fake_computer(&b.f, "PC-1", FAKE_OU, rows[i].description);
        struct td_ad_computer_wish w = wish("PC-1");
        w.reuse = TD_REUSE_ANY;
        b.f.before = quicker;
        b.f.before_ctx = rows[i].op;
        assert_reason(&b, make(&b, &w, NULL), "Superseded");
        struct fake_entry *e = fake_account(&b.f, "PC-1");
        assert_string_equal(fake_get(&b.f, e, "description"), "Touchdown reg-1 job-1 2");
        assert_string_equal(fake_get(&b.f, e, "unicodePwd"), "theirs");
        end(&b);
    }
}

static void a_takeover_needs_the_right(void **state)
{
    (void)state;
    struct bench b;
    begin(&b);
    struct fake_entry *e = fake_computer(&b.f, "PC-1", FAKE_OU, "Ada's");
    struct td_ad_computer_wish w = wish("PC-1");
    w.reuse = TD_REUSE_ANY;
    fake_refuse(&b.f, "modify", 50, 5, "00000005: no");
    assert_reason(&b, make(&b, &w, NULL), "NoRight");
    assert_string_equal(fake_get(&b.f, e, "description"), "Ada's");
    end(&b);
}

/* Something else has the name in the unit, under another account name. */
static void a_name_in_the_unit_may_be_taken(void **state)
{
    (void)state;
    struct bench b;
    begin(&b);
    fake_put(&b.f, "CN=PC-1," FAKE_OU, "contact");
    struct td_ad_computer_wish w = wish("PC-1");
    assert_reason(&b, make(&b, &w, NULL), "NameTaken");
    end(&b);
}

/* --- the end of an account ---------------------------------------------------------------------------------------- */

static void accounts_are_found_and_ended(void **state)
{
    (void)state;
    struct bench b;
    struct td_ad_computer c = {0};
    begin(&b);
    struct fake_entry *e = fake_computer(&b.f, "PC-1", FAKE_OU, "Touchdown reg-1 job-1 1");
    const char *guid = fake_guid(&b.f, e);
    fake_value(&b.f, e, "userCertificate", TD_S("one"));
    fake_value(&b.f, e, "userCertificate", TD_S("two"));
    assert_ok(td_ad_computer_find(&b.f.ldap, &b.d, guid, &arena, &c, &b.err));
    assert_int_equal(c.certificate_count, 2);
    assert_slice(c.certificates[1], "two");
    assert_ok(td_ad_computer_disable(&b.f.ldap, &b.d, guid, &b.err));
    assert_ok(td_ad_computer_disable(&b.f.ldap, &b.d, guid, &b.err));
    assert_int_equal(b.f.modifies, 1);
    assert_string_equal(fake_get(&b.f, e, "userAccountControl"), "4098");
    assert_ok(td_ad_computer_find(&b.f.ldap, &b.d, guid, &arena, &c, &b.err));
    assert_false(c.enabled);
    fake_put(&b.f, "CN={key},CN=PC-1," FAKE_OU, "msFVE-RecoveryInformation");
    assert_ok(td_ad_computer_delete(&b.f.ldap, &b.d, guid, &b.err));
    assert_null(fake_find(&b.f, "CN={key},CN=PC-1," FAKE_OU));
    assert_int_equal(td_ad_computer_find(&b.f.ldap, &b.d, guid, &arena, &c, &b.err), TD_ENOTFOUND);
    assert_int_equal(td_ad_computer_disable(&b.f.ldap, &b.d, guid, &b.err), TD_ENOTFOUND);
    assert_int_equal(td_ad_computer_delete(&b.f.ldap, &b.d, guid, &b.err), TD_ENOTFOUND);
    assert_int_not_equal(td_ad_computer_find(&b.f.ldap, &b.d, "no-guid", &arena, &c, &b.err), TD_OK);
    end(&b);
}

static void ends_are_refused(void **state)
{
    (void)state;
    struct bench b;
    begin(&b);
    struct fake_entry *e = fake_computer(&b.f, "PC-1", FAKE_OU, "");
    const char *guid = fake_guid(&b.f, e);
    fake_refuse(&b.f, "modify", 50, 5, "00000005: no");
    assert_reason(&b, td_ad_computer_disable(&b.f.ldap, &b.d, guid, &b.err), "NoRight");
    fake_refuse(&b.f, "remove", FAKE_DOWN, 0, "gone");
    assert_reason(&b, td_ad_computer_delete(&b.f.ldap, &b.d, guid, &b.err), "NoDc");
    fake_set(&b.f, e, "userAccountControl", "532480");
    assert_reason(&b, td_ad_computer_disable(&b.f.ldap, &b.d, guid, &b.err), "Refused");
    assert_reason(&b, td_ad_computer_delete(&b.f.ldap, &b.d, guid, &b.err), "Refused");
    assert_non_null(fake_account(&b.f, "PC-1"));
    end(&b);
}

static void the_blob_says_what_the_domain_is(void **state)
{
    (void)state;
    struct bench b;
    struct td_ad_computer c = {0};
    struct td_buf blob = {.max = TD_ODJ_MAX};
    struct td_odj odj;
    begin(&b);
    struct td_ad_computer_wish w = wish("PC-1");
    assert_ok(make(&b, &w, &c));
    assert_ok(td_ad_blob(&b.d, &c, w.password, &blob, &b.err));
    assert_ok(td_odj_read(td_buf_slice(&blob), &arena, &odj, &b.err));
    assert_string_equal(odj.domain, "corp.test");
    assert_string_equal(odj.netbios, "CORP");
    assert_string_equal(odj.machine, "PC-1");
    assert_string_equal(odj.password, "Machine-Password-1");
    assert_int_equal(odj.rid, c.rid);
    assert_true(td_sid_equal(&odj.domain_sid, &b.d.sid));
    assert_memory_equal(odj.domain_guid, b.d.guid, 16);
    assert_string_equal(odj.dc.name, "\\\\dc1.corp.test");
    assert_string_equal(odj.dc.address, "\\\\10.77.2.10");
    assert_string_equal(odj.dc.dc_site, "Berlin");
    assert_int_equal(odj.dc.flags, 0xE00011BD);
    assert_int_equal(odj.options, 6);
    td_buf_wipe(&blob);
    end(&b);
}

/* --- passwords ---------------------------------------------------------------------------------------------------- */

static enum td_code password(struct bench *b, const char *upn, const char *secret, struct td_ad_object *ret)
{
    b->err = (struct td_error){.code = TD_OK};
    return td_ad_password(&b->f.ldap, &b->d, upn, secret, fake_bind, &b->f, &arena, ret, &b->err);
}

static void a_right_password_names_its_owner(void **state)
{
    (void)state;
    static const char *const names[] = {"alice@corp.test", "ALICE@Corp.Test", "CORP\\alice", "al@other.test"};
    struct bench b;
    begin(&b);
    struct fake_entry *e = fake_person(&b.f, "alice", "Alice-Pass-1");
    fake_set(&b.f, e, "mail", "alice@corp.test");
    for (size_t i = 0; i < TD_COUNTOF(names); i++) {
        struct td_ad_object who = {.upn = ""};
        if (i == 3)
            fake_set(&b.f, e, "userPrincipalName", "al@other.test");
        assert_ok(password(&b, names[i], "Alice-Pass-1", &who));
        assert_string_equal(who.guid, fake_guid(&b.f, e));
        assert_string_equal(who.sam, "alice");
        assert_string_equal(who.name, "alice Example");
        assert_string_equal(who.mail, "alice@corp.test");
        assert_string_equal(who.kind, "user");
        assert_true(who.enabled);
    }
    end(&b);
}

static void wrong_passwords_say_why(void **state)
{
    (void)state;
    static const struct {
        const char *win32, *reason;
    } rows[] = {{"1326", "Wrong"},          {"1331", "Disabled"}, {"1907", "MustChange"}, {"1330", "PasswordExpired"},
                {"1793", "AccountExpired"}, {"1909", "Locked"},   {"1328", "Hours"},      {"1329", "Hours"},
                {"1317", "Wrong"},          {"12345", "Refused"}};
    struct bench b;
    struct td_ad_object who;
    begin(&b);
    struct fake_entry *e = fake_person(&b.f, "alice", "Alice-Pass-1");
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        fake_set(&b.f, e, "fakeBind", rows[i].win32);
        assert_reason(&b, password(&b, "alice@corp.test", "Alice-Pass-1", &who), rows[i].reason);
    }
    fake_set(&b.f, e, "fakeBind", "0");
    assert_reason(&b, password(&b, "alice@corp.test", "Other", &who), "Wrong");
    int binds = (int)b.f.binds;
    assert_reason(&b, password(&b, "bob@corp.test", "Alice-Pass-1", &who), "Wrong");
    assert_int_equal(b.f.binds, binds + 1); /* as long as a wrong password takes */
    assert_reason(&b, password(&b, "alice@other.test", "Alice-Pass-1", &who), "Wrong");
    assert_reason(&b, password(&b, "*@corp.test", "Alice-Pass-1", &who), "Wrong");
    assert_reason(&b, password(&b, "alice)(objectClass=*@corp.test", "Alice-Pass-1", &who), "Wrong");
    fake_refuse(&b.f, "bind", FAKE_DOWN, 0, "gone");
    assert_reason(&b, password(&b, "alice@corp.test", "Alice-Pass-1", &who), "NoDc");
    fake_refuse(&b.f, "search", FAKE_DOWN, 0, "gone");
    assert_reason(&b, password(&b, "alice@corp.test", "Alice-Pass-1", &who), "NoDc");
    end(&b);
}

static void an_empty_password_is_not_tried(void **state)
{
    (void)state;
    struct bench b;
    struct td_ad_object who;
    begin(&b);
    fake_person(&b.f, "alice", ""); /* a server that answers 0 to a bind that proves nothing */
    assert_reason(&b, password(&b, "alice@corp.test", "", &who), "Wrong");
    assert_int_equal(b.f.binds, 0);
    end(&b);
}

/* A directory that lets them in all the same, and machines, which are users too. */
static void some_may_not_though_their_password_is_right(void **state)
{
    (void)state;
    struct bench b;
    struct td_ad_object who;
    begin(&b);
    struct fake_entry *e = fake_person(&b.f, "alice", "Alice-Pass-1");
    fake_set(&b.f, e, "userAccountControl", "514");
    assert_reason(&b, password(&b, "alice@corp.test", "Alice-Pass-1", &who), "Disabled");
    fake_set(&b.f, e, "userAccountControl", "512");
    fake_set(&b.f, e, "accountExpires", "132223968000000000");
    assert_reason(&b, password(&b, "alice@corp.test", "Alice-Pass-1", &who), "AccountExpired");
    fake_set(&b.f, e, "accountExpires", "9223372036854775807");
    assert_ok(password(&b, "alice@corp.test", "Alice-Pass-1", &who));
    fake_set(&b.f, fake_computer(&b.f, "PC-1", FAKE_OU, ""), "fakePassword", "x");
    assert_reason(&b, password(&b, "PC-1$@corp.test", "x", &who), "Wrong");
    end(&b);
}

/* Bob's account is called as Alice's sign-in name is: it is Alice who is asked for. */
static void the_sign_in_name_comes_first(void **state)
{
    (void)state;
    struct bench b;
    struct td_ad_object who;
    begin(&b);
    struct fake_entry *bob = fake_person(&b.f, "ally", "Bob-Pass-1");
    struct fake_entry *alice = fake_person(&b.f, "alice", "Alice-Pass-1");
    fake_set(&b.f, bob, "userPrincipalName", "bob@corp.test");
    fake_set(&b.f, alice, "userPrincipalName", "ally@corp.test");
    assert_ok(password(&b, "ally@corp.test", "Alice-Pass-1", &who));
    assert_string_equal(who.sam, "alice");
    assert_reason(&b, password(&b, "ally@corp.test", "Bob-Pass-1", &who), "Wrong");
    struct fake_entry *third = fake_person(&b.f, "carol", "Carol-Pass-1");
    fake_set(&b.f, third, "userPrincipalName", "ally@corp.test");
    assert_reason(&b, password(&b, "ally@corp.test", "Alice-Pass-1", &who), "Refused");
    end(&b);
}

/* --- changes ------------------------------------------------------------------------------------------------------ */

struct seen {
    char names[2048];
    int count, disabled, deleted, security;
    size_t members;
    enum td_code answer;
};

static enum td_code see(void *ctx, const struct td_ad_object *o, struct td_error *err)
{
    struct seen *s = ctx;
    if (s->answer != TD_OK)
        return td_fail(err, s->answer, "caller", "no more");
    size_t n = strlen(s->names);
    snprintf(s->names + n, sizeof(s->names) - n, "%s ", o->sam);
    s->count++;
    s->disabled += !o->enabled && !o->deleted;
    s->deleted += o->deleted;
    s->security += o->is_security;
    for (const char *const *m = o->members; *m != NULL; m++)
        s->members++;
    return TD_OK;
}

static enum td_code changed(struct bench *b, const char *base, uint64_t from, struct seen *s, uint64_t *ret)
{
    struct td_ad_changes c = {.base = base, .from = from};
    b->err = (struct td_error){.code = TD_OK};
    assert_ok(td_ad_facts(&b->f.ldap, NULL, &arena, &b->d, NULL));
    return td_ad_changed(&b->f.ldap, &b->d, &c, &arena, see, s, ret, &b->err);
}

static void changes_are_told(void **state)
{
    (void)state;
    struct bench b;
    struct seen s = {.count = 0};
    uint64_t at = 0;
    begin(&b);
    struct fake_entry *alice = fake_person(&b.f, "alice", "x"), *bob = fake_person(&b.f, "bob", "x");
    struct fake_entry *group = fake_group(&b.f, "Sales");
    fake_value(&b.f, group, "member", td_str(alice->dn));
    fake_value(&b.f, group, "member", td_str(bob->dn));
    fake_value(&b.f, group, "member", TD_S("CN=Stranger,DC=other"));
    fake_computer(&b.f, "PC-1", FAKE_OU, "");
    fake_set(&b.f, fake_person(&b.f, "krbtgt", "x"), "isCriticalSystemObject", "TRUE"); /* the domain's own */
    fake_set(&b.f, fake_group(&b.f, "Domain Admins"), "isCriticalSystemObject", "TRUE");
    assert_ok(changed(&b, "", 0, &s, &at));
    assert_string_equal(s.names, "alice bob Sales ");
    assert_int_equal(s.members, 2);
    assert_int_equal(s.security, 1);
    assert_int_equal(at, b.f.usn);

    fake_set(&b.f, group, "groupType", "2"); /* of mail alone: it gives nobody any right */
    s = (struct seen){.count = 0};
    assert_ok(changed(&b, "", 0, &s, &at));
    assert_int_equal(s.count, 3);
    assert_int_equal(s.security, 0);

    s = (struct seen){.count = 0};
    assert_ok(changed(&b, "", at, &s, &at));
    assert_int_equal(s.count, 0);

    fake_set(&b.f, bob, "userAccountControl", "514");
    fake_changed(&b.f, bob);
    assert_ok(changed(&b, "", at, &s, &at));
    assert_string_equal(s.names, "bob ");
    assert_int_equal(s.disabled, 1);

    s = (struct seen){.count = 0};
    assert_ok(changed(&b, FAKE_OU, 0, &s, &at)); /* below another unit */
    assert_int_equal(s.count, 0);
    assert_reason(&b, changed(&b, "OU=Nowhere," FAKE_DN, 0, &s, &at), "NoOu");
    end(&b);
}

static void the_deleted_are_told(void **state)
{
    (void)state;
    struct bench b;
    struct seen s = {.count = 0};
    uint64_t at = 0;
    begin(&b);
    struct fake_entry *alice = fake_person(&b.f, "alice", "x");
    struct fake_entry *computer = fake_computer(&b.f, "PC-1", FAKE_OU, "");
    assert_ok(changed(&b, "", 0, &s, &at));
    s = (struct seen){.count = 0};
    struct fake_entry *gone[] = {alice, computer};
    for (int i = 0; i < 2; i++) {
        snprintf(gone[i]->dn, sizeof(gone[i]->dn), "CN=gone%d,CN=Deleted Objects," FAKE_DN, i);
        fake_set(&b.f, gone[i], "isDeleted", "TRUE");
        fake_value(&b.f, gone[i], "objectClass", TD_S("user"));
        fake_changed(&b.f, gone[i]);
    }
    assert_ok(changed(&b, "", at, &s, &at));
    assert_string_equal(s.names, "alice ");
    assert_int_equal(s.deleted, 1);
    /* where the bin may not be looked into, the run goes on without it */
    s = (struct seen){.count = 0};
    fake_find(&b.f, "CN=Deleted Objects," FAKE_DN)->dn[0] = '\0';
    assert_ok(changed(&b, "", 1, &s, &at));
    assert_int_equal(s.deleted, 0);
    end(&b);
}

/* Nothing changes in the directory when an account's last day is over. */
static void accounts_that_run_out_are_told(void **state)
{
    (void)state;
    struct bench b;
    struct seen s = {.count = 0};
    uint64_t at = 0;
    char text[32];
    begin(&b);
    struct fake_entry *alice = fake_person(&b.f, "alice", "x"), *bob = fake_person(&b.f, "bob", "x");
    long long now = (FAKE_CLOCK / TD_SECOND + 11644473600LL) * 10000000;
    snprintf(text, sizeof(text), "%lld", now - 10000000);
    fake_set(&b.f, alice, "accountExpires", text);
    snprintf(text, sizeof(text), "%lld", now + 10000000);
    fake_set(&b.f, bob, "accountExpires", text);
    assert_ok(changed(&b, "", b.f.usn, &s, &at));
    assert_string_equal(s.names, "alice ");
    assert_int_equal(s.disabled, 1);
    end(&b);
}

static void members_come_in_pieces(void **state)
{
    (void)state;
    struct bench b;
    begin(&b);
    struct fake_entry *group = fake_group(&b.f, "Sales");
    for (int i = 0; i < 23; i++)
        fake_value(&b.f, group, "member", td_str(fake_person(&b.f, td_arena_printf(&arena, "p%d", i), "x")->dn));
    for (size_t range = 1; range < 30; range += 5) {
        struct seen s = {.count = 0};
        uint64_t at = 0;
        b.f.range = range;
        assert_ok(changed(&b, "", 0, &s, &at));
        assert_int_equal(s.members, 23);
        assert_int_equal(s.count, 24);
    }
    end(&b);
}

static void a_run_that_fails_says_so(void **state)
{
    (void)state;
    struct bench b;
    struct seen s = {.answer = TD_ESTATE};
    uint64_t at = 7;
    begin(&b);
    fake_person(&b.f, "alice", "x");
    assert_int_equal(changed(&b, "", 0, &s, &at), TD_ESTATE);
    assert_string_equal(b.err.where, "caller");
    s.answer = TD_OK;
    for (int skip = 4; skip < 7; skip++) { /* behind the facts: changes, accounts that ran out, deleted ones */
        b.f.refuse_skip = skip;
        fake_refuse(&b.f, "search", FAKE_DOWN, 0, "gone");
        b.f.refuse_skip = skip;
        assert_reason(&b, changed(&b, "", 1, &s, &at), "NoDc");
    }
    assert_int_equal(at, 7);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_are_read),
        cmocka_unit_test(clocks_are_compared),
        cmocka_unit_test(half_a_domain_is_refused),
        cmocka_unit_test(an_account_is_made),
        cmocka_unit_test(without_a_unit_the_default_is_taken),
        cmocka_unit_test(units_and_rights_are_judged),
        cmocka_unit_test(names_are_judged),
        cmocka_unit_test(refusals_of_an_add),
        cmocka_unit_test(the_line_dies_at_each_step),
        cmocka_unit_test(a_creators_rights_are_narrowed),
        cmocka_unit_test(what_is_not_the_creators_stays),
        cmocka_unit_test(a_new_account_is_narrowed),
        cmocka_unit_test(who_may_be_taken_over),
        cmocka_unit_test(others_are_never_taken),
        cmocka_unit_test(a_race_has_one_winner),
        cmocka_unit_test(a_takeover_needs_the_right),
        cmocka_unit_test(a_name_in_the_unit_may_be_taken),
        cmocka_unit_test(accounts_are_found_and_ended),
        cmocka_unit_test(ends_are_refused),
        cmocka_unit_test(the_blob_says_what_the_domain_is),
        cmocka_unit_test(a_right_password_names_its_owner),
        cmocka_unit_test(wrong_passwords_say_why),
        cmocka_unit_test(an_empty_password_is_not_tried),
        cmocka_unit_test(some_may_not_though_their_password_is_right),
        cmocka_unit_test(the_sign_in_name_comes_first),
        cmocka_unit_test(changes_are_told),
        cmocka_unit_test(the_deleted_are_told),
        cmocka_unit_test(accounts_that_run_out_are_told),
        cmocka_unit_test(members_come_in_pieces),
        cmocka_unit_test(a_run_that_fails_says_so),
    };
    td_arena_init(&arena);
    int failed = cmocka_run_group_tests_name("ad", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
