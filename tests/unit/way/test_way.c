/* way/way: every pair of each table against a second statement of the rules, and the scenarios of autopilot.md 3. */
#include "unit/test.h"
#include "way/way.h"

/* One letter an event, in the order of enum td_way_event:
 *   R registered  A assigned  U unassigned  D deregistered  C contacted  N contacted-none  S signed-in  J joined
 *   j unjoined  E enrolled  e unenrolled  1 device-setup  2 device-done  3 account-setup  Y ready  F failed
 *   q queued  s sent  d done  f action failed  X reset  P repurposed  M repaired  T retired
 *   H handed-over  W wiped  c cancelled  V attested  p provisioned */
static const char letters[] = "RAUDCNSJjEe123YFqsdfXPMTHWcVp";

/* A row a state: what each event leads to ('.': does not concern it). Targets are letters of the machine's states. */
static const struct {
    enum td_machine machine;
    const char *states; /* letter a state */
    const char *rows[16];
} expected[] = {
    {TD_M_REGISTRATION,
     "nra",
     {/*       RAUDCNSJjEe123YFqsdfXPMTHWcVp */
      /* n */ "r............................",
      /* r */ "rarn.........................",
      /* a */ "aarn........................."}},
    {TD_M_JOIN,
     "nj",
     {/*       RAUDCNSJjEe123YFqsdfXPMTHWcVp */
      /* n */ ".......j...............n.n...",
      /* j */ ".......jn..............n.n..."}},
    {TD_M_ENROLMENT,
     "ne",
     {/*       RAUDCNSJjEe123YFqsdfXPMTHWcVp */
      /* n */ ".........e.............n.n...",
      /* e */ ".........en............n.n..."}},
    {TD_M_DEPLOYMENT,
     "icsjeDdaRFHXvp",
     {/*       RAUDCNSJjEe123YFqsdfXPMTHWcVp */
      /* i */ "....cisiiiiD...i....X..iii.v.",
      /* c */ "....ccsjcecDdaRF....X..ici.v.",
      /* s */ "....sssjsesDdaRF....X..isi.v.",
      /* j */ "....jjsjiejDdaRF....X..iHi.v.",
      /* e */ "....eeseieiDdaRF....X..iei.v.",
      /* D */ "....DDsDieiDdaRF....X..iDi.v.",
      /* d */ "....ddsdieiddaRF....X..idi.vp",
      /* a */ "....aasaieiaaaRF....X..iai.v.",
      /* R */ "....RRsRiRiRRRRR....X..iRi.v.",
      /* F */ "....cFsjFeFDdaRF....X..iHi.v.",
      /* H */ "....HHsHieHDdaRH....X..iHi.v.",
      /* X */ "....XXsXieiDdaRF....X..iHi.v.",
      /* v */ "....vvsjvevDdaRF....X..ivi.v.",
      /* p */ "....ppsjpeiDpaRF....X..ipi.vp"}},
    {TD_M_ACTION,
     "nqsdfXPMT",
     {/*       RAUDCNSJjEe123YFqsdfXPMTHWcVp */
      /* n */ "................qsdfXPMT.Xn..",
      /* q */ "................qsdfXPMT.Xn..",
      /* s */ "................qsdfXPMT.Xn..",
      /* d */ "................qsdfXPMT.Xn..",
      /* f */ "................qsdfXPMT.Xn..",
      /* X */ "....n.........n.qsdfXPMT.Xn..",
      /* P */ "....n.........n.qsdfXPMT.Xn..",
      /* M */ "....n.........n.qsdfXPMT.Xn..",
      /* T */ "n...n..n.n.............T....."}},
};

static void every_pair_of_every_table(void **state TD_UNUSED)
{
    assert_int_equal(sizeof(letters) - 1, TD_EV_COUNT);
    assert_int_equal(TD_COUNTOF(expected), TD_M_COUNT);
    for (size_t m = 0; m < TD_COUNTOF(expected); m++) {
        assert_int_equal(td_way_state_count(expected[m].machine), strlen(expected[m].states));
        for (unsigned s = 0; s < strlen(expected[m].states); s++) {
            for (unsigned e = 0; e < TD_EV_COUNT; e++) {
                int next = td_way_next(expected[m].machine, s, (enum td_way_event)e);
                char got = next < 0 ? '.' : expected[m].states[next];
                if (got != expected[m].rows[s][e])
                    fail_msg("%s, %s, %s: %c instead of %c", td_way_machine_word(expected[m].machine),
                             td_way_state_word(expected[m].machine, s), td_way_event_word((enum td_way_event)e), got,
                             expected[m].rows[s][e]);
            }
        }
        assert_int_equal(td_way_next(expected[m].machine, 99, TD_EV_REGISTERED), -1);
    }
}

