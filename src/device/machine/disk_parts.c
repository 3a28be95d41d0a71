/* What the device knows, thing by thing, and the part of way/remains.h that each belongs to. */
#include "base/encode.h"
#include "base/file.h"
#include "crypto/digest.h"
#include "device/csp/store.h"
#include "device/disk.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { MAX_FILES = 200000, MAX_DEPTH = 64 };

#define P(name) ((uint32_t)1 << TD_PART_##name)
#define NEVER 0
#define MS "Vendor/MSFT/"

/* First row that fits. '*' stands for any octets but '/', at the end for anything; "" is all that is left. */
struct rule {
    const char *pattern;
    uint32_t parts;
};

/* Keys of state.json. A step of the way is done again if what it made is gone: begin. and end. of each. */
static const struct rule state_rules[] = {
    {"server", NEVER}, /* where a machine fresh from its box looks for its service */
    {"profile.upn", P(PROFILE_CACHE) | P(PROFILES)},
    {"profile.*", P(PROFILE_CACHE)},
    {"offline.*", P(PROFILE_CACHE)},
    {"lookup.*", P(PROFILE_CACHE) | P(JOIN)},
    {"sts.*", P(JOIN)},
    {"join.user", P(JOIN) | P(PROFILES)},
    {"join.*", P(JOIN)},
    {"enrol.user", P(ENROLMENT) | P(PROFILES)},
    {"enrol.ended", P(OOBE)}, /* says at a retired device why it is not managed */
    {"enrol.*", P(ENROLMENT)},
    {"signin.user", P(ACCOUNTS) | P(PROFILES)},
    {"signin.name", P(ACCOUNTS) | P(PROFILES)},
    {"signin.*", P(JOIN)},
    {"user.*", P(ACCOUNTS) | P(PROFILES)},
    {"seat.*", P(ACCOUNTS) | P(PROFILES)},
    {"prt.*", P(JOIN) | P(PROFILES)},
    {"device.name", P(NAME)},
    {"domain.user_sid", P(JOIN) | P(PROFILES)},
    {"domain.*", P(JOIN)},
    {"answer.language", P(REGION)},
    {"answer.region", P(REGION)},
    {"answer.keyboard", P(REGION)},
    {"chosen.*", P(REGION)},
    {"answer.*", P(OOBE)},
    {"ui.*", P(OOBE) | P(PROFILES)},
    {"*.lookup", P(PROFILE_CACHE)},
    {"*.name", P(NAME)},
    {"*.sign-in", P(JOIN)},
    {"*.attest", P(JOIN)},
    {"*.domain join", P(JOIN)},
    {"*.domain contact", P(JOIN)},
    {"*.join", P(JOIN)},
    {"*.enrolment", P(ENROLMENT)},
    {"*.device setup", P(POLICIES)},
    {"*.user sign-in", P(POLICIES)},
    {"*.user token", P(POLICIES)},
    {"*.account setup", P(POLICIES)},
    {"ready.*", P(POLICIES)},
    {"provision.*", P(OOBE)},
    {"begin.*", P(OOBE)}, /* the first pages */
    {"end.*", P(OOBE)},
    {"laps.*", P(LOCAL_ADMIN)},
    {"vpn.*", P(WIFI)},
    {"tpm.tcti", NEVER}, /* where the machine's TPM is, and what it is */
    {"tpm.ek", NEVER},
    {"tpm.version", NEVER},
    {"tpm.*", P(TPM)},
    {"", P(SETTINGS)},
};

