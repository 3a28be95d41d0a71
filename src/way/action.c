#include "way/action.h"

#include "base/fault.h"
#include "base/slice.h"
#include "way/names.h"

#include <inttypes.h>
#include <string.h>

#define WIPE_NODE "./Device/Vendor/MSFT/RemoteWipe/"
#define DEFENDER_NODE "./Device/Vendor/MSFT/Defender/" /* Defender CSP, public documents */

/* Builds: the first ones whose documents name the node. */
enum { BUILD_1607 = 14393, BUILD_1703 = 15063, BUILD_1709 = 16299, BUILD_1803 = 17134, BUILD_1809 = 17763 };
enum { BUILD_1903 = 18362, BUILD_22H2 = 22621 };

const struct td_action_row td_action_rows[TD_ACTION_KIND_COUNT] = {
    [TD_ACTION_SYNC] = {.word = "sync",
                        .graph = "syncDevice",
                        .uri = "",
                        .verb = "",
                        .format = "",
                        .end = TD_END_CONTACT,
                        .leaves = TD_LEAVES_ALL,
                        .about = "The next session asks for everything anew and hands out everything configured."},
    [TD_ACTION_RESTART] = {.word = "restart",
                           .graph = "rebootNow",
                           .uri = "./Device/Vendor/MSFT/Reboot/RebootNow",
                           .verb = "exec",
                           .format = "",
                           .end = TD_END_ANSWER,
                           .leaves = TD_LEAVES_ALL,
                           .minimum_build = BUILD_1607,
                           .about = "Restarts within five minutes, so that people can save their work."},
    [TD_ACTION_SHUT_DOWN] = {.word = "shut-down",
                             .graph = "shutDown",
                             .uri = "",
                             .verb = "",
                             .format = "",
                             .end = TD_END_ANSWER,
                             .leaves = TD_LEAVES_ALL,
                             .about = "Not offered: no document names a node by which a PC can be switched off."},
    [TD_ACTION_RENAME] = {.word = "rename",
                          .graph = "setDeviceName",
                          .uri = "./DevDetail/Ext/Microsoft/DNSComputerName",
                          .verb = "replace",
                          .format = "chr",
                          .end = TD_END_ANSWER,
                          .leaves = TD_LEAVES_ALL,
                          .minimum_build = BUILD_1803,
                          .about =
                              "A new computer name, in effect after the restart that follows; %SERIAL% and %RAND:n%"
                              " may stand in it."},
    [TD_ACTION_LOCK] =
        {.word = "lock",
         .graph = "remoteLock",
         .uri = "./Device/Vendor/MSFT/RemoteLock/Lock",
         .verb = "exec",
         .format = "",
         .end = TD_END_ANSWER,
         .leaves = TD_LEAVES_ALL,
         .about = "Locks the screen; documented for phones alone, so PCs answer that they do not support it."},
    [TD_ACTION_ROTATE_LAPS] = {.word = "rotate-laps",
                               .graph = "rotateLocalAdminPassword",
                               .uri = "./Device/Vendor/MSFT/LAPS/Actions/ResetPassword",
                               .verb = "exec",
                               .format = "",
                               .end = TD_END_RESULT,
                               .leaves = TD_LEAVES_ALL,
                               .minimum_build = BUILD_1809,
                               .about =
                                   "A new password for the managed local administrator; done when it has arrived."},
    [TD_ACTION_DIAGNOSTICS] = {.word = "diagnostics",
                               .graph = "createDeviceLogCollectionRequest",
                               .uri = "./Vendor/MSFT/DiagnosticLog/DiagnosticArchive/ArchiveDefinition",
                               .verb = "exec",
                               .format = "chr",
                               .end = TD_END_RESULT,
                               .leaves = TD_LEAVES_ALL,
                               .minimum_build = BUILD_1903,
                               .about = "Collects logs into an archive; done when it has arrived."},
    [TD_ACTION_RESET] = {.word = "reset",
                         .graph = "wipe",
                         .uri = WIPE_NODE "AutomaticRedeployment/doAutomaticRedeployment",
                         .verb = "exec",
                         .format = "",
                         .end = TD_END_REPORT,
                         .leaves = TD_LEAVES_ENROLMENT,
                         .destroys = true,
                         .clears_user = true,
                         .needs_join = true,
                         .minimum_build = BUILD_1809,
                         .about =
                             "Autopilot Reset: what users left goes, join and management stay, and the next one who"
                             " signs in takes the device over."},
    [TD_ACTION_LOCAL_RESET] = {.word = "local-reset",
                               .graph = "autopilotReset",
                               .uri = "",
                               .verb = "",
                               .format = "",
                               .end = TD_END_NEVER,
                               .leaves = TD_LEAVES_ENROLMENT,
                               .destroys = true,
                               .needs_join = true,
                               .about = "Autopilot Reset begun at the lock screen of the device; owner and primary user"
                                        " stay. Seen, not asked for."},
    [TD_ACTION_WIPE] = {.word = "wipe",
                        .graph = "wipe",
                        .uri = WIPE_NODE "doWipe",
                        .verb = "exec",
                        .format = "",
                        .end = TD_END_GONE,
                        .leaves = TD_LEAVES_BOX,
                        .destroys = true,
                        .about = "Removes everything, join and management too; rolls back if it is interrupted."},
    [TD_ACTION_WIPE_KEEP_USER] = {.word = "wipe-keep-user-data",
                                  .graph = "wipe",
                                  .uri = WIPE_NODE "doWipePersistUserData",
                                  .verb = "exec",
                                  .format = "",
                                  .end = TD_END_CAME_BACK,
                                  .leaves = TD_LEAVES_ENROLMENT,
                                  .destroys = true,
                                  .minimum_build = BUILD_1709,
                                  .about = "Keeps accounts, join and management; apps of users and settings go."},
    [TD_ACTION_WIPE_KEEP_PROVISIONING] = {.word = "wipe-keep-provisioning",
                                          .graph = "wipe",
                                          .uri = WIPE_NODE "doWipePersistProvisionedData",
                                          .verb = "exec",
                                          .format = "",
                                          .end = TD_END_GONE,
                                          .leaves = TD_LEAVES_BOX,
                                          .destroys = true,
                                          .about = "As wipe, but provisioning packages stay and are applied again."},
    [TD_ACTION_WIPE_PROTECTED] = {.word = "protected-wipe",
                                  .graph = "wipe",
                                  .uri = WIPE_NODE "doWipeProtected",
                                  .verb = "exec",
                                  .format = "",
                                  .end = TD_END_GONE,
                                  .leaves = TD_LEAVES_BOX,
                                  .destroys = true,
                                  .minimum_build = BUILD_1703,
                                  .about =
                                      "As wipe, cleans the drive and goes on after a loss of power until it is done;"
                                      " the device may not start any more afterwards."},
    [TD_ACTION_WIPE_CLOUD] = {.word = "cloud-wipe",
                              .graph = "wipe",
                              .uri = WIPE_NODE "doWipeCloud",
                              .verb = "exec",
                              .format = "",
                              .end = TD_END_GONE,
                              .leaves = TD_LEAVES_BOX,
                              .destroys = true,
                              .minimum_build = BUILD_22H2,
                              .about = "As wipe, with an image of Windows that the device downloads."},
    [TD_ACTION_FRESH_START] = {.word = "fresh-start",
                               .graph = "cleanWindowsDevice",
                               .uri = "./Device/Vendor/MSFT/CleanPC/CleanPCWithoutRetainingUserData",
                               .verb = "exec",
                               .format = "",
                               .end = TD_END_GONE,
                               .leaves = TD_LEAVES_BOX,
                               .destroys = true,
                               .minimum_build = BUILD_1703,
                               .about = "A clean Windows without the maker's apps and without anything of its users."},
    [TD_ACTION_FRESH_START_KEEP_USER] = {.word = "fresh-start-keep-user-data",
                                         .graph = "cleanWindowsDevice",
                                         .uri = "./Device/Vendor/MSFT/CleanPC/CleanPCRetainingUserData",
                                         .verb = "exec",
                                         .format = "",
                                         .end = TD_END_CAME_BACK,
                                         .leaves = TD_LEAVES_ENROLMENT,
                                         .destroys = true,
                                         .minimum_build = BUILD_1703,
                                         .about = "A clean Windows without the maker's apps; files of users, join and"
                                                  " management stay."},
    [TD_ACTION_RETIRE] = {.word = "retire",
                          .graph = "retire",
                          .uri = "./Device/Vendor/MSFT/DMClient/Provider/{provider}/Unenroll",
                          .verb = "exec",
                          .format = "chr",
                          .end = TD_END_UNENROLLED,
                          .leaves = TD_LEAVES_UNMANAGED,
                          .destroys = true,
                          .about = "Takes away what management brought and ends management and join; what is personal"
                                   " stays."},
    [TD_ACTION_DELETE] =
        {.word = "delete",
         .graph = "delete",
         .uri = "",
         .verb = "",
         .format = "",
         .end = TD_END_AT_ONCE,
         .leaves = TD_LEAVES_UNMANAGED,
         .destroys = true,
         .about = "Ends the management at once, whatever the device says: its certificate is void from now on."},
    [TD_ACTION_REINSTALL] = {.word = "reinstall",
                             .graph = "reinstall",
                             .uri = "",
                             .verb = "",
                             .format = "",
                             .end = TD_END_NEVER,
                             .leaves = TD_LEAVES_BOX,
                             .destroys = true,
                             .about =
                                 "The device was installed anew by hand: seen when it joins or enrols again, not asked"
                                 " for."},
    [TD_ACTION_QUICK_SCAN] = {.word = "quick-scan",
                              .graph = "windowsDefenderScan",
                              .uri = DEFENDER_NODE "Scan",
                              .verb = "exec",
                              .format = "chr",
                              .data = "1",
                              .end = TD_END_ANSWER,
                              .leaves = TD_LEAVES_ALL,
                              .about =
                                  "Windows' own antivirus looks where malware usually is; done when it has begun."},
    [TD_ACTION_FULL_SCAN] = {.word = "full-scan",
                             .graph = "windowsDefenderScan",
                             .uri = DEFENDER_NODE "Scan",
                             .verb = "exec",
                             .format = "chr",
                             .data = "2",
                             .end = TD_END_ANSWER,
                             .leaves = TD_LEAVES_ALL,
                             .about = "Windows' own antivirus looks at every file; done when it has begun."},
    [TD_ACTION_UPDATE_SIGNATURES] = {.word = "update-signatures",
                                     .graph = "windowsDefenderUpdateSignatures",
                                     .uri = DEFENDER_NODE "UpdateSignature",
                                     .verb = "exec",
                                     .format = "",
                                     .end = TD_END_ANSWER,
                                     .leaves = TD_LEAVES_ALL,
                                     .about = "Windows' own antivirus fetches what it knows malware by."},
};

