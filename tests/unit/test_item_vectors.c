// Items that sources describe: their vectors, the gradients, and what a training makes of items never seen.
#include "model/scorer.h"
#include "nn/vector.h"

#include <hiphop/train.h>

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS 7
#define D     6

static float even(hh_random *random)
{
    return 2 * hh_random_unit(random) - 1;
}

typedef struct scene {
    hh_network *network;
    float text[ITEMS * 5], image[ITEMS * 3];
    uint8_t pictured[ITEMS], kept[ITEMS];
    uint32_t item[ITEMS];
    float want[ITEMS * D]; // the loss is want . x
} scene;

static void make(scene *self)
{
    hh_random random = hh_random_of(5, 1);
    for (int i = 0; i < ITEMS; i++) {
        self->pictured[i] = i % 3 != 0;
        self->kept[i] = i != 4;
        self->item[i] = i < 3 ? (uint32_t)i + 2 : (uint32_t)(6 - i) % ITEMS; // 2 3 4 3 2 1 0
        for (int j = 0; j < 5; j++)
            self->text[i * 5 + j] = i == 2 ? 0 : even(&random);
        for (int j = 0; j < 3; j++)
            self->image[i * 3 + j] = self->pictured[i] ? even(&random) : 0;
    }
    static const uint8_t told[ITEMS] = {1, 1, 0, 1, 1, 1, 1};
    const hh_source sources[] = {
        {.name = "text", .width = 5, .vector = self->text, .present = told},
        {.name = "image", .width = 3, .vector = self->image, .present = self->pictured}};
    hh_network_options options = hh_network_defaults();
    options.d = D;
    self->network = hh_network_new_described(&options, ITEMS, sources, 2, 1, NULL);
    cr_assert(self->network);
    for (int i = 0; i < ITEMS * D; i++) {
        self->network->item.value[i] = even(&random);
        self->want[i] = even(&random);
    }
    for (int j = 0; j < D; j++)
        self->network->tensor[HH_TENSOR_SOURCE0_B].value[j] = even(&random);
}

static double loss_of(const scene *self, float *x, float *length)
{
    double sum = 0;
    hh_items_vectors_kept(x, length, self->network, self->item, self->kept, ITEMS);
    for (int i = 0; i < ITEMS * D; i++)
        sum += (double)self->want[i] * x[i];
    return sum;
}

static void compare(const scene *self, float *value, const float *gradient, size_t size)
{
    float x[ITEMS * D], length[ITEMS], step = 2e-3f;
    for (size_t i = 0; i < size; i++) {
        float kept = value[i];
        value[i] = kept + step;
        double above = loss_of(self, x, length);
        value[i] = kept - step;
        double measured = (above - loss_of(self, x, length)) / (2 * (double)step);
        value[i] = kept;
        cr_expect_float_eq(gradient[i], measured, 2e-3 + 0.01 * fabs(measured));
    }
}

Test(item_vectors, gradients)
{
    static scene self;
    make(&self);
    float x[ITEMS * D], length[ITEMS], de[ITEMS * D], d_item[ITEMS * D] = {0};
    hh_gradients gradients;
    cr_assert(hh_gradients_init(&gradients, self.network));
    loss_of(&self, x, length);
    for (int i = 0; i < ITEMS; i++)
        cr_expect_float_eq(hh_dot(x + i * D, x + i * D, D), 1, 1e-5);
    hh_items_vectors_back(de, self.want, x, length, self.network, ITEMS);
    hh_items_sources_back(&gradients, de, self.network, self.item, self.kept, ITEMS);
    for (int i = 0; i < ITEMS * D; i++)
        d_item[self.item[i / D] * D + (uint32_t)i % D] += de[i];
    compare(&self, self.network->item.value, d_item, ITEMS * D);
    for (int t = HH_TENSOR_SOURCE0_P; t <= HH_TENSOR_SOURCE1_B; t++) {
        const hh_tensor *tensor = &self.network->tensor[t];
        cr_assert_gt(tensor->rows, 0);
        compare(&self, tensor->value, gradients.tensor[t], tensor->rows * tensor->cols);
    }
    hh_gradients_free(&gradients);
    hh_network_free(self.network);
}

