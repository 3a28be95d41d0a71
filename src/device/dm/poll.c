/* dm/poll: when the next session begins (csp.md 3.2). */
#include "device/dm/client.h"

enum { DAY_MINUTES = 1440 };

int64_t td_dm_poll_minutes(const struct td_dm *dm, int64_t n)
{
    static const struct {
        const char *interval, *count;
        int64_t interval_default, count_default;
    } sets[] = {
        {"Poll/IntervalForFirstSetOfRetries", "Poll/NumberOfFirstRetries", 15, 10},
        {"Poll/IntervalForSecondSetOfRetries", "Poll/NumberOfSecondRetries", 0, 0},
        {"Poll/IntervalForRemainingScheduledRetries", "Poll/NumberOfRemainingScheduledRetries", 0, 0},
    };
    TD_CLEANUP(td_arena_done) struct td_arena a;
    td_arena_init(&a);
    for (size_t i = 0; i < TD_COUNTOF(sets); i++) {
        int64_t minutes =
            td_csp_int(dm->csp, td_dm_provider_key(dm, false, sets[i].interval, &a), sets[i].interval_default);
        int64_t count = td_csp_int(dm->csp, td_dm_provider_key(dm, false, sets[i].count, &a), sets[i].count_default);
        if (minutes <= 0)
            continue; /* this set is off */
        if (count == 0 || n < count)
            return minutes; /* no count: for ever */
        n -= count;
    }
    return DAY_MINUTES; /* what a client does with settings that name no lasting schedule */
}
