/* connect/kerberos: keys as RFC 3962 derives them, bytes of a keytab, what refusals mean, what answers that is no KDC.
 * The rest is run against a real domain: tests/e2e/scenarios/hybrid.py. */
#include "base/encode.h"
#include "connect/krb_room.h"
#include "unit/test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct td_arena arena;

static struct td_slice keytab_of(const char *const *principals, const char *password, int kvno, struct td_buf *file)
{
    char dir[] = "/tmp/td-keytab-XXXXXX", path[64];
    struct stat st;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/k", dir);
    td_buf_init(file, 65536);
    assert_ok(
        td_krb_keytab_write(path, principals, "ATHENA.MIT.EDU", "ATHENA.MIT.EDUraeburn", td_str(password), kvno, NULL));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_ok(td_file_read(path, file, NULL));
    (void)unlink(path);
    (void)rmdir(dir);
    return td_buf_slice(file);
}

static bool holds(struct td_slice file, struct td_slice part)
{
    return td_search(file, part) != SIZE_MAX;
}

static struct td_slice hex(const char *text)
{
    struct td_slice s = {"", 0};
    assert_ok(td_hex_decode(&arena, td_str(text), &s));
    return s;
}

/* Pass phrase and salt of RFC 3962, appendix B, with the 4,096 rounds of Active Directory (computed beside it). */
static void keys_of_both_kinds(void **state TD_UNUSED)
{
    static const char *const who[] = {"PC-1$", "host/pc-1.corp.test", NULL};
    TD_CLEANUP(td_buf_done) struct td_buf file;
    struct td_slice k = keytab_of(who, "password", 0, &file);
    assert_true(holds(k, hex("01b897121d933ab44b47eb5494db15e50eb74530dbdae9b634d65020ff5d88c1")));
    assert_true(holds(k, hex("fca822951813fb252154c883f5ee1cf4")));
    assert_true(holds(k, hex("8846f7eaee8fb117ad06bdd830b7586c"))); /* MD4 of the password in UTF-16 */
    TD_CLEANUP(td_buf_done) struct td_buf other;
    k = keytab_of(who, "Password", 0, &other);
    assert_false(holds(k, hex("fca822951813fb252154c883f5ee1cf4")));
}

/* One row, octet by octet: size, two parts, realm, parts, name type, time, version, kind of key, key, version. */
static void bytes_of_a_keytab(void **state TD_UNUSED)
{
    static const char *const who[] = {"host/pc", NULL};
    TD_CLEANUP(td_buf_done) struct td_buf file;
    struct td_slice k = keytab_of(who, "password", 7, &file);
    assert_true(td_eq(td_sub(k, 0, 6), hex("05020000004d")));
    assert_true(td_eq(td_sub(k, 6, 4), hex("0002000e")));
    assert_true(td_eq(td_sub(k, 10, 14), TD_S("ATHENA.MIT.EDU")));
    assert_true(td_eq(td_sub(k, 24, 10), TD_S("\0\4host\0\2pc")));
    assert_true(td_eq(td_sub(k, 34, 13), hex("00000001000000000700120020")));
    assert_true(td_eq(td_sub(k, 79, 4), hex("00000007")));
    assert_int_equal(k.n, 83 + 2 * (81 - 16));
}

