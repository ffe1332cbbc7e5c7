/*
 * pieces: a heap for libraries that ask for hundreds of small pieces for each thing they do (jansson,
 * libcurl), more than the C library's own cache keeps: what is freed is kept by size, and given again.
 * What is kept is bounded, some 4 MiB a thread; larger pieces go to the heap. Each thread keeps its own;
 * a piece may be freed by another thread than it was made by. Never returns NULL, as base/mem.h.
 *
 * Under the address sanitizer all goes to the heap, which watches it.
 */
#ifndef CREWLINE_BASE_PIECES_H
#define CREWLINE_BASE_PIECES_H

#include <stddef.h>

/* As malloc(), calloc(), realloc(), strdup() and free(); to be mixed with none of these. */
void *piece_new(size_t bytes);
void *piece_zeroed(size_t count, size_t bytes);
void *piece_resize(void *data, size_t bytes);
char *piece_dupz(const char *text);
void piece_free(void *data);

#endif
