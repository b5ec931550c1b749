#include "provider.h"

#include <hiphop/semantics.h>
#include <stdio.h>

const char *hh_answer_word(hh_answer_kind kind)
{
#define WORD(name, word) word,
    static const char *const words[] = {HH_ANSWERS(WORD)};
    return words[kind];
}

void hh_provider_model(const hh_config *config, char model[HH_MODEL_NAME])
{
    if (config->semantics.provider == HH_SEMANTICS_HASHING)
        snprintf(model, HH_MODEL_NAME, "hashing-%u",
                 config->semantics.width ? config->semantics.width : HH_HASHING_WIDTH);
    else
        snprintf(model, HH_MODEL_NAME, "%s",
                 config->semantics.model[0] ? config->semantics.model : "unnamed");
}

hh_provider *hh_provider_new(const hh_config *config, hh_on_answer *on_answer, void *context, hh_error *error)
{
    hh_provider *provider = config->semantics.provider == HH_SEMANTICS_HTTP
                                ? hh_provider_http_new(config, error)
                                : hh_provider_hashing_new(config, error);
    if (provider) {
        provider->on_answer = on_answer;
        provider->context = context;
    }
    return provider;
}

void hh_provider_free(hh_provider *provider)
{
    if (provider)
        provider->functions->free(provider);
}
