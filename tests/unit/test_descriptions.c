// Descriptions in training as the stream goes: taken out of a graph, learned from, kept from one training to
// the next, and what comes of it where a source goes, changes or is new.
#include "fail_alloc.h"
#include "model/container.h"
#include "model/network.h"
#include "nn/vector.h"
#include "unit/small_model.h"

#include <hiphop/continual.h>
#include <hiphop/foreseer.h>
#include <math.h>
#include <stdio.h>

#define KINDS   4
#define OF_KIND 6 // of each, the last of which is never clicked
#define D       16

static const hh_text names[] = {{"text", 4}, {"image", 5}};

typedef struct shop {
    hh_graph *graph;
    hh_reader *reader;
    hh_window *window;
    hh_continual *continual;
    uint64_t visitor;
} shop;

static hh_continual_options small_options(void)
{
    hh_continual_options options = hh_continual_defaults();
    options.train.network.d = D;
    options.train.epochs = 12;
    options.train.batch = 32;
    options.train.warm_up = 10;
    options.train.rate = 0.01f;
    options.epochs = 2;
    options.gate = false;
    options.window.clicks = 4000;
    options.window.item_share = 1;
    return options;
}

static shop open_shop(void)
{
    hh_error error;
    hh_graph_options graph = hh_graph_defaults();
    hh_continual_options options = small_options();
    shop it = {.graph = hh_graph_new(&graph, &error)};
    it.reader = hh_reader_new(it.graph, &error);
    it.window = hh_window_new(&options.window, &error);
    it.continual = hh_continual_new(&options, &error);
    cr_assert(it.reader && it.window && it.continual, "%s", error.message);
    return it;
}

static void close_shop(shop *it)
{
    hh_continual_free(it->continual);
    hh_window_free(it->window);
    hh_reader_free(it->reader);
    hh_graph_free(it->graph);
}

static size_t name_item(char id[16], uint32_t kind, uint32_t number)
{
    return (size_t)snprintf(id, 16, "%c%02u", (char)('a' + kind), number);
}

// A source describes an item by its kind.
static void describe(shop *it, uint32_t source, uint32_t kind, uint32_t number, uint32_t width)
{
    char id[16];
    float vector[64] = {0};
    for (uint32_t i = 0; i < width; i++)
        vector[i] = 0.05f * (float)((number * 7 + i * 3) % 5);
    vector[kind % width] += 1;
    hh_item item = hh_graph_intern(it->graph, id, name_item(id, kind, number));
    cr_assert_eq(hh_graph_describe(it->graph, item, source, width ? vector : NULL, width), HH_OK);
}

static void describe_all(shop *it, uint32_t source, uint32_t width)
{
    for (uint32_t kind = 0; kind < KINDS; kind++)
        for (uint32_t number = 0; number < OF_KIND; number++)
            describe(it, source, kind, number, width);
}

static void undescribe_all(shop *it, uint32_t source)
{
    char id[16];
    for (uint32_t kind = 0; kind < KINDS; kind++)
        for (uint32_t number = 0; number < OF_KIND; number++) {
            hh_item item = hh_graph_intern(it->graph, id, name_item(id, kind, number));
            cr_assert_eq(hh_graph_describe(it->graph, item, source, NULL, 0), HH_OK);
        }
}

// Sessions that stay within a kind.
static void visit(shop *it, uint32_t sessions)
{
    for (uint32_t s = 0; s < sessions; s++, it->visitor++) {
        char ids[5][16];
        hh_window_click clicks[5];
        for (uint32_t i = 0; i < 5; i++) {
            uint32_t number =
                (uint32_t)(it->visitor / KINDS * 3 + i * (1 + it->visitor / 7 % 3)) % (OF_KIND - 1);
            clicks[i].length = name_item(ids[i], it->visitor % KINDS, number);
            clicks[i].id = ids[i];
        }
        cr_assert_eq(hh_window_add(it->window, it->visitor, (hh_time)it->visitor, clicks, 5), HH_OK);
    }
}