static const struct {
    const char *word;
    enum td_action_kind kind;
} aliases[] = {
    {"autopilot-reset", TD_ACTION_RESET},
    {"remote-reset", TD_ACTION_RESET},
    {"reboot", TD_ACTION_RESTART},
    {"shutdown", TD_ACTION_SHUT_DOWN},
    {"set-name", TD_ACTION_RENAME},
    {"remote-lock", TD_ACTION_LOCK},
    {"rotate-local-admin-password", TD_ACTION_ROTATE_LAPS},
    {"collect-diagnostics", TD_ACTION_DIAGNOSTICS},
    {"wipe-keep-user", TD_ACTION_WIPE_KEEP_USER},
    {"wipe-protected", TD_ACTION_WIPE_PROTECTED},
    {"wipe-cloud", TD_ACTION_WIPE_CLOUD},
    {"fresh-start-keep-user", TD_ACTION_FRESH_START_KEEP_USER},
    {"unenroll", TD_ACTION_RETIRE},
    {"scan", TD_ACTION_QUICK_SCAN},
};

int td_action_by_word(struct td_slice word)
{
    for (int i = 0; i < TD_ACTION_KIND_COUNT; i++)
        if (td_ieqs(word, td_action_rows[i].word))
            return i;
    for (size_t i = 0; i < TD_COUNTOF(aliases); i++)
        if (td_ieqs(word, aliases[i].word))
            return (int)aliases[i].kind;
    return -1;
}

