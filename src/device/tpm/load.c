/* tpm/load: the libraries, the connection, what was left in the TPM by a client that crashed, and errors. */
#include "base/fault.h"
#include "device/tpm/room.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define E_TIMEOUT UINT32_C(0x800705b4) /* what Windows shows where no TPM 2.0 answers (autopilot.md 6.7) */
#define E_TPM UINT32_C(0x80280000)     /* facility of the TPM: its own code behind it */

/* Is it there at all: soon. A slow chip may need longer for a key of RSA. */
enum { LEFT_OVER_MAX = 64, FIRST_SECONDS = 20, ANSWER_SECONDS = 90 };

static const char *const libraries[TD_TSS_COUNT] = {
    [TD_TSS_TCTI] = "libtss2-tctildr.so.0", [TD_TSS_ESYS] = "libtss2-esys.so.0", [TD_TSS_MU] = "libtss2-mu.so.0"};

#define FMT1 UINT32_C(0x080) /* a code that carries the number of a parameter, handle or session */

TSS2_RC td_tpm_base_rc(TSS2_RC rc)
{
    if ((rc & TSS2_RC_LAYER_MASK) != 0)
        return rc;
    return (rc & FMT1) != 0 ? rc & UINT32_C(0x0bf) : rc & UINT32_C(0xfff);
}

static const struct verdict {
    TSS2_RC rc;
    enum td_code code;
    const char *cause, *remedy;
} verdicts[] = {
    {TPM2_RC_INTEGRITY, TD_EAUTH, "the credential is for another attestation key",
     "Begin again: another device's answer has arrived here."},
    {TPM2_RC_FAILURE, TD_EAUTH, "the TPM failed: what it was given is for another TPM, or it is broken",
     "Switch the device off and on; look for a firmware update of the TPM."},
    {TPM2_RC_AUTH_FAIL, TD_EDENIED, "a hierarchy of the TPM has a password", "Clear the TPM in the firmware's setup."},
    {TPM2_RC_BAD_AUTH, TD_EDENIED, "a hierarchy of the TPM has a password", "Clear the TPM in the firmware's setup."},
    {TPM2_RC_HIERARCHY, TD_EDENIED, "a hierarchy of the TPM is switched off",
     "Enable the TPM's hierarchies in the firmware's setup."},
    {TPM2_RC_LOCKOUT, TD_ESTATE, "the TPM is locked after too many wrong passwords",
     "Wait, or clear the TPM in the firmware's setup."},
    {TPM2_RC_OBJECT_MEMORY, TD_EUNAVAILABLE, "another program fills the TPM's memory",
     "End it, or use /dev/tpmrm0, which shares the TPM."},
    {TPM2_RC_SESSION_MEMORY, TD_EUNAVAILABLE, "another program fills the TPM's memory",
     "End it, or use /dev/tpmrm0, which shares the TPM."},
    {TPM2_RC_RETRY, TD_EUNAVAILABLE, "the TPM is busy", "Try again."},
};

enum td_code td_tpm_fail(struct td_error *err, TSS2_RC rc, const char *what)
{
    TSS2_RC base = td_tpm_base_rc(rc);
    if ((rc & TSS2_RC_LAYER_MASK) == TSS2_TCTI_RC_LAYER || rc == TSS2_ESYS_RC_BAD_SEQUENCE ||
        rc == TSS2_ESYS_RC_BAD_REFERENCE) { /* the latter two behind an answer that did not come */
        (void)td_fail(err, TD_EUNAVAILABLE, "tpm", "%s (0x%x)", what, rc);
        if (err != NULL)
            err->hresult = E_TIMEOUT;
        return td_remedy(err, TD_EUNAVAILABLE,
                         "Check that the TPM is there, enabled, and not used by another program.");
    }
    enum td_code code = TD_EIO;
    const char *cause = "the TPM refuses", *remedy = "Look for a firmware update of the TPM, or clear it.";
    for (size_t i = 0; (rc & TSS2_RC_LAYER_MASK) == 0 && i < TD_COUNTOF(verdicts); i++)
        if (td_tpm_base_rc(verdicts[i].rc) == base) {
            code = verdicts[i].code;
            cause = verdicts[i].cause;
            remedy = verdicts[i].remedy;
        }
    (void)td_fail(err, code, "tpm", "%s: %s (0x%x)", what, cause, rc);
    if (err != NULL)
        err->hresult = E_TPM | (base & UINT32_C(0xfff));
    return td_remedy(err, code, "%s", remedy);
}

