/* Archives: the octets by the format's document, and two readers of other makes as judges. */
#include "base/env.h"
#include "codec/zip.h"
#include "unit/test.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define AT (INT64_C(1893553445) * TD_SECOND) /* 2030-01-02T03:04:05Z */

static void checksum(void **state TD_UNUSED)
{
    assert_int_equal(td_crc32(TD_S("123456789")), 0xcbf43926); /* the check value of the polynomial */
    assert_int_equal(td_crc32(TD_S("")), 0);
}

static uint32_t le(struct td_slice s, size_t at, int octets)
{
    uint32_t v = 0;
    for (int i = octets; i-- > 0;)
        v = v << 8 | (unsigned char)s.p[at + (size_t)i];
    return v;
}

static void octets_by_the_document(void **state TD_UNUSED)
{
    TD_CLEANUP(td_buf_done) struct td_buf out;
    struct td_zip z;
    td_buf_init(&out, 4096);
    td_zip_begin(&z, &out, AT);
    assert_ok(td_zip_add(&z, "a/b.txt", TD_S("123456789"), NULL));
    assert_ok(td_zip_end(&z, NULL));
    struct td_slice s = td_buf_slice(&out);
    assert_int_equal(s.n, 30 + 7 + 9 + 46 + 7 + 22);
    assert_int_equal(le(s, 0, 4), 0x04034b50);
    assert_int_equal(le(s, 8, 2), 0); /* stored */
    assert_int_equal(le(s, 10, 2), 3 << 11 | 4 << 5 | 2);
    assert_int_equal(le(s, 12, 2), 50 << 9 | 1 << 5 | 2);
    assert_int_equal(le(s, 14, 4), 0xcbf43926);
    assert_int_equal(le(s, 18, 4), 9);
    assert_int_equal(le(s, 26, 2), 7);
    assert_slice(td_sub(s, 30, 7 + 9), "a/b.txt123456789");
    assert_int_equal(le(s, 46, 4), 0x02014b50);
    assert_int_equal(le(s, 46 + 42, 4), 0); /* the entry's place */
    assert_int_equal(le(s, 99, 4), 0x06054b50);
    assert_int_equal(le(s, 99 + 10, 2), 1);
    assert_int_equal(le(s, 99 + 12, 4), 53);
    assert_int_equal(le(s, 99 + 16, 4), 46);
}

static void names_are_safe(void **state TD_UNUSED)
{
    static const char *const wrong[] = {"", "/etc/passwd", "../x", "a/../b", "a//b", "a\\b", "./a", "\xff"};
    TD_CLEANUP(td_buf_done) struct td_buf out;
    TD_CLEANUP(td_zip_done) struct td_zip z;
    td_buf_init(&out, 65536);
    td_zip_begin(&z, &out, AT);
    for (size_t i = 0; i < TD_COUNTOF(wrong); i++)
        assert_int_equal(td_zip_add(&z, wrong[i], TD_S("x"), NULL), TD_EINVAL);
    for (size_t i = 0; i < TD_ZIP_MAX_ENTRIES; i++)
        assert_ok(td_zip_add(&z, "n", TD_S(""), NULL));
    assert_int_equal(td_zip_add(&z, "n", TD_S(""), NULL), TD_ELIMIT);
}

static void a_full_buffer_is_told(void **state TD_UNUSED)
{
    TD_CLEANUP(td_buf_done) struct td_buf out;
    struct td_zip z;
    td_buf_init(&out, 60);
    td_zip_begin(&z, &out, 0); /* before 1980 */
    assert_ok(td_zip_add(&z, "a", TD_S("b"), NULL));
    assert_int_equal(td_zip_end(&z, NULL), TD_ELIMIT);
}

static int judged_by(char *const argv[])
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        (void)freopen("/dev/null", "w", stdout);
        (void)execvp(argv[0], argv);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void others_read_it(void **state TD_UNUSED)
{
    static char code[] = "import sys, zipfile\n"
                         "z = zipfile.ZipFile(sys.argv[1])\n"
                         "assert z.testzip() is None\n"
                         "assert z.namelist() == ['log', 'folder/caf\\u00e9.txt', 'big', 'empty'], z.namelist()\n"
                         "assert z.read('big') == b'\\x00\\xff' * 100000 and z.read('empty') == b''\n"
                         "assert z.infolist()[0].date_time == (2030, 1, 2, 3, 4, 4)\n";
    char path[] = "/tmp/td-zip-XXXXXX";
    TD_CLEANUP(td_buf_done) struct td_buf out;
    struct td_zip z;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    char *big = td_alloc(200000);
    for (size_t i = 1; i < 200000; i += 2)
        big[i] = (char)0xff;
    td_buf_init(&out, 1 << 20);
    td_zip_begin(&z, &out, AT);
    assert_ok(td_zip_add(&z, "log", TD_S("line\n"), NULL));
    assert_ok(td_zip_add(&z, "folder/caf\xc3\xa9.txt", TD_S("x"), NULL));
    assert_ok(td_zip_add(&z, "big", td_bytes(big, 200000), NULL));
    assert_ok(td_zip_add(&z, "empty", TD_S(""), NULL));
    assert_ok(td_zip_end(&z, NULL));
    assert_ok(td_file_write(path, td_buf_slice(&out), 0600, NULL));
    int python = judged_by((char *[]){(char[]){"python3"}, (char[]){"-c"}, code, path, NULL});
    int unzip = judged_by((char *[]){(char[]){"unzip"}, (char[]){"-tqq"}, path, NULL});
    (void)unlink(path);
    td_free(big);
    assert_int_equal(python, 0);
    assert_true(unzip == 0 || unzip == 127); /* python3 is always there, unzip where somebody put it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksum),       cmocka_unit_test(octets_by_the_document),
        cmocka_unit_test(names_are_safe), cmocka_unit_test(a_full_buffer_is_told),
        cmocka_unit_test(others_read_it),
    };
    return cmocka_run_group_tests_name("codec/zip", tests, NULL, NULL);
}
