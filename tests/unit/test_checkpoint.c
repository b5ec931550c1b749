// A training that is broken off and gone on with gives the network that it would have given, bit for bit.
#include "model/container_layout.h"
#include "model/network.h"

#include <criterion/criterion.h>
#include <hiphop/train.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SESSIONS 60
#define CLICKS   5
#define ITEMS    12

static uint32_t item[SESSIONS * CLICKS], first[SESSIONS + 1];

static hh_train_data walks(void)
{
    hh_random random = hh_random_of(4, 4);
    for (uint32_t s = 0; s < SESSIONS; s++) {
        uint32_t at = hh_random_below(&random, ITEMS);
        first[s] = s * CLICKS;
        for (uint32_t i = 0; i < CLICKS; i++, at = (at + 1 + hh_random_below(&random, 2)) % ITEMS)
            item[s * CLICKS + i] = at;
    }
    first[SESSIONS] = SESSIONS * CLICKS;
    return (hh_train_data){SESSIONS, ITEMS, item, first};
}

typedef struct breaks {
    uint32_t steps_left; // until it is stopped
    void *bytes;         // of the latest checkpoint
    size_t size;
    uint32_t checkpoints;
    bool full;              // no more checkpoint can be written
    uint32_t fits, refused; // calls of fit(), and how many of them are still to stop the training
    float fitted[3];
} breaks;

static bool progress(void *context, const hh_train_progress *at)
{
    breaks *self = context;
    cr_assert(at->done >= 0 && at->done <= 1 && at->epoch >= 1);
    return self->steps_left-- > 0;
}

static bool keep(void *context, const void *bytes, size_t size)
{
    breaks *self = context;
    free(self->bytes);
    self->bytes = malloc(size);
    memcpy(self->bytes, bytes, size);
    self->size = size;
    self->checkpoints++;
    return !self->full;
}

#define HELD (SESSIONS - SESSIONS / 5) // the first session that is held out

// Something that tells which network it was.
static hh_status fit(void *context, hh_network *network, uint32_t held, hh_error *error)
{
    breaks *self = context;
    hh_status status = HH_OK;
    self->fits++;
    cr_assert_eq(held, HELD);
    if (self->refused > 0) {
        self->refused--;
        status = hh_fail(error, HH_STOPPED, NULL);
    } else {
        for (int i = 0; i < 3; i++)
            self->fitted[i] = network->item.value[i];
    }
    hh_network_free(network);
    return status;
}

static hh_train_options options_of(breaks *self)
{
    hh_train_options options = hh_train_defaults();
    options.network.d = 6;
    options.epochs = 3;
    options.batch = 40;
    options.warm_up = 2;
    options.negatives = 5;
    options.held_out = 0.2;
    options.patience = 2;
    options.progress = progress;
    options.checkpoint = keep;
    options.context = self;
    return options;
}

static void assert_same(const hh_network *a, const hh_network *b)
{
    cr_assert_arr_eq(a->item.value, b->item.value, a->item.rows * a->item.cols * sizeof(float));
    for (int t = 0; t < HH_TENSOR_COUNT; t++)
        cr_assert_arr_eq(a->tensor[t].value, b->tensor[t].value,
                         a->tensor[t].rows * a->tensor[t].cols * sizeof(float));
}

static void assert_resumes(hh_train_options options, breaks *self, const hh_train_data *data)
{
    hh_train_record whole, record;
    hh_error error = {0};
    self->steps_left = UINT32_MAX;
    hh_network *expected = hh_train(data, &options, &whole, &error);
    cr_assert_not_null(expected, "%s", error.message);
    cr_assert_not(whole.stopped);
    for (uint32_t after = 1; after < 12; after += 2) {
        uint32_t rounds = 0;
        hh_network *network = NULL;
        options.resume = NULL;
        do {
            hh_network_free(network);
            void *bytes =
                options.resume ? malloc(self->size) : NULL; // those at hand are replaced while it trains
            if (bytes)
                options.resume = memcpy(bytes, self->bytes, self->size);
            options.resume_size = self->size;
            self->steps_left = after;
            network = hh_train(data, &options, &record, &error);
            cr_assert_not_null(network, "%s", error.message);
            free(bytes);
            options.resume = self->bytes;
            cr_assert_lt(++rounds, 100);
        } while (record.stopped);
        cr_assert_gt(rounds, 1);
        assert_same(network, expected);
        cr_assert_eq(record.epochs, whole.epochs);
        cr_assert_eq(record.steps, whole.steps);
        cr_assert_eq(record.prefixes, whole.prefixes);
        cr_assert_eq(record.loss, whole.loss);
        cr_assert(record.mrr == whole.mrr || (isnan(record.mrr) && isnan(whole.mrr)));
        hh_network_free(network);
    }
    hh_network_free(expected);
    free(self->bytes);
    *self = (breaks){0};
}