/* Keys of csp.json. The status page's own progress goes with the policies: it runs again. */
static const struct rule node_rules[] = {
    {"Device/" MS "DMClient/Provider/*/UPN", P(ENROLMENT) | P(PROFILES)},
    {"Device/" MS "DMClient/Provider/*/FirstSyncStatus/SkipDeviceStatusPage", P(ENROLMENT)},
    {"Device/" MS "DMClient/Provider/*/FirstSyncStatus*", P(POLICIES)},
    {"User/" MS "DMClient/Provider/*/FirstSyncStatus*", P(POLICIES)},
    {"Device/" MS "DMClient*", P(ENROLMENT)},
    {"User/" MS "DMClient*", P(ENROLMENT)},
    {"Device/" MS "CertificateStore*", P(ENROLMENT)},
    {"Device/" MS "RootCATrustedCertificates*", P(ROOTS)},
    {"User/" MS "RootCATrustedCertificates*", P(ROOTS) | P(PROFILES)},
    {"Device/" MS "ClientCertificateInstall*", P(CERTIFICATES)},
    {"User/" MS "ClientCertificateInstall*", P(CERTIFICATES) | P(PROFILES)},
    {"Device/" MS "WiFi*", P(WIFI)},
    {"Device/" MS "VPNv2*", P(WIFI)},
    {"User/" MS "WiFi*", P(WIFI) | P(PROFILES)},
    {"User/" MS "VPNv2*", P(WIFI) | P(PROFILES)},
    {"Device/" MS "EnterpriseDesktopAppManagement*", P(MANAGED_APPS)},
    {"Device/" MS "EnterpriseModernAppManagement*", P(MANAGED_APPS)},
    {"User/" MS "EnterpriseDesktopAppManagement*", P(MANAGED_APPS) | P(PROFILES)},
    {"User/" MS "EnterpriseModernAppManagement*", P(MANAGED_APPS) | P(PROFILES)},
    {"Device/" MS "Accounts/Users*", P(LOCAL_ADMIN)},
    {"Device/" MS "LAPS/Policies*", P(POLICIES)},
    {"Device/" MS "LAPS*", P(LOCAL_ADMIN)},
    {"Device/" MS "WindowsLicensing*", P(EDITION)},
    {"Device/" MS "TenantLockdown*", P(TPM)}, /* made for the first pages after a reset (csp.md 11) */
    {"Device/*", P(POLICIES)},
    {"User/*", P(POLICIES) | P(PROFILES)},
    {"@provider", P(ENROLMENT)},
    {"@account*", P(ENROLMENT)},
    {"@auth*", P(ENROLMENT)},
    {"@session", P(ENROLMENT)},
    {"@reports", P(ENROLMENT)},
    {"@unenrolled", P(ENROLMENT)},
    {"@poll", P(POLICIES)}, /* counts from the beginning: the schedule is the dense one again */
    {"@page*", P(POLICIES)},
    {"@configmgr", P(MANAGED_APPS)},
    {"@autologon", P(ACCOUNTS)}, /* autopilot.md 3.8: stays where the accounts do */
    {"@shared*", P(POLICIES)},
    {"@archive*", P(POLICIES)},
    {"@user-sessions", P(POLICIES) | P(PROFILES)},
    {"@job*", P(MANAGED_APPS)},
    {"@tries*", P(MANAGED_APPS)},
    {"@alert*", P(MANAGED_APPS)},
    {"@laps*", P(LOCAL_ADMIN)},
    {"@bitlocker*", P(DISK_KEYS)},
    {"@domain", P(JOIN)},
    {"@name*", P(NAME)},
    {"@edition", P(EDITION)},
    {"@restarts", P(OOBE)},
    {"", P(SETTINGS)},
};

/* Paths below DIR. state.json and csp.json go key by key. */
static const struct rule file_rules[] = {
    {"state.json", NEVER},
    {"csp.json", NEVER},
    {"hardware.json", NEVER},
    {"ca.pem", NEVER},
    {"disk/box.json", NEVER},
    {"log*", P(PROFILES)}, /* names who signed in */
    {"disk/recovery/*", NEVER},
    {"device.*.pem", P(JOIN)},
    {"transport.key.pem", P(JOIN)},
    {"machine.*", P(JOIN)},
    {"domain.*.pem", P(JOIN)},
    {"odj.txt", P(JOIN)},
    {"mdm.*.pem", P(ENROLMENT)},
    {"log", P(SETTINGS)},
    {"log.old", P(SETTINGS)},
    {"downloads/*", P(MANAGED_APPS)},
    {"certificates/*", P(CERTIFICATES)},
    {"laps*", P(LOCAL_ADMIN)},
    {"tpm/device.*", P(JOIN)}, /* keys wrapped by the TPM: made anew with what they are for (autopilot.md 3.8) */
    {"tpm/mdm.*", P(ENROLMENT)},
    {"tpm/log", NEVER}, /* of this start, as the PCRs are */
    {"tpm/lock", NEVER},
    {"tpm/", NEVER},
    {"tpm/*", P(TPM)},
    {"disk/users/*/account.json", P(ACCOUNTS)},
    {"disk/users/*/files/*", P(FILES)},
    {"disk/users/*", P(PROFILES)},
    {"disk/data/*", P(DATA)},
    {"disk/apps/user/*", P(USER_APPS)},
    {"disk/apps/oem/*", P(OEM_APPS)},
    {"disk/apps/*", P(MANAGED_APPS)},
    {"disk/settings/*", P(SETTINGS)},
    {"disk/packages/*", P(PACKAGES)},
    {"disk/Windows/Provisioning/Autopilot/*", P(PROFILE_FILE)},
    {"disk/bitlocker.json", P(DISK_KEYS)},
    {"disk/*", P(DATA)},
    {"", P(SETTINGS)},
};

