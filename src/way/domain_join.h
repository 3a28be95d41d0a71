/* Rules of the domain join, pure: every reason for which a computer account, a blob or a sign-in against Active
 * Directory fails, with code, cause and remedy; names of computers; states of a job. One table serves connector,
 * service, device, events and docs/tasks/hybrid.md. Sources: autopilot.md 3.2, 6; domain-join-and-tpm.md 1. */
#ifndef TD_WAY_DOMAIN_JOIN_H
#define TD_WAY_DOMAIN_JOIN_H

#include "base/env.h"
#include "base/err.h"

enum td_domain_reason {
    TD_DJ_OK,
    /* before a connector has it */
    TD_DJ_NO_SETTINGS,  /* the profile asks for a hybrid join, and no domain-join item is assigned to the device */
    TD_DJ_NO_CONNECTOR, /* none serves this domain, or none was heard of lately */
    TD_DJ_NOT_BOUND,    /* the connector may not serve this domain: it is bound to others */
    TD_DJ_NAME_INVALID, /* the pattern gives no name that the domain takes */
    /* at the directory */
    TD_DJ_NO_DC,            /* no domain controller answers */
    TD_DJ_UNTRUSTED,        /* its certificate is not trusted */
    TD_DJ_CLOCK_SKEW,       /* clocks are more than five minutes apart */
    TD_DJ_SERVICE_PASSWORD, /* the connector's own account: wrong password or key */
    TD_DJ_SERVICE_DISABLED, /* ... disabled */
    TD_DJ_SERVICE_EXPIRED,  /* ... its password has run out or must be changed */
    TD_DJ_SERVICE_LOCKED,   /* ... locked */
    TD_DJ_NO_OU,            /* the organizational unit does not exist */
    TD_DJ_NO_RIGHT,         /* the connector's account may not create computers there */
    TD_DJ_QUOTA,            /* the account has created as many computers as it may */
    TD_DJ_NAME_TAKEN,       /* an account of that name belongs to something else */
    TD_DJ_SUPERSEDED,       /* another connector has taken the work over meanwhile */
    TD_DJ_REFUSED,          /* the directory said no in other words */
    /* between service and device */
    TD_DJ_TIMEOUT,        /* no connector finished the work in time */
    TD_DJ_DELIVERED,      /* the blob was handed out already: it is gone */
    TD_DJ_BAD_BLOB,       /* the device can't read it */
    TD_DJ_ALREADY,        /* the device has joined a domain already */
    TD_DJ_DEVICE_NO_DC,   /* the device finds no domain controller */
    TD_DJ_DEVICE_CLOCK,   /* the device's clock differs from the domain's */
    TD_DJ_DEVICE_REFUSED, /* the domain does not take the machine's password */
    TD_DJ_NOT_REGISTERED, /* the directory does not know the computer (yet) */
    /* a person's sign-in */
    TD_DJ_WRONG,
    TD_DJ_DISABLED,
    TD_DJ_MUST_CHANGE,
    TD_DJ_PASSWORD_EXPIRED,
    TD_DJ_ACCOUNT_EXPIRED,
    TD_DJ_LOCKED,
    TD_DJ_HOURS, /* not at this hour, or not at this computer */
    TD_DJ_COUNT
};

struct td_domain_reason_row {
    enum td_domain_reason reason;
    const char *name; /* "NoRight": in answers of connectors and in events */
    uint32_t hresult; /* what Windows shows for the same cause */
    enum td_code code;
    bool again; /* worth trying again without anybody doing anything */
    const char *cause, *remedy;
};
const struct td_domain_reason_row *td_domain_reason_row(enum td_domain_reason reason); /* never NULL */
const struct td_domain_reason_row *td_domain_reason_by_name(const char *name);         /* NULL: none */
/* Fills err: where is the row's name, the text its cause and detail (may be NULL). Returns row->code. */
enum td_code td_domain_refuse(struct td_error *err, enum td_domain_reason reason, const char *detail);
/* What a device's page says of it, "0x80072030: cause remedy", and back: TD_DJ_OK where the text is an organization's
 * own. */
char *td_domain_told(enum td_domain_reason reason, struct td_arena *a);
enum td_domain_reason td_domain_reason_told(const char *text);
/* A person's (or the service's own) bind that Active Directory refused with this error. */
enum td_domain_reason td_domain_reason_of_bind(uint32_t win32, bool service);

enum td_domain_state { /* of the work for one device; as words in the store, in the API and on the timeline */
                       TD_DJS_QUEUED,
                       TD_DJS_CREATING,  /* a connector has it */
                       TD_DJS_CREATED,   /* account and blob are there */
                       TD_DJS_DELIVERED, /* handed to the device, which has not answered */
                       TD_DJS_CONFIRMED, /* the device has it: the blob is gone */
                       TD_DJS_FAILED,
                       TD_DJS_COUNT
};
const char *td_domain_state_word(enum td_domain_state state);

enum td_domain_reuse { /* of an account of the wanted name that is there already */
                       TD_REUSE_NEVER,
                       TD_REUSE_OWN, /* if it was made for the same registration */
                       TD_REUSE_ANY,
                       TD_REUSE_COUNT
};
enum td_domain_reuse td_domain_reuse_parse(const char *word); /* "never", "own", "any"; TD_REUSE_COUNT: none of them */

/* A computer's name by the pattern: %SERIAL% and %RAND:n% as in profiles (way/names.h), and %MIX:n% at its end (n
 * random letters and digits), which td_domain_pattern makes of a prefix and a count. At most 15 characters: letters,
 * digits and hyphens, not all digits, no hyphen at either end. *ret_last: the pattern gives no other name. Refused as
 * NameInvalid. */
enum { TD_COMPUTER_NAME_MAX = 15, TD_COMPUTER_NAME_TRIES = 10, TD_DOMAIN_PATTERN_MAX = 48 };
enum td_code td_domain_pattern(const char *prefix, int random, char ret[TD_DOMAIN_PATTERN_MAX + 1],
                               struct td_error *err) TD_MUST_USE;
enum td_code td_domain_pattern_check(const char *pattern, struct td_error *err) TD_MUST_USE;
enum td_code td_domain_computer_name(const char *pattern, const char *serial, const struct td_env *env,
                                     char ret[TD_COMPUTER_NAME_MAX + 1], bool *ret_last, struct td_error *err)
    TD_MUST_USE;

#define TD_DOMAIN_LEASE (60 * TD_SECOND)      /* a connector has the work for so long, then another gets it */
#define TD_DOMAIN_WAIT (30 * TD_MINUTE)       /* work that nobody could do in this time has failed */
#define TD_DOMAIN_BLOB_LIFE (24 * TD_HOUR)    /* a blob that nobody fetches is destroyed */
#define TD_DOMAIN_PAGE_EXTRA (40 * TD_MINUTE) /* the status page of a hybrid device has so much longer (3.2) */

#endif
