/* tpm/wire: between tss2 and the TPM. tss2 waits for an answer as long as it takes; a TPM that never answers would hold
 * the device for ever. So each answer is waited for as long as a slow chip may need for a key, and no longer: by poll
 * where the TCTI tells what to poll, and for those that don't (swtpm's) by the time-outs of their sockets. */
#include "base/fault.h"
#include "device/tpm/room.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { TCTI_VERSION = 2, WIRE_POLLS = 4, WIRE_FILES = 64 };

struct td_tpm_tcti {
    TSS2_TCTI_CONTEXT_COMMON_V2 head; /* first: tss2 sees this as a TCTI */
    TSS2_TCTI_CONTEXT *inner;
    bool asked;    /* a command is out, and nothing of its answer was read */
    int ms;        /* for one answer */
    int answer_ms; /* once there was one */
    int socket;    /* that the TCTI has opened last, -1: none */
    bool broken;   /* an answer did not come: tss2 is in the middle of a command from then on */
};

static bool is_socket(int fd)
{
    int type;
    socklen_t n = sizeof(type);
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0;
}

static void be_patient(struct td_tpm_tcti *w, int ms)
{
    const struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
    w->ms = ms;
    if (w->socket >= 0)
        (void)setsockopt(w->socket, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
}

static struct td_tpm_tcti *ours(TSS2_TCTI_CONTEXT *c)
{
    return (struct td_tpm_tcti *)(void *)c;
}

/* A TCTI connects when it has something to say, and tells nobody by what: the socket that is there afterwards. */
static TSS2_RC transmit(TSS2_TCTI_CONTEXT *c, size_t size, uint8_t const *command)
{
    struct td_tpm_tcti *w = ours(c);
    bool before[WIRE_FILES];
    if (w->broken)
        return TSS2_TCTI_RC_IO_ERROR;
    w->asked = true;
    for (int fd = 0; fd < WIRE_FILES; fd++)
        before[fd] = is_socket(fd);
    TSS2_RC rc = Tss2_Tcti_Transmit(w->inner, size, command);
    for (int fd = 0; fd < WIRE_FILES; fd++)
        if (!before[fd] && is_socket(fd))
            w->socket = fd;
    be_patient(w, w->ms);
    w->broken = rc != TSS2_RC_SUCCESS;
    return rc;
}

/* Where a TCTI tells no handles its own receive waits. */
static TSS2_RC await(struct td_tpm_tcti *w)
{
    TSS2_TCTI_POLL_HANDLE handles[WIRE_POLLS];
    size_t n = WIRE_POLLS;
    if (!w->asked)
        return TSS2_RC_SUCCESS;
    w->asked = false;
    TSS2_RC rc = Tss2_Tcti_GetPollHandles(w->inner, handles, &n);
    if (rc != TSS2_RC_SUCCESS || n == 0 || n > WIRE_POLLS)
        return TSS2_RC_SUCCESS;
    int got;
    do
        got = poll(handles, n, w->ms);
    while (got < 0 && errno == EINTR);
    return got > 0 ? TSS2_RC_SUCCESS : TSS2_TCTI_RC_IO_ERROR;
}

static TSS2_RC receive(TSS2_TCTI_CONTEXT *c, size_t *size, uint8_t *response, int32_t timeout)
{
    struct td_tpm_tcti *w = ours(c);
    TSS2_RC rc = await(w);
    if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_Tcti_Receive(w->inner, size, response, timeout);
    if (rc == TSS2_RC_SUCCESS && w->ms != w->answer_ms)
        be_patient(w, w->answer_ms);
    w->broken |= !td_fault("device-tpm-silence-unseen") && rc != TSS2_RC_SUCCESS && rc != TSS2_TCTI_RC_TRY_AGAIN &&
                 rc != TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
    return rc;
}

static void finalize(TSS2_TCTI_CONTEXT *c TD_UNUSED)
{
}

static TSS2_RC cancel(TSS2_TCTI_CONTEXT *c)
{
    return Tss2_Tcti_Cancel(ours(c)->inner);
}

static TSS2_RC handles_of(TSS2_TCTI_CONTEXT *c, TSS2_TCTI_POLL_HANDLE *handles, size_t *n)
{
    return Tss2_Tcti_GetPollHandles(ours(c)->inner, handles, n);
}

static TSS2_RC set_locality(TSS2_TCTI_CONTEXT *c, uint8_t locality)
{
    return Tss2_Tcti_SetLocality(ours(c)->inner, locality);
}

static TSS2_RC make_sticky(TSS2_TCTI_CONTEXT *c, TPM2_HANDLE *handle, uint8_t sticky)
{
    return Tss2_Tcti_MakeSticky(ours(c)->inner, handle, sticky);
}

/* swtpm's TCTI talks to its TPM while it is being opened, by sockets that nobody else sees, and waits for ever. Whoever
 * stands beside it closes them when the time is over. */
struct guard {
    bool before[WIRE_FILES];
    int ms;
    int done[2]; /* pipe: its writing end is closed when the TCTI is open */
};

static void *stand_by(void *arg)
{
    const struct guard *g = arg;
    struct pollfd opened = {.fd = g->done[0], .events = POLLIN};
    if (poll(&opened, 1, g->ms) == 0)
        for (int fd = 0; fd < WIRE_FILES; fd++)
            if (!g->before[fd] && is_socket(fd))
                (void)shutdown(fd, SHUT_RDWR);
    return NULL;
}

static TSS2_RC open_guarded(const struct td_tss *f, const char *tcti, int ms, TSS2_TCTI_CONTEXT **ret)
{
    struct guard g = {.ms = ms, .done = {-1, -1}};
    pthread_t watch;
    if (pipe(g.done) != 0)
        return TSS2_TCTI_RC_IO_ERROR;
    for (int fd = 0; fd < WIRE_FILES; fd++)
        g.before[fd] = is_socket(fd);
    const bool watched = pthread_create(&watch, NULL, stand_by, &g) == 0;
    TSS2_RC rc = watched ? f->Tss2_TctiLdr_Initialize(tcti, ret) : TSS2_TCTI_RC_GENERAL_FAILURE;
    (void)close(g.done[1]);
    if (watched)
        (void)pthread_join(watch, NULL);
    (void)close(g.done[0]);
    return rc;
}

enum td_code td_tpm_wire_open(const struct td_tss *f, const char *tcti, const struct td_tpm_patience *patience,
                              struct td_tpm_tcti **ret, struct td_error *err)
{
    TSS2_TCTI_CONTEXT *inner = NULL;
    TSS2_RC rc = open_guarded(f, tcti, patience->first_ms, &inner);
    if (rc != TSS2_RC_SUCCESS)
        return td_tpm_fail(err, rc, "the TPM can't be reached");
    struct td_tpm_tcti *w = td_new(struct td_tpm_tcti);
    w->inner = inner;
    w->socket = -1;
    w->ms = patience->first_ms;
    w->answer_ms = patience->answer_ms;
    w->head.v1 = (TSS2_TCTI_CONTEXT_COMMON_V1){.magic = UINT64_C(0x746f756368646f77),
                                               .version = TCTI_VERSION,
                                               .transmit = transmit,
                                               .receive = receive,
                                               .finalize = finalize,
                                               .cancel = cancel,
                                               .getPollHandles = handles_of,
                                               .setLocality = set_locality};
    w->head.makeSticky = make_sticky;
    *ret = w;
    return TD_OK;
}

void td_tpm_wire_close(const struct td_tss *f, struct td_tpm_tcti *w)
{
    if (w == NULL)
        return;
    f->Tss2_TctiLdr_Finalize(&w->inner);
    td_free(w);
}

TSS2_TCTI_CONTEXT *td_tpm_wire_context(struct td_tpm_tcti *w)
{
    return (TSS2_TCTI_CONTEXT *)(void *)w;
}

bool td_tpm_wire_is_broken(const struct td_tpm_tcti *w)
{
    return w == NULL || w->broken;
}
