/* The matrix of autopilot.md 3.8. "UNSURE" marks what the document leaves open and how it was decided: what is neither
 * named as kept nor as removed follows what the system's own reset does, and where that is unknown the more careful
 * reading (nothing of a former user stays, nothing that a kept enrolment needs goes). */
#include "way/remains.h"

#include "base/fault.h"

#define K TD_KEPT
#define R TD_REMOVED
#define A TD_REAPPLIED

/* Columns of the table: actions with one and the same fate of every part. */
enum column {
    C_NONE,       /* nothing is removed */
    C_RESET,      /* Autopilot Reset, local or from afar */
    C_WIPE,       /* plain, protected, cloud, and fresh start without data: "nothing but the system" */
    C_USER,       /* wipe that keeps accounts and enrolment */
    C_PACKAGES,   /* wipe that keeps provisioning packages */
    C_FRESH_USER, /* fresh start with data kept */
    C_RETIRE,     /* retire, and a deleted record at the next check-in */
    C_REINSTALL,  /* "Reset this PC" or reimaged by hand */
    C_COUNT
};

static const unsigned char columns[TD_ACTION_KIND_COUNT] = {
    [TD_ACTION_RESET] = C_RESET,
    [TD_ACTION_LOCAL_RESET] = C_RESET,
    [TD_ACTION_WIPE] = C_WIPE,
    [TD_ACTION_WIPE_KEEP_USER] = C_USER,
    [TD_ACTION_WIPE_KEEP_PROVISIONING] = C_PACKAGES,
    [TD_ACTION_WIPE_PROTECTED] = C_WIPE,
    [TD_ACTION_WIPE_CLOUD] = C_WIPE,
    [TD_ACTION_FRESH_START] = C_WIPE,
    [TD_ACTION_FRESH_START_KEEP_USER] = C_FRESH_USER,
    [TD_ACTION_RETIRE] = C_RETIRE,
    [TD_ACTION_DELETE] = C_RETIRE,
    [TD_ACTION_REINSTALL] = C_REINSTALL,
};

