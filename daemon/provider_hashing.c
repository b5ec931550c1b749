// Vectors without a language model: <hiphop/semantics.h>. It learns how common words are from the texts, so
// it wants to see all of them before it makes the first vector.
#include "provider.h"

#include <hiphop/semantics.h>
#include <stdlib.h>

enum { BATCH = 256 };

typedef struct hashing_provider {
    hh_provider base;
    hh_hashing *hashing;
    float *vectors; // [BATCH × width]
} hashing_provider;

static void free_hashing(hh_provider *base)
{
    hashing_provider *provider = (hashing_provider *)base;
    hh_hashing_free(provider->hashing);
    free(provider->vectors);
    free(provider);
}

static bool learn(hh_provider *base, hh_text sentence)
{
    return hh_hashing_count(((hashing_provider *)base)->hashing, sentence) != HH_MEMORY;
}

static bool ask(hh_provider *base, uint32_t ticket, const hh_text *sentences, uint32_t count)
{
    hashing_provider *provider = (hashing_provider *)base;
    hh_answer answer = {.vectors = provider->vectors, .count = count, .width = base->width};
    for (uint32_t i = 0; i < count && answer.kind == HH_ANSWER_GOOD; i++) {
        bool any;
        hh_status status = hh_hashing_embed(provider->hashing, sentences[i],
                                            provider->vectors + (size_t)i * base->width, &any);
        if (status == HH_MEMORY)
            return false;
        if (status || !any) {
            answer.kind = HH_ANSWER_REFUSED;
            answer.reason = status ? "a text is not UTF-8" : "a text has neither letters nor digits";
        }
    }
    base->on_answer(base->context, ticket, &answer);
    return true;
}

hh_provider *hh_provider_hashing_new(const hh_config *config, hh_error *error)
{
    static const hh_provider_functions functions = {free_hashing, learn, ask, NULL};
    hashing_provider *provider = calloc(1, sizeof *provider);
    if (!provider) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    provider->base = (hh_provider){.functions = &functions, .batch = BATCH, .questions_max = 1};
    provider->base.width = config->semantics.width ? config->semantics.width : HH_HASHING_WIDTH;
    hh_provider_model(config, provider->base.model);
    provider->hashing = hh_hashing_new(provider->base.width, error);
    provider->vectors = malloc((size_t)BATCH * provider->base.width * sizeof *provider->vectors);
    if (provider->hashing && provider->vectors)
        return &provider->base;
    if (provider->hashing)
        hh_fail(error, HH_MEMORY, NULL);
    free_hashing(&provider->base);
    return NULL;
}