static hh_status train(shop *it, hh_training *training, hh_error *error)
{
    hh_described_items known = {0};
    hh_window_sessions sessions = {0};
    hh_descriptions descriptions = {0};
    hh_status status = hh_described_items_take(it->reader, 1000, &known, error);
    if (status == HH_OK)
        status = hh_window_take(it->window, INT64_MAX, hh_continual_model(it->continual), &known.ids,
                                &sessions, error);
    if (status == HH_OK)
        status = hh_descriptions_take(it->reader, names, 2, &sessions.ids, &descriptions, error);
    if (status == HH_OK)
        status = hh_continual_train(it->continual, &sessions, &descriptions, (hh_time)it->visitor, NULL, NULL,
                                    NULL, training, error);
    hh_descriptions_free(&descriptions);
    hh_window_sessions_free(&sessions);
    hh_described_items_free(&known);
    return status;
}

static hh_training train_on(shop *it, uint32_t sessions)
{
    hh_error error = {0};
    hh_training training;
    visit(it, sessions);
    cr_assert_eq(train(it, &training, &error), HH_OK, "%s", error.message);
    cr_assert(training.promoted);
    return training;
}

static const hh_network *network_of(const shop *it)
{
    return hh_model_network(hh_continual_model(it->continual));
}

static uint32_t row_of(const shop *it, uint32_t kind, uint32_t number)
{
    char id[16];
    return hh_model_find(hh_continual_model(it->continual), id, name_item(id, kind, number));
}

static float alike(const hh_network *network, uint32_t a, uint32_t b)
{
    float x[2][D];
    hh_network_item_vectors(network, a, 1, x[0]);
    hh_network_item_vectors(network, b, 1, x[1]);
    return hh_dot(x[0], x[1], D);
}

// What was never clicked is near what is described like it.
static void check_unclicked(const shop *it, const hh_network *network)
{
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        uint32_t row = row_of(it, kind, OF_KIND - 1);
        cr_assert_neq(row, HH_MODEL_NO_ITEM);
        for (uint32_t other = 0; other < KINDS; other++)
            if (other != kind)
                cr_expect_gt(alike(network, row, row_of(it, kind, 0)),
                             alike(network, row, row_of(it, other, 0)));
    }
}

Test(descriptions, they_come_out_of_the_graph)
{
    shop it = open_shop();
    hh_error error = {0};
    hh_described_items known;
    hh_descriptions descriptions;
    cr_assert_eq(hh_described_items_take(it.reader, 10, &known, &error), HH_OK);
    cr_assert_eq(known.ids.count, 0);
    hh_described_items_free(&known);
    describe_all(&it, 0, 8);
    describe(&it, 1, 2, 3, 5);
    cr_assert_eq(hh_described_items_take(it.reader, 10, &known, &error), HH_OK);
    cr_assert_eq(known.ids.count, 10);
    cr_assert_eq(memcmp(known.ids.bytes, "c03d05d04", 9), 0, "the latest first");
    cr_assert_eq(hh_descriptions_take(it.reader, names, 2, &known.ids, &descriptions, &error), HH_OK);
    cr_assert_eq(descriptions.count, 2);
    cr_assert_str_eq(descriptions.source[0].name, "text");
    cr_assert_str_eq(descriptions.source[1].name, "image");
    cr_assert_eq(descriptions.source[1].width, 5);
    cr_assert(hh_source_has(&descriptions.source[1], 0) && !hh_source_has(&descriptions.source[1], 1));
    hh_descriptions_free(&descriptions);
    undescribe_all(&it, 0);
    cr_assert_eq(hh_descriptions_take(it.reader, names, 2, &known.ids, &descriptions, &error), HH_OK);
    cr_assert_eq(descriptions.count, 1, "one that describes none of them is left out");
    cr_assert_str_eq(descriptions.source[0].name, "image");
    hh_descriptions_free(&descriptions);
    cr_assert_eq(hh_descriptions_take(it.reader, names, HH_SOURCES + 1, &known.ids, &descriptions, &error),
                 HH_ARGUMENT);
    hh_described_items_free(&known);
    close_shop(&it);
}

