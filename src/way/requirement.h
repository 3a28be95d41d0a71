/* What a deployment requires of a machine, judged the same from the device (preflight) and at the service (device
 * check; row X17). Pure. Sources: autopilot.md 8; mde2.md 6 (numbers of editions). Texts are constant. */
#ifndef TD_WAY_REQUIREMENT_H
#define TD_WAY_REQUIREMENT_H

#include "codec/json.h"

enum td_verdict {
    TD_PASS,
    TD_WARN,  /* a deployment works, something less */
    TD_UNMET, /* a deployment fails */
    TD_SKIP   /* could not be looked at: what it rests on is not met */
};
const char *td_verdict_word(enum td_verdict verdict); /* "pass", "warn", "fail", "skip" */

struct td_requirement {
    const char *code; /* "os-version" */
    const char *what; /* what is required, a sentence */
};

struct td_finding {
    const struct td_requirement *requirement;
    enum td_verdict verdict;
    const char *found, *remedy; /* never NULL; remedy "" where nothing is to be done */
};
bool td_findings_passed(const struct td_finding *list, size_t count); /* nothing is TD_UNMET */
/* Members "passed" and "findings": list of code, verdict, what, found, remedy. */
void td_findings_write(const struct td_finding *list, size_t count, struct td_jsonw *w);

struct td_judged {
    enum td_verdict verdict;
    const char *found;  /* in words, "" where the value says it */
    const char *remedy; /* "" where nothing is to be done */
};
struct td_judged td_judge_os(const char *version);      /* "10.0.22631.2506" */
struct td_judged td_judge_edition(int64_t number);      /* found: "Pro", ... */
struct td_judged td_judge_tpm(const char *tpm_version); /* as the hardware hash tells it, "" for none */
struct td_judged td_judge_serial(const char *serial);
struct td_judged td_judge_kinds(unsigned kinds); /* kinds of identity facts (way/match.h) */

#endif