static const struct row {
    unsigned char fate[C_COUNT];
    const char *word, *about;
} rows[TD_PART_COUNT] = {
    /*                    none reset wipe user packages fresh retire reinstall */
    [TD_PART_JOIN] = {{K, K, R, K, R, K, R, R},
                      "directory join",
                      "Device id, certificate and keys in the directory, and what was found out about its tenant."},
    [TD_PART_ENROLMENT] = {{K, K, R, K, R, K, R, R},
                           "enrolment",
                           "The management account with its certificates and key, and the roots that came with it."},
    /* Retire: on devices that were joined in their first set-up the accounts of the directory go. */
    [TD_PART_ACCOUNTS] = {{K, R, R, K, R, K, R, R}, "user accounts", "Accounts of people of the directory."},
    [TD_PART_PROFILES] = {{K, R, R, K, R, K, K, R},
                          "user profiles",
                          "Settings, desktop, credentials and tokens of each user, and what was set up for them."},
    /* Wipe with user data: "user files listed as 'user files'" go although the profile stays. */
    [TD_PART_FILES] = {{K, R, R, R, R, K, K, R}, "user files", "Documents inside the profiles."},
    /* UNSURE for Autopilot Reset: not named as kept, and only what is named is kept (S18). */
    [TD_PART_DATA] = {{K, R, R, K, R, K, K, R}, "data outside profiles", "Files that lie outside of any profile."},
    [TD_PART_USER_APPS] = {{K, R, R, R, R, R, K, R}, "user-installed apps", "Apps that users installed themselves."},
    /* UNSURE for Autopilot Reset: it removes "user-installed apps", the maker's are none of them. A wipe keeps the
     * "OS default apps" alone; fresh start is there to remove the maker's. */
    [TD_PART_OEM_APPS] = {{K, K, R, K, R, R, K, R}, "maker's apps", "Apps that the maker of the machine installed."},
    /* Retire: packages of the management (MSI, store) go, what its agent installed stays; there is no agent here. */
    [TD_PART_MANAGED_APPS] = {{K, A, R, A, R, A, R, R}, "managed apps", "Packages that management installed."},
    [TD_PART_POLICIES] = {{K, A, R, A, R, A, R, R},
                          "policies",
                          "Policies in effect, and how far the status page has come."},
    [TD_PART_SETTINGS] = {{K, R, R, R, R, R, K, R},
                          "settings of the machine",
                          "What is set otherwise than out of the box, and everything that nothing else names."},
    /* UNSURE: as policies, which they are delivered like. The roots of the enrolment itself belong to it. */
    [TD_PART_ROOTS] = {{K, A, R, A, R, A, R, R}, "trusted certificates", "Certificates that management made trusted."},
    /* UNSURE where the document says nothing for kept enrolments: as the Autopilot Reset, which keeps SCEP
     * certificates (and PFX ones, of the same provider). Wipe with user data does not name them among what it keeps. */
    [TD_PART_CERTIFICATES] = {{K, K, R, A, R, K, R, R},
                              "client certificates",
                              "SCEP and PFX certificates with their keys."},
    /* UNSURE for wipe with user data: not named as kept, so removed and brought back by management. */
    [TD_PART_WIFI] = {{K, K, R, A, R, K, R, R}, "Wi-Fi profiles", "Wireless (and VPN) networks of the management."},
    [TD_PART_PACKAGES] = {{K, K, R, R, K, R, K, R},
                          "provisioning packages",
                          "Packages in ProgramData; where kept, they are applied again."},
    /* UNSURE for wipes that keep accounts: the first pages are not shown again, so their answers stay. */
    [TD_PART_REGION] = {{K, K, R, K, R, K, K, R}, "region, language, keyboard", "As chosen or set by the profile."},
    [TD_PART_OOBE] = {{K, K, R, K, R, K, K, R}, "choices of the first pages", "Licence, privacy, network and so on."},
    [TD_PART_NAME] = {{K, K, R, K, R, K, K, R}, "computer name", "The name, and the template that it came from."},
    /* UNSURE: not named. The right to an edition is the hardware's, and a wipe rebuilds the edition that runs; only
     * another image begins with the edition of the box. */
    [TD_PART_EDITION] = {{K, K, K, K, K, K, K, R}, "edition", "The edition that runs, and its key."},
    /* Retire: "a local admin must exist", so it stays and can still sign in. */
    [TD_PART_LOCAL_ADMIN] = {{K, A, R, A, R, A, K, R},
                             "managed local administrator",
                             "Local accounts that management made, and the managed password."},
    /* Kept with the join: whoever signs in next is asked at its tenant. */
    [TD_PART_PROFILE_CACHE] = {{K, K, R, K, R, K, K, R},
                               "cached deployment profile",
                               "The profile as it was fetched; sysprep /generalize removes it too."},
    /* It lies in the system's folder: whatever sets the system up anew takes it away. UNSURE for Autopilot Reset:
     * "applied" configuration of the first set-up stays. */
    [TD_PART_PROFILE_FILE] = {{K, K, R, R, R, R, K, R},
                              "AutopilotConfigurationFile.json",
                              "The profile of an existing device; sysprep /generalize removes it too."},
    /* Kept, or decrypted. UNSURE for those that keep the enrolment: nothing is named, so the disk stays encrypted. */
    [TD_PART_DISK_KEYS] = {{K, K, R, K, R, K, K, R}, "disk encryption", "Kept as it is, or the disk is decrypted."},
    /* Only sysprep /generalize resets it: the TPM is the machine's. */
    [TD_PART_TPM] = {{K, K, K, K, K, K, K, K},
                     "TPM and firmware",
                     "The TPM's attestation state, and what the firmware was told to hold."},
};

enum td_fate td_remains(enum td_action_kind kind, enum td_part part)
{
    unsigned char column = (unsigned)kind < TD_ACTION_KIND_COUNT ? columns[kind] : (unsigned char)C_NONE;
    if ((unsigned)part >= TD_PART_COUNT)
        return TD_KEPT;
    if (td_fault("remains-user-files") && part == TD_PART_FILES && column == C_RESET)
        return TD_KEPT;
    if (td_fault("remains-no-wifi") && part == TD_PART_WIFI && column == C_RESET)
        return TD_REMOVED;
    if (td_fault("remains-join") && part == TD_PART_JOIN && column == C_WIPE)
        return TD_KEPT;
    return (enum td_fate)rows[part].fate[column];
}

const char *td_part_word(enum td_part part)
{
    return (unsigned)part < TD_PART_COUNT ? rows[part].word : "";
}

const char *td_part_about(enum td_part part)
{
    return (unsigned)part < TD_PART_COUNT ? rows[part].about : "";
}

const char *td_fate_word(enum td_fate fate)
{
    static const char *const words[] = {[TD_KEPT] = "kept", [TD_REMOVED] = "removed", [TD_REAPPLIED] = "reapplied"};
    return (unsigned)fate < TD_COUNTOF(words) ? words[fate] : "";
}
