#include "base/signs.h"

void td_signs_draw(const struct td_env *env, const char *set, char *out, size_t n)
{
    const size_t count = strlen(set), fair = 256 / count * count;
    for (size_t i = 0; i < n;) {
        unsigned char octet;
        td_random_fill(env, &octet, 1);
        if (octet < fair)
            out[i++] = set[octet % count];
    }
    out[n] = '\0';
}

bool td_signs_read(struct td_slice typed, const char *set, char *out, size_t n)
{
    size_t got = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < typed.n; i++) {
        char c = typed.p[i] >= 'a' && typed.p[i] <= 'z' ? (char)(typed.p[i] - 'a' + 'A') : typed.p[i];
        if (c == '-' || c == ' ')
            continue;
        ok = got < n && c != '\0' && strchr(set, c) != NULL;
        if (ok)
            out[got++] = c;
    }
    ok = ok && got == n;
    out[ok ? n : 0] = '\0';
    return ok;
}
