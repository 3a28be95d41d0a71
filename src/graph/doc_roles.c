/* graph-doc roles: the tables of docs/tasks/roles.md, from the one table of rights (api/access.h). */
#include "api/access.h"
#include "graph/doc.h"

#include <stdio.h>

static char mark(enum td_role role, enum td_right right)
{
    if (td_role_may(role, right, TD_ACCESS_WRITE))
        return 'W';
    return td_role_may(role, right, TD_ACCESS_READ) ? 'R' : '-';
}

static void names(const char *words)
{
    struct td_slice rest = td_str(words), one;
    bool first = true;
    while (rest.n != 0) {
        rest = td_cut(rest, ' ', &one);
        if (one.n == 0)
            continue;
        printf("%s`%.*s`", first ? "" : ", ", TD_FMT(one));
        first = false;
    }
}

void td_doc_roles(void)
{
    printf("| role | |\n|---|---|\n");
    for (int role = 0; role < TD_ROLE_COUNT; role++)
        printf("| %s | %s |\n", td_role_word((enum td_role)role), td_role_about((enum td_role)role));
    printf("\nR: reads, W: reads and changes, -: neither.\n\n| right |");
    for (int role = 0; role < TD_ROLE_COUNT; role++)
        printf(" %s |", td_role_word((enum td_role)role));
    printf("\n|---|");
    for (int role = 0; role < TD_ROLE_COUNT; role++)
        printf("---|");
    for (int right = TD_RIGHT_REGISTER; right < TD_RIGHT_COUNT; right++) {
        printf("\n| `%s`: %s |", td_access_rows[right].word, td_access_rows[right].about);
        for (int role = 0; role < TD_ROLE_COUNT; role++)
            printf(" %c |", mark((enum td_role)role, (enum td_right)right));
    }
    printf(
        "\n\n| right | permissions that read it (any one) | permissions that change it (any one) |\n|---|---|---|\n");
    for (int right = TD_RIGHT_REGISTER; right < TD_RIGHT_COUNT; right++) {
        const struct td_access_row *row = &td_access_rows[right];
        printf("| `%s` | ", row->word);
        names(row->read_scopes);
        printf(" | ");
        if (row->write_roles != 0)
            names(row->write_scopes);
        else
            printf("nobody changes it");
        printf(" |\n");
    }
}
