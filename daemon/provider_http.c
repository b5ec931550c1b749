// A language model behind an OpenAI-compatible POST /v1/embeddings, by libcurl's multi interface: several
// requests under way on the one thread that asks. TLS is verified by libcurl's defaults, redirects are not
// followed: the key goes to the host of semantics.url and nowhere else.
#include "api_key.h"
#include "clock.h"
#include "embeddings.h"
#include "provider.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONNECT_MS = 10000,
    NUMBER_BYTES = 128,   // of an answer, per number of a vector: each on a line of its own, far to the right
    ENVELOPE_BYTES = 4096 // and around them, per text
};

typedef struct request {
    CURL *curl; // NULL: never used so far
    struct http_provider *provider;
    bool busy;
    uint32_t ticket, count;
    hh_buffer question, answer;
    size_t answer_max;
    hh_time begun;
} request;

typedef struct http_provider {
    hh_provider base;
    const hh_config *config;
    CURLM *multi;
    struct curl_slist *headers;
    request *requests; // [base.questions_max]
    bool fetch_key;    // anew, before the next question: the last one was denied
} http_provider;

// ---- the key ----

// The header lines hold it, and are wiped with it.
static void free_headers(http_provider *provider)
{
    for (struct curl_slist *header = provider->headers; header; header = header->next)
        explicit_bzero(header->data, strlen(header->data));
    curl_slist_free_all(provider->headers);
    provider->headers = NULL;
}

static bool add_header(http_provider *provider, const char *line)
{
    struct curl_slist *longer = curl_slist_append(provider->headers, line);
    if (longer)
        provider->headers = longer;
    return longer != NULL;
}

static hh_status make_headers(http_provider *provider, hh_error *error)
{
    char key[HH_API_KEY_MAX + 1], line[sizeof "Authorization: Bearer " + HH_API_KEY_MAX];
    hh_status status = hh_api_key_read(provider->config, key, error);
    if (status)
        return status;
    free_headers(provider);
    snprintf(line, sizeof line, "Authorization: Bearer %s", key);
    // Without "Expect:" curl would wait for a 100 that few servers send.
    bool made = add_header(provider, "Content-Type: application/json") && add_header(provider, "Expect:") &&
                (!*key || add_header(provider, line));
    explicit_bzero(key, sizeof key);
    explicit_bzero(line, sizeof line);
    return made ? HH_OK : hh_fail(error, HH_MEMORY, NULL);
}

// ---- asking ----

static size_t on_bytes(char *bytes, size_t size, size_t count, void *context)
{
    request *of = context;
    size_t length = size * count;
    if (length > of->answer_max - of->answer.length)
        return 0; // ends the transfer
    hh_buffer_put(&of->answer, bytes, length);
    return of->answer.status == HH_OK ? length : 0;
}

static bool set_up(http_provider *provider, request *of)
{
    const hh_config *config = provider->config;
    if (!of->curl)
        of->curl = curl_easy_init();
    if (!of->curl)
        return false;
    CURL *curl = of->curl;
    curl_easy_reset(curl); // the connection stays
    return curl_easy_setopt(curl, CURLOPT_URL, config->semantics.url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)config->semantics.timeout) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_USERAGENT, "hiphopd/" HH_VERSION) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, provider->headers) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)of->question.length) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDS, of->question.bytes) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, of) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PRIVATE, of) == CURLE_OK &&
           curl_multi_add_handle(provider->multi, curl) == CURLM_OK;
}

static request *idle_request(http_provider *provider)
{
    for (uint32_t i = 0; i < provider->base.questions_max; i++)
        if (!provider->requests[i].busy)
            return &provider->requests[i];
    return NULL;
}

static bool any_busy(const http_provider *provider)
{
    for (uint32_t i = 0; i < provider->base.questions_max; i++)
        if (provider->requests[i].busy)
            return true;
    return false;
}

static void answer_failed(http_provider *provider, uint32_t ticket, hh_answer_kind kind, const char *reason)
{
    hh_answer answer = {.kind = kind, .reason = reason};
    provider->base.on_answer(provider->base.context, ticket, &answer);
}

static bool ask(hh_provider *base, uint32_t ticket, const hh_text *sentences, uint32_t count)
{
    http_provider *provider = (http_provider *)base;
    request *of = idle_request(provider);
    hh_error error;
    if (!of)
        return false;
    // Other requests under way still use the headers as they are.
    bool fetch = provider->fetch_key && !any_busy(provider);
    if (fetch && make_headers(provider, &error)) {
        answer_failed(provider, ticket, HH_ANSWER_DENIED, error.message);
        return error.status != HH_MEMORY;
    }
    if (fetch)
        provider->fetch_key = false;
    of->question.length = of->answer.length = 0;
    of->question.status = of->answer.status = HH_OK;
    hh_embeddings_ask(&of->question, provider->config->semantics.model, sentences, count);
    if (of->question.status == HH_FORMAT) {
        answer_failed(provider, ticket, HH_ANSWER_REFUSED, "a text is not UTF-8");
        return true;
    }
    size_t width = base->width ? base->width : 65536;
    size_t most = (size_t)count * (ENVELOPE_BYTES + width * NUMBER_BYTES);
    of->answer_max = most < HH_BUFFER_MAX ? most : HH_BUFFER_MAX;
    of->ticket = ticket;
    of->count = count;
    of->begun = hh_steady_clock();
    of->busy = of->question.status == HH_OK && set_up(provider, of);
    return of->busy;
}

