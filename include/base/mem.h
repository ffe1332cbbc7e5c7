/*
 * mem: the heap. Never returns NULL: out of memory aborts, the supervisor restarts us and the store
 * keeps the work. So every size that comes from outside meets a named limit before it gets here.
 */
#ifndef CREWLINE_BASE_MEM_H
#define CREWLINE_BASE_MEM_H

#include <stddef.h>

#include "base/str.h"

void *mem_new(size_t bytes);                 /* zeroed */
void *mem_array(size_t count, size_t bytes); /* zeroed, overflow aborts */
void *mem_resize(void *p, size_t bytes);     /* as realloc */
char *mem_dupz(struct str s);                /* copy with a NUL behind it */
/** Frees *(void **)@owner and sets it to NULL; NULL is fine. Call as mem_free(&thing). */
void mem_free(void *owner);
/** Gives back to the system what is free, in the middle of the heap too: some ms after a peak. */
void mem_trim(void);
/** Wipes @n bytes so that the compiler may not drop it. */
void mem_wipe(void *p, size_t n);

#define MEM_NEW(type) ((type *)mem_new(sizeof(type)))

/** Checks the first uint32_t of a struct that travelled through void *; aborts on a mismatch. */
void *obj_check(void *p, unsigned magic);

#endif
