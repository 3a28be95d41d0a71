/* The parts of connect/ldap.h that need no directory: escapes, values of an entry, what a diagnostic text says. */
#include "connect/ldap.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

void td_ldap_close(struct td_ldap *l)
{
    if (l != NULL)
        l->ops->close(l);
}

char *td_ldap_escape(struct td_arena *a, struct td_slice value)
{
    char *out = td_arena_calloc(a, value.n + 1, 3), *p = out;
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if (c < 0x20 || c >= 0x7F || strchr("*()\\", c) != NULL)
            p += snprintf(p, 4, "\\%02x", c);
        else
            *p++ = (char)c;
    }
    return out;
}

/* RFC 4514 2.4: these everywhere, blank and # where they would be taken for something else. */
static bool dn_wants_escape(struct td_slice value, size_t i)
{
    unsigned char c = (unsigned char)value.p[i];
    if (c < 0x20 || c == 0x7F || strchr("\"+,;<>\\=", c) != NULL)
        return true;
    return (c == ' ' && (i == 0 || i + 1 == value.n)) || (c == '#' && i == 0);
}

char *td_ldap_escape_dn(struct td_arena *a, struct td_slice value)
{
    char *out = td_arena_calloc(a, value.n + 1, 3), *p = out;
    for (size_t i = 0; i < value.n; i++) {
        if (dn_wants_escape(value, i))
            p += snprintf(p, 4, "\\%02x", (unsigned char)value.p[i]);
        else
            *p++ = value.p[i];
    }
    return out;
}

const struct td_ldap_value *td_ldap_attr(const struct td_ldap_entry *e, const char *name)
{
    for (size_t i = 0; i < e->attr_count; i++)
        if (strcasecmp(e->attrs[i].name, name) == 0)
            return &e->attrs[i];
    return NULL;
}

struct td_slice td_ldap_get(const struct td_ldap_entry *e, const char *name)
{
    const struct td_ldap_value *v = td_ldap_attr(e, name);
    return v != NULL && v->count != 0 ? v->values[0] : (struct td_slice){NULL, 0};
}

const char *td_ldap_text(const struct td_ldap_entry *e, const char *name, struct td_arena *a)
{
    struct td_slice s = td_ldap_get(e, name);
    return s.p != NULL && td_utf8_ok(s) ? td_arena_text(a, s) : NULL;
}

static uint32_t hex_at(const char *p, size_t most)
{
    uint32_t value = 0;
    for (size_t i = 0; i < most; i++) {
        const char *digits = "0123456789abcdef", c = (char)(p[i] >= 'A' && p[i] <= 'F' ? p[i] + 32 : p[i]);
        const char *at = c != '\0' ? strchr(digits, c) : NULL;
        if (at == NULL)
            break;
        value = value << 4 | (uint32_t)(at - digits);
    }
    return value;
}

/* "80090308: LdapErr: DSID-0C090569, comment: AcceptSecurityContext error, data 52e, v4563": the number behind "data"
 * is the cause; other operations have theirs in front, eight digits and a colon ("00002071: UpdErr: ..."). */
uint32_t td_ldap_win32(const char *text)
{
    const char *data = text != NULL ? strstr(text, ", data ") : NULL;
    if (data != NULL && hex_at(data + 7, 8) != 0)
        return hex_at(data + 7, 8);
    if (text != NULL && strspn(text, "0123456789abcdefABCDEF") == 8 && text[8] == ':')
        return hex_at(text, 8);
    return 0;
}
