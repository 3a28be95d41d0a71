/* How a request is refused: the fault that the answer tells (mde2.md 1.4). */
#include "api/enrolment/room.h"

enum td_code td_enrol_refuse(struct td_enrol *call, enum td_fault fault, enum td_code code, const char *where,
                             const char *text)
{
    call->fault = fault;
    return td_fail(&call->err, code, where, "%s", text);
}

enum td_fault td_enrol_fault_of(const struct td_enrol *call)
{
    if (call->fault != TD_FAULT_COUNT)
        return call->fault;
    switch (call->err.code) {
    case TD_EINVAL:
    case TD_EFORMAT:
    case TD_ELIMIT:
        if (call->err.code == TD_ELIMIT && strcmp(call->err.where, "BinarySecurityToken") == 0)
            return TD_FAULT_CERTIFICATE_REQUEST; /* too long a request (mde2.md 4.1) */
        return strcmp(call->err.where, "Security") == 0 ? TD_FAULT_INVALID_SECURITY : TD_FAULT_MESSAGE_FORMAT;
    case TD_EAUTH:
    case TD_EEXPIRED:
        return TD_FAULT_AUTHENTICATION;
    case TD_EDENIED:
        return TD_FAULT_AUTHORIZATION;
    case TD_ENOTOFFERED:
        return TD_FAULT_NOT_SUPPORTED;
    case TD_EUNAVAILABLE:
        return TD_FAULT_ENROLLMENT_SERVER;
    default:
        return TD_FAULT_INTERNAL;
    }
}
