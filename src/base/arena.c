#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 16384 - 64, ALIGN = 16 };

struct td_arena_block {
    struct td_arena_block *next;
    size_t used, size;
    _Alignas(ALIGN) unsigned char data[];
};

static TD_NORETURN void out_of_memory(void)
{
    (void)fputs("touchdown: out of memory\n", stderr);
    abort();
}

void *td_alloc(size_t size)
{
    void *p = calloc(1, size != 0 ? size : 1);
    if (p == NULL)
        out_of_memory();
    return p;
}

void *td_realloc(void *p, size_t size)
{
    void *q = realloc(p, size != 0 ? size : 1);
    if (q == NULL)
        out_of_memory();
    return q;
}

char *td_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    return memcpy(td_alloc(n), s, n);
}

void td_free(void *p)
{
    free(p);
}

void td_wipe(void *p, size_t n)
{
    if (p != NULL && n != 0)
        explicit_bzero(p, n);
}

void td_arena_init(struct td_arena *a)
{
    a->head = NULL;
}

void td_arena_done(struct td_arena *a)
{
    while (a->head != NULL) {
        struct td_arena_block *b = a->head;
        a->head = b->next;
        free(b);
    }
}

void td_arena_wipe(struct td_arena *a)
{
    for (struct td_arena_block *b = a->head; b != NULL; b = b->next)
        td_wipe(b->data, b->used);
    td_arena_done(a);
}

static struct td_arena_block *block_new(size_t size)
{
    struct td_arena_block *b = malloc(sizeof(*b) + size);
    if (b == NULL)
        out_of_memory();
    b->next = NULL;
    b->used = 0;
    b->size = size;
    return b;
}

/* Not zeroed: a block may be much larger than what is used of it. */
static void *take(struct td_arena *a, size_t size)
{
    if (size > SIZE_MAX / 2)
        out_of_memory();
    size_t need = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct td_arena_block *b = a->head;
    if (b != NULL && b->size - b->used >= need) {
        void *p = b->data + b->used;
        b->used += need;
        return p;
    }
    struct td_arena_block *fresh = block_new(TD_MAX(need, (size_t)BLOCK_SIZE));
    fresh->used = need;
    if (b != NULL && need > BLOCK_SIZE) { /* a big one goes behind, the current block stays in use */
        fresh->next = b->next;
        b->next = fresh;
    } else {
        fresh->next = b;
        a->head = fresh;
    }
    return fresh->data;
}

void *td_arena_alloc(struct td_arena *a, size_t size)
{
    return memset(take(a, size), 0, size);
}

void *td_arena_calloc(struct td_arena *a, size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total))
        out_of_memory();
    return td_arena_alloc(a, total);
}

void *td_arena_room(struct td_arena *a, void *list, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return list;
    *cap = TD_MAX(n * 2, (size_t)16);
    void *grown = td_arena_calloc(a, *cap, size);
    return n != 0 ? memcpy(grown, list, n * size) : grown;
}

char *td_arena_text(struct td_arena *a, struct td_slice s)
{
    char *p = take(a, s.n + 1);
    if (s.n != 0)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return p;
}

char *td_arena_strdup(struct td_arena *a, const char *s)
{
    return td_arena_text(a, td_str(s));
}

struct td_slice td_arena_copy(struct td_arena *a, struct td_slice s)
{
    return (struct td_slice){td_arena_text(a, s), s.n};
}

char *td_arena_printf(struct td_arena *a, const char *fmt, ...)
{
    va_list ap, again;
    char text[512]; /* most are short: printed once */
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    size_t size = n > 0 ? (size_t)n + 1 : 1;
    char *p = take(a, size);
    if (n <= 0)
        p[0] = '\0';
    else if (size <= sizeof(text))
        memcpy(p, text, size);
    else
        (void)vsnprintf(p, size, fmt, again);
    va_end(again);
    return p;
}
