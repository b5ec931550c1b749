// The model file: what is written comes back; what is damaged, cut off or hostile is refused with a sentence.
#include "small_model.h"

#include "fail_alloc.h"
#include "model/network.h"

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void encode(const hh_model *model, uint8_t **bytes, size_t *size)
{
    hh_error error;
    void *made;
    cr_assert_eq(hh_model_encode(model, &made, size, &error), HH_OK, "%s", error.message);
    *bytes = made;
}

static void small_file(uint8_t **bytes, size_t *size)
{
    hh_model *model = small_model();
    encode(model, bytes, size);
    hh_model_free(model);
}

// Refused, with a sentence that holds these words.
static void assert_refused(const void *bytes, size_t size, const char *words)
{
    hh_error error = {0};
    hh_model *model = hh_model_decode(bytes, size, &error);
    cr_assert_null(model, "it should have been refused: %s", words);
    cr_assert_eq(error.status, HH_FORMAT, "%s", error.message);
    cr_assert_not_null(strstr(error.message, words), "'%s' in: %s", words, error.message);
}

static void assert_same(const hh_model *a, const hh_model *b)
{
    hh_array left, right;
    cr_assert_eq(hh_model_digest(a), hh_model_digest(b));
    for (size_t i = 0; hh_model_array_at(a, i, &left); i++) {
        cr_assert(hh_model_array(b, left.name, &right), "%s", left.name);
        cr_assert_arr_eq(left.shape, right.shape, sizeof left.shape);
        cr_assert_eq(memcmp(left.data, right.data, hh_array_bytes(&left)), 0, "%s", left.name);
    }
}

Test(model_file, comes_back_as_it_was)
{
    hh_model *model = small_model();
    uint8_t *bytes, *again;
    size_t size, size_again;
    hh_error error;
    encode(model, &bytes, &size);
    uint8_t *unaligned = malloc(size + 1); // as a message from elsewhere may lie
    memcpy(unaligned + 1, bytes, size);
    hh_model *back = hh_model_decode(unaligned + 1, size, &error);
    free(unaligned);
    cr_assert_not_null(back, "%s", error.message);
    assert_same(model, back);
    cr_assert_eq(hh_model_items(back), SMALL_ITEMS);
    size_t length;
    cr_assert_str_eq(hh_model_item(back, 4, &length), "\xc3\xa9");
    cr_assert_eq(length, 2);
    cr_assert_null(hh_model_item(back, SMALL_ITEMS, NULL));
    cr_assert_eq(hh_model_find(back, "shoes-4", 7), 1);
    cr_assert_eq(hh_model_find(back, "shoes", 5), HH_MODEL_NO_ITEM);
    const hh_model_facts *facts = hh_model_facts_of(back);
    cr_assert_eq(facts->created, -123456789);
    cr_assert_str_eq(facts->source, "a test");
    cr_assert_str_eq(facts->version, HH_VERSION);
    cr_assert_eq(facts->options.network.d, 4);
    cr_assert_eq(facts->options.seed, 77);
    cr_assert_eq(facts->record.epochs, 3);
    cr_assert_eq(facts->record.hr, 0.5);
    cr_assert(isnan(facts->record.mrr));
    hh_train_data sessions;
    cr_assert(hh_model_sessions(back, &sessions));
    cr_assert_eq(sessions.sessions, 3);
    cr_assert_eq(sessions.item[sessions.first[2] - 1], 4);
    hh_array ranker;
    cr_assert(hh_model_array(back, "ranker.w1", &ranker));
    cr_assert_eq(((const float *)ranker.data)[5], -6);
    encode(back, &again, &size_again);
    cr_assert_eq(size, size_again);
    cr_assert_eq(memcmp(bytes, again, size), 0, "the same model is the same bytes");
    free(bytes);
    free(again);
    hh_model_free(model);
    hh_model_free(back);
}

