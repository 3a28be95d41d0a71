/* What a handler answers: values, refusals, and whether a value fits its node (oma-dm.md 5). */
#include "device/csp/tree.h"

#include <stdlib.h>

int td_csp_refuse(struct td_csp_call *call, int status, uint32_t hresult)
{
    call->answer->hresult = hresult;
    return status;
}

int td_csp_tell(struct td_csp_call *call, const char *value)
{
    if (value == NULL)
        return td_csp_refuse(call, 404, TD_CSP_E_NOTFOUND);
    call->answer->data = value;
    return 200;
}

bool td_csp_one_of(const char *list, struct td_slice word)
{
    for (struct td_slice rest = td_str(list), head; rest.n != 0;) {
        rest = td_cut(rest, '|', &head);
        if (td_eq(head, word))
            return true;
    }
    return false;
}

static bool is_int(struct td_slice v, long long *ret)
{
    char text[24], *end;
    if (v.n == 0 || v.n >= sizeof(text))
        return false;
    memcpy(text, v.p, v.n);
    text[v.n] = '\0';
    *ret = strtoll(text, &end, 10);
    return *end == '\0';
}

bool td_csp_fits(const char *format, const char *check, struct td_slice value)
{
    long long number = 0, low, high;
    value = td_trim(value);
    if (td_starts(td_str(format), "int") && !is_int(value, &number))
        return false;
    if (td_starts(td_str(format), "bool") && !td_ieqs(value, "true") && !td_ieqs(value, "false"))
        return false;
    if (*check == '\0')
        return true;
    struct td_slice head, tail = td_cut(td_str(check), '-', &head);
    if (tail.n != 0 && is_int(head, &low) && is_int(tail, &high))
        return is_int(value, &number) && number >= low && number <= high;
    return td_csp_one_of(check, value);
}
