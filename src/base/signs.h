/* Short codes that people read on one screen and type at another, and passwords that they type: drawn from a set of
 * signs, each equally likely, and taken back as they are typed. Sets have 1 to 255 signs. */
#ifndef TD_BASE_SIGNS_H
#define TD_BASE_SIGNS_H

#include "base/env.h"
#include "base/slice.h"

/* No vowels and nothing that looks like something else: nothing to misread, no words by chance. 28 signs, 4.8 bits
 * each; the second set without digits. */
#define TD_SIGNS "23456789BCDFGHJKMNPQRSTVWXYZ"
#define TD_SIGNS_LETTERS "BCDFGHJKLMNPQRSTVWXZ"

/* n signs and a final NUL. */
void td_signs_draw(const struct td_env *env, const char *set, char *out, size_t n);
/* What was typed, in any case, with hyphens and blanks anywhere: exactly n signs of the set (upper case) in out, with a
 * final NUL. False, and out "": anything else. */
bool td_signs_read(struct td_slice typed, const char *set, char *out, size_t n);

#endif
