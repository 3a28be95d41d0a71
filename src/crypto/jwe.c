/* The two JWE forms of the token protocol (join-and-tokens.md 4, 10.4, 10.5), and RFC 7516's own for secrets to a
 * connector (docs/protocol/connector.md 3). */
#include "base/encode.h"
#include "base/fault.h"
#include "crypto/digest.h"
#include "crypto/jose.h"
#include "crypto/ossl.h"

enum { TAG = 16, GCM_IV = 12, CBC_IV = 16, CTX = 24, KEY = 32, JWE_MAX = 2 * TD_JWS_MAX };

static const char label[] = "AzureAD-SecureConversation";

struct parts {
    struct td_slice header64; /* as received */
    struct td_slice key, iv, text, tag;
    const struct td_json *header;
};

static enum td_code decode(struct td_slice compact, struct td_arena *a, struct parts *ret, struct td_error *err)
{
    struct td_slice seg[5] = {0}, rest = compact, raw[5] = {0};
    struct td_json *header = NULL;
    if (compact.n > JWE_MAX)
        return td_fail(err, TD_ELIMIT, "JWE", "more than %d octets", JWE_MAX);
    size_t dots = 0;
    for (size_t i = 0; i < compact.n; i++)
        dots += compact.p[i] == '.';
    if (dots != 4)
        return td_fail(err, TD_EFORMAT, "JWE", "does not have five segments");
    for (size_t i = 0; i < 5; i++) {
        rest = td_cut(rest, '.', &seg[i]);
        if (td_find(seg[i], '=') != SIZE_MAX || td_b64_decode(a, seg[i], TD_B64_URL | TD_B64_NOPAD, &raw[i]) != TD_OK)
            return td_fail(err, TD_EFORMAT, "JWE", "segment %zu is not base64url", i + 1);
    }
    td_try(td_json_parse(raw[0], TD_JWS_MAX, a, &header, err));
    if (header->type != TD_JSON_OBJECT)
        return td_fail(err, TD_EFORMAT, "JWE", "its header is not a JSON object");
    *ret = (struct parts){seg[0], raw[1], raw[2], raw[3], raw[4], header};
    return TD_OK;
}

static bool gcm_seal(const unsigned char key[KEY], const void *iv, struct td_slice aad, struct td_slice plain,
                     unsigned char *out, unsigned char tag[TAG])
{
    TD_CLEANUP(cipher_ctx_done) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, end = 0;
    return ctx != NULL && EVP_EncryptInit_ex2(ctx, td_ossl()->aes256_gcm, key, iv, NULL) == 1 &&
           EVP_EncryptUpdate(ctx, NULL, &n, (const unsigned char *)aad.p, (int)aad.n) == 1 &&
           (plain.n == 0 || EVP_EncryptUpdate(ctx, out, &n, (const unsigned char *)plain.p, (int)plain.n) == 1) &&
           EVP_EncryptFinal_ex(ctx, out + plain.n, &end) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, tag) == 1;
}