Test(model_file, sources_come_back)
{
    static const uint64_t begin[] = {0, 1, 2, 3};
    static const float text[] = {1, 2, 0, 0, 5, 6}, image[] = {7, 8, 9};
    static const uint8_t present[] = {1, 0, 1};
    const hh_source sources[] = {{.name = "text", .width = 2, .vector = text, .present = present},
                                 {.name = "image", .width = 1, .vector = image}};
    const hh_item_ids ids = {3, begin, "abc"};
    hh_model_facts facts = {.options = hh_train_defaults(), .record = hh_train_record_new()};
    facts.options.network.d = 4;
    hh_error error;
    hh_network *network = hh_network_new_described(&facts.options.network, 3, sources, 2, 1, &error);
    hh_model *model = hh_model_new(network, &ids, &facts, &error);
    cr_assert_not_null(model, "%s", error.message);
    uint8_t *bytes;
    size_t size;
    encode(model, &bytes, &size);
    hh_model *back = hh_model_decode(bytes, size, &error);
    cr_assert_not_null(back, "%s", error.message);
    assert_same(model, back);
    float x[2][3 * 4], length[3];
    const uint32_t item[] = {0, 1, 2};
    hh_items_vectors(x[0], length, hh_model_network(model), item, 3);
    hh_items_vectors(x[1], length, hh_model_network(back), item, 3);
    cr_assert_arr_eq(x[0], x[1], sizeof x[0]);
    cr_assert_str_eq(hh_model_network(back)->source[1].name, "image");
    cr_assert_null(hh_model_network(back)->source[1].present);
    cr_assert_eq(hh_model_network(back)->source[0].present[1], 0);
    for (long n = 0;; n++) {
        fail_alloc_at(n);
        hh_model *again = hh_model_decode(bytes, size, &error);
        bool failed = fail_alloc_done();
        hh_model_free(again);
        if (!failed)
            break;
        cr_assert_null(again);
    }
    for (size_t i = HH_HEADER; i < size; i++) { // no harm is done by what somebody changed
        bytes[i] ^= 0x81;
        seal(bytes, size);
        hh_model_free(hh_model_decode(bytes, size, &error));
        bytes[i] ^= 0x81;
    }
    free(bytes);
    hh_model_free(model);
    hh_model_free(back);
}

Test(model_file, arrays_lie_at_multiples_of_64)
{
    uint8_t *bytes;
    size_t size;
    hh_container container;
    small_file(&bytes, &size);
    cr_assert_eq(hh_container_read(&container, bytes, size, NULL), HH_OK);
    cr_assert_geq(container.array_count, 5);
    for (size_t i = 0; i < container.array_count; i++)
        cr_assert_eq(((const uint8_t *)container.arrays[i].data - bytes) % 64, 0);
    hh_container_free(&container);
    free(bytes);
}

Test(model_file, every_flipped_byte_is_found)
{
    uint8_t *bytes;
    size_t size;
    small_file(&bytes, &size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0x41;
        assert_refused(bytes, size, "model file");
        bytes[i] ^= 0x41;
    }
    free(bytes);
}

Test(model_file, every_length_but_its_own_is_refused)
{
    uint8_t *bytes;
    size_t size;
    small_file(&bytes, &size);
    for (size_t length = 0; length < size; length++) {
        uint8_t *shorter = malloc(length + 1); // so that a sanitizer sees who reads on
        memcpy(shorter, bytes, length);
        assert_refused(shorter, length, length < HH_HEADER ? "no model file" : "cut off or damaged");
        if (length >= HH_HEADER) { // also when it says that this is its length
            hh_put_u64(shorter + HH_AT_SIZE, length);
            seal(shorter, length);
            assert_refused(shorter, length, "model file");
        }
        free(shorter);
    }
    free(bytes);
}

// With its checksum made right, a changed byte may be of no account, or refused; never more.
Test(model_file, changed_bytes_under_a_right_checksum_do_no_harm)
{
    uint8_t *bytes;
    size_t size;
    small_file(&bytes, &size);
    static const uint8_t masks[] = {0x01, 0x80, 0xff};
    size_t refused = 0;
    for (size_t i = 0; i < size; i++)
        for (size_t m = 0; m < sizeof masks; m++) {
            hh_error error = {0};
            bytes[i] ^= masks[m];
            seal(bytes, size);
            hh_model *model = hh_model_decode(bytes, size, &error);
            refused += model == NULL;
            cr_assert(model || (error.status == HH_FORMAT && error.message[0]), "byte %zu", i);
            hh_model_free(model);
            bytes[i] ^= masks[m];
        }
    cr_assert_gt(refused, 500);
    free(bytes);
}

// ---- files that somebody made ----

typedef struct change {                        // to the file of the small model; NULL: none
    const char *without, *poisoned, *reshaped; // arrays
    const hh_array *instead, *besides;
    const char *kind, *key;
    bool required;
} change;