// ---- answers ----

static hh_answer_kind kind_of_status(long status)
{
    switch (status) {
    case 200:
        return HH_ANSWER_GOOD;
    case 400:
    case 413:
    case 422:
        return HH_ANSWER_REFUSED;
    case 401:
    case 403:
        return HH_ANSWER_DENIED;
    case 429:
        return HH_ANSWER_RATE_LIMITED;
    default:
        return HH_ANSWER_SERVER_ERROR;
    }
}

static const char *advice(hh_answer_kind kind, long status)
{
    switch (kind) {
    case HH_ANSWER_REFUSED:
        return ": a text may be too long for the model, or semantics.model is not its name";
    case HH_ANSWER_DENIED:
        return ": look at semantics.key_file or key_variable";
    case HH_ANSWER_RATE_LIMITED:
        return ": too many requests; lower semantics.concurrency if it goes on";
    default:
        return status == 404 || status == 405 ? ": look at semantics.url and semantics.model"
               : status / 100 == 3            ? ": it redirects; name the final address in semantics.url"
                                              : "";
    }
}

// Never with what the server has written: some repeat the key.
static void fill_failure(hh_answer *answer, CURLcode code, long status, char *reason, size_t size)
{
    answer->reason = reason;
    if (code == CURLE_OPERATION_TIMEDOUT) {
        answer->kind = HH_ANSWER_TIMEOUT;
        snprintf(reason, size, "no answer in time (semantics.timeout)");
    } else if (code == CURLE_WRITE_ERROR) {
        answer->kind = HH_ANSWER_MALFORMED;
        snprintf(reason, size, "its answer is longer than vectors can be");
    } else if (code != CURLE_OK) {
        answer->kind = HH_ANSWER_UNREACHABLE;
        snprintf(reason, size, "%s", curl_easy_strerror(code));
    } else {
        answer->kind = kind_of_status(status);
        snprintf(reason, size, "it answers with status %ld%s", status, advice(answer->kind, status));
    }
}

static void finish(http_provider *provider, request *of, CURLcode code)
{
    char reason[200];
    float *vectors = NULL;
    long status = 0;
    curl_off_t pause = 0;
    hh_answer answer = {.count = of->count, .took = hh_steady_clock() - of->begun};
    curl_easy_getinfo(of->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(of->curl, CURLINFO_RETRY_AFTER, &pause);
    if (pause > 0)
        answer.pause = pause < HH_DAY / HH_SECOND ? pause * HH_SECOND : HH_DAY;
    if (code == CURLE_OK && status == 200)
        answer.kind = hh_embeddings_read(of->answer.bytes, of->answer.length, of->count,
                                         &provider->base.width, &vectors, &answer.reason);
    else
        fill_failure(&answer, code, status, reason, sizeof reason);
    answer.vectors = vectors;
    answer.width = provider->base.width;
    if (answer.kind == HH_ANSWER_DENIED)
        provider->fetch_key = true; // it may have been replaced
    curl_multi_remove_handle(provider->multi, of->curl);
    of->busy = false;
    provider->base.on_answer(provider->base.context, of->ticket, &answer);
    free(vectors);
}

static void wait_for_answers(hh_provider *base, int timeout_ms)
{
    http_provider *provider = (http_provider *)base;
    int running, left;
    curl_multi_perform(provider->multi, &running);
    if (running)
        curl_multi_poll(provider->multi, NULL, 0, timeout_ms, NULL);
    curl_multi_perform(provider->multi, &running);
    for (CURLMsg *message; (message = curl_multi_info_read(provider->multi, &left));) {
        request *of = NULL;
        CURLcode code = message->data.result; // the message goes with the handle
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &of);
        if (message->msg == CURLMSG_DONE && of)
            finish(provider, of, code);
    }
}

// ---- the whole ----

static void free_http(hh_provider *base)
{
    http_provider *provider = (http_provider *)base;
    for (uint32_t i = 0; provider->requests && i < base->questions_max; i++) {
        request *of = &provider->requests[i];
        if (of->busy)
            curl_multi_remove_handle(provider->multi, of->curl);
        curl_easy_cleanup(of->curl);
        hh_buffer_free(&of->question);
        hh_buffer_free(&of->answer);
    }
    free(provider->requests);
    curl_multi_cleanup(provider->multi);
    free_headers(provider);
    free(provider);
    curl_global_cleanup();
}

hh_provider *hh_provider_http_new(const hh_config *config, hh_error *error)
{
    static const hh_provider_functions functions = {free_http, NULL, ask, wait_for_answers};
    http_provider *provider = calloc(1, sizeof *provider);
    if (!provider) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    provider->base = (hh_provider){.functions = &functions,
                                   .width = config->semantics.width,
                                   .batch = config->semantics.batch,
                                   .questions_max = config->semantics.concurrency};
    hh_provider_model(config, provider->base.model);
    provider->config = config;
    curl_global_init(CURL_GLOBAL_DEFAULT); // counts; threads may do it at the same time
    provider->multi = curl_multi_init();
    provider->requests = calloc(provider->base.questions_max, sizeof *provider->requests);
    hh_status status = HH_OK;
    if (!provider->multi || !provider->requests)
        status = hh_fail(error, HH_MEMORY, NULL);
    if (status == HH_OK)
        status = make_headers(provider, error);
    if (status == HH_OK)
        return &provider->base;
    free_http(&provider->base);
    return NULL;
}