/* The session key is itself the content key, so that strict libraries find a real JWE of an empty text. */
enum td_code td_jwe_session_key(const struct td_key *transport_key, const unsigned char session_key[32],
                                const void *iv12, struct td_arena *a, char **ret, struct td_error *err)
{
    char *header64 = td_b64url(a, TD_S("{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"}"));
    struct td_slice wrapped = {0};
    unsigned char tag[TAG], nothing[TAG];
    enum td_code rc = td_key_oaep_encrypt(transport_key, td_bytes(session_key, KEY), a, &wrapped);
    if (rc != TD_OK)
        return td_fail(err, rc, "transport key", "can't be encrypted to");
    if (!gcm_seal(session_key, iv12, td_str(header64), TD_S(""), nothing, tag))
        return td_ossl_fail(err, TD_EINTERNAL, "JWE", "encryption failed");
    *ret = td_arena_printf(a, "%s.%s.%s..%s", header64, td_b64url(a, wrapped), td_b64url(a, td_bytes(iv12, GCM_IV)),
                           td_b64url(a, td_bytes(tag, TAG)));
    return TD_OK;
}

enum td_code td_jwe_open_session_key(const struct td_key *transport_key, struct td_slice compact, struct td_arena *a,
                                     unsigned char ret_session_key[32], struct td_error *err)
{
    struct parts p = {0};
    struct td_slice key = {0};
    td_try(decode(compact, a, &p, err));
    const char *alg = td_json_str(p.header, "alg");
    if (alg == NULL || strcmp(alg, "RSA-OAEP") != 0)
        return td_fail(err, TD_EFORMAT, "JWE", "its key is not wrapped by RSA-OAEP");
    if (td_key_oaep_decrypt(transport_key, p.key, a, &key) != TD_OK || key.n != KEY)
        return td_fail(err, TD_EAUTH, "JWE", "the session key is not for this transport key");
    memcpy(ret_session_key, key.p, KEY);
    td_wipe((void *)(uintptr_t)key.p, key.n);
    return TD_OK;
}

static enum td_code cbc(const unsigned char key[KEY], const void *iv, bool encrypt, struct td_slice in,
                        struct td_arena *a, struct td_slice *ret)
{
    TD_CLEANUP(cipher_ctx_done) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    unsigned char *out = td_arena_alloc(a, in.n + TAG + 1);
    int n = 0, end = 0;
    if (ctx == NULL || in.n > 1 << 20 || EVP_CipherInit_ex2(ctx, td_ossl()->aes256_cbc, key, iv, encrypt, NULL) != 1 ||
        EVP_CipherUpdate(ctx, out, &n, (const unsigned char *)in.p, (int)in.n) != 1 ||
        EVP_CipherFinal_ex(ctx, out + n, &end) != 1)
        return td_ossl_fail(NULL, TD_EFORMAT, "JWE", "AES-CBC failed");
    out[n + end] = '\0';
    *ret = td_bytes(out, (size_t)n + (size_t)end);
    return TD_OK;
}

/* Nobody checks the tag of this form; ours is an HMAC over what is sent, so that it could be. */
static void cbc_tag(const unsigned char key[KEY], const char *head, struct td_slice text, struct td_arena *a,
                    unsigned char tag[TAG])
{
    unsigned char mac[32];
    const char *input = td_arena_printf(a, "%s.%s", head, td_b64url(a, text));
    td_hmac_sha256(td_bytes(key, KEY), td_str(input), mac);
    memcpy(tag, mac, TAG);
}

enum td_code td_jwe_dir(const unsigned char session_key[32], const unsigned char ctx[24], const unsigned char iv[16],
                        struct td_slice plain, struct td_arena *a, char **ret, struct td_error *err)
{
    unsigned char key[KEY], tag[TAG];
    struct td_slice text = {0};
    const char *header = td_arena_printf(a, "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"ctx\":\"%s\",\"kid\":\"session\"}",
                                         td_b64(a, td_bytes(ctx, CTX)));
    td_kdf_sp800_108(td_bytes(session_key, KEY), td_str(label), td_bytes(ctx, CTX), key);
    if (cbc(key, iv, true, plain, a, &text) != TD_OK) {
        td_wipe(key, sizeof(key));
        return td_fail(err, TD_EINTERNAL, "JWE", "encryption failed");
    }
    const char *head = td_arena_printf(a, "%s..%s", td_b64url(a, td_str(header)), td_b64url(a, td_bytes(iv, CBC_IV)));
    cbc_tag(key, head, text, a, tag);
    td_wipe(key, sizeof(key));
    *ret = td_arena_printf(a, "%s.%s.%s", head, td_b64url(a, text), td_b64url(a, td_bytes(tag, TAG)));
    return TD_OK;
}

static enum td_code gcm_open(const unsigned char key[KEY], const struct parts *p, struct td_arena *a,
                             struct td_slice *ret)
{
    TD_CLEANUP(cipher_ctx_done) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    unsigned char *out = td_arena_alloc(a, p->text.n + 1), tag[TAG];
    int n = 0, end = 0;
    if (p->tag.n != TAG)
        return TD_EFORMAT;
    memcpy(tag, p->tag.p, TAG);
    if (ctx == NULL ||
        EVP_DecryptInit_ex2(ctx, td_ossl()->aes256_gcm, key, (const unsigned char *)p->iv.p, NULL) != 1 ||
        EVP_DecryptUpdate(ctx, NULL, &n, (const unsigned char *)p->header64.p, (int)p->header64.n) != 1 ||
        EVP_DecryptUpdate(ctx, out, &n, (const unsigned char *)p->text.p, (int)p->text.n) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag) != 1 ||
        EVP_DecryptFinal_ex(ctx, out + n, &end) != 1) {
        td_wipe(out, p->text.n);
        ERR_clear_error();
        return TD_EAUTH;
    }
    *ret = td_bytes(out, p->text.n);
    return TD_OK;
}

