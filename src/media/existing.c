#include "media/existing.h"

#include "base/buf.h"
#include "codec/autopilot_file.h"

enum { README_MAX = 65536 };

/* Texts that are no file of their own but a part of README.txt. */
static const char user_files_part[] = "user-files.txt", readme[] = "README.txt";

static const char *text_of(const char *name)
{
    for (size_t i = 0; i < td_media_existing_texts_count; i++)
        if (strcmp(td_media_existing_texts[i].name, name) == 0)
            return td_media_existing_texts[i].text;
    return "";
}

/* Words between @ are replaced once, left to right; what comes in is not looked at again. */
static void fill(const struct td_media_existing *in, struct td_slice text, struct td_buf *out)
{
    const struct {
        const char *word, *value;
    } words[] = {{"@PROFILE@", in->profile_name},
                 {"@ID@", in->profile_id},
                 {"@DOMAIN@", in->tenant_domain},
                 {"@USERFILES@\r\n", in->user_files ? text_of(user_files_part) : ""}};
    while (text.n != 0) {
        size_t skip = 1;
        const char *value = NULL;
        for (size_t i = 0; i < TD_COUNTOF(words) && value == NULL; i++)
            if (td_starts(text, words[i].word)) {
                skip = strlen(words[i].word);
                value = words[i].value;
            }
        if (value != NULL)
            td_buf_adds(out, value);
        else
            td_buf_addc(out, text.p[0]);
        text = td_sub(text, skip, text.n);
    }
}

static bool of_user_files(const char *name)
{
    return td_ends(td_str(name), "-user-files.cmd");
}

enum td_code td_media_existing_write(const struct td_media_existing *in, td_media_put *put, void *ctx,
                                     struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf filled;
    td_buf_init(&filled, README_MAX);
    td_try(put(ctx, TD_AUTOPILOT_FILE_NAME, in->profile_file, err));
    for (size_t i = 0; i < td_media_existing_texts_count; i++) {
        const struct td_media_text *t = &td_media_existing_texts[i];
        if (strcmp(t->name, user_files_part) == 0 || strcmp(t->name, readme) == 0 ||
            (of_user_files(t->name) && !in->user_files))
            continue;
        td_try(put(ctx, t->name, td_str(t->text), err));
    }
    fill(in, td_str(text_of(readme)), &filled);
    td_try(td_buf_check(&filled, readme, err));
    return put(ctx, readme, td_buf_slice(&filled), err);
}
