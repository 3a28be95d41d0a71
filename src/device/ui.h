/* The person in front of the device: pages, questions and answers. One line a page; answers come from --answer or from
 * the terminal, which the program hands in as a function. Counts what was asked (the number that Touchdown wants
 * small).
 *
 * A password lives in memory only, as long as the process: after a kill it is asked again and counted again. */
#ifndef TD_DEVICE_UI_H
#define TD_DEVICE_UI_H

#include "device/device.h"

enum { TD_UI_MAX_ANSWERS = 16 };

struct td_answer {
    const char *key, *value;
};

struct td_ui {
    struct td_device *dev;
    struct td_answer answers[TD_UI_MAX_ANSWERS];
    size_t answer_count;
    /* Asks at the terminal; NULL when there is none. secret: do not echo. The text goes into out (bounded by it). */
    enum td_code (*ask)(void *ctx, const char *prompt, bool secret, struct td_buf *out, struct td_error *err);
    void *ask_ctx;
};

/* The answer to one question, counted. TD_EINVAL names the --answer that is missing when nobody can be asked. A
 * question that is asked `again` (its answer was refused) goes to the terminal only: an answer from the command line
 * stays as wrong as it was. ret is the caller's arena. */
enum td_code td_ui_ask(struct td_ui *ui, const char *key, const char *prompt, bool secret, bool again,
                       struct td_arena *a, char **ret, struct td_error *err) TD_MUST_USE;
bool td_ui_given(const struct td_ui *ui, const char *key); /* there is an --answer for it */
/* A page with nothing but a button; pressed by itself when there is no terminal. Counted too. */
enum td_code td_ui_confirm(struct td_ui *ui, const char *page, const char *prompt, struct td_error *err) TD_MUST_USE;

/* How many inputs were asked since the device left its box, and which ("user, password"). */
int td_ui_inputs(const struct td_ui *ui, struct td_arena *a, const char **ret_which);

#endif
