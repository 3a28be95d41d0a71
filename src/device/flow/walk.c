/* Walking a table of steps: what is done stays done, what can't be reached is tried again. */
#include "device/flow.h"
#include "device/tpm.h"

#define WAIT_TIMEOUT UINT32_C(0x800705b4) /* what Windows shows for every time-out */
#define FIRST_BACKOFF TD_SECOND
#define LONGEST_BACKOFF TD_MINUTE

bool td_flow_step_done(const struct td_flow *f, const char *step)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    return td_flow_get(f, td_arena_printf(&a, "end.%s", step))[0] != '\0';
}

/* Whoever runs out of time is told what it was lost to. */
static enum td_code out_of_time(const struct td_step *s, const struct td_error *why, struct td_error *err)
{
    (void)td_fail(err, TD_EEXPIRED, "time-out", "--timeout is over; %s%s%s", s->name,
                  why->text[0] != '\0' ? ": " : " was not reached", why->text);
    if (err != NULL)
        err->hresult = WAIT_TIMEOUT;
    return td_remedy(err, TD_EEXPIRED, "run again with the same --state: the device goes on where it is");
}

/* Tries again while the service can't be reached, ever more slowly, as long as --timeout allows. */
static enum td_code run_patiently(struct td_flow *f, const struct td_step *s, struct td_error *err)
{
    struct td_error why = {0};
    for (int64_t pause = FIRST_BACKOFF;; pause = TD_MIN(2 * pause, LONGEST_BACKOFF)) {
        if (f->dev->deadline != 0 && td_monotonic() > f->dev->deadline)
            return out_of_time(s, &why, err);
        f->retry_after = 0;
        enum td_code rc = s->run(f, &why);
        if (rc != TD_OK && rc != TD_EUNAVAILABLE && td_tpm_is_away(f->dev, &why)) /* what did not get its signature */
            rc = TD_EUNAVAILABLE;
        if (rc != TD_EUNAVAILABLE) {
            if (rc != TD_OK && err != NULL)
                *err = why;
            return rc;
        }
        td_device_say(f->dev, "wait", "%s: %s", s->name, why.text);
        if (td_device_wait(f->dev, TD_MAX(pause, f->retry_after), err) != TD_OK)
            return out_of_time(s, &why, err);
    }
}

static void stamp(struct td_flow *f, const char *when, const char *step)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    td_state_set_int(f->dev->state, td_arena_printf(&a, "%s.%s", when, step), td_now(f->dev->env));
}

static enum td_code run_step(struct td_flow *f, const struct td_step *s, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    if (s->skip != NULL ? s->skip(f) : td_flow_step_done(f, s->name))
        return TD_OK;
    if (td_flow_get(f, td_arena_printf(&a, "begin.%s", s->name))[0] == '\0')
        stamp(f, "begin", s->name);
    td_try(td_state_save(f->dev->state, err));
    f->news[0] = '\0';
    td_try(run_patiently(f, s, err));
    stamp(f, "end", s->name);
    td_try(td_state_save(f->dev->state, err));
    if (f->news[0] != '\0')
        td_device_say(f->dev, "step", "%s", f->news);
    return TD_OK;
}

enum td_code td_flow_walk(struct td_flow *f, const struct td_step *steps, size_t count, struct td_error *err)
{
    for (size_t i = 0; i < count; i++)
        td_try(run_step(f, &steps[i], err));
    return TD_OK;
}