static void changed_file(const change *by, uint8_t **bytes, size_t *size)
{
    hh_model *model = small_model();
    hh_packer packer = {0};
    hh_array array;
    float poison[4096];
    hh_pack_text(&packer, "kind", by->kind ? by->kind : "model");
    hh_pack_options(&packer, "network", hh_network_option_table(),
                    &hh_model_facts_of(model)->options.network);
    if (by->key)
        hh_pack(&packer, by->key, (hh_key_type)99, by->required, "future", 6);
    for (size_t i = 0; hh_model_array_at(model, i, &array); i++) {
        if (by->without && strcmp(array.name, by->without) == 0)
            continue;
        if (by->instead && strcmp(array.name, by->instead->name) == 0)
            array = *by->instead;
        if (by->reshaped && strcmp(array.name, by->reshaped) == 0) {
            uint64_t rows = array.shape[0];
            array.shape[0] = array.shape[1];
            array.shape[1] = rows;
        }
        if (by->poisoned && strcmp(array.name, by->poisoned) == 0) {
            cr_assert_leq(hh_array_bytes(&array), sizeof poison);
            memcpy(poison, array.data, hh_array_bytes(&array));
            poison[hh_array_bytes(&array) / 4 - 1] = -INFINITY;
            array.data = poison;
        }
        hh_pack_array(&packer, &array);
    }
    if (by->besides)
        hh_pack_array(&packer, by->besides);
    void *made;
    cr_assert_eq(hh_pack_finish(&packer, &made, size, NULL), HH_OK);
    *bytes = made;
    hh_model_free(model);
}

static void assert_change_refused(const change *by, const char *words)
{
    uint8_t *bytes;
    size_t size;
    changed_file(by, &bytes, &size);
    assert_refused(bytes, size, words);
    free(bytes);
}

static hh_model *changed_model(const change *by)
{
    uint8_t *bytes;
    size_t size;
    hh_error error = {0};
    changed_file(by, &bytes, &size);
    hh_model *model = hh_model_decode(bytes, size, &error);
    cr_assert_not_null(model, "%s", error.message);
    free(bytes);
    return model;
}

Test(model_file, what_does_not_fit_is_named)
{
    static const uint64_t begin[] = {0, 7, 14, 17, 20, 20}, twice[] = {0, 1, 2, 3, 5, 7},
                          falling[] = {0, 7, 6, 17, 20, 22}, six[] = {0, 1, 2, 3, 4, 5, 6};
    const hh_array empty_id = {"item.begin", HH_ARRAY_U64, {6, 1, 1, 1}, begin},
                   ids_fall = {"item.begin", HH_ARRAY_U64, {6, 1, 1, 1}, falling},
                   double_id = {"item.begin", HH_ARRAY_U64, {6, 1, 1, 1}, twice},
                   more_ids = {"item.begin", HH_ARRAY_U64, {7, 1, 1, 1}, six},
                   short_ids = {"item.id", HH_ARRAY_U8, {20, 1, 1, 1}, "socks-1shoes-4hatcap"},
                   as_bytes = {"network.own.c", HH_ARRAY_U8, {1, 4, 1, 1}, "abcd"};
    static const uint32_t strange[] = {0, 1, 0, 2, 3, 5, 4};
    const hh_array no_such_item = {"sessions.item", HH_ARRAY_U32, {7, 1, 1, 1}, strange};
    static const float infinite[] = {1, NAN};
    const hh_array ranker = {"ranker.bad", HH_ARRAY_F32, {2, 1, 1, 1}, infinite};
    assert_change_refused(&(change){.without = "network.gate.g"}, "lacks the array 'network.gate.g'");
    assert_change_refused(&(change){.without = "network.item"}, "lacks the array 'network.item'");
    assert_change_refused(&(change){.without = "item.id"}, "lacks the array 'item.id'");
    assert_change_refused(&(change){.without = "sessions.first"}, "lacks the array 'sessions.first'");
    assert_change_refused(&(change){.reshaped = "network.graph.w"}, "'network.graph.w'");
    assert_change_refused(&(change){.poisoned = "network.item"}, "no finite number");
    assert_change_refused(&(change){.poisoned = "network.attention.t"}, "no finite number");
    assert_change_refused(&(change){.besides = &ranker}, "no finite number");
    assert_change_refused(&(change){.instead = &empty_id}, "do not fit together");
    assert_change_refused(&(change){.instead = &ids_fall}, "do not fit together");
    assert_change_refused(&(change){.instead = &short_ids}, "do not fit together");
    assert_change_refused(&(change){.instead = &more_ids}, "do not fit together");
    assert_change_refused(&(change){.instead = &double_id}, "do not fit together");
    assert_change_refused(&(change){.instead = &as_bytes}, "'network.own.c'");
    assert_change_refused(&(change){.instead = &no_such_item}, "the sessions hold item 5");
    assert_change_refused(&(change){.kind = "training"}, "no model but a 'training'");
}

