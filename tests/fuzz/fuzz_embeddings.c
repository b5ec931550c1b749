// Answers of an embeddings endpoint: whatever it writes, vectors come out whole or not at all.
#include "fuzz.h"

#include "daemon/embeddings.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (uint32_t count = 1; count <= 3; count++) {
        uint32_t width = count == 3 ? 2 : 0, known = width;
        float *vectors;
        const char *reason = NULL;
        hh_answer_kind kind = hh_embeddings_read(data, size, count, &width, &vectors, &reason);
        if (kind == HH_ANSWER_GOOD) {
            PROMISE(vectors && width > 0 && (known == 0 || width == known));
            for (size_t i = 0; i < (size_t)count * width; i++)
                PROMISE(isfinite(vectors[i]));
        } else {
            PROMISE(reason && width == known);
        }
        free(vectors);
    }
    return 0;
}
