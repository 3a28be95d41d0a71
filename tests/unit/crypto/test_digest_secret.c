/* crypto/digest and crypto/secret: published vectors, passwords, sealing, the master key. */
#include "base/encode.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "crypto/secret.h"
#include "unit/test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct td_arena arena;

static struct td_slice unhex(const char *text)
{
    struct td_slice out = {0};
    assert_ok(td_hex_decode(&arena, td_str(text), &out));
    return out;
}

static void assert_hex(const void *got, size_t n, const char *want)
{
    assert_string_equal(td_hex(&arena, td_bytes(got, n)), want);
}

static void hashes_published_vectors(void **state TD_UNUSED)
{
    unsigned char out[32];
    td_sha256(TD_S("abc"), out);
    assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    td_sha256(TD_S(""), out);
    assert_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    td_sha1(TD_S("abc"), out);
    assert_hex(out, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
    td_md5(TD_S("abc"), out);
    assert_hex(out, 16, "900150983cd24fb0d6963f7d28e17f72");
    td_hmac_sha256(TD_S("Jefe"), TD_S("what do ya want for nothing?"), out); /* RFC 4231 case 2 */
    assert_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    td_hmac_sha256(TD_S(""), TD_S(""), out);
    assert_hex(out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    struct td_sha256 *h = td_sha256_new();
    td_sha256_add(h, TD_S("a"));
    td_sha256_add(h, TD_S("bc"));
    td_sha256_end(h, out);
    assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    td_sha256_end(td_sha256_new(), NULL);
}

static const struct td_json *vectors(const char *name)
{
    static struct td_json *root;
    struct td_buf text = fixture("vectors/vectors.json");
    struct td_error err;
    assert_ok(td_json_parse(td_buf_slice(&text), 1 << 16, &arena, &root, &err));
    td_buf_done(&text);
    return td_json_get(root, name);
}

static void derives_the_session_keys_of_the_document(void **state TD_UNUSED)
{
    const struct td_json *v = vectors("prt_kdf");
    unsigned char out[32], context[32];
    struct td_slice key = unhex(td_json_str(v, "session_key_hex")), ctx = unhex(td_json_str(v, "ctx_hex"));
    struct td_slice label = td_str(td_json_str(v, "label"));
    td_kdf_sp800_108(key, label, ctx, out);
    assert_hex(out, 32, td_json_str(v, "derived_v1_hex"));
    td_sha256(td_str(td_arena_printf(&arena, "%.*s%s", TD_FMT(ctx), td_json_str(v, "payload"))), context);
    assert_hex(context, 32, td_json_str(v, "v2_context_hex"));
    td_kdf_sp800_108(key, label, td_bytes(context, 32), out);
    assert_hex(out, 32, td_json_str(v, "derived_v2_hex"));
}

static void digests_the_management_credential_of_the_document(void **state TD_UNUSED)
{
    const struct td_json *v = vectors("syncml_md5");
    unsigned char out[16];
    struct td_slice nonce;
    td_md5(td_str(td_arena_printf(&arena, "%s:%s", td_json_str(v, "user"), td_json_str(v, "secret"))), out);
    assert_string_equal(td_b64(&arena, td_bytes(out, 16)), td_json_str(v, "inner_b64"));
    assert_ok(td_b64_decode(&arena, td_str(td_json_str(v, "nonce_b64")), TD_B64_STD, &nonce));
    td_md5(td_str(td_arena_printf(&arena, "%s:%.*s", td_b64(&arena, td_bytes(out, 16)), TD_FMT(nonce))), out);
    assert_string_equal(td_b64(&arena, td_bytes(out, 16)), td_json_str(v, "cred_md5"));
}

static void hashes_passwords(void **state TD_UNUSED)
{
    const struct td_password_cost cheap = {.memory_kib = 64, .passes = 1, .lanes = 1};
    struct td_env_fixed world;
    struct td_error err;
    char *one, *two;
    td_env_fixed_init(&world, 0, 1);
    assert_ok(td_password_hash(&world.env, TD_S("correct horse"), &cheap, &arena, &one, &err));
    assert_ok(td_password_hash(&world.env, TD_S("correct horse"), &cheap, &arena, &two, &err));
    assert_true(td_starts(td_str(one), "$argon2id$v=19$m=64,t=1,p=1$"));
    assert_string_not_equal(one, two); /* another salt */
    assert_true(td_password_verify(one, TD_S("correct horse")));
    assert_true(td_password_verify(two, TD_S("correct horse")));
    assert_false(td_password_verify(one, TD_S("correct hors")));
    assert_false(td_password_verify(one, TD_S("")));
    assert_false(td_password_verify("", TD_S("correct horse")));
    assert_false(td_password_verify(NULL, TD_S("correct horse")));
    assert_int_equal(td_password_hash(&world.env, TD_S("short"), &cheap, &arena, &one, &err), TD_EINVAL);
    assert_string_equal(err.where, "password");
    char *longest = td_arena_alloc(&arena, TD_PASSWORD_MAX + 2);
    memset(longest, 'x', TD_PASSWORD_MAX + 1);
    assert_int_equal(td_password_hash(&world.env, td_str(longest), &cheap, &arena, &one, &err), TD_EINVAL);
    assert_false(td_password_verify(two, td_str(longest)));
}

static void seals_and_opens(void **state TD_UNUSED)
{
    struct td_master m = {{1, 2, 3}}, other = {{9}};
    struct td_env_fixed world;
    struct td_error err;
    struct td_slice sealed, again, plain;
    td_env_fixed_init(&world, 0, 7);
    assert_ok(td_seal(&m, &world.env, "ca/root", TD_S("the secret"), &arena, &sealed));
    assert_ok(td_seal(&m, &world.env, "ca/root", TD_S("the secret"), &arena, &again));
    assert_false(td_eq(sealed, again));
    assert_true(td_search(sealed, TD_S("secret")) == SIZE_MAX);
    assert_ok(td_unseal(&m, "ca/root", sealed, &arena, &plain, &err));
    assert_slice(plain, "the secret");
    assert_int_not_equal(td_unseal(&other, "ca/root", sealed, &arena, &plain, &err), TD_OK);
    assert_int_not_equal(td_unseal(&m, "ca/device", sealed, &arena, &plain, &err), TD_OK);
    for (size_t i = 0; i < sealed.n; i++) {
        char *bent = (char *)(uintptr_t)td_arena_copy(&arena, sealed).p;
        bent[i] = (char)(bent[i] ^ 1);
        assert_int_not_equal(td_unseal(&m, "ca/root", td_bytes(bent, sealed.n), &arena, &plain, &err), TD_OK);
        assert_int_not_equal(td_unseal(&m, "ca/root", td_sub(sealed, 0, i), &arena, &plain, &err), TD_OK);
    }
    assert_ok(td_seal(&m, &world.env, "empty", TD_S(""), &arena, &sealed));
    assert_ok(td_unseal(&m, "empty", sealed, &arena, &plain, &err));
    assert_int_equal(plain.n, 0);
}

static void keeps_one_master_key(void **state TD_UNUSED)
{
    char dir[] = "/tmp/td-master-XXXXXX", path[64];
    struct td_env_fixed world;
    struct td_master first, second;
    struct td_error err;
    struct stat st;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/master.key", dir);
    td_env_fixed_init(&world, 0, 3);
    assert_ok(td_master_load(dir, &world.env, &first, &err));
    assert_ok(td_master_load(dir, &world.env, &second, &err));
    assert_memory_equal(first.key, second.key, 32);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_ok(td_file_write(path, TD_S("abc\n"), 0600, &err));
    assert_int_equal(td_master_load(dir, &world.env, &second, &err), TD_EFORMAT);
    td_master_done(&first);
    assert_int_equal(first.key[0] | first.key[31], 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0); /* no temporary file stays behind */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_published_vectors),
        cmocka_unit_test(derives_the_session_keys_of_the_document),
        cmocka_unit_test(digests_the_management_credential_of_the_document),
        cmocka_unit_test(hashes_passwords),
        cmocka_unit_test(seals_and_opens),
        cmocka_unit_test(keeps_one_master_key),
    };
    td_arena_init(&arena);
    int failed = cmocka_run_group_tests_name("digest and secret", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