Test(model_file, ids_there_twice_are_refused)
{
    const hh_array same = {"item.id", HH_ARRAY_U8, {22, 1, 1, 1}, "socks-1socks-1hatcap\xc3\xa9"};
    assert_change_refused(&(change){.instead = &same}, "items 0 and 1 have the same id 'socks-1'");
}

Test(model_file, what_is_not_known_is_skipped_unless_it_is_required)
{
    const hh_array later = {"intent.query", HH_ARRAY_F32, {1, 1, 2, 1}, (const float[]){1, 2}},
                   of_no_known_type = {"intent.half", (hh_array_type)77, {3, 1, 1, 1}, NULL};
    hh_array array;
    hh_model *model = changed_model(&(change){.key = "network.later", .besides = &later});
    cr_assert(hh_model_array(model, "intent.query", &array), "kept for whoever knows it");
    cr_assert_eq(array.shape[2], 2);
    hh_model_free(model);
    model = changed_model(&(change){.besides = &of_no_known_type});
    cr_assert_not(hh_model_array(model, "intent.half", &array));
    hh_model_free(model);
    assert_change_refused(&(change){.key = "network.later", .required = true},
                          "needs 'network.later', which this hiphop does not know");
}

Test(model_file, options_out_of_range_are_refused)
{
    hh_network_options options = hh_network_defaults();
    options.d = 5000;
    hh_packer packer = {0};
    void *bytes;
    size_t size;
    hh_pack_text(&packer, "kind", "model");
    hh_pack_options(&packer, "network", hh_network_option_table(), &options);
    cr_assert_eq(hh_pack_finish(&packer, &bytes, &size, NULL), HH_OK);
    assert_refused(bytes, size, "network.d = 5000, which is not 1 to 4096");
    free(bytes);
}

Test(model_file, another_version_says_so)
{
    uint8_t *bytes;
    size_t size;
    small_file(&bytes, &size);
    hh_put_u32(bytes + HH_AT_VERSION, 2);
    seal(bytes, size);
    assert_refused(bytes, size, "format version 2, this hiphop reads 1");
    free(bytes);
}

// ---- in memory ----

Test(model_file, ids_are_checked_when_a_model_is_made)
{
    static const uint64_t begin[] = {0, 1, 2};
    hh_model_facts facts = {.options = hh_train_defaults()};
    hh_error error;
    const hh_item_ids same = {2, begin, "aa"}, too_few = {1, begin, "ab"};
    cr_assert_null(hh_model_new(hh_network_new(&facts.options.network, 2, 1, NULL), &same, &facts, &error));
    cr_assert_str_eq(error.message, "items 0 and 1 have the same id 'a'");
    cr_assert_null(
        hh_model_new(hh_network_new(&facts.options.network, 2, 1, NULL), &too_few, &facts, &error));
    cr_assert_eq(error.status, HH_ARGUMENT);
}

Test(model_file, attached_arrays_are_replaced_and_their_names_checked)
{
    hh_model *model = small_model();
    hh_error error;
    hh_array array = {"ranker.w1", HH_ARRAY_U32, {1, 1, 1, 1}, (const uint32_t[]){42}};
    uint64_t digest = hh_model_digest(model);
    cr_assert_eq(hh_model_attach(model, &array, &error), HH_OK);
    cr_assert(hh_model_array(model, "ranker.w1", &array));
    cr_assert_eq(*(const uint32_t *)array.data, 42);
    cr_assert_neq(hh_model_digest(model), digest);
    static const char *const names[] = {"network.x", "item.id", "sessions.item", "source0.x",
                                        "plain",     ".x",      "a b.c",         ""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        array.name = names[i];
        cr_assert_eq(hh_model_attach(model, &array, &error), HH_ARGUMENT, "%s", names[i]);
    }
    hh_model_free(model);
}

// ---- on disk ----

