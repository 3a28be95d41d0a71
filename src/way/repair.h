/* A part was exchanged: is it still the registered device, and may it be registered anew without asking? Pure.
 *
 * way/match.h tells which registration a machine is. This file judges a machine that is managed as one registration and
 * shows other hardware: disks, memory and network adapters come and go unnoticed; another mainboard is 'fix pending'
 * until it is proven or an administrator looks at it ('attention required'). Sources: autopilot.md 1.8 (which
 * exchanges can be repaired), row R16, pain Z36; docs/tasks/repair.md prints the table. */
#ifndef TD_WAY_REPAIR_H
#define TD_WAY_REPAIR_H

#include "way/match.h"

/* True if the serial number, the UUID or the endorsement key is known on both sides and differs: another board, or a
 * board that was written anew. What else differs is a part that devices may exchange. */
bool td_repair_is_exchange(const struct td_facts *registered, const struct td_facts *seen);
/* True if nothing of weight differs: the same facts, or network adapters that came or went while one stayed (docks). */
bool td_repair_is_same(const struct td_facts *registered, const struct td_facts *seen);
/* True if no disk and no network adapter is the same though both sides have both: a copy of a virtual machine looks
 * like this, and so does a device in which both were exchanged. */
bool td_repair_could_be_copy(const struct td_facts *registered, const struct td_facts *seen);

struct td_repair_in {
    const struct td_facts *registered, *seen;
    bool certified;  /* told in a session under the management certificate of this registration's enrolment */
    bool elsewhere;  /* the new facts belong to another registration, of any tenant */
    bool returned;   /* of the two boards one was replaced by the other before: they take turns */
    bool disagrees;  /* what the device tells of its own exchange is about other hardware */
    bool tpm_proven; /* the registered machine's TPM has proven itself by an attestation */
    bool ask;        /* the tenant wants to be asked always ("hardware-repair") */
};

struct td_repair {
    bool proven;
    const char *proof;          /* "the serial number agrees ..."; "" unless proven */
    const char *cause, *remedy; /* why an administrator must look; "" if proven */
};
void td_repair_judge(const struct td_repair_in *in, struct td_repair *ret);

/* Both sides of one kind of fact, for people. */
enum td_repair_side { TD_SIDE_AGREES, TD_SIDE_PARTLY, TD_SIDE_DIFFERS, TD_SIDE_UNKNOWN };
const char *td_repair_side_word(enum td_repair_side side); /* "agrees", "partly", "differs", "not known" */

/* Facts as text, a line each ("uuid 11223344-..."), and back; lines that are no facts are left out. */
char *td_facts_text(const struct td_facts *f, struct td_arena *a);
void td_facts_of_text(struct td_slice text, struct td_arena *a, struct td_facts *ret);

#endif
