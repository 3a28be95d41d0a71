/* What each action keeps and removes of a device: one table (autopilot.md 3.8). Pure.
 *
 * The device acts from it (device/reset.h), the tests compare the device's whole state before and after with it, and
 * docs/tasks/actions.md prints it. A part is a kind of thing that a device holds; its fate is told per action. */
#ifndef TD_WAY_REMAINS_H
#define TD_WAY_REMAINS_H

#include "way/action.h"

enum td_part {
    TD_PART_JOIN,          /* directory join: device id, certificate, keys */
    TD_PART_ENROLMENT,     /* management: account, certificate, key */
    TD_PART_ACCOUNTS,      /* accounts of people on the device */
    TD_PART_PROFILES,      /* their profiles: settings, desktop, credentials, tokens */
    TD_PART_FILES,         /* files of users inside their profiles */
    TD_PART_DATA,          /* data outside any profile */
    TD_PART_USER_APPS,     /* apps that users installed */
    TD_PART_OEM_APPS,      /* apps that the maker of the machine put on it */
    TD_PART_MANAGED_APPS,  /* packages that management installed */
    TD_PART_POLICIES,      /* policies in effect */
    TD_PART_SETTINGS,      /* settings of the machine that are not the default */
    TD_PART_ROOTS,         /* trusted certificates that management brought */
    TD_PART_CERTIFICATES,  /* client certificates (SCEP, PFX) */
    TD_PART_WIFI,          /* Wi-Fi profiles */
    TD_PART_PACKAGES,      /* provisioning packages */
    TD_PART_REGION,        /* region, language, keyboard */
    TD_PART_OOBE,          /* choices of the first pages */
    TD_PART_NAME,          /* computer name */
    TD_PART_EDITION,       /* edition and its key */
    TD_PART_LOCAL_ADMIN,   /* the managed local administrator's password */
    TD_PART_PROFILE_CACHE, /* the deployment profile as it was fetched */
    TD_PART_PROFILE_FILE,  /* AutopilotConfigurationFile.json */
    TD_PART_DISK_KEYS,     /* encryption of the disk: kept, or decrypted */
    TD_PART_TPM,           /* the TPM's attestation state */
    TD_PART_COUNT
};

enum td_fate {
    TD_KEPT,
    TD_REMOVED,
    TD_REAPPLIED /* removed, then brought back by management before the desktop opens */
};

enum td_fate td_remains(enum td_action_kind kind, enum td_part part);
const char *td_part_word(enum td_part part);  /* "user files" */
const char *td_part_about(enum td_part part); /* a sentence */
const char *td_fate_word(enum td_fate fate);

#endif