/* --- libraries --------------------------------------------------------------------------------------------------- */

static enum td_code no_library(struct td_error *err, const char *why)
{
    (void)td_fail(err, TD_ENOTOFFERED, "tpm", "no TPM software here: %.160s", why != NULL ? why : "unknown");
    if (err != NULL)
        err->hresult = E_TIMEOUT;
    return td_remedy(err, TD_ENOTOFFERED,
                     "Install libtss2-esys-3.0.2-0, libtss2-tctildr0 and the TCTI that --tpm names.");
}

static void *find(struct td_tpm *t, enum td_tss_library library, const char *name)
{
    return t->library[library] != NULL ? dlsym(t->library[library], name) : NULL;
}

/* A missing function is a missing library: versions before 3 lack some. */
static bool find_all(struct td_tpm *t)
{
    bool all = true;
/* NOLINTNEXTLINE(bugprone-macro-parentheses) */
#define FIND(where, name) all &= (t->f.name = (__typeof__(t->f.name))find(t, TD_TSS_##where, #name)) != NULL;
    TD_TSS_FUNCTIONS(FIND)
#undef FIND
    return all;
}

static enum td_code load(struct td_tpm *t, struct td_error *err)
{
    for (size_t i = 0; i < TD_TSS_COUNT; i++)
        if ((t->library[i] = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL)) == NULL)
            return no_library(err, dlerror());
    return find_all(t) ? TD_OK : no_library(err, "its version is too old");
}

/* --- what is in the TPM ------------------------------------------------------------------------------------------- */

void td_tpm_flush(struct td_tpm_object *o)
{
    if (o->handle == ESYS_TR_NONE || o->tpm->esys == NULL)
        return;
    if (o->persistent || o->tpm->f.Esys_FlushContext(o->tpm->esys, o->handle) != TSS2_RC_SUCCESS)
        (void)o->tpm->f.Esys_TR_Close(o->tpm->esys, &o->handle);
    o->handle = ESYS_TR_NONE;
}

/* Handles of one kind that are in the TPM now. */
static size_t handles(struct td_tpm *t, TPM2_HANDLE first, TPM2_HANDLE ret[LEFT_OVER_MAX])
{
    TPMS_CAPABILITY_DATA *data = NULL;
    TPMI_YES_NO more = TPM2_NO;
    size_t n = 0;
    if (t->f.Esys_GetCapability(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES, first,
                                LEFT_OVER_MAX, &more, &data) == TSS2_RC_SUCCESS &&
        data->capability == TPM2_CAP_HANDLES)
        for (; n < data->data.handles.count && n < LEFT_OVER_MAX; n++)
            ret[n] = data->data.handles.handle[n];
    t->f.Esys_Free(data);
    return n;
}

void td_tpm_sweep(struct td_tpm *t)
{
    static const TPM2_HANDLE kinds[] = {TPM2_TRANSIENT_FIRST, TPM2_LOADED_SESSION_FIRST};
    TPM2_HANDLE found[LEFT_OVER_MAX];
    for (size_t k = 0; k < TD_COUNTOF(kinds) && !td_fault("device-tpm-leftovers"); k++) {
        size_t n = handles(t, kinds[k], found);
        for (size_t i = 0; i < n; i++) {
            struct td_tpm_object o = TD_TPM_NONE(t);
            if (t->f.Esys_TR_FromTPMPublic(t->esys, found[i], ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &o.handle) ==
                TSS2_RC_SUCCESS)
                td_tpm_flush(&o);
        }
    }
}

