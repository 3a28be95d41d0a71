/* Memory: an arena per request, freed at once.
 *
 * td_arena_alloc never returns NULL: sizes are bounded by the caller before they come here, and a machine without
 * memory stops the process (nothing answered is lost by that, see docs/ARCHITECTURE.md). No malloc outside base/.
 * What td_arena_alloc gives is zeroed. An arena belongs to one thread. Long-lived objects use td_new/td_free. */
#ifndef TD_BASE_ARENA_H
#define TD_BASE_ARENA_H

#include "base/slice.h"

struct td_arena_block;

struct td_arena {
    struct td_arena_block *head;
};

void td_arena_init(struct td_arena *a);
void td_arena_done(struct td_arena *a); /* frees all blocks; the arena is empty and usable again */
void td_arena_wipe(struct td_arena *a); /* overwrites what was used, then frees: for arenas that secrets pass through */

void *td_arena_alloc(struct td_arena *a, size_t size);
#define td_arena_new(a, type) ((type *)td_arena_alloc((a), sizeof(type)))
#define td_arena_array(a, type, n) ((type *)td_arena_calloc((a), (n), sizeof(type)))
void *td_arena_calloc(struct td_arena *a, size_t n, size_t size); /* stops the process if n * size overflows */

/* A list of n elements with room for one more: the list itself, or its copy of twice the size once *cap is full. */
void *td_arena_room(struct td_arena *a, void *list, size_t n, size_t *cap, size_t size);

/* Copies with a NUL behind the last byte. */
char *td_arena_strdup(struct td_arena *a, const char *s);
char *td_arena_text(struct td_arena *a, struct td_slice s);
struct td_slice td_arena_copy(struct td_arena *a, struct td_slice s);
char *td_arena_printf(struct td_arena *a, const char *fmt, ...) TD_PRINTF(2, 3);

/* Heap for objects that outlive a request. Zeroed, never NULL; td_free accepts NULL. */
void *td_alloc(size_t size);
#define td_new(type) ((type *)td_alloc(sizeof(type)))
void *td_realloc(void *p, size_t size); /* grown part is not zeroed */
char *td_strdup(const char *s);
void td_free(void *p);

/* Overwrites a secret before its memory is given back; the compiler may not drop it. */
void td_wipe(void *p, size_t n);

#endif
