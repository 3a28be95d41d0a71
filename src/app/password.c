#include "app/password.h"

#include "crypto/secret.h"

static const struct td_password_cost cost = {64 << 10, 3, 1};

enum td_code td_cli_password(struct td_cli *cli, char **ret_phc, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf password = {0};
    td_try(td_cli_secret(cli, "password-file", &password, err));
    if (password.n < TD_PASSWORD_MIN || password.n > TD_PASSWORD_MAX)
        return td_fail(err, TD_EINVAL, "password-file", "a password has %d to %d octets", TD_PASSWORD_MIN,
                       TD_PASSWORD_MAX);
    return td_password_hash(cli->env, td_buf_slice(&password), &cost, &cli->arena, ret_phc, err);
}
