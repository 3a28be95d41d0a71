/* What the commands of touchdown-device share: how they fail, the state folder and its lock, roots and service. */
#include "app/device/program.h"

#include "base/file.h"
#include "device/dm.h"
#include "way/failure.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

enum { MAX_FILE = 1 << 20 };

int td_program_complain(const char *text, const char *about)
{
    (void)fprintf(stderr, "touchdown-device: %s%s%s\n", text, about != NULL ? ": " : "", about != NULL ? about : "");
    return TD_EXIT_USAGE;
}

/* The last line of a way that failed: code, item, cause, remedy. */
int td_program_fail(struct td_device *dev, const struct td_error *err, int code)
{
    const char *known = td_failure_remedy(err->hresult, NULL);
    char number[16];
    (void)snprintf(number, sizeof(number), "0x%08x", err->hresult);
    td_device_say(dev, code == TD_EXIT_TIMEOUT ? "time-out" : "failed", "%s; %s; %s; %s",
                  err->hresult != 0 ? number : td_code_word(err->code), err->where, err->text,
                  err->remedy[0] != '\0'  ? err->remedy
                  : known[0] != '\0'      ? known
                  : code == TD_EXIT_USAGE ? "see touchdown-device help"
                  : err->code == TD_EIO   ? "make room for the state folder, or mend its rights, then run again"
                                          : "look into the device's timeline on the service");
    return code;
}

/* What is missing or wrong on the command line is usage. */
int td_program_exit_code(const struct td_error *err)
{
    return err->code == TD_EINVAL ? TD_EXIT_USAGE : TD_EXIT_FAILED;
}

enum td_code td_program_read_file(struct td_program *p, const char *path, struct td_slice *ret, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf text;
    td_buf_init(&text, MAX_FILE);
    td_try(td_file_read(path, &text, err));
    *ret = td_arena_copy(&p->arena, td_buf_slice(&text));
    return TD_OK;
}

/* One program at a time in a state folder; the lock goes with the process. */
enum td_code td_program_lock(struct td_program *p, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    int fd = open(td_device_path(&p->dev, &a, "lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return td_fail(err, TD_EIO, "state", "the folder can't be written");
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        p->dev.log = true;
        td_state_sweep(p->dev.dir);
        return TD_OK;
    }
    (void)close(fd);
    (void)td_fail(err, TD_ESTATE, "state", "another touchdown-device works in this folder");
    return td_remedy(err, TD_ESTATE, "wait until it has ended, or choose another --state");
}

/* The roots of the box: given now, or kept by an earlier run. */
enum td_code td_program_load_roots(struct td_program *p, struct td_error *err)
{
    const char *kept = td_device_path(&p->dev, &p->arena, "ca.pem");
    if (p->ca_file == NULL)
        return td_file_exists(kept) ? td_program_read_file(p, kept, &p->dev.ca_pem, err)
                                    : td_fail(err, TD_EINVAL, "--ca", "is needed: the device trusts nobody yet");
    td_try(td_program_read_file(p, p->ca_file, &p->dev.ca_pem, err));
    return td_file_write(kept, p->dev.ca_pem, 0600, err);
}

enum td_code td_program_load_server(struct td_program *p, struct td_error *err)
{
    const char *kept = td_state_get(p->dev.state, "server");
    if (p->dev.server == NULL && kept == NULL)
        return td_fail(err, TD_EINVAL, "--server", "is needed at the first run");
    if (p->dev.server == NULL)
        p->dev.server = td_arena_strdup(&p->arena, kept);
    td_state_set(p->dev.state, "server", p->dev.server);
    return td_state_save(p->dev.state, err);
}

enum td_code td_program_open(struct td_program *p, struct td_error *err)
{
    td_try(td_state_open(p->dev.dir, &p->dev.state, err));
    return td_device_tree_check(&p->dev, err);
}

/* For commands that make no device: a misspelt folder stays empty. */
enum td_code td_program_open_known(struct td_program *p, struct td_error *err)
{
    if (!td_file_exists(p->dev.dir))
        return td_remedy(err, td_fail(err, TD_ENOTFOUND, "state", "there is no device in %s", p->dev.dir),
                         "take one out of its box first: touchdown-device run");
    return td_program_open(p, err);
}