struct step {
    char event;
    const char *word; /* afterwards */
};

static void walk(const char *name, const struct step *steps)
{
    struct td_way way = {{0}};
    struct td_error err;
    bool changed;
    assert_string_equal(td_way_word(&way), "in its box");
    for (; steps->event != '\0'; steps++) {
        enum td_way_event event = (enum td_way_event)(strchr(letters, steps->event) - letters);
        if (td_way_step(&way, event, &changed, &err) != TD_OK)
            fail_msg("%s: %s: %s", name, err.where, err.text);
        if (strcmp(td_way_word(&way), steps->word) != 0)
            fail_msg("%s: after %s the word is '%s' instead of '%s'", name, td_way_event_word(event), td_way_word(&way),
                     steps->word);
    }
}

static void scenarios(void **state TD_UNUSED)
{
    static const struct {
        const char *name;
        struct step steps[24];
    } all[] = {
        {"3.1 user-driven",
         {{'R', "registered"},
          {'A', "assigned"},
          {'C', "contacted"},
          {'S', "signed in"},
          {'J', "joined"},
          {'E', "enrolled"},
          {'1', "device setup"},
          {'2', "device setup"},
          {'3', "account setup"},
          {'Y', "ready"}}},
        {"managed by another service: joined here, later back for a new user, then enrolled here after all",
         {{'R', "registered"},
          {'A', "assigned"},
          {'C', "contacted"},
          {'S', "signed in"},
          {'J', "joined"},
          {'H', "joined"},
          {'C', "joined"},
          {'S', "signed in"},
          {'H', "signed in"},
          {'J', "joined"},
          {'H', "joined"},
          {'E', "enrolled"}}},
        {"asked before it was registered",
         {{'R', "registered"}, {'N', "registered"}, {'A', "assigned"}, {'C', "contacted"}}},
        {"3.2 hybrid: enrols, joins later",
         {{'R', "registered"},
          {'A', "assigned"},
          {'C', "contacted"},
          {'S', "signed in"},
          {'E', "enrolled"},
          {'1', "device setup"},
          {'J', "device setup"},
          {'2', "device setup"},
          {'3', "account setup"},
          {'Y', "ready"}}},
        {"3.2 hybrid: registered in the directory at the end",
         {{'R', "registered"},
          {'A', "assigned"},
          {'C', "contacted"},
          {'S', "signed in"},
          {'E', "enrolled"},
          {'1', "device setup"},
          {'3', "account setup"},
          {'J', "account setup"},
          {'Y', "ready"}}},
        {"3.3 self-deploying: its TPM in place of a user, no account phase; reset it is ready again by itself",
         {{'R', "registered"},
          {'A', "assigned"},
          {'C', "contacted"},
          {'V', "attested"},
          {'C', "attested"},
          {'J', "joined"},
          {'E', "enrolled"},
          {'1', "device setup"},
          {'2', "device setup"},
          {'Y', "ready"},
          {'X', "reset"},
          {'1', "device setup"},
          {'2', "device setup"},
          {'Y', "ready"}}},
        {"3.3 refused once, attested anew; installed again by hand it attests wherever it was",
         {{'R', "registered"},
          {'A', "assigned"},
          {'C', "contacted"},
          {'F', "failed"},
          {'C', "contacted"},
          {'V', "attested"},
          {'F', "failed"},
          {'V', "attested"},
          {'J', "joined"},
          {'V', "attested"},
          {'J', "joined"},
          {'E', "enrolled"},
          {'1', "device setup"},
          {'Y', "ready"},
          {'C', "ready"},
          {'V', "attested"},
          {'J', "joined"},
          {'E', "enrolled"}}},
        {"3.4 pre-provisioning: un-joins, stays enrolled on the shelf, joins again for its user",
         {{'R', "registered"},
          {'A', "assigned"},
          {'C', "contacted"},
          {'V', "attested"},
          {'J', "joined"},
          {'E', "enrolled"},
          {'1', "device setup"},
          {'2', "device setup"},
          {'p', "pre-provisioned"},
          {'j', "pre-provisioned"},
          {'2', "pre-provisioned"},
          {'C', "pre-provisioned"},
          {'S', "signed in"},
          {'J', "joined"},
          {'1', "device setup"},
          {'2', "device setup"},
          {'3', "account setup"},
          {'Y', "ready"}}},
        {"3.4 the red page: failed, provisioned anew from its beginning; wiped on the shelf",
         {{'R', "registered"},
          {'A', "assigned"},
          {'C', "contacted"},
          {'V', "attested"},
          {'J', "joined"},
          {'E', "enrolled"},
          {'1', "device setup"},
          {'F', "failed"},
          {'V', "attested"},
          {'J', "joined"},
          {'E', "enrolled"},
          {'1', "device setup"},
          {'2', "device setup"},
          {'p', "pre-provisioned"},
          {'W', "reset"}}},
        {"3.5 existing device: joins and enrols first, is registered afterwards",
         {{'J', "joined"},
          {'E', "enrolled"},
          {'1', "device setup"},
          {'2', "device setup"},
          {'3', "account setup"},
          {'Y', "ready"},
          {'R', "ready"},
          {'A', "ready"}}},
        {"3.7 remote reset: keeps join and enrolment, is ready again, for another user",
         {{'R', "registered"},   {'A', "assigned"},     {'C', "contacted"},    {'S', "signed in"},
          {'J', "joined"},       {'E', "enrolled"},     {'1', "device setup"}, {'3', "account setup"},
          {'Y', "ready"},        {'q', "ready"},        {'s', "ready"},        {'X', "reset"},
          {'1', "device setup"}, {'2', "device setup"}, {'P', "device setup"}, {'3', "account setup"},
          {'Y', "ready"},        {'q', "ready"},        {'s', "ready"},        {'d', "ready"}}},
        {"3.6 local reset: nobody asked for it; fails once",
         {{'R', "registered"},
          {'A', "assigned"},
          {'C', "contacted"},
          {'S', "signed in"},
          {'J', "joined"},
          {'E', "enrolled"},
          {'1', "device setup"},
          {'3', "account setup"},
          {'Y', "ready"},
          {'X', "reset"},
          {'C', "reset"},
          {'1', "device setup"},
          {'F', "failed"},
          {'1', "device setup"},
          {'3', "account setup"},
          {'Y', "ready"}}},
        {"3.7 another user is awaited: unenrolled while it was reset",
         {{'R', "registered"},
          {'A', "assigned"},
          {'C', "contacted"},
          {'S', "signed in"},
          {'J', "joined"},
          {'E', "enrolled"},
          {'1', "device setup"},
          {'3', "account setup"},
          {'Y', "ready"},
          {'X', "reset"},
          {'e', "joined"}}},
        {"3.8 wipe: back in its box, registered still",
         {{'R', "registered"},
          {'A', "assigned"},
          {'C', "contacted"},
          {'S', "signed in"},
          {'J', "joined"},
          {'E', "enrolled"},
          {'1', "device setup"},
          {'3', "account setup"},
          {'Y', "ready"},
          {'q', "ready"},
          {'s', "ready"},
          {'W', "reset"},
          {'C', "contacted"},
          {'S', "signed in"},
          {'J', "joined"}}},
        {"3.8 installed anew by hand: seen when it joins again",
         {{'R', "registered"},
          {'A', "assigned"},
          {'C', "contacted"},
          {'S', "signed in"},
          {'J', "joined"},
          {'E', "enrolled"},
          {'1', "device setup"},
          {'3', "account setup"},
          {'Y', "ready"},
          {'C', "ready"},
          {'S', "signed in"},
          {'W', "reset"},
          {'C', "contacted"},
          {'J', "joined"},
          {'E', "enrolled"}}},
        {"asked, cancelled, failed: nothing changes",
         {{'R', "registered"},
          {'A', "assigned"},
          {'C', "contacted"},
          {'S', "signed in"},
          {'J', "joined"},
          {'E', "enrolled"},
          {'1', "device setup"},
          {'3', "account setup"},
          {'Y', "ready"},
          {'q', "ready"},
          {'c', "ready"},
          {'q', "ready"},
          {'s', "ready"},
          {'f', "ready"},
          {'q', "ready"},
          {'d', "ready"}}},
        {"3.9 repurposed and repaired: a word of its own only where nothing else is known",
         {{'R', "registered"},
          {'P', "repurposed"},
          {'M', "repaired"},
          {'T', "retired"},
          {'D', "retired"},
          {'R', "registered"}}},
        {"3.9 retire: asked, goodbye, gone; deployed again",
         {{'R', "registered"},
          {'A', "assigned"},
          {'C', "contacted"},
          {'S', "signed in"},
          {'J', "joined"},
          {'E', "enrolled"},
          {'1', "device setup"},
          {'3', "account setup"},
          {'Y', "ready"},
          {'q', "ready"},
          {'s', "ready"},
          {'T', "retired"},
          {'N', "retired"},
          {'C', "contacted"},
          {'S', "signed in"}}},
        {"1.8 repaired while ready",
         {{'R', "registered"},
          {'A', "assigned"},
          {'C', "contacted"},
          {'S', "signed in"},
          {'J', "joined"},
          {'E', "enrolled"},
          {'1', "device setup"},
          {'3', "account setup"},
          {'Y', "ready"},
          {'M', "ready"},
          {'q', "ready"}}},
        {"1.8 deregistered, managed on",
         {{'R', "registered"},
          {'A', "assigned"},
          {'C', "contacted"},
          {'S', "signed in"},
          {'J', "joined"},
          {'E', "enrolled"},
          {'1', "device setup"},
          {'3', "account setup"},
          {'Y', "ready"},
          {'D', "ready"},
          {'e', "joined"},
          {'j', "in its box"}}},
        {"failed, tried again",
         {{'R', "registered"},
          {'A', "assigned"},
          {'C', "contacted"},
          {'S', "signed in"},
          {'F', "failed"},
          {'S', "signed in"},
          {'J', "joined"},
          {'E', "enrolled"},
          {'1', "device setup"},
          {'F', "failed"},
          {'1', "device setup"},
          {'3', "account setup"},
          {'F', "failed"},
          {'Y', "ready"},
          {'F', "ready"}}},
        {"a lookup by others moves nothing back",
         {{'R', "registered"},
          {'A', "assigned"},
          {'C', "contacted"},
          {'S', "signed in"},
          {'J', "joined"},
          {'C', "joined"},
          {'E', "enrolled"},
          {'1', "device setup"},
          {'C', "device setup"},
          {'3', "account setup"},
          {'Y', "ready"},
          {'C', "ready"},
          {'N', "ready"}}},
        {"set up anew by hand",
         {{'R', "registered"},
          {'A', "assigned"},
          {'C', "contacted"},
          {'S', "signed in"},
          {'J', "joined"},
          {'E', "enrolled"},
          {'1', "device setup"},
          {'3', "account setup"},
          {'Y', "ready"},
          {'C', "ready"},
          {'S', "signed in"},
          {'J', "joined"},
          {'E', "enrolled"}}},
    };
    for (size_t i = 0; i < TD_COUNTOF(all); i++)
        walk(all[i].name, all[i].steps);
}

