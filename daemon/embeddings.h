// The questions and answers of an OpenAI-compatible /v1/embeddings endpoint, as bytes. Pure: no network.
#ifndef DAEMON_EMBEDDINGS_H
#define DAEMON_EMBEDDINGS_H

#include "provider.h"
#include "wire/buffer.h"

// {"model": ..., "input": [...]}, appended; the trouble is the buffer's. An empty model is left out.
void hh_embeddings_ask(hh_buffer *out, const char *model, const hh_text *sentences, uint32_t count);

// Takes {"data": [{"index": 0, "embedding": [...]}, ...]} apart, into vectors, which become
// [count × *width], each where its index says; where no element has an index, the order is that of the
// sentences. *width is what they must have; 0: what the first one has. HH_ANSWER_GOOD; else *reason, a static
// sentence. *vectors is malloced and the caller's in any case; NULL when out of memory.
hh_answer_kind hh_embeddings_read(const void *bytes, size_t length, uint32_t count, uint32_t *width,
                                  float **vectors, const char **reason);

#endif