enum td_code td_jwe_open_dir(const unsigned char session_key[32], struct td_slice compact, struct td_arena *a,
                             struct td_slice *ret_plain, struct td_error *err)
{
    struct parts p = {0};
    struct td_slice ctx = {0};
    unsigned char key[KEY];
    td_try(decode(compact, a, &p, err));
    const char *ctx64 = td_json_str(p.header, "ctx");
    if (ctx64 == NULL || td_b64_decode(a, td_str(ctx64), TD_B64_STD, &ctx) != TD_OK || (ctx.n != 24 && ctx.n != 32))
        return td_fail(err, TD_EFORMAT, "JWE", "its header has no usable ctx");
    if (p.iv.n != GCM_IV && p.iv.n != CBC_IV)
        return td_fail(err, TD_EFORMAT, "JWE", "an IV of %zu octets", p.iv.n);
    td_kdf_sp800_108(td_bytes(session_key, KEY), td_str(label), ctx, key);
    enum td_code rc =
        p.iv.n == GCM_IV ? gcm_open(key, &p, a, ret_plain) : cbc(key, p.iv.p, false, p.text, a, ret_plain);
    td_wipe(key, sizeof(key));
    return rc == TD_OK ? TD_OK : td_fail(err, TD_EAUTH, "JWE", "can't be opened with this session key");
}

enum td_code td_jwe_seal(const struct td_key *to, const struct td_env *env, const char *id, const char *aud,
                         struct td_slice plain, struct td_arena *a, char **ret, struct td_error *err)
{
    unsigned char key[KEY], iv[GCM_IV], tag[TAG];
    struct td_slice wrapped = {0};
    struct td_jsonw w;
    TD_CLEANUP(td_buf_done) struct td_buf header;
    td_buf_init(&header, 1024);
    td_jsonw_init(&w, &header);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "alg", "RSA-OAEP-256");
    td_jsonw_kstr(&w, "enc", "A256GCM");
    td_jsonw_kstr(&w, "id", id);
    td_jsonw_kstr(&w, "aud", aud);
    td_jsonw_end(&w);
    td_try(td_buf_check(&header, "JWE header", err));
    if (plain.n > TD_JWS_MAX / 2)
        return td_fail(err, TD_ELIMIT, "JWE", "more than %d octets", TD_JWS_MAX / 2);
    const char *header64 = td_b64url(a, td_buf_slice(&header));
    unsigned char *text = td_arena_alloc(a, plain.n + 1);
    td_random_fill(env, key, sizeof(key));
    td_random_fill(env, iv, sizeof(iv));
    bool sealed = gcm_seal(key, iv, td_str(header64), plain, text, tag) &&
                  td_key_oaep256_encrypt(to, td_bytes(key, KEY), a, &wrapped) == TD_OK;
    td_wipe(key, sizeof(key));
    if (!sealed)
        return td_ossl_fail(err, TD_EINTERNAL, "JWE", "encryption failed");
    *ret = td_arena_printf(a, "%s.%s.%s.%s.%s", header64, td_b64url(a, wrapped), td_b64url(a, td_bytes(iv, GCM_IV)),
                           td_b64url(a, td_bytes(text, plain.n)), td_b64url(a, td_bytes(tag, TAG)));
    return TD_OK;
}

static bool says(const struct parts *p, const char *member, const char *wanted)
{
    const char *said = td_json_str(p->header, member);
    return said != NULL && strcmp(said, wanted) == 0;
}

enum td_code td_jwe_open(const struct td_key *key, const char *id, const char *aud, struct td_slice compact,
                         struct td_arena *a, struct td_slice *ret_plain, struct td_error *err)
{
    struct parts p = {0};
    struct td_slice content = {0};
    td_try(decode(compact, a, &p, err));
    if (!says(&p, "alg", "RSA-OAEP-256") || !says(&p, "enc", "A256GCM") || p.iv.n != GCM_IV)
        return td_fail(err, TD_EFORMAT, "JWE", "is not RSA-OAEP-256 with A256GCM");
    if ((!says(&p, "id", id) && !td_fault("jwe-any-id")) || (!says(&p, "aud", aud) && !td_fault("jwe-any-audience")))
        return td_fail(err, TD_EAUTH, "JWE", "was made for another question or another receiver");
    if (td_key_oaep256_decrypt(key, p.key, a, &content) != TD_OK || content.n != KEY)
        return td_fail(err, TD_EAUTH, "JWE", "is not for this key");
    enum td_code rc = gcm_open((const unsigned char *)content.p, &p, a, ret_plain);
    td_wipe((void *)(uintptr_t)content.p, content.n);
    return rc == TD_OK ? TD_OK : td_fail(err, TD_EAUTH, "JWE", "was changed");
}