static bool fits(const char *pattern, const char *name)
{
    if (*pattern == '\0')
        return *name == '\0';
    if (*pattern != '*')
        return *pattern == *name && fits(pattern + 1, name + 1);
    if (pattern[1] == '\0')
        return true;
    for (;; name++) {
        if (fits(pattern + 1, name))
            return true;
        if (*name == '\0' || *name == '/')
            return false;
    }
}

uint32_t td_disk_parts(enum td_disk_where where, const char *name)
{
    const struct rule *r = where == TD_DISK_STATE ? state_rules : where == TD_DISK_NODE ? node_rules : file_rules;
    while (r->pattern[0] != '\0' && !fits(r->pattern, name))
        r++;
    return r->parts;
}

/* --- listing ----------------------------------------------------------------------------------------------------- */

struct walk {
    struct td_arena *a;
    struct td_disk_list list;
    size_t cap;
    struct td_error *err;
};

static void add(struct walk *w, enum td_disk_where where, const char *name, const char *value)
{
    w->list.v = td_arena_room(w->a, w->list.v, w->list.count, &w->cap, sizeof(*w->list.v));
    w->list.v[w->list.count++] = (struct td_disk_item){where, name, value, td_disk_parts(where, name)};
}

static void sort(struct td_disk_list *list, int (*compare)(const void *, const void *))
{
    if (list->count != 0)
        qsort(list->v, list->count, sizeof(*list->v), compare);
}

static int by_name(const void *x, const void *y)
{
    const struct td_disk_item *a = x, *b = y;
    return a->where != b->where ? (int)a->where - (int)b->where : strcmp(a->name, b->name);
}

/* The lock and the journal are about the running of the program, not about the device. */
static bool is_ours(const char *name)
{
    return strcmp(name, "lock") == 0 || strcmp(name, "reset.json") == 0 || strcmp(name, "reset") == 0;
}

static void close_dir(DIR **d)
{
    if (*d != NULL)
        (void)closedir(*d);
}

/* An entry of a folder; links are files here and never followed. */
static enum td_code walk_dir(struct walk *w, const char *root, const char *below, int depth)
{
    TD_CLEANUP(close_dir) DIR *d = opendir(*below == '\0' ? root : td_arena_printf(w->a, "%s/%s", root, below));
    const struct dirent *e;
    if (d == NULL) /* what can't be looked into can't be taken away either: nobody may think that it was */
        return td_fail(w->err, TD_EIO, "disk", "%.100s can't be read: %s", below, strerror(errno));
    while ((e = readdir(d)) != NULL) {
        const char *path = td_arena_printf(w->a, "%s%s", below, e->d_name);
        struct stat st;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || (depth == 0 && is_ours(e->d_name)) ||
            lstat(td_arena_printf(w->a, "%s/%s", root, path), &st) != 0)
            continue;
        if (w->list.count >= MAX_FILES || depth >= MAX_DEPTH)
            return td_fail(w->err, TD_ELIMIT, "disk", "more than %d files, or %d folders deep", MAX_FILES, MAX_DEPTH);
        bool folder = S_ISDIR(st.st_mode);
        if (folder)
            td_try(walk_dir(w, root, td_arena_printf(w->a, "%s/", path), depth + 1));
        add(w, TD_DISK_FILE, folder ? td_arena_printf(w->a, "%s/", path) : path, "");
    }
    return TD_OK;
}

/* A folder sorts behind what is in it. */
static int by_path(const void *x, const void *y)
{
    const char *a = ((const struct td_disk_item *)x)->name, *b = ((const struct td_disk_item *)y)->name;
    size_t n = strlen(a), m = strlen(b);
    if (a[n - 1] == '/' && strncmp(a, b, n) == 0)
        return m > n;
    if (b[m - 1] == '/' && strncmp(a, b, m) == 0)
        return n > m ? -1 : 0;
    return strcmp(a, b);
}