Test(descriptions, what_was_never_clicked_is_learned_by_its_description)
{
    shop it = open_shop();
    hh_error error = {0};
    describe_all(&it, 0, 8);
    hh_training training = train_on(&it, 400);
    cr_assert(training.scratch);
    cr_assert_eq(training.items, KINDS * OF_KIND);
    cr_assert_eq(training.described, KINDS * OF_KIND);
    const hh_network *network = network_of(&it);
    check_unclicked(&it, network);
    cr_assert_null(network->source[0].bytes, "what they say is kept, not the vectors");
    cr_assert_null(network->source[0].vector);
    uint32_t row = row_of(&it, 1, OF_KIND - 1);
    for (int i = 0; i < D; i++)
        cr_assert_eq(network->item.value[row * D + (uint32_t)i], 0, "it has no vector of its own");
    row = row_of(&it, 1, 0);
    cr_assert_leq(hh_dot(network->item.value + row * D, network->item.value + row * D, D), 0.361f);

    // Published, and loaded somewhere else.
    void *bytes;
    size_t size;
    cr_assert_eq(hh_model_encode(hh_continual_model(it.continual), &bytes, &size, &error), HH_OK);
    hh_model *loaded = hh_model_decode(bytes, size, &error);
    cr_assert_not_null(loaded, "%s", error.message);
    check_unclicked(&it, hh_model_network(loaded));
    for (uint32_t item = 0; item < hh_model_items(loaded); item++) {
        float x[2][D];
        hh_network_item_vectors(network, item, 1, x[0]);
        hh_network_item_vectors(hh_model_network(loaded), item, 1, x[1]);
        cr_assert_arr_eq(x[0], x[1], sizeof x[0]);
    }
    // Whoever takes over trains it further.
    float projector[8 * D];
    memcpy(projector, network->tensor[HH_TENSOR_SOURCE0_P].value, sizeof projector);
    cr_assert_eq(hh_continual_serve(it.continual, loaded, &error), HH_OK);
    training = train_on(&it, 40);
    cr_assert_not(training.scratch);
    check_unclicked(&it, network_of(&it));
    double moved = 0, whole = 0;
    for (int i = 0; i < 8 * D; i++) {
        double by = (double)(network_of(&it)->tensor[HH_TENSOR_SOURCE0_P].value[i] - projector[i]);
        moved += by * by;
        whole += (double)projector[i] * (double)projector[i];
    }
    cr_assert(moved > 0 && moved < 0.3 * whole, "the projector is gone on with: %g of %g", moved, whole);
    free(bytes);
    close_shop(&it);
}

// At no rate nothing moves that need not.
Test(descriptions, a_source_that_goes_leaves_items_where_they_were)
{
    shop it = open_shop();
    describe_all(&it, 0, 8);
    train_on(&it, 400);
    hh_continual_options options = small_options();
    hh_error error = {0};
    options.rate = 1e-9f;
    hh_continual *still = hh_continual_new(&options, &error);
    void *bytes;
    size_t size;
    cr_assert_eq(hh_model_encode(hh_continual_model(it.continual), &bytes, &size, &error), HH_OK);
    cr_assert_eq(hh_continual_serve(still, hh_model_decode(bytes, size, &error), &error), HH_OK);
    free(bytes);
    float before[D], after[D];
    hh_network_item_vectors(network_of(&it), row_of(&it, 2, 1), 1, before);
    hh_continual_free(it.continual);
    it.continual = still;
    undescribe_all(&it, 0);
    hh_training training = train_on(&it, 40);
    cr_assert_not(training.scratch);
    cr_assert_eq(training.described, 0);
    cr_assert_eq(training.items, KINDS * (OF_KIND - 1), "what nobody clicked is gone with its description");
    cr_assert_eq(network_of(&it)->source_count, 0);
    hh_network_item_vectors(network_of(&it), row_of(&it, 2, 1), 1, after);
    for (int i = 0; i < D; i++)
        cr_assert_float_eq(before[i], after[i], 1e-5);
    close_shop(&it);
}

Test(descriptions, a_source_that_is_new_or_changes_its_width_is_learned_from_scratch)
{
    shop it = open_shop();
    cr_assert_eq(train_on(&it, 400).described, 0);
    cr_assert_not(train_on(&it, 40).scratch);
    describe_all(&it, 0, 8);
    hh_training training = train_on(&it, 40);
    cr_assert(training.scratch);
    check_unclicked(&it, network_of(&it));
    cr_assert_not(train_on(&it, 40).scratch);
    undescribe_all(&it, 0);
    describe_all(&it, 0, 6);
    cr_assert(train_on(&it, 40).scratch);
    cr_assert_eq(network_of(&it)->source[0].width, 6);
    describe_all(&it, 1, 4);
    cr_assert(train_on(&it, 40).scratch);
    cr_assert_eq(network_of(&it)->source_count, 2);
    undescribe_all(&it, 0); // the other one moves up, with its projector
    float projector[4 * D];
    memcpy(projector, network_of(&it)->tensor[HH_TENSOR_SOURCE1_P].value, sizeof projector);
    cr_assert_not(train_on(&it, 40).scratch);
    cr_assert_eq(network_of(&it)->source_count, 1);
    cr_assert_str_eq(network_of(&it)->source[0].name, "image");
    double moved = 0, whole = 0;
    for (int i = 0; i < 4 * D; i++) {
        double by = (double)(network_of(&it)->tensor[HH_TENSOR_SOURCE0_P].value[i] - projector[i]);
        moved += by * by;
        whole += (double)projector[i] * (double)projector[i];
    }
    cr_assert_lt(moved, 0.3 * whole);
    check_unclicked(&it, network_of(&it));
    close_shop(&it);
}

