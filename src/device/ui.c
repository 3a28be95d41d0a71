#include "device/ui.h"

enum { UI_MAX_ANSWER = 1024 };

static const char inputs_key[] = "ui.inputs";

/* Saved before the answer is used: a kill does not make the count smaller. */
static enum td_code count_input(struct td_ui *ui, const char *what, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *before = td_state_get(ui->dev->state, inputs_key);
    const char *now = before == NULL ? what : td_arena_printf(&a, "%s, %s", before, what);
    td_state_set(ui->dev->state, inputs_key, now);
    return td_state_save(ui->dev->state, err);
}

static const char *given(const struct td_ui *ui, const char *key)
{
    for (size_t i = 0; i < ui->answer_count; i++)
        if (strcmp(ui->answers[i].key, key) == 0)
            return ui->answers[i].value;
    return NULL;
}

bool td_ui_given(const struct td_ui *ui, const char *key)
{
    return given(ui, key) != NULL;
}

enum td_code td_ui_ask(struct td_ui *ui, const char *key, const char *prompt, bool secret, bool again,
                       struct td_arena *a, char **ret, struct td_error *err)
{
    const char *answer = again ? NULL : given(ui, key);
    if (answer != NULL) {
        td_try(count_input(ui, key, err));
        *ret = td_arena_strdup(a, answer);
        return TD_OK;
    }
    if (ui->ask == NULL) {
        (void)td_fail(err, TD_EINVAL, key, "%s", again ? "the answer was refused" : "the page waits for an answer");
        return td_remedy(err, TD_EINVAL, "give --answer %s=..., or run at a terminal", key);
    }
    TD_CLEANUP(td_buf_wipe) struct td_buf text;
    td_buf_init(&text, UI_MAX_ANSWER);
    td_try(ui->ask(ui->ask_ctx, prompt, secret, &text, err));
    td_try(count_input(ui, key, err));
    *ret = td_arena_text(a, td_buf_slice(&text));
    return TD_OK;
}

enum td_code td_ui_confirm(struct td_ui *ui, const char *page, const char *prompt, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf text;
    td_buf_init(&text, UI_MAX_ANSWER);
    if (ui->ask != NULL)
        td_try(ui->ask(ui->ask_ctx, prompt, false, &text, err));
    return count_input(ui, page, err);
}

int td_ui_inputs(const struct td_ui *ui, struct td_arena *a, const char **ret_which)
{
    struct td_slice rest = td_str(td_state_get(ui->dev->state, inputs_key)), one;
    int n = 0;
    *ret_which = td_arena_text(a, rest);
    while (rest.n != 0) {
        rest = td_cut(rest, ',', &one);
        n++;
    }
    return n;
}
