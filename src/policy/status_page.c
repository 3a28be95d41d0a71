#include "policy/status_page.h"

#include "base/fault.h"

struct td_item_page td_page_of(const struct td_status_page *p, bool registered)
{
    return (struct td_item_page){.show = p->show != 0 && (registered || !p->autopilot_only),
                                 .show_to_every_user = !p->first_user_only,
                                 .timeout_minutes = (int)p->minutes,
                                 .allow_reset = p->allow_reset != 0,
                                 .allow_retry = !p->block_retry,
                                 .allow_continue = p->allow_use != 0,
                                 .collect_logs = p->allow_logs != 0,
                                 .error_text = p->message};
}

void td_page_untrack(const struct td_status_page *p, bool technician, struct td_item *items, size_t count,
                     struct td_arena *a)
{
    if (technician && !p->allow_non_blocking && !td_fault("technician-lenient"))
        return;
    for (size_t i = 0; i < count; i++)
        if (items[i].kind == TD_ITEM_MSI && !td_status_page_blocks(p, items[i].id, a))
            items[i].tracked = false;
}