Test(model_file, saved_all_at_once_and_loaded)
{
    char directory[] = "/tmp/hiphop-model-XXXXXX", path[64], missing[64];
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/m", directory);
    snprintf(missing, sizeof missing, "%s/none/m", directory);
    hh_model *model = small_model();
    hh_error error;
    cr_assert_eq(hh_file_write(path, "old", 3, &error), HH_OK);
    cr_assert_eq(hh_model_save(model, path, &error), HH_OK);
    hh_model *back = hh_model_load(path, &error);
    cr_assert_not_null(back, "%s", error.message);
    assert_same(model, back);
    cr_assert_eq(hh_model_save(model, missing, &error), HH_IO);
    cr_assert_not_null(strstr(error.message, "none/m: No such file or directory"), "%s", error.message);
    cr_assert_null(hh_model_load(missing, &error));
    cr_assert_eq(error.status, HH_IO);
    cr_assert_null(hh_model_load(directory, &error));
    cr_assert_eq(error.status, HH_IO);
    cr_assert_eq(hh_file_write(path, "no model", 8, &error), HH_OK);
    cr_assert_null(hh_model_load(path, &error));
    cr_assert_eq(error.status, HH_FORMAT);
    cr_assert(strncmp(error.message, path, strlen(path)) == 0, "%s", error.message);
    unlink(path);
    cr_assert_eq(rmdir(directory), 0, "nothing else is left in the directory");
    hh_model_free(model);
    hh_model_free(back);
}

Test(model_file, what_is_no_file_is_not_replaced)
{
    char directory[] = "/tmp/hiphop-model-XXXXXX", file[64], link[64], lost[64], pipe[64];
    cr_assert_not_null(mkdtemp(directory));
    snprintf(file, sizeof file, "%s/file", directory);
    snprintf(link, sizeof link, "%s/link", directory);
    snprintf(lost, sizeof lost, "%s/lost", directory);
    snprintf(pipe, sizeof pipe, "%s/pipe", directory);
    cr_assert(symlink("file", link) == 0 && symlink("nowhere/at/all", lost) == 0 && mkfifo(pipe, 0600) == 0);
    hh_error error;
    cr_assert_eq(hh_file_write(link, "x", 1, &error), HH_IO, "the link names nothing yet");
    cr_assert_eq(hh_file_write(file, "old", 3, &error), HH_OK);
    cr_assert_eq(hh_file_writable(link, &error), HH_OK);
    cr_assert_eq(hh_file_write(link, "new", 3, &error), HH_OK, "%s", error.message);
    struct stat about;
    cr_assert(lstat(link, &about) == 0 && S_ISLNK(about.st_mode), "a link stays one");
    void *bytes;
    size_t size;
    cr_assert_eq(hh_file_read(file, &bytes, &size, &error), HH_OK);
    cr_assert(size == 3 && memcmp(bytes, "new", 3) == 0);
    free(bytes);
    cr_assert_eq(hh_file_writable(pipe, &error), HH_IO);
    cr_assert_not_null(strstr(error.message, "this is a device, a pipe or a socket, not a file"));
    cr_assert_eq(hh_file_write(pipe, "x", 1, &error), HH_IO);
    cr_assert_eq(hh_file_writable(lost, &error), HH_IO);
    cr_assert(lstat(pipe, &about) == 0 && S_ISFIFO(about.st_mode));
    unlink(file), unlink(link), unlink(lost), unlink(pipe);
    cr_assert_eq(rmdir(directory), 0, "nothing else is left in the directory");
}

// ---- out of memory ----

Test(model_file, reading_without_memory_leaves_nothing_behind)
{
    uint8_t *bytes;
    size_t size;
    small_file(&bytes, &size);
    for (long n = 0;; n++) {
        hh_error error = {0};
        fail_alloc_at(n);
        hh_model *model = hh_model_decode(bytes, size, &error);
        if (!fail_alloc_done()) {
            cr_assert_not_null(model);
            cr_assert_gt(n, 30);
            hh_model_free(model);
            break;
        }
        cr_assert_null(model);
        cr_assert_eq(error.status, HH_MEMORY, "%ld: %s", n, error.message);
    }
    free(bytes);
}

Test(model_file, writing_without_memory_leaves_nothing_behind)
{
    hh_model *model = small_model();
    for (long n = 0;; n++) {
        hh_error error = {0};
        void *bytes;
        size_t size;
        fail_alloc_at(n);
        hh_status status = hh_model_encode(model, &bytes, &size, &error);
        if (!fail_alloc_done()) {
            cr_assert_eq(status, HH_OK);
            free(bytes);
            break;
        }
        cr_assert_eq(status, HH_MEMORY);
    }
    hh_model_free(model);
}