enum td_code td_disk_files(const struct td_device *dev, struct td_arena *a, struct td_disk_list *ret,
                           struct td_error *err)
{
    struct walk w = {.a = a, .err = err};
    td_try(walk_dir(&w, dev->dir, "", 0));
    sort(&w.list, by_path);
    *ret = w.list;
    return TD_OK;
}

static const char *digest(struct td_arena *a, struct td_slice data)
{
    unsigned char sum[32];
    td_sha256(data, sum);
    return td_hex(a, td_bytes(sum, sizeof(sum)));
}

static void close_file(FILE **f)
{
    if (*f != NULL)
        (void)fclose(*f);
}

/* Piece by piece: a package may be of any size. Links and other things that are no files have no octets of their own.
 */
static enum td_code digest_of_file(const char *path, struct td_arena *a, const char **ret, struct td_error *err)
{
    struct stat st;
    *ret = "-";
    if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return TD_OK;
    TD_CLEANUP(close_file) FILE *f = fopen(path, "rbe");
    unsigned char sum[32];
    char chunk[16384];
    size_t n;
    if (f == NULL)
        return td_fail(err, TD_EIO, path, "cannot be read: %s", strerror(errno));
    struct td_sha256 *h = td_sha256_new();
    while ((n = fread(chunk, 1, sizeof(chunk), f)) != 0)
        td_sha256_add(h, td_bytes(chunk, n));
    td_wipe(chunk, sizeof(chunk));
    td_sha256_end(h, sum);
    *ret = td_hex(a, td_bytes(sum, sizeof(sum)));
    return ferror(f) == 0 ? TD_OK : td_fail(err, TD_EIO, path, "cannot be read");
}

static bool is_secret(const char *name)
{
    static const char *const words[] = {"token", "secret", "SECRET", "session_key", "Password", "laps", "WlanXml"};
    for (size_t i = 0; i < TD_COUNTOF(words); i++)
        if (strstr(name, words[i]) != NULL)
            return true;
    return false;
}

static const char *told(struct td_arena *a, const char *name, const char *value)
{
    return is_secret(name) ? digest(a, td_str(value)) : td_arena_strdup(a, value);
}

static enum td_code list_nodes(struct walk *w, const struct td_device *dev, struct td_error *err)
{
    struct td_csp_items items = {0};
    enum td_code rc = td_csp_items_load(&items, td_device_path(dev, w->a, "csp.json"), err);
    for (size_t i = 0; rc == TD_OK && i < items.count; i++)
        add(w, TD_DISK_NODE, td_arena_strdup(w->a, items.v[i].key), told(w->a, items.v[i].key, items.v[i].value));
    td_csp_items_done(&items);
    return rc;
}

/* Key by key, or not at all: every line that the device says goes into its log. */
static bool is_told_otherwise(const char *name)
{
    static const char *const names[] = {"state.json", "csp.json", "log", "log.old"};
    for (size_t i = 0; i < TD_COUNTOF(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static enum td_code list_files(struct walk *w, const struct td_device *dev, struct td_error *err)
{
    struct td_disk_list files = {0};
    td_try(td_disk_files(dev, w->a, &files, err));
    for (size_t i = 0; i < files.count; i++) {
        const char *name = files.v[i].name;
        if (td_ends(td_str(name), "/") || is_told_otherwise(name))
            continue;
        const char *sum = "";
        td_try(digest_of_file(td_device_path(dev, w->a, name), w->a, &sum, err));
        add(w, TD_DISK_FILE, name, sum);
    }
    return TD_OK;
}

enum td_code td_disk_state(struct td_device *dev, struct td_arena *a, struct td_disk_list *ret, struct td_error *err)
{
    struct walk w = {.a = a, .err = err};
    const char *key, *value;
    for (size_t i = 0; td_state_at(dev->state, i, &key, &value); i++)
        if (value != NULL)
            add(&w, TD_DISK_STATE, td_arena_strdup(a, key), told(a, key, value));
    td_try(list_nodes(&w, dev, err));
    td_try(list_files(&w, dev, err));
    sort(&w.list, by_name);
    *ret = w.list;
    return TD_OK;
}