/* ---- asking ---- */

/* Of two that destroy, the one with the higher number goes further and may take the other's place. */
static int reach(enum td_action_kind kind)
{
    switch (kind) {
    case TD_ACTION_DELETE:
        return 6;
    case TD_ACTION_WIPE_PROTECTED:
        return 5;
    case TD_ACTION_WIPE:
    case TD_ACTION_WIPE_CLOUD:
        return 4;
    case TD_ACTION_WIPE_KEEP_PROVISIONING:
    case TD_ACTION_FRESH_START:
        return 3;
    case TD_ACTION_RETIRE:
        return 2;
    default:
        return td_action_rows[kind].destroys ? 1 : 0;
    }
}

bool td_action_goes_further(enum td_action_kind kind, enum td_action_kind than)
{
    return reach(kind) > reach(than);
}

static enum td_code offered(enum td_action_kind kind, struct td_error *err)
{
    const struct td_action_row *row = &td_action_rows[kind];
    if (row->end == TD_END_NEVER)
        return td_remedy(err, td_fail(err, TD_EINVAL, "action", "%s is seen, it cannot be asked for", row->word), "%s",
                         kind == TD_ACTION_LOCAL_RESET
                             ? "It is begun at the lock screen of the device; from afar ask for reset."
                             : "Ask for wipe to have the device installed anew.");
    if (kind == TD_ACTION_SHUT_DOWN)
        return td_remedy(err,
                         td_fail(err, TD_ENOTOFFERED, "action",
                                 "%s is not offered: devices have no documented node for it", row->word),
                         "Ask for restart, or switch the device off by hand.");
    return TD_OK;
}