// Some items described by one, some by the other, some by none; what gets a description later is cut short.
Test(descriptions, items_come_and_go_one_by_one)
{
    shop it = open_shop();
    for (uint32_t number = 0; number < OF_KIND; number++) {
        describe(&it, 0, 0, number, 8);
        describe(&it, 1, 1, number, 4);
    }
    hh_training training = train_on(&it, 400);
    cr_assert_eq(training.described, 2 * OF_KIND);
    cr_assert_eq(training.items, KINDS * (OF_KIND - 1) + 2);
    uint32_t row = row_of(&it, 2, 0);
    const float *own = network_of(&it)->item.value + row * D;
    cr_assert_gt(hh_dot(own, own, D), 0.361f);
    describe(&it, 0, 2, 0, 8);
    train_on(&it, 40);
    own = network_of(&it)->item.value + row_of(&it, 2, 0) * D;
    cr_assert_leq(hh_dot(own, own, D), 0.361f);
    cr_assert(hh_item_described(network_of(&it), row_of(&it, 2, 0)));
    close_shop(&it);
}

Test(descriptions, no_memory)
{
    shop it = open_shop();
    describe_all(&it, 0, 8);
    train_on(&it, 40);
    for (long n = 0;; n++) {
        hh_error error = {0};
        hh_training training;
        visit(&it, 1); // else it is the same again
        const hh_model *before = hh_continual_model(it.continual);
        fail_alloc_at(n);
        hh_status status = train(&it, &training, &error);
        bool failed = fail_alloc_done();
        cr_assert_eq(status, failed ? HH_MEMORY : HH_OK);
        if (!failed)
            break;
        cr_assert_eq(hh_continual_model(it.continual), before);
    }
    close_shop(&it);
}

// ---- the model's bytes ----

Test(descriptions, a_model_that_is_damaged_is_refused)
{
    shop it = open_shop();
    hh_error error = {0};
    describe_all(&it, 0, 3);
    train_on(&it, 10);
    void *encoded;
    size_t size;
    cr_assert_eq(hh_model_encode(hh_continual_model(it.continual), &encoded, &size, &error), HH_OK);
    uint8_t *bytes = encoded;
    for (long n = 0;; n++) {
        fail_alloc_at(n);
        hh_model *model = hh_model_decode(bytes, size, &error);
        bool failed = fail_alloc_done();
        cr_assert_eq(model == NULL, failed);
        hh_model_free(model);
        if (!failed)
            break;
    }
    hh_container container;
    cr_assert_eq(hh_container_read(&container, bytes, size, NULL), HH_OK);
    size_t end = (size_t)((const uint8_t *)container.arrays[0].data - bytes);
    hh_container_free(&container);
    for (size_t i = HH_HEADER; i < end; i++) { // all that says what is where
        bytes[i] ^= 0x81;
        seal(bytes, size);
        hh_model *model = hh_model_decode(bytes, size, &error);
        float x[D];
        for (uint32_t item = 0; model && item < hh_model_items(model) && hh_model_network(model)->d == D;
             item++)
            hh_network_item_vectors(hh_model_network(model), item, 1, x);
        hh_model_free(model);
        bytes[i] ^= 0x81;
    }
    free(bytes);
    close_shop(&it);
}

// ---- described since the model was trained ----

typedef struct asking {
    hh_vector_table *table;
    hh_foreseer *foreseer;
    hh_item same, other, unlike; // of kind 0: clicked; late; of kind 1, late
} asking;