static void refuses_what_cannot_be(void **state TD_UNUSED)
{
    struct td_way way = {{0}}, before = way;
    struct td_error err;
    bool changed = true;
    static const enum td_way_event bad[] = {TD_EV_ASSIGNED,    TD_EV_UNASSIGNED,    TD_EV_DEREGISTERED, TD_EV_READY,
                                            TD_EV_DEVICE_DONE, TD_EV_ACCOUNT_SETUP, TD_EV_PROVISIONED};
    for (size_t i = 0; i < TD_COUNTOF(bad); i++) {
        assert_int_equal(td_way_step(&way, bad[i], &changed, &err), TD_ESTATE);
        assert_memory_equal(&way, &before, sizeof(way));
        assert_string_equal(err.where, td_way_event_word(bad[i]));
    }
    assert_ok(td_way_step(&way, TD_EV_FAILED, &changed, &err));
    assert_false(changed);
}

static void every_event_has_a_word(void **state TD_UNUSED)
{
    for (unsigned e = 0; e < TD_EV_COUNT; e++) {
        assert_true(td_starts(td_str(td_way_event_word((enum td_way_event)e)), "device."));
        for (unsigned o = 0; o < e; o++)
            assert_string_not_equal(td_way_event_word((enum td_way_event)e), td_way_event_word((enum td_way_event)o));
    }
    assert_string_equal(td_way_event_word(TD_EV_COUNT), "device.unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_every_table),
        cmocka_unit_test(scenarios),
        cmocka_unit_test(refuses_what_cannot_be),
        cmocka_unit_test(every_event_has_a_word),
    };
    return cmocka_run_group_tests_name("way", tests, NULL, NULL);
}