/* Does something answer, and is it a TPM 2.0? One that was not started by its machine is started. */
static enum td_code greet(struct td_tpm *t, struct td_error *err)
{
    TPMS_CAPABILITY_DATA *data = NULL;
    TPMI_YES_NO more = TPM2_NO;
    for (int tries = 0;; tries++) {
        TSS2_RC rc = t->f.Esys_GetCapability(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_TPM_PROPERTIES,
                                             TPM2_PT_FAMILY_INDICATOR, 1, &more, &data);
        if (rc == TSS2_RC_SUCCESS)
            break;
        if (td_tpm_base_rc(rc) != TPM2_RC_INITIALIZE || tries != 0)
            return td_tpm_fail(err, rc, "the TPM does not answer");
        rc = t->f.Esys_Startup(t->esys, TPM2_SU_CLEAR);
        if (rc != TSS2_RC_SUCCESS && td_tpm_base_rc(rc) != TPM2_RC_INITIALIZE)
            return td_tpm_fail(err, rc, "the TPM can't be started");
    }
    t->f.Esys_Free(data);
    return TD_OK;
}

static enum td_code connect_to(struct td_tpm *t, const char *tcti, struct td_error *err)
{
    td_try(td_tpm_wire_open(&t->f, tcti, &t->patience, &t->wire, err));
    TSS2_RC rc = t->f.Esys_Initialize(&t->esys, td_tpm_wire_context(t->wire), NULL);
    if (rc != TSS2_RC_SUCCESS)
        return td_tpm_fail(err, rc, "the TPM can't be opened");
    return greet(t, err);
}

enum td_code td_tpm_open_for(const char *tcti, const struct td_tpm_patience *patience, struct td_tpm **ret,
                             struct td_error *err)
{
    if (tcti[0] == '\0' || strlen(tcti) >= sizeof((*ret)->tcti))
        return td_fail(err, TD_EINVAL, "tpm", "must be a TCTI such as device:/dev/tpmrm0 or swtpm:path=/run/tpm.sock");
    (void)setenv("TSS2_LOG", "all+NONE", 0); /* what goes wrong is told by us, in one place */
    struct td_tpm *t = td_new(struct td_tpm);
    t->ek = t->lock = -1;
    t->patience = *patience;
    (void)snprintf(t->tcti, sizeof(t->tcti), "%s", tcti);
    enum td_code rc = load(t, err);
    if (rc == TD_OK)
        rc = connect_to(t, tcti, err);
    if (rc != TD_OK) {
        td_tpm_close(t);
        return rc;
    }
    *ret = t;
    return TD_OK;
}

enum td_code td_tpm_open(const char *tcti, struct td_tpm **ret, struct td_error *err)
{
    static const struct td_tpm_patience as_slow_chips_need = {FIRST_SECONDS * 1000, ANSWER_SECONDS * 1000};
    return td_tpm_open_for(tcti, &as_slow_chips_need, ret, err);
}

static void disconnect(struct td_tpm *t)
{
    if (t->esys != NULL)
        t->f.Esys_Finalize(&t->esys);
    t->esys = NULL;
    td_tpm_wire_close(&t->f, t->wire);
    t->wire = NULL;
}

enum td_code td_tpm_again(struct td_tpm *t, struct td_error *err)
{
    if (!td_tpm_wire_is_broken(t->wire) || td_fault("device-tpm-stays-broken"))
        return TD_OK;
    disconnect(t);
    enum td_code rc = connect_to(t, t->tcti, err);
    if (rc == TD_OK)
        td_tpm_sweep(t);
    else
        disconnect(t);
    return rc;
}

bool td_tpm_is_away(const struct td_device *dev, struct td_error *err)
{
    if (dev->tpm == NULL || !td_tpm_wire_is_broken(dev->tpm->wire) || td_fault("device-tpm-away-unseen"))
        return false;
    td_ignore(td_tpm_fail(err, TSS2_TCTI_RC_IO_ERROR, "the TPM does not answer"));
    return true;
}

void td_tpm_close(struct td_tpm *t)
{
    if (t == NULL)
        return;
    if (t->lock >= 0)
        (void)close(t->lock);
    for (size_t i = 0; i < TD_TPM_KEYS; i++)
        if (t->key[i].saved != NULL)
            t->f.Esys_Free(t->key[i].saved);
    disconnect(t);
    for (size_t i = 0; i < TD_TSS_COUNT; i++)
        if (t->library[i] != NULL)
            (void)dlclose(t->library[i]);
    td_wipe(t, sizeof(*t));
    td_free(t);
}
