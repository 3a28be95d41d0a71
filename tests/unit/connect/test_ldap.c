/* connect/ldap.h without a directory: escapes, what a refusal says, and what is not even tried. */
#include "../test.h"
#include "connect/ldap.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

static struct td_arena arena;

static void filters_are_escaped(void **state)
{
    (void)state;
    static const struct {
        struct td_slice in;
        const char *filter, *dn;
    } rows[] = {
        {{"ada", 3}, "ada", "ada"},
        {{"a*b(c)\\d", 8}, "a\\2ab\\28c\\29\\5cd", "a*b(c)\\5cd"},
        {{"\0\x7F\xC3\xA4", 4}, "\\00\\7f\\c3\\a4", "\\00\\7f\xC3\xA4"},
        {{" #x, y=z\" ", 10}, " #x, y=z\" ", "\\20#x\\2c y\\3dz\\22\\20"},
        {{"#1+2;<3>", 8}, "#1+2;<3>", "\\231\\2b2\\3b\\3c3\\3e"},
        {{"", 0}, "", ""},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        assert_string_equal(td_ldap_escape(&arena, rows[i].in), rows[i].filter);
        assert_string_equal(td_ldap_escape_dn(&arena, rows[i].in), rows[i].dn);
    }
}

/* As Windows and Samba write them. */
static void refusals_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t win32;
    } rows[] = {
        {"80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 52e, v1db1", 1326},
        {"80090308: LdapErr: DSID-0C090569, comment: AcceptSecurityContext error, data 773, v4563", 1907},
        {"80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 0, v1db1", 0x80090308},
        {"00002071: UpdErr: DSID-03050394, problem 6005 (ENTRY_EXISTS), data 0", 0x2071},
        {"0000216D: SvcErr: DSID-031A124C, problem 5003 (WILL_NOT_PERFORM), data 0", 8557},
        {"0000052D: Constraint violation", 0x52D},
        {"acl: unable to get access to CN=PC-2", 0},
        {"52e: short", 0},
        {"", 0},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        assert_int_equal(td_ldap_win32(rows[i].text), rows[i].win32);
    assert_int_equal(td_ldap_win32(NULL), 0);
}

static void values_are_found(void **state)
{
    (void)state;
    const struct td_slice two[] = {{"x\0y", 3}, {"second", 6}}, bad[] = {{"\xFF", 1}};
    const struct td_ldap_value attrs[] = {{"objectGUID", two, 2}, {"cn", bad, 1}, {"empty", NULL, 0}};
    const struct td_ldap_entry e = {"CN=x", attrs, 3};
    assert_ptr_equal(td_ldap_attr(&e, "OBJECTguid"), &attrs[0]);
    assert_int_equal(td_ldap_get(&e, "objectguid").n, 3);
    assert_null(td_ldap_get(&e, "nothing").p);
    assert_null(td_ldap_get(&e, "empty").p);
    assert_null(td_ldap_text(&e, "objectGUID", &arena)); /* a zero is no text */
    assert_null(td_ldap_text(&e, "cn", &arena));
}

static void what_is_not_tried(void **state)
{
    (void)state;
    static const struct {
        struct td_ldap_config config;
        enum td_code code;
        const char *where;
    } rows[] = {
        {{.url = "http://127.0.0.1"}, TD_EINVAL, "url"},
        {{.url = "ldapi:///"}, TD_EINVAL, "url"},
        {{.url = "ldap://127.0.0.1:1", .ca_pem = {"x", 1}, .user = "u", .password = "p"}, TD_EINVAL, "url"},
        {{.url = "ldaps://127.0.0.1:1/DC=x", .ca_pem = {"x", 1}, .user = "u", .password = "p"}, TD_EINVAL, "url"},
        {{.url = "ldaps://127.0.0.1:1 ldap://127.0.0.1", .ca_pem = {"x", 1}, .user = "u", .password = "p"},
         TD_EINVAL,
         "url"},
        {{.url = "ldaps://", .ca_pem = {"x", 1}, .user = "u", .password = "p"}, TD_EINVAL, "url"},
        {{.url = "ldaps://127.0.0.1:1", .user = "u", .password = "p"}, TD_EINVAL, "ca"},
        {{.url = "ldaps://127.0.0.1:1", .ca_pem = {"no PEM", 6}, .user = "u", .password = "p"}, TD_EINVAL, "ca"},
        {{.url = "ldaps://127.0.0.1:1", .ca_pem = {"x", 1}, .user = "u", .password = ""}, TD_EINVAL, "password"},
        {{.url = "ldaps://127.0.0.1:1", .ca_pem = {"x", 1}, .user = "", .password = "p"}, TD_EINVAL, "password"},
        {{.url = "ldaps://127.0.0.1:1", .ca_pem = {"x", 1}, .ccache = "MEMORY:x"}, TD_EINVAL, "url"},
        /* nobody listens there */
        {{.url = "ldap://127.0.0.1:1", .ccache = "MEMORY:x"}, TD_EUNAVAILABLE, "connect"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_error err = {0};
        struct td_ldap *l = NULL;
        struct td_ldap_result why;
        assert_int_equal(td_ldap_open(&rows[i].config, &l, &why, &err), rows[i].code);
        assert_string_equal(err.where, rows[i].where);
        assert_null(l);
    }
    td_ldap_close(NULL);
}

/* It takes the connection, as a hanging domain controller does, and never says a word. */
static void silence_ends(void **state)
{
    (void)state;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);
    char url[64];
    struct td_error err = {0};
    struct td_ldap *l = NULL;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, n), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    snprintf(url, sizeof(url), "ldaps://127.0.0.1:%d", ntohs(at.sin_port));
    struct td_buf pem = fixture("connect/root.pem");
    struct td_ldap_config config = {
        .url = url, .ca_pem = td_buf_slice(&pem), .user = "u", .password = "p", .seconds = 1};
    assert_int_equal(td_ldap_open(&config, &l, NULL, &err), TD_EUNAVAILABLE);
    assert_string_equal(err.where, "connect");
    td_buf_done(&pem);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_are_escaped), cmocka_unit_test(refusals_are_read), cmocka_unit_test(values_are_found),
        cmocka_unit_test(what_is_not_tried),   cmocka_unit_test(silence_ends),
    };
    td_arena_init(&arena);
    int failed = cmocka_run_group_tests_name("ldap", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