// However the items are asked for, the vectors are those that a scorer scores by.
Test(item_vectors, in_any_piece_they_are_those_that_score)
{
    enum { MANY = 200, WIDE = 5 };
    static float text[MANY * 3], whole[MANY * WIDE], piece[MANY * WIDE];
    hh_random random = hh_random_of(3, 1);
    for (int i = 0; i < MANY * 3; i++)
        text[i] = even(&random);
    hh_network_options options = hh_network_defaults();
    options.d = WIDE;
    for (uint32_t sources = 0; sources < 2; sources++) {
        const hh_source source = {.name = "text", .width = 3, .vector = text};
        hh_network *network = hh_network_new_described(&options, MANY, &source, sources, 1, NULL);
        for (int i = 0; i < MANY * WIDE; i++)
            network->item.value[i] = even(&random);
        cr_assert_eq(hh_network_items(network), MANY);
        cr_assert_eq(hh_network_options_of(network)->d, WIDE);
        hh_scorer scorer;
        cr_assert(hh_scorer_init(&scorer, network));
        hh_network_item_vectors(network, 0, MANY, whole);
        cr_assert_eq(memcmp(whole, scorer.x, sizeof whole), 0);
        for (uint32_t at = 0; at < MANY; at += 128) // as the daemon asks: whole runs
            hh_network_item_vectors(network, at, at + 128 < MANY ? 128 : MANY - at, piece + at * WIDE);
        cr_assert_eq(memcmp(whole, piece, sizeof whole), 0);
        hh_network_item_vectors(network, 70, 3, piece);
        for (int i = 0; i < 3 * WIDE; i++)
            cr_assert_float_eq(piece[i], whole[70 * WIDE + i], 1e-6);
        hh_scorer_free(&scorer);
        hh_network_free(network);
    }
}

Test(item_vectors, described_begin_at_nothing_and_stay_short)
{
    static scene self;
    make(&self);
    uint32_t rows[] = {0, 1, 2, 3};
    hh_network *fresh =
        hh_network_new_described(&self.network->options, ITEMS, self.network->source, 1, 1, NULL);
    cr_assert(fresh);
    cr_expect(hh_dot(fresh->item.value + 2 * D, fresh->item.value + 2 * D, D) > 0); // 2 has no text
    cr_expect_eq(hh_dot(fresh->item.value, fresh->item.value, D), 0);
    for (int i = 0; i < ITEMS * D; i++)
        fresh->item.value[i] = 1;
    hh_items_keep_short(fresh, rows, 4);
    cr_expect_float_eq(hh_dot(fresh->item.value, fresh->item.value, D), 0.36f, 1e-5);
    cr_expect_float_eq(hh_dot(fresh->item.value + 2 * D, fresh->item.value + 2 * D, D), D, 1e-5);
    cr_expect_float_eq(hh_dot(fresh->item.value + 4 * D, fresh->item.value + 4 * D, D), D, 1e-5);
    hh_network_free(fresh);
    hh_network_free(self.network);
}

#define KINDS    5
#define OF_KIND  8 // the last of which is never clicked
#define SESSIONS 400

Test(item_vectors, never_seen_lives_by_its_text)
{
    static float text[KINDS * OF_KIND * KINDS];
    static uint32_t item[SESSIONS * 5], first[SESSIONS + 1];
    hh_random random = hh_random_of(2, 2);
    for (int i = 0; i < KINDS * OF_KIND; i++)
        text[i * KINDS + i / OF_KIND] = 1;
    for (int s = 0; s < SESSIONS; s++) {
        uint32_t kind = hh_random_below(&random, KINDS);
        for (int i = 0; i < 5; i++)
            item[s * 5 + i] = kind * OF_KIND + hh_random_below(&random, OF_KIND - 1);
        first[s + 1] = (uint32_t)(s + 1) * 5;
    }
    const hh_source source = {.name = "text", .width = KINDS, .vector = text};
    hh_train_options options = hh_train_defaults();
    options.network.d = 16;
    options.batch = 64;
    options.sources = &source;
    options.source_count = 1;
    hh_train_data data = {SESSIONS, KINDS * OF_KIND, item, first};
    hh_train_record record;
    hh_error error;
    hh_network *network = hh_train(&data, &options, &record, &error);
    cr_assert(network, "%s", error.message);
    hh_scorer scorer;
    cr_assert(hh_scorer_init(&scorer, network));
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        uint32_t clicks[] = {kind * OF_KIND, kind * OF_KIND + 3};
        float logits[KINDS * OF_KIND];
        cr_assert(hh_scorer_read(&scorer, &(hh_session_view){clicks, 2}, 1, true));
        hh_scorer_logits(&scorer, 0, 1, logits);
        for (uint32_t other = 0; other < KINDS; other++)
            if (other != kind)
                cr_expect(logits[kind * OF_KIND + OF_KIND - 1] > logits[other * OF_KIND], "%u against %u",
                          kind, other);
    }
    hh_scorer_free(&scorer);
    hh_network_free(network);
}