static void what_refusals_mean(void **state TD_UNUSED)
{
    static const struct {
        const char *e_data;
        int number;
        uint32_t win32;
    } rows[] = {
        /* METHOD-DATA: a datum of type 3 with status, nought and flags */
        {"30173015a103020103a20e040c720000c00000000001000000", TD_KRB_CLIENT_REVOKED, 1331},
        {"30173015a103020103a20e040c340200c00000000001000000", TD_KRB_CLIENT_REVOKED, 1909},
        /* KERB-ERROR-DATA */
        {"3015a103020103a20e040c930100c00000000001000000", TD_KRB_CLIENT_REVOKED, 1793},
        {"3015a103020103a20e040c710000c00000000001000000", TD_KRB_KEY_EXPIRED, 1330},
        {"3015a103020103a20e040c240200c00000000001000000", TD_KRB_KEY_EXPIRED, 1907},
        /* cut off, or something else of that length */
        {"3015a103020103a20e040c7200", TD_KRB_CLIENT_REVOKED, 1909},
        {"040c720000c00100000001000000", TD_KRB_CLIENT_REVOKED, 1909},
        {"", TD_KRB_PREAUTH_FAILED, 1326},
        {"", TD_KRB_CLIENT_UNKNOWN, 1326},
        {"", TD_KRB_SKEW, 1398},
        {"", TD_KRB_KEY_EXPIRED, 1907},
        {"", 60, 0},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        assert_int_equal(td_krb_win32(rows[i].number, td_krb_status(hex(rows[i].e_data))), rows[i].win32);
}

/* The machine's own key is not looked at before the KDC has taken the password. */
static enum td_code by_password(int port, struct td_error *err)
{
    const struct td_krb_realm r = {
        .realm = "CORP.TEST", .kdc = td_arena_printf(&arena, "127.0.0.1:%d", port), .seconds = 1};
    return td_krb_user(&r, "PC-1$", TD_S("x"), "/nowhere", "PC-1$", NULL, err);
}

static int listener(int *ret_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

static void nobody_answers(void **state TD_UNUSED)
{
    int port;
    struct td_error err = {0};
    int fd = listener(&port); /* bound, not listening: refused at once */
    assert_int_equal(by_password(port, &err), TD_EUNAVAILABLE);
    assert_int_equal(err.hresult, 0x8007054b);
    assert_true(err.remedy[0] != '\0');
    assert_int_equal(listen(fd, 1), 0); /* listens, and never says a word */
    assert_int_equal(by_password(port, &err), TD_EUNAVAILABLE);
    (void)close(fd);
}

struct liar {
    int fd;
    struct td_slice answer;
};

static void *lie(void *ctx)
{
    struct liar *l = ctx;
    char in[4096];
    int fd = accept(l->fd, NULL, NULL);
    if (fd >= 0 && recv(fd, in, sizeof(in), 0) > 0)
        (void)send(fd, l->answer.p, l->answer.n, MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
    while (recv(fd, in, sizeof(in), 0) > 0)
        ;
    (void)close(fd);
    return NULL;
}

static enum td_code answered(const char *bytes, struct td_error *err)
{
    int port;
    pthread_t thread;
    struct liar l = {.fd = listener(&port), .answer = hex(bytes)};
    assert_int_equal(listen(l.fd, 1), 0);
    assert_int_equal(pthread_create(&thread, NULL, lie, &l), 0);
    enum td_code rc = by_password(port, err);
    (void)pthread_join(thread, NULL);
    (void)close(l.fd);
    return rc;
}

static void what_answers_is_no_kdc(void **state TD_UNUSED)
{
    struct td_error err = {0};
    assert_int_equal(answered("00000000", &err), TD_EUNAVAILABLE);
    assert_int_equal(answered("7fffffff41", &err), TD_EUNAVAILABLE);
    assert_int_equal(answered("0000001041", &err), TD_EUNAVAILABLE);
    assert_int_equal(answered("0000000441414141", &err), TD_EAUTH);
    /* KRB-ERROR: KDC_ERR_CLIENT_REVOKED with the status of a locked account */
    assert_int_equal(
        answered("0000006c7e6a3068a003020105a10302011ea411180f32303330303130313030303030305aa505020300e240a60302"
                 "0112a90b1b09434f52502e54455354aa1e301ca003020102a11530131b066b72627467741b09434f52502e544553"
                 "54ac1704153013a103020103a20c040a00000000000000000000",
                 &err),
        TD_EAUTH);
}

static void an_empty_password_proves_nothing(void **state TD_UNUSED)
{
    struct td_error err = {0};
    struct td_krb_realm r = {.realm = "CORP.TEST", .kdc = "127.0.0.1:1", .seconds = 1};
    assert_int_equal(td_krb_user(&r, "ada@corp.test", TD_S(""), "/nowhere", "PC-1$", NULL, &err), TD_EAUTH);
    assert_int_equal(err.hresult, 0x8007052e);
    assert_int_equal(td_krb_by_keytab(&r, "PC-1$", "/nowhere", NULL, &err), TD_ESTATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_both_kinds),     cmocka_unit_test(bytes_of_a_keytab),
        cmocka_unit_test(what_refusals_mean),     cmocka_unit_test(nobody_answers),
        cmocka_unit_test(what_answers_is_no_kdc), cmocka_unit_test(an_empty_password_proves_nothing),
    };
    td_arena_init(&arena);
    int failed = cmocka_run_group_tests_name("kerberos", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