Test(checkpoint, goes_on_as_if_nothing_had_been)
{
    breaks self = {0};
    hh_train_data data = walks();
    hh_train_options options = options_of(&self);
    assert_resumes(options, &self, &data);
    options.threads = 2;
    options.negatives = 0;
    options.network.graph = false;
    assert_resumes(options, &self, &data);
    options.held_out = 0;
    assert_resumes(options, &self, &data);
}

Test(checkpoint, goes_on_with_all_parts)
{
    breaks self = {0};
    hh_train_data data = walks();
    hh_train_options options = options_of(&self);
    options.network.intents = 2;
    options.network.global = options.network.local = true;
    options.network.denoising = options.network.similar = options.network.gate = true;
    options.network.votes = options.network.contrastive = true;
    options.hard = 0.8f;
    assert_resumes(options, &self, &data);
}

// What is learned beside the network is learned once, and comes back; a break in the middle of it included.
Test(checkpoint, keeps_what_was_fitted)
{
    breaks self = {.steps_left = UINT32_MAX};
    hh_train_data data = walks();
    hh_train_options options = options_of(&self);
    hh_train_record record;
    float expected[3];
    options.fit = fit;
    options.fitted = self.fitted;
    options.fitted_count = 3;
    hh_network *whole = hh_train(&data, &options, &record, NULL);
    cr_assert_eq(self.fits, 1);
    memcpy(expected, self.fitted, sizeof expected);
    cr_assert_neq(expected[0], 0);
    cr_assert_neq(expected[0], whole->item.value[0], "it was the network of the first run");
    for (uint32_t after = 3; after < 40; after += 2) {
        uint32_t rounds = 0;
        void *bytes = NULL;
        hh_network *network = NULL;
        options.resume = NULL;
        self.fits = 0;
        self.refused = after % 3;
        do {
            hh_network_free(network);
            self.steps_left = after;
            memset(self.fitted, 0, sizeof self.fitted);
            network = hh_train(&data, &options, &record, NULL);
            cr_assert_not_null(network);
            free(bytes);
            bytes = self.bytes; // those at hand are replaced while it trains
            self.bytes = NULL;
            options.resume = bytes;
            options.resume_size = self.size;
            cr_assert_lt(++rounds, 100);
        } while (record.stopped);
        assert_same(network, whole);
        cr_assert_eq(self.fits, 1 + after % 3);
        cr_assert_arr_eq(self.fitted, expected, sizeof expected);
        hh_network_free(network);
        free(bytes);
    }
    hh_network_free(whole);
    options.resume = NULL;
    options.held_out = 0;
    self.fits = 0;
    self.steps_left = UINT32_MAX;
    hh_network_free(hh_train(&data, &options, &record, NULL));
    cr_assert_eq(self.fits, 0, "nothing was held out");
    free(self.bytes);
}

static hh_status fail_to_fit(void *context, hh_network *network, uint32_t held, hh_error *error)
{
    (void)context;
    hh_network_free(network);
    return hh_fail(error, HH_LIMIT, "session %u is one too many", held);
}

Test(checkpoint, what_cannot_be_fitted_ends_the_training)
{
    breaks self = {.steps_left = UINT32_MAX};
    hh_train_data data = walks();
    hh_train_options options = options_of(&self);
    hh_train_record record;
    hh_error error = {0};
    options.fit = fail_to_fit;
    cr_assert_null(hh_train(&data, &options, &record, &error));
    cr_assert_eq(error.status, HH_LIMIT);
    cr_assert_str_eq(error.message, "session 48 is one too many");
    free(self.bytes);
}

// One that was made without it can't be gone on with, for who wants it.
Test(checkpoint, has_what_was_fitted_or_is_refused)
{
    breaks self = {.steps_left = 8};
    hh_train_data data = walks();
    hh_train_options options = options_of(&self);
    hh_train_record record;
    hh_error error = {0};
    hh_network_free(hh_train(&data, &options, &record, NULL));
    options.resume = self.bytes;
    options.resume_size = self.size;
    options.checkpoint = NULL;
    options.fit = fit;
    options.fitted = self.fitted;
    options.fitted_count = 3;
    cr_assert_null(hh_train(&data, &options, &record, &error));
    cr_assert_eq(error.status, HH_FORMAT);
    cr_assert_not_null(strstr(error.message, "'fitted.value'"), "%s", error.message);
    free(self.bytes);
}

