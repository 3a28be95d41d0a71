#include "way/repair.h"

#include "base/buf.h"
#include "base/fault.h"

#define BIT(kind) (1u << (kind))

static unsigned kinds_of(const struct td_facts *f)
{
    unsigned bits = 0;
    for (size_t i = 0; i < f->count; i++)
        bits |= BIT(f->list[i].kind);
    return bits;
}

static unsigned known_to_both(const struct td_facts *x, const struct td_facts *y)
{
    return kinds_of(x) & kinds_of(y);
}

static const unsigned board = BIT(TD_FACT_TUPLE) | BIT(TD_FACT_UUID) | BIT(TD_FACT_EK);
static const unsigned parts = BIT(TD_FACT_DISK) | BIT(TD_FACT_MAC);

bool td_repair_is_exchange(const struct td_facts *registered, const struct td_facts *seen)
{
    struct td_match m = td_facts_match(registered, seen);
    if (td_fault("repair-any-board"))
        return false;
    if (m.contradicts != NULL)
        return true;
    return (known_to_both(registered, seen) & ~m.kinds & board) != 0;
}

bool td_repair_could_be_copy(const struct td_facts *registered, const struct td_facts *seen)
{
    struct td_match m = td_facts_match(registered, seen);
    return (known_to_both(registered, seen) & parts) == parts && (m.kinds & parts) == 0;
}

static bool covers(const struct td_facts *x, const struct td_facts *y, unsigned kinds)
{
    for (size_t i = 0; i < y->count; i++)
        if ((kinds & BIT(y->list[i].kind)) != 0 && !td_facts_have(x, &y->list[i]))
            return false;
    return true;
}

bool td_repair_is_same(const struct td_facts *registered, const struct td_facts *seen)
{
    const unsigned mac = BIT(TD_FACT_MAC);
    struct td_match m = td_facts_match(registered, seen);
    unsigned compared = (m.kinds & mac) != 0 ? ~mac : ~0u;
    return covers(registered, seen, compared) && covers(seen, registered, compared);
}

static void ask(struct td_repair *r, const char *cause, const char *remedy)
{
    *r = (struct td_repair){.proof = "", .cause = cause, .remedy = remedy};
}

static void prove(struct td_repair *r, const char *proof)
{
    *r = (struct td_repair){.proven = true, .proof = proof, .cause = "", .remedy = ""};
}

static const char look[] = "Compare both sides (device repair), then accept or reject the new hardware.";

/* What speaks against it, whatever agrees. */
static bool is_doubtful(const struct td_repair_in *in, struct td_repair *ret)
{
    const struct {
        bool so;
        const char *cause, *remedy;
    } rows[] = {
        {!in->certified && !td_fault("repair-uncertified"),
         "the new hardware was not shown by the registered device's own management session", look},
        {in->elsewhere && !td_fault("repair-taken-hardware"),
         "the serial number, UUID or endorsement key of the new hardware belongs to another registration",
         "Remove that registration if its device is gone, or reject the new hardware."},
        {in->returned && !td_fault("repair-copy"),
         "the hardware that was replaced has shown itself since: two machines take turns, one may be a copy",
         "Find both machines and wipe the copy; then accept or reject the hardware that is seen."},
        {in->disagrees, "what the device tells of its own exchange does not fit the hash that it reports", look},
        /* its keys are in that TPM: another one can't have come with the same management session */
        {in->tpm_proven && (td_facts_match(in->registered, in->seen).kinds & BIT(TD_FACT_EK)) == 0 &&
             !td_fault("repair-unproven-tpm"),
         "its TPM was proven by an attestation, and the new hardware has another one, or none", look},
        {in->ask, "this tenant wants to be asked before hardware is registered anew", look},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        if (rows[i].so) {
            ask(ret, rows[i].cause, rows[i].remedy);
            return true;
        }
    return false;
}

/* autopilot.md 1.8: repaired is a board into which the old SMBIOS data were written. One with data of its own is taken
 * only where the system's disk and a network adapter went over to it together. */
void td_repair_judge(const struct td_repair_in *in, struct td_repair *ret)
{
    struct td_match m = td_facts_match(in->registered, in->seen);
    unsigned there = kinds_of(in->seen);
    if (is_doubtful(in, ret))
        return;
    if ((m.kinds & BIT(TD_FACT_TUPLE)) != 0)
        prove(ret, "manufacturer, model and serial number were written into the new board, and the session is "
                   "certified");
    else if ((m.kinds & BIT(TD_FACT_UUID)) != 0)
        prove(ret, "the SMBIOS UUID was written into the new board, and the session is certified");
    else if ((there & BIT(TD_FACT_TUPLE)) == 0 && !td_fault("repair-blank-board"))
        ask(ret, "the new board tells no serial number: its SMBIOS data were not written",
            "Write manufacturer, model, serial number and UUID into its firmware with the maker's tool, or accept it "
            "as it is.");
    else if ((m.kinds & BIT(TD_FACT_EK)) != 0)
        ask(ret, "the TPM is the same while serial number and UUID differ: the TPM was moved, or it is another machine",
            look);
    else if ((m.kinds & parts) == parts)
        prove(ret, "disk and network adapter are the same, and the session is certified");
    else
        ask(ret, "neither serial number nor UUID of the new board is the old one", look);
}

const char *td_repair_side_word(enum td_repair_side side)
{
    static const char *const words[] = {"agrees", "partly", "differs", "not known"};
    return words[side];
}

enum { TEXT_MAX = 65536 };

char *td_facts_text(const struct td_facts *f, struct td_arena *a)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, TEXT_MAX);
    for (size_t i = 0; i < f->count; i++)
        td_buf_printf(&b, "%s %s\n", td_fact_word(f->list[i].kind), f->list[i].value);
    return td_arena_text(a, td_buf_slice(&b));
}

void td_facts_of_text(struct td_slice text, struct td_arena *a, struct td_facts *ret)
{
    struct td_slice line, word;
    ret->count = 0;
    while (text.n != 0 && ret->count < TD_FACTS_MAX) {
        text = td_cut(text, '\n', &line);
        struct td_slice value = td_cut(line, ' ', &word);
        for (int k = 0; k < TD_FACT_COUNT && value.n != 0; k++)
            if (td_eqs(word, td_fact_word((enum td_fact_kind)k)))
                ret->list[ret->count++] = (struct td_fact){(enum td_fact_kind)k, td_arena_text(a, value)};
    }
}
