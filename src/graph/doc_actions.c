/* graph-doc actions: the tables of docs/tasks/actions.md, from the tables that service and device act by
 * (way/action.h, way/remains.h). */
#include "graph/doc.h"
#include "way/remains.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const ends[] = {
    [TD_END_AT_ONCE] = "at once",
    [TD_END_CONTACT] = "the next session has run",
    [TD_END_ANSWER] = "the device has answered that it did",
    [TD_END_RESULT] = "what was asked for has arrived",
    [TD_END_REPORT] = "the device reports that it was set up anew",
    [TD_END_CAME_BACK] = "it comes back on the enrolment that it kept",
    [TD_END_GONE] = "it shows itself from its box, or stays away for `wipe-settles` hours",
    [TD_END_UNENROLLED] = "the device says goodbye",
    [TD_END_NEVER] = "is seen, not asked for",
};

static void action(const struct td_action_row *row)
{
    printf("| `%s` | %s | ", row->word, row->about);
    printf(row->uri[0] != '\0' ? "`%s`" : "%s", row->uri[0] != '\0' ? row->uri : "-");
    if (row->minimum_build != 0)
        printf(", build %" PRId64, row->minimum_build);
    bool asked = row->end != TD_END_NEVER;
    printf(" | %s | %s |\n", row == &td_action_rows[TD_ACTION_SHUT_DOWN] ? "-" : ends[row->end],
           row->destroys && asked ? "yes" : "no");
}

static void heading(const int *kinds, size_t count)
{
    printf("\n| |");
    for (size_t i = 0; i < count; i++)
        printf(" %s |", td_action_rows[kinds[i]].word);
    printf("\n|---|");
    for (size_t i = 0; i < count; i++)
        printf("---|");
    printf("\n");
}

void td_doc_actions(void)
{
    int kinds[TD_ACTION_KIND_COUNT];
    size_t count = 0;
    printf(
        "| action | what it does | on the device | done when | limit, second administrator |\n|---|---|---|---|---|\n");
    for (int k = 0; k < TD_ACTION_KIND_COUNT; k++) {
        action(&td_action_rows[k]);
        if (td_action_rows[k].leaves != TD_LEAVES_ALL)
            kinds[count++] = k;
    }
    heading(kinds, count);
    for (int part = 0; part < TD_PART_COUNT; part++) {
        printf("| %s: %s |", td_part_word((enum td_part)part), td_part_about((enum td_part)part));
        for (size_t i = 0; i < count; i++)
            printf(" %s |", td_fate_word(td_remains((enum td_action_kind)kinds[i], (enum td_part)part)));
        printf("\n");
    }
}
