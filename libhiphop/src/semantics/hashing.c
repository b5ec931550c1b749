// Texts as vectors by hashing their words and parts of words.
#define XXH_INLINE_ALL
#include <hiphop/semantics.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>
#include <xxhash.h>

#define BUCKETS (1u << 18) // of the counts of texts; words that share one share their idf

enum { SHORTEST = 3, LONGEST = 5, UNSPACED_SHORTEST = 2 };

struct hh_hashing {
    uint32_t width;
    uint32_t texts;
    uint32_t with[BUCKETS]; // texts that have a feature of the bucket
};

hh_hashing *hh_hashing_new(uint32_t width, hh_error *error)
{
    if (width == 0 || width > 65536) {
        hh_fail(error, HH_ARGUMENT, "vectors of %u numbers: 1 to 65536 are possible", width);
        return NULL;
    }
    hh_hashing *hashing = calloc(1, sizeof *hashing);
    if (!hashing)
        hh_fail(error, HH_MEMORY, NULL);
    else
        hashing->width = width;
    return hashing;
}

void hh_hashing_free(hh_hashing *hashing)
{
    free(hashing);
}

uint32_t hh_hashing_width(const hh_hashing *hashing)
{
    return hashing->width;
}

// ---- words ----

typedef struct letters {
    utf8proc_int32_t *at; // [count]
    size_t count;
} letters;

static hh_status fold(hh_text text, letters *folded)
{
    const utf8proc_option_t how =
        UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)(text.length ? text.bytes : "");
    *folded = (letters){0};
    utf8proc_ssize_t count = utf8proc_decompose(bytes, (utf8proc_ssize_t)text.length, NULL, 0, how);
    if (count < 0)
        return HH_FORMAT;
    folded->at = malloc(((size_t)count + 1) * sizeof *folded->at);
    if (!folded->at)
        return HH_MEMORY;
    count = utf8proc_decompose(bytes, (utf8proc_ssize_t)text.length, folded->at, count, how);
    folded->count = (size_t)utf8proc_normalize_utf32(folded->at, count, how);
    return HH_OK;
}

static bool is_letter(utf8proc_int32_t character)
{
    switch (utf8proc_category(character)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return true;
    default:
        return false;
    }
}

// Whether the character is of a writing system that has no blanks between words: Thai to Khmer, and what is
// Chinese, Japanese or Korean.
static bool is_unspaced(utf8proc_int32_t character)
{
    return (character >= 0x0e00 && character < 0x1000) || (character >= 0x1780 && character < 0x1800) ||
           (character >= 0x2e80 && character < 0xd7b0) || (character >= 0x20000 && character < 0x32000);
}

// ---- features ----

// What is done with each feature; weight: its share of the word.
typedef void feature_taker(void *context, uint64_t hash, double weight);

static uint64_t hash_of(const utf8proc_int32_t *characters, size_t count, uint64_t seed)
{
    return XXH3_64bits_withSeed(characters, count * sizeof *characters, seed);
}

static size_t runs_of(size_t length, size_t shortest)
{
    size_t runs = 0;
    for (size_t n = shortest; n <= LONGEST && n <= length; n++)
        runs += length - n + 1;
    return runs;
}

// The word with a blank on either side, which mark its ends.
static void take_word(const utf8proc_int32_t *marked, size_t length, feature_taker *take, void *context)
{
    size_t shortest = is_unspaced(marked[1]) ? UNSPACED_SHORTEST : SHORTEST, runs = runs_of(length, shortest);
    take(context, hash_of(marked + 1, length - 2, 1), 1);
    for (size_t n = shortest; n <= LONGEST && n <= length; n++)
        for (size_t i = 0; i + n <= length; i++)
            take(context, hash_of(marked + i, n, 2), 1 / sqrt((double)runs));
}

static hh_status each_feature(hh_text text, feature_taker *take, void *context)
{
    letters folded;
    hh_status status = fold(text, &folded);
    utf8proc_int32_t *word = status || !folded.count ? NULL : malloc((folded.count + 2) * sizeof *word);
    if (!status && folded.count && !word)
        status = HH_MEMORY;
    for (size_t i = 0; !status && i < folded.count;) {
        size_t length = 0;
        while (i + length < folded.count && is_letter(folded.at[i + length]))
            length++;
        if (length) {
            word[0] = word[length + 1] = ' ';
            memcpy(word + 1, folded.at + i, length * sizeof *word);
            take_word(word, length + 2, take, context);
        }
        i += length + 1;
    }
    free(word);
    free(folded.at);
    return status;
}

static uint32_t bucket_of(uint64_t hash)
{
    return (uint32_t)(hash % BUCKETS);
}

// ---- counting ----

typedef struct buckets {
    uint32_t *at;
    size_t count, room;
    bool failed;
} buckets;

static void note_bucket(void *context, uint64_t hash, double weight)
{
    (void)weight;
    buckets *seen = context;
    if (seen->count == seen->room) {
        size_t room = seen->room ? 2 * seen->room : 256;
        uint32_t *at = realloc(seen->at, room * sizeof *at);
        if (!at) {
            seen->failed = true;
            return;
        }
        seen->at = at;
        seen->room = room;
    }
    seen->at[seen->count++] = bucket_of(hash);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

hh_status hh_hashing_count(hh_hashing *hashing, hh_text text)
{
    buckets seen = {0};
    hh_status status = each_feature(text, note_bucket, &seen);
    if (!status && seen.failed)
        status = HH_MEMORY;
    if (!status) {
        hashing->texts++;
        if (seen.count)
            qsort(seen.at, seen.count, sizeof *seen.at, by_number);
        for (size_t i = 0; i < seen.count; i++)
            if (i == 0 || seen.at[i] != seen.at[i - 1])
                hashing->with[seen.at[i]]++;
    }
    free(seen.at);
    return status;
}

// ---- embedding ----

typedef struct sums {
    const hh_hashing *hashing;
    float *vector;
} sums;

static void add_feature(void *context, uint64_t hash, double weight)
{
    sums *into = context;
    const hh_hashing *hashing = into->hashing;
    double idf = log((2.0 + hashing->texts) / (1.0 + hashing->with[bucket_of(hash)]));
    uint64_t place = hash >> 20; // other bits than the bucket's
    float value = (float)(idf * weight);
    into->vector[(place >> 1) % hashing->width] += place & 1 ? value : -value;
}

hh_status hh_hashing_embed(const hh_hashing *hashing, hh_text text, float *vector, bool *any)
{
    memset(vector, 0, hashing->width * sizeof *vector);
    *any = false;
    sums into = {hashing, vector};
    hh_status status = each_feature(text, add_feature, &into);
    double square = 0;
    for (uint32_t i = 0; !status && i < hashing->width; i++)
        square += (double)vector[i] * vector[i];
    for (uint32_t i = 0; i < hashing->width; i++)
        vector[i] = status || square == 0 ? 0 : (float)(vector[i] / sqrt(square));
    *any = square > 0;
    return status;
}
