/* Nouns of the contract that later work brings: they answer 'not offered', exit 2. */
#include "app/commands.h"

#define LATER(word, what)                                                                           \
    {                                                                                               \
        .noun = (word), .args = "...", .max_args = -1, .flags = TD_CLI_NOT_OFFERED, .about = (what) \
    }

static const struct td_command rows[] = {
    LATER("partner", "Manages partners who register devices for customers."),
    LATER("backup", "Saves and restores the store."),
    LATER("import", "Imports from other systems."),
};

const struct td_command_table td_later_commands = {rows, TD_COUNTOF(rows)};
