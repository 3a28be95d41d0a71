/* csp/machine: nodes that change the machine itself: its name, restarts, the edition. */
#include "device/csp/kiosk.h"
#include "device/csp/tree.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME_MAX_OCTETS = 15, TEMPLATE_MAX_OCTETS = 63 };

/* --- the computer's name: autopilot.md 2.2, csp.md 2 -------------------------------------------------------------- */

static bool name_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

/* Letters of the serial that a name may hold, at most room of them: the tail is kept. */
static void add_serial(struct td_buf *out, const char *serial, size_t room)
{
    char fit[TEMPLATE_MAX_OCTETS + 1];
    size_t n = 0;
    for (const char *s = serial; s != NULL && *s != '\0' && n < sizeof(fit) - 1; s++)
        if (name_letter(*s))
            fit[n++] = *s;
    size_t take = TD_MIN(n, room);
    td_buf_add(out, td_bytes(fit + n - take, take));
}

/* Length of a %RAND:n% at s, its digits in *ret; 0 if none stands there. */
static size_t random_macro(const char *s, size_t *ret)
{
    char *end;
    if (strncmp(s, "%RAND:", 6) != 0)
        return 0;
    long n = strtol(s + 6, &end, 10);
    if (n < 1 || n > NAME_MAX_OCTETS || *end != '%')
        return 0;
    *ret = (size_t)n;
    return (size_t)(end + 1 - s);
}

static size_t fixed_octets(const char *template)
{
    size_t total = 0, digits = 0, n;
    for (const char *s = template; *s != '\0';) {
        if (strncmp(s, "%SERIAL%", 8) == 0)
            s += 8;
        else if ((n = random_macro(s, &digits)) != 0)
            s += n, total += digits;
        else
            s++, total++;
    }
    return total;
}

static void add_digits(struct td_csp *csp, struct td_buf *out, size_t digits)
{
    for (size_t i = 0; i < digits; i++) {
        unsigned char octet = 250;
        while (octet >= 250) /* 250 is the last multiple of ten: every digit is equally likely */
            td_random_fill(td_csp_env(csp), &octet, 1);
        td_buf_addc(out, (char)('0' + octet % 10));
    }
}

static bool name_ok(struct td_slice name)
{
    bool letter = false;
    for (size_t i = 0; i < name.n; i++) {
        if (!name_letter(name.p[i]))
            return false;
        letter = letter || name.p[i] < '0' || name.p[i] > '9';
    }
    return letter && name.n <= NAME_MAX_OCTETS;
}

static void expand(struct td_csp_call *call, const char *template, struct td_buf *out)
{
    size_t fixed = fixed_octets(template), digits = 0, n;
    size_t room = fixed < NAME_MAX_OCTETS ? NAME_MAX_OCTETS - fixed : 0;
    for (const char *s = template; *s != '\0';) {
        if (strncmp(s, "%SERIAL%", 8) == 0) {
            size_t before = out->n;
            add_serial(out, td_csp_fact(call->csp, "serial", call->a), room);
            room -= out->n - before;
            s += 8;
        } else if ((n = random_macro(s, &digits)) != 0) {
            add_digits(call->csp, out, digits);
            s += n;
        } else {
            td_buf_addc(out, *s++);
        }
    }
}

static void need_restart(struct td_csp *csp, const char *why)
{
    td_csp_put(csp, "@restart", "chr", why);
}

void td_csp_name_next(struct td_csp *csp, const char *name, const char *why)
{
    td_csp_put(csp, "@name.next", "chr", name);
    need_restart(csp, why);
}

/* The same template again is no new order: the digits that were drawn stay. */
static bool ordered_before(struct td_csp *csp, struct td_slice template)
{
    const char *before = td_csp_value(csp, "@name.template");
    return before != NULL && td_eqs(template, before);
}

static void order_name(struct td_csp *csp, const char *template, const char *name, struct td_arena *a)
{
    td_csp_put(csp, "@name.template", "chr", template);
    td_csp_drop(csp, "@name.next");
    if (strcmp(name, td_csp_effect(csp, "computer_name", a)) == 0)
        return;
    td_csp_name_next(csp, name, "computer name");
}

int td_csp_computer_name(struct td_csp_call *call)
{
    if (call->op == TD_CSP_GET)
        return td_csp_tell(call, td_csp_effect(call->csp, "computer_name", call->a));
    struct td_slice template = td_trim(call->data);
    if (template.n == 0 || template.n > TEMPLATE_MAX_OCTETS)
        return td_csp_refuse(call, 500, TD_CSP_E_BADVALUE);
    if (ordered_before(call->csp, template))
        return 200;
    const char *text = td_arena_text(call->a, template);
    TD_CLEANUP(td_buf_done) struct td_buf name;
    td_buf_init(&name, 128);
    expand(call, text, &name);
    if (name.failed || !name_ok(td_buf_slice(&name)))
        return td_csp_refuse(call, 500, TD_CSP_E_BADVALUE);
    order_name(call->csp, text, name.p, call->a);
    return 200;
}

/* --- restarts ----------------------------------------------------------------------------------------------------- */

int td_csp_reboot_now(struct td_csp_call *call)
{
    if (call->op == TD_CSP_EXEC)
        need_restart(call->csp, "asked by the server");
    return 0;
}

bool td_csp_restart_due(const struct td_csp *csp)
{
    return td_csp_value(csp, "@restart") != NULL;
}

void td_csp_restart(struct td_csp *csp)
{
    const char *next = td_csp_value(csp, "@name.next");
    if (next != NULL)
        td_csp_put(csp, "@name", "chr", next);
    td_csp_drop(csp, "@name.next");
    td_csp_drop(csp, "@restart");
    td_csp_kiosk_restart(csp);
    td_csp_put_int(csp, "@restarts", td_csp_int(csp, "@restarts", 0) + 1);
}

int td_csp_not_offered(struct td_csp_call *call)
{
    return td_csp_refuse(call, 405, TD_CSP_E_NOTALLOWED);
}

/* --- product keys: csp.md 9, and the virtual rule of docs/protocol/virtual-csp.md --------------------------------- */

/* Five groups of five; the first letter of the last group stands for the edition, as a real key's content would. */
static int edition_of_key(struct td_slice key)
{
    if (key.n != 29)
        return 0;
    for (size_t i = 0; i < key.n; i++) {
        char c = key.p[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (i % 6 == 5 ? c != '-' : !letter)
            return 0;
    }
    switch (key.p[24]) {
    case 'P':
    case 'p':
        return 48;
    case 'D':
    case 'd':
        return 121;
    case 'W':
    case 'w':
        return 161;
    case '0':
        return 0;
    default:
        return 4;
    }
}

int td_csp_key_fits(struct td_csp_call *call)
{
    return edition_of_key(td_trim(call->data)) != 0 ? 200 : td_csp_refuse(call, 500, TD_CSP_E_BADKEY);
}

int td_csp_edition_key(struct td_csp_call *call)
{
    static const char status[] = "Device/Vendor/MSFT/WindowsLicensing/Status";
    int number = edition_of_key(td_trim(call->data));
    td_csp_put_int(call->csp, status, number != 0 ? 3 : 0);
    if (number == 0)
        return td_csp_refuse(call, 500, TD_CSP_E_BADKEY);
    if (strtol(td_csp_effect(call->csp, "edition_number", call->a), NULL, 10) != number && call->row->arg != NULL)
        need_restart(call->csp, "edition");
    td_csp_put_int(call->csp, "@edition", number); /* in effect at once since Windows 10 1607 */
    return 200;
}
