/* device/html and device/web: a hostile sign-in page, and addresses found in it. */
#include "device/html.h"
#include "device/web.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_arena a;
    struct td_html page;
    td_arena_init(&a);
    if (td_html_read(td_bytes(data, size), &a, &page, NULL) == TD_OK) {
        for (size_t i = 0; i < page.form_count; i++)
            (void)td_url_resolve("https://td.test:8443/a/b?c", page.forms[i].action, &a);
        (void)td_html_main_form(&page);
    }
    (void)td_form_get(td_bytes(data, size), "code", &a);
    td_arena_done(&a);
    return 0;
}