/* Autopilot Reset knows no way for devices whose join is not ours alone (autopilot.md 3.7, Z31). */
static enum td_code joined(const struct td_action_row *row, const struct td_action_facts *facts, struct td_error *err)
{
    if (!row->needs_join)
        return TD_OK;
    if (facts->hybrid && !td_fault("action-reset-hybrid"))
        return td_remedy(err,
                         td_fail(err, TD_ESTATE, "action",
                                 "%s is not possible: the device is joined to Active Directory (hybrid)", row->word),
                         "Wipe it instead; it runs through its deployment again from its box.");
    if (!facts->joined && !facts->hybrid)
        return td_remedy(err,
                         td_fail(err, TD_ESTATE, "action", "%s is not possible: the device is not joined", row->word),
                         "Wipe it instead, or join it to the directory first.");
    return TD_OK;
}

/* The third number of "10.0.22631.1"; -1 where it was not told. */
static int64_t build_of(const char *version)
{
    struct td_slice rest = td_str(version != NULL ? version : ""), part = rest;
    uint64_t build = 0;
    for (int i = 0; i < 3; i++)
        rest = td_cut(rest, '.', &part);
    return td_parse_u64(part, &build) && build <= INT32_MAX ? (int64_t)build : -1;
}

static enum td_code new_enough(const struct td_action_row *row, const char *version, struct td_error *err)
{
    int64_t build = build_of(version);
    if (build < 0 || build >= row->minimum_build)
        return TD_OK;
    return td_remedy(err,
                     td_fail(err, TD_ESTATE, "action", "%s needs build %" PRId64 " of Windows, the device has %.30s",
                             row->word, row->minimum_build, version),
                     "Update the device first, or choose another action.");
}

static enum td_code name_ok(const char *name, struct td_error *err)
{
    if (name == NULL || name[0] == '\0')
        return td_remedy(
            err, td_fail(err, TD_EINVAL, "name", "rename needs the new name"),
            "Give one of at most 15 letters, digits and hyphens; %%SERIAL%% and %%RAND:n%% may stand in it.");
    struct td_error why = {0};
    enum td_code rc = td_name_check(td_str(name), &why);
    return rc == TD_OK ? rc : td_remedy(err, td_fail(err, rc, "name", "%s", why.text), "%s", why.remedy);
}

static enum td_code alone(enum td_action_kind kind, const struct td_action_facts *facts, struct td_error *err)
{
    if (!td_action_rows[kind].destroys || !facts->busy)
        return TD_OK;
    int with = td_action_by_word(td_str(facts->busy_with != NULL ? facts->busy_with : ""));
    if (with >= 0 && td_action_goes_further(kind, (enum td_action_kind)with))
        return TD_OK;
    return td_remedy(err, td_fail(err, TD_ESTATE, "action", "%s is under way on this device already", facts->busy_with),
                     "Wait for its end, or cancel it while it was not delivered.");
}

