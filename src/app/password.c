#include "app/password.h"

#include "crypto/secret.h"

static const struct td_password_cost cost = {64 << 10, 3, 1};

/* What a sign-in page could not take again is refused here: files of other encodings, with marks or line ends inside.
 */
static bool typeable(struct td_slice s)
{
    bool fine = td_utf8_ok(s) && !td_starts(s, "\xEF\xBB\xBF");
    for (size_t i = 0; i < s.n; i++)
        fine = fine && (unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f;
    return fine;
}

enum td_code td_cli_password(struct td_cli *cli, char **ret_phc, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf password = {0};
    td_try(td_cli_secret(cli, "password-file", &password, err));
    if (password.n < TD_PASSWORD_MIN || password.n > TD_PASSWORD_MAX)
        return td_fail(err, TD_EINVAL, "password-file", "a password has %d to %d octets", TD_PASSWORD_MIN,
                       TD_PASSWORD_MAX);
    if (!typeable(td_buf_slice(&password)))
        return td_fail(
            err, TD_EINVAL, "password-file",
            "holds more than one line of UTF-8 text: a control character, a byte order mark or another encoding");
    return td_password_hash(cli->env, td_buf_slice(&password), &cost, &cli->arena, ret_phc, err);
}
