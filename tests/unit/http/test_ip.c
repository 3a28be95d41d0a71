/* http/ip: addresses and networks as text; what a slip of the pen would trust is refused. */
#include "http/ip.h"
#include "unit/test.h"

static void reads_addresses(void **state TD_UNUSED)
{
    static const struct {
        const char *text, *printed; /* NULL: refused */
    } rows[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"2001:DB8::1", "2001:db8::1"},
        {"::1", "::1"},
        {"", NULL},
        {"192.0.2", NULL},
        {"192.0.2.256", NULL},
        {"192.0.2.1 ", NULL},
        {"192.0.2.01x", NULL},
        {"fe80::1%eth0", NULL},
        {"localhost", NULL},
        {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb", NULL},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_ip ip;
        char text[INET6_ADDRSTRLEN];
        assert_int_equal(td_ip_parse(td_str(rows[i].text), &ip), rows[i].printed != NULL);
        if (rows[i].printed == NULL)
            continue;
        td_ip_text(&ip, text);
        assert_string_equal(text, rows[i].printed);
    }
    struct td_ip ip;
    assert_false(td_ip_parse(td_bytes("::1\0", 4), &ip));
}

static void knows_networks(void **state TD_UNUSED)
{
    static const struct {
        const char *network, *in, *out;
    } rows[] = {
        {"10.0.0.0/8", "10.255.0.1", "11.0.0.0"},           {"10.0.0.0/8", "::ffff:10.1.2.3", "::10.1.2.3"},
        {"192.0.2.4/30", "192.0.2.7", "192.0.2.8"},         {"192.0.2.1", "192.0.2.1", "192.0.2.2"},
        {"192.0.2.1/32", "192.0.2.1", "192.0.2.0"},         {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
        {"2001:db8::8/125", "2001:db8::f", "2001:db8::10"}, {"2001:db8::1", "2001:db8::1", "2001:db8::2"},
        {"128.0.0.0/1", "255.0.0.1", "127.0.0.1"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_network n;
        struct td_ip in, out;
        struct td_error err;
        assert_ok(td_network_parse(td_str(rows[i].network), &n, &err));
        assert_true(td_ip_parse(td_str(rows[i].in), &in) && td_ip_parse(td_str(rows[i].out), &out));
        assert_true(td_network_has(&n, &in));
        assert_false(td_network_has(&n, &out));
    }
}

static void refuses_networks(void **state TD_UNUSED)
{
    static const char *const rows[] = {"",         "/8",        "10.0.0.0/",  "10.0.0.0/33",    "10.0.0.0/0",
                                       "::/0",     "::/129",    "10.0.0.1/8", "2001:db8::1/64", "10.0.0.0/8/8",
                                       "10.0.0/8", "0.0.0.0/-", "a.test",     "10.0.0.0 /8",    "unix:"};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_network n;
        struct td_error err = {0};
        assert_int_equal(td_network_parse(td_str(rows[i]), &n, &err), TD_EINVAL);
        assert_int_not_equal(err.text[0], '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_addresses), cmocka_unit_test(knows_networks),
                                       cmocka_unit_test(refuses_networks)};
    return cmocka_run_group_tests_name("ip", tests, NULL, NULL);
}