enum td_code td_action_may(enum td_action_kind kind, const struct td_action_facts *facts, const char *parameter,
                           struct td_error *err)
{
    if ((unsigned)kind >= TD_ACTION_KIND_COUNT)
        return td_fail(err, TD_EINVAL, "action", "there is no such action");
    const struct td_action_row *row = &td_action_rows[kind];
    td_try(offered(kind, err));
    if (kind == TD_ACTION_RENAME)
        td_try(name_ok(parameter, err));
    if (!facts->managed)
        return td_remedy(err, td_fail(err, TD_ESTATE, "action", "the device is not managed"),
                         "Enrol it first; a registration alone can be removed, not acted on.");
    td_try(joined(row, facts, err));
    td_try(new_enough(row, facts->os_version, err));
    return alone(kind, facts, err);
}

/* ---- reports ---- */

static const struct {
    int64_t status;
    const char *word, *cause, *remedy; /* cause NULL: no failure */
} reports[] = {
    {0, "never", NULL, NULL},
    {1, "complete", NULL, NULL},
    {10, "scheduled", NULL, NULL},
    {20, "waiting for the restart", NULL, NULL},
    {30, "failed at its start", "the device could not begin the reset",
     "See that its recovery environment is enabled (reagentc /info), then ask again."},
    {40, "failed: power", "the device did not begin: it is not on mains power and its battery is low",
     "Connect it to mains power, then ask again."},
    {50, "failed in the recovery environment", "the reset failed in the recovery environment; Windows is as it was",
     "Ask once more; if it fails again, wipe the device or install it anew."},
};

/* What such actions are known to give, whichever node was executed. */
static const struct td_action_failure hresults[] = {
    {0x80070032, "the device has no recovery environment",
     "Enable it on the device (reagentc /enable) or reinstall Windows from a medium, then ask again."},
    {0x80070005, "the device refused it: management may not do this there",
     "See that the device is enrolled as a whole and no other management holds it, then ask again."},
    {0x80070070, "the disk of the device is full", "Free some space on the device, then ask again."},
    {0x800704C7, "it was interrupted and the device rolled back: nothing was removed",
     "Ask again, with the device on mains power; a protected wipe goes on after a loss of power."},
    {0x800710DF, "the device did not begin: it runs on its battery", "Connect it to mains power, then ask again."},
    {0x800700AA, "the device is busy with another reset or wipe", "Wait for the end of that one, then ask again."},
    {0x800704DD, "nobody was signed in who could be asked", "Ask again while a user is signed in."},
    {0x800705B4, "the device gave up waiting", "Ask again while the device is on and has a network."},
    {0x80070490, "a file that is needed for it is missing on the device", "Install Windows anew from a medium."},
};

const struct td_action_failure *td_action_failure(size_t i)
{
    return i < TD_COUNTOF(hresults) ? &hresults[i] : NULL;
}

const char *td_action_report_word(int64_t status)
{
    for (size_t i = 0; i < TD_COUNTOF(reports); i++)
        if (reports[i].status == status)
            return reports[i].word;
    return "";
}

enum td_code td_action_report_failure(int64_t status, uint32_t hresult, struct td_error *err)
{
    const char *cause = "the device could not carry it out", *remedy = "Look at the device's own log, then ask again.";
    for (size_t i = 0; i < TD_COUNTOF(reports); i++) {
        if (reports[i].status == status && reports[i].cause != NULL) {
            cause = reports[i].cause;
            remedy = reports[i].remedy;
        }
    }
    for (size_t i = 0; i < TD_COUNTOF(hresults); i++) {
        if (hresults[i].hresult == hresult) {
            cause = hresults[i].cause;
            remedy = hresults[i].remedy;
        }
    }
    enum td_code rc = td_remedy(err, td_fail(err, TD_EUNAVAILABLE, "action", "%s", cause), "%s", remedy);
    if (err != NULL)
        err->hresult = hresult;
    return rc;
}