static void one_checkpoint(breaks *self, const hh_train_options *options, const hh_train_data *data)
{
    hh_train_record record;
    self->steps_left = 8;
    hh_network_free(hh_train(data, options, &record, NULL));
    cr_assert(record.stopped);
    cr_assert_not_null(self->bytes);
    self->steps_left = UINT32_MAX;
}

Test(checkpoint, goes_on_with_sources)
{
    breaks self = {0};
    hh_train_data data = walks();
    hh_train_options options = options_of(&self);
    float vector[ITEMS * 3];
    uint8_t present[ITEMS];
    hh_random random = hh_random_of(8, 8);
    for (int i = 0; i < ITEMS * 3; i++)
        vector[i] = hh_random_unit(&random) - 0.5f;
    for (int i = 0; i < ITEMS; i++)
        present[i] = i % 4 != 0;
    const hh_source source = {.name = "text", .width = 3, .vector = vector, .present = present};
    options.sources = &source;
    options.source_count = 1;
    assert_resumes(options, &self, &data);
    hh_train_record record;
    hh_error error;
    one_checkpoint(&self, &options, &data);
    options.resume = self.bytes;
    options.resume_size = self.size;
    vector[5] += 1;
    cr_assert_null(hh_train(&data, &options, &record, &error));
    cr_assert_eq(error.status, HH_ARGUMENT);
    free(self.bytes);
}

Test(checkpoint, is_of_its_options_and_sessions)
{
    breaks self = {0};
    hh_train_data data = walks();
    hh_train_options options = options_of(&self), stored;
    hh_train_record record;
    hh_error error;
    one_checkpoint(&self, &options, &data);
    cr_assert_eq(hh_train_checkpoint_options(self.bytes, self.size, &stored, &error), HH_OK);
    cr_assert_eq(stored.network.d, 6);
    cr_assert_eq(stored.held_out, 0.2);
    options.resume = self.bytes;
    options.resume_size = self.size;
    options.threads = 2;
    cr_assert_null(hh_train(&data, &options, &record, &error));
    cr_assert_eq(error.status, HH_ARGUMENT);
    cr_assert_not_null(strstr(error.message, "made with threads = 1, not 2"), "%s", error.message);
    options.threads = 1;
    item[7] = (item[7] + 1) % ITEMS;
    cr_assert_null(hh_train(&data, &options, &record, &error));
    cr_assert_not_null(strstr(error.message, "from other sessions, or other sources,"), "%s", error.message);
    free(self.bytes);
}

// Damaged ones are refused; those whose checksum was made right go on or are refused, and reach nowhere else.
Test(checkpoint, may_be_anybodys)
{
    breaks self = {0};
    hh_train_data data = walks();
    hh_train_options options = options_of(&self);
    hh_train_record record;
    hh_error error;
    one_checkpoint(&self, &options, &data);
    size_t size = self.size;
    uint8_t *bytes = malloc(size);
    memcpy(bytes, self.bytes, size);
    options.resume = bytes;
    options.resume_size = size;
    bytes[size / 2] ^= 4;
    cr_assert_null(hh_train(&data, &options, &record, &error));
    cr_assert_eq(error.status, HH_FORMAT);
    bytes[size / 2] ^= 4;
    options.checkpoint = NULL;
    for (size_t i = HH_HEADER; i < size; i += i < 4000 ? 1 : 97) {
        bytes[i] ^= 0x81;
        hh_put_u64(bytes + HH_AT_CHECKSUM, hh_container_checksum(bytes, size));
        self.steps_left = 2;
        error = (hh_error){0};
        hh_network *network = hh_train(&data, &options, &record, &error);
        cr_assert(network || error.message[0]);
        hh_network_free(network);
        bytes[i] ^= 0x81;
    }
    free(bytes);
    free(self.bytes);
}

Test(checkpoint, that_cannot_be_written_stops_the_training)
{
    breaks self = {.full = true, .steps_left = UINT32_MAX};
    hh_train_data data = walks();
    hh_train_options options = options_of(&self);
    hh_train_record record;
    hh_network *network = hh_train(&data, &options, &record, NULL);
    cr_assert_not_null(network);
    cr_assert(record.stopped);
    cr_assert_eq(self.checkpoints, 1);
    hh_network_free(network);
    free(self.bytes);
}
