/* Inside of resets: the journal, and erasing. For the files here and their tests only. */
#ifndef TD_DEVICE_RESET_ROOM_H
#define TD_DEVICE_RESET_ROOM_H

#include "device/reset.h"

enum td_reset_phase { /* words of the journal, in this order */
                      TD_RESET_IDLE,
                      TD_RESET_SCHEDULED,
                      TD_RESET_WAITING,
                      TD_RESET_RESTARTED, /* in the recovery environment */
                      TD_RESET_PREPARED,
                      TD_RESET_COMMITTED, /* the point of no return */
                      TD_RESET_PHASE_COUNT
};

struct td_reset_journal {
    enum td_action_kind kind;
    enum td_reset_phase phase;
    char node[160];
    int64_t status;      /* of AutomaticRedeployment */
    uint32_t last_error; /* the same */
    enum td_reset_what news;
    uint32_t hresult; /* with news that it was rolled back */
};

/* TD_EFORMAT if it is no journal of ours: then *ret is as it was. Status and errors are numbers of any size. */
enum td_code td_reset_journal_parse(struct td_slice text, struct td_reset_journal *ret, struct td_error *err)
    TD_MUST_USE;
/* The file; all zero where there is none. */
enum td_code td_reset_journal_read(const struct td_device *dev, struct td_reset_journal *ret, struct td_error *err)
    TD_MUST_USE;
/* In one step; an idle one with nothing to tell is taken away. */
enum td_code td_reset_journal_write(const struct td_device *dev, const struct td_reset_journal *j, struct td_error *err)
    TD_MUST_USE;

/* Takes a file or link away; overwritten before, so that its old place on the disk tells nothing. There is none: TD_OK.
 */
enum td_code td_reset_erase(const char *path, bool overwrite, struct td_error *err) TD_MUST_USE;

/* What differs by kind besides the matrix. */
struct td_reset_rule {
    bool offered;
    bool recovery;     /* needs the recovery environment, and power */
    bool autopilot;    /* reports by AutomaticRedeployment/Status */
    bool rolls_back;   /* when it was interrupted before it was committed; else it begins again */
    bool cleans_drive; /* everything is overwritten */
};
const struct td_reset_rule *td_reset_rule(enum td_action_kind kind);

/* The work behind the restart, from the journal's phase to its end (work.c). */
enum td_code td_reset_work(struct td_device *dev, struct td_reset_journal *j, struct td_error *err) TD_MUST_USE;

#endif