static asking ask(shop *it)
{
    hh_error error = {0};
    char id[16];
    asking of = {.table = hh_vector_table_new(hh_continual_model(it->continual), &error)};
    of.foreseer = of.table ? hh_foreseer_new(of.table, it->reader, 5, &error) : NULL;
    cr_assert_not_null(of.foreseer, "%s", error.message);
    of.same = hh_graph_intern(it->graph, id, name_item(id, 0, 0));
    of.other = hh_graph_intern(it->graph, id, name_item(id, 0, 77));
    of.unlike = hh_graph_intern(it->graph, id, name_item(id, 1, 77));
    return of;
}

static void ask_no_more(asking *of)
{
    hh_foreseer_free(of->foreseer);
    hh_vector_table_free(of->table);
}

static float share(const hh_foresight *foresight, hh_item item)
{
    float shares[HH_EXPERTS] = {0};
    foresight->shares(foresight->context, &item, 1, shares);
    return shares[0];
}

Test(descriptions, what_is_described_later_is_foreseen)
{
    shop it = open_shop();
    describe_all(&it, 0, 8);
    train_on(&it, 400);
    asking of = ask(&it);
    describe(&it, 0, 0, 77, 8);
    describe(&it, 0, 1, 77, 8);
    const hh_foresight *foresight = hh_foreseer_read(of.foreseer, &of.same, 1, NULL);
    cr_assert_eq(share(foresight, of.other), 0, "not told of the sources");
    cr_assert_eq(hh_foreseer_describe(of.foreseer, names, 2), HH_OK);
    foresight = hh_foreseer_read(of.foreseer, &of.same, 1, NULL);
    float fitting = share(foresight, of.other), unlike = share(foresight, of.unlike);
    cr_assert_gt(fitting, 2 * unlike);
    cr_assert_gt(unlike, 0);
    cr_assert_lt(fitting, 1);
    cr_assert_eq(share(foresight, of.other), fitting);
    cr_assert_null(hh_foreseer_read(of.foreseer, &of.other, 1, NULL), "in a session it is passed over");
    char id[16];
    // Another description, and none.
    describe(&it, 0, 1, 77, 8);
    hh_item late = of.other;
    float vector[8] = {0, 1};
    cr_assert_eq(hh_graph_describe(it.graph, late, 0, vector, 8), HH_OK);
    foresight = hh_foreseer_read(of.foreseer, &of.same, 1, NULL);
    cr_assert_lt(share(foresight, late), fitting / 2);
    cr_assert_eq(hh_graph_describe(it.graph, late, 0, NULL, 0), HH_OK);
    foresight = hh_foreseer_read(of.foreseer, &of.same, 1, NULL);
    cr_assert_eq(share(foresight, late), 0);
    cr_assert_eq(hh_graph_intern(it.graph, id, name_item(id, 0, 77)), late);
    ask_no_more(&of);
    close_shop(&it);
}

// A source that the model has by another width says nothing to it; and of thousands that are late, as many
// are read for a session as one can wait for.
Test(descriptions, what_can_not_be_read_is_passed_over)
{
    shop it = open_shop();
    describe_all(&it, 0, 8);
    train_on(&it, 100);
    asking of = ask(&it);
    cr_assert_eq(hh_foreseer_describe(of.foreseer, names, 2), HH_OK);
    enum { MANY = 3000 };
    for (uint32_t i = 0; i < MANY; i++)
        describe(&it, 0, 0, 1000 + i, 8);
    uint32_t read = 0;
    char id[16];
    const hh_foresight *foresight = hh_foreseer_read(of.foreseer, &of.same, 1, NULL);
    for (uint32_t i = 0; i < MANY; i++) {
        hh_item item = hh_graph_intern(it.graph, id, name_item(id, 0, 1000 + i));
        read += share(foresight, item) > 0;
    }
    cr_assert_eq(read, 64);
    ask_no_more(&of);
    for (uint32_t i = 0; i < MANY; i++) {
        hh_item item = hh_graph_intern(it.graph, id, name_item(id, 0, 1000 + i));
        cr_assert_eq(hh_graph_describe(it.graph, item, 0, NULL, 0), HH_OK);
    }
    undescribe_all(&it, 0);
    describe(&it, 0, 0, 77, 6);
    of = ask(&it);
    cr_assert_eq(hh_foreseer_describe(of.foreseer, names, 2), HH_OK);
    foresight = hh_foreseer_read(of.foreseer, &of.same, 1, NULL);
    cr_assert_eq(share(foresight, of.other), 0);
    ask_no_more(&of);
    close_shop(&it);
}
