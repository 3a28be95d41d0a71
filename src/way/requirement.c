#include "way/requirement.h"

#include "base/fault.h"
#include "way/match.h"
#include "way/os_version.h"

const char *td_verdict_word(enum td_verdict verdict)
{
    static const char *const words[] = {
        [TD_PASS] = "pass", [TD_WARN] = "warn", [TD_UNMET] = "fail", [TD_SKIP] = "skip"};
    return words[verdict];
}

bool td_findings_passed(const struct td_finding *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].verdict == TD_UNMET)
            return false;
    return true;
}

void td_findings_write(const struct td_finding *list, size_t count, struct td_jsonw *w)
{
    td_jsonw_kbool(w, "passed", td_findings_passed(list, count));
    td_jsonw_key(w, "findings");
    td_jsonw_arr(w);
    for (size_t i = 0; i < count; i++) {
        td_jsonw_obj(w);
        td_jsonw_kstr(w, "code", list[i].requirement->code);
        td_jsonw_kstr(w, "verdict", td_verdict_word(list[i].verdict));
        td_jsonw_kstr(w, "what", list[i].requirement->what);
        td_jsonw_kstr(w, "found", list[i].found);
        td_jsonw_kstr(w, "remedy", list[i].remedy);
        td_jsonw_end(w);
    }
    td_jsonw_arr_end(w);
}

static struct td_judged judged(enum td_verdict verdict, const char *found, const char *remedy)
{
    return (struct td_judged){verdict, found, remedy};
}

static bool older(const char *version, const char *than)
{
    return !td_os_version_between(td_str(version), td_str(than), TD_S(""));
}

struct td_judged td_judge_os(const char *version)
{
    if (older(version, "10.0.15063"))
        return judged(TD_UNMET, "it is older than Windows 10 1703, or no version",
                      "Install Windows 10 1703 or later; a version that is still served is better.");
    if (older(version, "10.0.18362"))
        return judged(TD_WARN, "the status page does not track apps", "Install Windows 10 1903 or later.");
    return judged(TD_PASS, "", "");
}

static const struct {
    int64_t number;
    const char *word;
    bool fits;
} editions[] = {
    {4, "Enterprise", true},
    {27, "Enterprise N", true},
    {48, "Pro", true},
    {49, "Pro N", true},
    {72, "Enterprise Evaluation", true},
    {121, "Education", true},
    {122, "Education N", true},
    {125, "Enterprise LTSC", true},
    {126, "Enterprise LTSC N", true},
    {161, "Pro for Workstations", true},
    {162, "Pro for Workstations N", true},
    {164, "Pro Education", true},
    {165, "Pro Education N", true},
    {175, "Enterprise multi-session", true},
    {188, "IoT Enterprise", true},
    {98, "Home N", false},
    {99, "Home China", false},
    {100, "Home Single Language", false},
    {101, "Home", false},
};

struct td_judged td_judge_edition(int64_t number)
{
    for (size_t i = 0; i < TD_COUNTOF(editions); i++) {
        if (editions[i].number != number)
            continue;
        if (editions[i].fits || td_fault("preflight-any-edition"))
            return judged(TD_PASS, editions[i].word, "");
        return judged(TD_UNMET, editions[i].word, "Upgrade to Pro, Education or Enterprise: Home can't be managed.");
    }
    return judged(TD_WARN, "an edition that is not in the list",
                  "Compare its number with the list in docs/tasks/preflight.md.");
}

struct td_judged td_judge_tpm(const char *tpm_version)
{
    static const char remedy[] = "Switch the TPM 2.0 on in the firmware: the self-deploying mode, pre-provisioning and "
                                 "Windows 11 need it.";
    if (tpm_version[0] == '\0')
        return judged(TD_WARN, "no TPM is seen", remedy);
    if (td_search(td_str(tpm_version), TD_S("2.0")) == SIZE_MAX)
        return judged(TD_WARN, "it is no TPM 2.0", remedy);
    return judged(TD_PASS, "TPM 2.0", "");
}

struct td_judged td_judge_serial(const char *serial)
{
    static const char remedy[] = "Fill the system serial number in the firmware (the maker's tool), then capture the "
                                 "hash again.";
    if (serial[0] == '\0')
        return judged(TD_UNMET, "there is none", remedy);
    if (td_fact_is_placeholder(td_str(serial)))
        return judged(TD_UNMET, "it is what makers leave in unfilled", remedy);
    return judged(TD_PASS, "", "");
}

struct td_judged td_judge_kinds(unsigned kinds)
{
    if (kinds < 2)
        return judged(TD_UNMET, "fewer than two kinds of facts tell this machine from others",
                      "Fill serial number, UUID and network address, then capture the hash again.");
    return judged(TD_PASS, "", "");
}
