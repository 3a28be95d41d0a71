/* device/pages: which pages a profile leaves out, on a wire and without one (autopilot.md 2.1, 2.3, 5). */
#include "device/pages.h"
#include "unit/test.h"

/* Names of the shown pages, in their order, joined by commas. */
static void shown(const struct td_page_facts *facts, char *out, size_t n)
{
    out[0] = '\0';
    for (size_t i = 0; i < td_page_count; i++)
        if (td_page_skipped(&td_pages[i], facts) == NULL)
            (void)snprintf(out + strlen(out), n - strlen(out), "%s%s", out[0] != '\0' ? "," : "", td_pages[i].name);
}

static const struct {
    struct td_page_facts facts;
    const char *want;
} rows[] = {
    /* the usual profile: 1310 = keyboard, upgrade, EULA, OEM, express settings, standard user */
    {{true, true, 1310, "os-default", "", false}, ""},
    {{true, true, 1310, "en-US", "US", false}, ""},
    /* the user chooses language and region */
    {{true, true, 1310, "", "", false}, "language,region"},
    {{true, true, 1310, "", "US", false}, "language"},
    /* pages that the profile leaves in */
    {{true, true, 286, "os-default", "", false}, "keyboard,second keyboard"},
    {{true, true, 1310 & ~16, "os-default", "", false}, "licence terms"},
    {{true, true, 1310 & ~4, "os-default", "", false}, "privacy"},
    /* without a wire the first pages come before the profile */
    {{false, true, 1310, "en-US", "US", false}, "language,region,keyboard,second keyboard,network"},
    /* self-deploying on a wire: nothing, whatever the profile leaves in; without one as much as comes before it */
    {{true, true, 0, "", "", true}, ""},
    {{true, true, 96, "en-US", "US", true}, ""},
    {{false, true, 96, "en-US", "US", true}, "language,region,keyboard,second keyboard,network"},
    {{true, false, 0, "", "", true},
     "language,region,keyboard,second keyboard,licence terms,work or personal,privacy,voice assistant,cloud "
     "storage,maker's registration"},
    /* no profile at all */
    {{true, false, 0, "", "", false},
     "language,region,keyboard,second keyboard,licence terms,work or personal,privacy,voice assistant,cloud "
     "storage,maker's registration"},
};

static void leaves_out_what_the_profile_says(void **state TD_UNUSED)
{
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        char got[512];
        shown(&rows[i].facts, got, sizeof(got));
        assert_string_equal(got, rows[i].want);
    }
}

static void keeps_the_order(void **state TD_UNUSED)
{
    for (size_t i = 1; i < td_page_count; i++)
        assert_true(td_pages[i - 1].stage <= td_pages[i].stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_out_what_the_profile_says),
        cmocka_unit_test(keeps_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
