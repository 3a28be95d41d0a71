/* connect/srv: answers of name servers, octet by octet (RFC 1035 4.1, RFC 2782), their order, and what is no answer.
 * What a real one says is read in tests/e2e/scenarios/hybrid_failures.py. */
#include "connect/srv.h"
#include "unit/test.h"

static struct td_arena arena;
static struct td_env_fixed world;
static struct td_srv got[TD_SRV_MAX];
static size_t count;

#define QUESTION 12 /* its name begins behind the head */

static void put(struct td_buf *b, unsigned v)
{
    td_buf_addc(b, (char)(v >> 8));
    td_buf_addc(b, (char)(v & 0xff));
}

/* "dc1.corp.test" as labels; "*" at the end: the name of the question goes on. */
static void put_name(struct td_buf *b, const char *text)
{
    for (struct td_slice rest = td_str(text), label; rest.n != 0;) {
        rest = td_cut(rest, '.', &label);
        if (td_eqs(label, "*")) {
            put(b, 0xc000 | QUESTION);
            return;
        }
        td_buf_addc(b, (char)label.n);
        td_buf_add(b, label);
    }
    td_buf_addc(b, '\0');
}

static void head(struct td_buf *b, unsigned answers)
{
    td_buf_init(b, TD_SRV_MESSAGE_MAX);
    put(b, 4711);
    put(b, 0x8180);
    put(b, 1);
    put(b, answers);
    put(b, 0);
    put(b, 0);
    put_name(b, "corp.test");
    put(b, 33);
    put(b, 1);
}

static void record(struct td_buf *b, unsigned type, unsigned priority, unsigned weight, const char *target)
{
    TD_CLEANUP(td_buf_done) struct td_buf data;
    td_buf_init(&data, 512);
    put(&data, priority);
    put(&data, weight);
    put(&data, 389);
    put_name(&data, target);
    put_name(b, "*");
    put(b, type);
    put(b, 1);
    put(b, 0);
    put(b, 600);
    put(b, (unsigned)data.n);
    td_buf_add(b, td_buf_slice(&data));
}

static enum td_code take(struct td_slice message)
{
    count = 99;
    return td_srv_read(&world.env, message, &arena, got, &count, NULL);
}

static void reads_an_answer(void **state TD_UNUSED)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    head(&b, 4);
    record(&b, 33, 0, 100, "DC1.*");
    record(&b, 5, 0, 0, "other.test"); /* an alias stands before what it leads to */
    record(&b, 33, 0, 100, "a b.*");   /* no name that a host has */
    record(&b, 33, 0, 0, "");          /* "." */
    assert_ok(take(td_buf_slice(&b)));
    assert_int_equal(count, 1);
    assert_string_equal(got[0].host, "dc1.corp.test");
    assert_int_equal(got[0].port, 389);
    assert_int_equal(got[0].weight, 100);
    TD_CLEANUP(td_buf_done) struct td_buf none;
    head(&none, 0);
    assert_int_equal(take(td_buf_slice(&none)), TD_ENOTFOUND);
    assert_int_equal(count, 99);
}

static void keeps_no_more_than_there_is_room_for(void **state TD_UNUSED)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    head(&b, 40);
    for (int i = 0; i < 40; i++)
        record(&b, 33, 0, 100, "dc1.*");
    assert_ok(take(td_buf_slice(&b)));
    assert_int_equal(count, TD_SRV_MAX);
}

/* RFC 2782: the least priority first; of equals each by chance, as often as its share of their weights. */
static void by_priority_and_weight(void **state TD_UNUSED)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    int heavy = 0, light = 0;
    head(&b, 4);
    record(&b, 33, 9, 100, "last.*");
    record(&b, 33, 3, 10, "light.*");
    record(&b, 33, 3, 90, "heavy.*");
    record(&b, 33, 0, 0, "first.*");
    for (int i = 0; i < 1000; i++) {
        assert_ok(take(td_buf_slice(&b)));
        assert_int_equal(count, 4);
        assert_string_equal(got[0].host, "first.corp.test");
        assert_string_equal(got[3].host, "last.corp.test");
        heavy += strcmp(got[1].host, "heavy.corp.test") == 0;
        light += strcmp(got[1].host, "light.corp.test") == 0;
    }
    assert_int_equal(heavy + light, 1000);
    assert_in_range(light, 60, 170);
}

static void what_is_no_answer(void **state TD_UNUSED)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    head(&b, 1);
    record(&b, 33, 0, 100, "dc1.*");
    struct td_slice whole = td_buf_slice(&b);
    for (size_t n = 0; n < whole.n; n++)
        assert_int_equal(take(td_sub(whole, 0, n)), TD_EFORMAT);
    b.p[b.n - 2] = (char)0xc0; /* a name that leads to itself */
    b.p[b.n - 1] = (char)(b.n - 2);
    assert_int_equal(take(td_buf_slice(&b)), TD_EFORMAT);
    b.p[5] = 2;
    assert_int_equal(take(td_buf_slice(&b)), TD_EFORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_an_answer),
        cmocka_unit_test(keeps_no_more_than_there_is_room_for),
        cmocka_unit_test(by_priority_and_weight),
        cmocka_unit_test(what_is_no_answer),
    };
    td_arena_init(&arena);
    td_env_fixed_init(&world, 0, 7);
    int failed = cmocka_run_group_tests_name("connect/srv", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
