#include "semantics_queue.h"

#include "backoff.h"
#include <stdlib.h>
#include <string.h>

typedef enum job_state {
    WAITING, // to be asked
    TWIN,    // another one has the same text and is before it
    ASKED,
    MADE,    // to be written
    WRITTEN, // to be read back
    GONE,
} job_state;

typedef struct job {
    char *item, *sentence;
    size_t item_length, sentence_length;
    uint64_t item_hash; // to pass over the others quickly
    hh_text_hash text;
    job_state state;
    bool unwanted; // ASKED, and nobody wants it any more but for twins that may come
    float *vector;
    uint32_t question; // ASKED
    uint32_t most;     // texts in a question that it may be part of
    uint32_t refusals; // on its own
    uint64_t accepted; // questions that had been accepted at the first of these
    hh_time not_before;
} job;

typedef struct question {
    bool open;
    hh_text_hash *texts; // [count]
    uint32_t count;
} question;

struct hh_semantics_queue {
    hh_provider *provider;
    hh_semantics_events events;
    hh_time longest_pause, now;
    job *jobs; // in the order in which they came
    uint32_t count, room, unwanted, gone;
    question *questions; // [provider->questions_max]
    uint32_t open;
    uint32_t failures; // in a row
    uint64_t accepted;
    hh_time not_before;
    uint32_t random;
    bool trouble; // out of memory in an answer
};

hh_semantics_queue *hh_semantics_queue_new(hh_provider *provider, const hh_semantics_events *events,
                                           hh_time longest_pause, uint32_t seed)
{
    hh_semantics_queue *queue = calloc(1, sizeof *queue);
    if (!queue)
        return NULL;
    *queue = (hh_semantics_queue){.provider = provider,
                                  .events = *events,
                                  .longest_pause = longest_pause,
                                  .not_before = HH_TIME_MIN,
                                  .random = seed | 1};
    queue->questions = calloc(provider->questions_max, sizeof *queue->questions);
    if (queue->questions)
        return queue;
    free(queue);
    return NULL;
}

static void free_job(job *of)
{
    free(of->item);
    free(of->sentence);
    free(of->vector);
}

void hh_semantics_queue_free(hh_semantics_queue *queue)
{
    if (!queue)
        return;
    for (uint32_t i = 0; i < queue->count; i++)
        free_job(&queue->jobs[i]);
    for (uint32_t i = 0; i < queue->provider->questions_max; i++)
        free(queue->questions[i].texts);
    free(queue->questions);
    free(queue->jobs);
    free(queue);
}

static uint32_t draw(hh_semantics_queue *queue)
{
    queue->random ^= queue->random << 13; // xorshift
    queue->random ^= queue->random >> 17;
    return queue->random ^= queue->random << 5;
}

// ---- jobs ----

static uint64_t short_hash(hh_text item)
{
    return hh_text_hash_of(item).low;
}

static job *find(const hh_semantics_queue *queue, hh_text item)
{
    uint64_t hash = short_hash(item);
    for (uint32_t i = 0; i < queue->count; i++) {
        job *at = &queue->jobs[i];
        if (at->item_hash == hash && at->state != GONE && !at->unwanted && at->item_length == item.length &&
            memcmp(at->item, item.bytes, item.length) == 0)
            return at;
    }
    return NULL;
}

// Leaves its place empty, so that the others keep theirs.
static void take_out(hh_semantics_queue *queue, job *gone)
{
    queue->unwanted -= gone->unwanted;
    queue->gone++;
    free_job(gone);
    *gone = (job){.state = GONE};
}

static void close_ranks(hh_semantics_queue *queue)
{
    uint32_t kept = 0;
    if (queue->gone < queue->count / 2 + 1)
        return;
    for (uint32_t i = 0; i < queue->count; i++)
        if (queue->jobs[i].state != GONE)
            queue->jobs[kept++] = queue->jobs[i];
    queue->count = kept;
    queue->gone = 0;
}

// The first of these twins is asked for, now that nobody before it is.
static void promote(hh_semantics_queue *queue, hh_text_hash text)
{
    for (uint32_t i = 0; i < queue->count; i++)
        if (queue->jobs[i].state == TWIN && hh_text_hash_same(queue->jobs[i].text, text)) {
            queue->jobs[i].state = WAITING;
            return;
        }
}

static void drop(hh_semantics_queue *queue, job *gone)
{
    hh_text_hash text = gone->text;
    bool waiting = gone->state == WAITING;
    if (gone->state == ASKED) { // paid for already: its text stays known until the answer
        gone->unwanted = true;
        queue->unwanted++;
        return;
    }
    take_out(queue, gone);
    if (waiting)
        promote(queue, text);
}

static float *copy_vector(const hh_semantics_queue *queue, const float *vector)
{
    size_t bytes = queue->provider->width * sizeof *vector;
    float *copy = malloc(bytes);
    return copy ? memcpy(copy, vector, bytes) : NULL;
}

static job *make_room(hh_semantics_queue *queue)
{
    if (queue->count == queue->room) {
        uint32_t room = queue->room ? 2 * queue->room : 64;
        job *jobs = realloc(queue->jobs, room * sizeof *jobs);
        if (!jobs)
            return NULL;
        queue->jobs = jobs;
        queue->room = room;
    }
    return &queue->jobs[queue->count];
}

static char *copy_text(hh_text text)
{
    char *copy = malloc(text.length + 1);
    if (copy) {
        memcpy(copy, text.bytes, text.length);
        copy[text.length] = '\0';
    }
    return copy;
}

// How a new job for the text begins, by what is under way for it; `vector`: where it is there.
static job_state first_state(const hh_semantics_queue *queue, hh_text_hash text, const float **vector)
{
    job_state state = *vector ? MADE : WAITING;
    for (uint32_t i = 0; i < queue->count && !*vector; i++) {
        if (queue->jobs[i].state == GONE || !hh_text_hash_same(queue->jobs[i].text, text))
            continue;
        *vector = queue->jobs[i].vector;
        state = *vector ? MADE : TWIN;
    }
    return state;
}

bool hh_semantics_queue_add(hh_semantics_queue *queue, hh_text item, hh_text sentence, hh_text_hash text,
                            const float *vector)
{
    job *before = find(queue, item);
    if (before && hh_text_hash_same(before->text, text) && (!vector || before->vector))
        return true;
    if (before)
        drop(queue, before);
    job made = {.item = copy_text(item),
                .sentence = copy_text(sentence),
                .item_length = item.length,
                .sentence_length = sentence.length,
                .item_hash = short_hash(item),
                .text = text,
                .most = UINT32_MAX,
                .not_before = HH_TIME_MIN};
    made.state = first_state(queue, text, &vector);
    if (vector)
        made.vector = copy_vector(queue, vector);
    job *place = make_room(queue);
    if (!place || !made.item || !made.sentence || (vector && !made.vector)) {
        free_job(&made);
        return false;
    }
    *place = made;
    queue->count++;
    return true;
}

bool hh_semantics_queue_find(const hh_semantics_queue *queue, hh_text item, hh_text_hash *text, bool *written)
{
    const job *found = find(queue, item);
    if (!found)
        return false;
    *text = found->text;
    *written = found->state == WRITTEN;
    return true;
}

bool hh_semantics_queue_has(const hh_semantics_queue *queue, hh_text_hash text)
{
    const float *vector = NULL;
    return first_state(queue, text, &vector) != WAITING;
}

void hh_semantics_queue_cancel(hh_semantics_queue *queue, hh_text item)
{
    job *found = find(queue, item);
    if (found)
        drop(queue, found);
}

uint32_t hh_semantics_queue_length(const hh_semantics_queue *queue)
{
    return queue->count - queue->unwanted - queue->gone;
}

uint32_t hh_semantics_queue_open(const hh_semantics_queue *queue)
{
    return queue->open;
}

// ---- asking ----

static bool due(const hh_semantics_queue *queue, const job *of, bool refused, uint32_t with)
{
    return of->state == WAITING && of->most > with && queue->now >= of->not_before &&
           refused == (of->refusals > 0);
}

// The first jobs that are due, into a question; how many. Those that were refused on their own must not keep
// the others waiting, who show whose fault it was.
static uint32_t gather(hh_semantics_queue *queue, uint32_t ticket, hh_text *sentences, hh_text_hash *texts)
{
    uint32_t count = 0, most = queue->provider->batch;
    for (int refused = 0; refused < 2 && count == 0; refused++) {
        for (uint32_t i = 0; i < queue->count && count < most; i++) {
            job *at = &queue->jobs[i];
            if (!due(queue, at, refused, count))
                continue;
            most = at->most < most ? at->most : most;
            sentences[count] = (hh_text){at->sentence, at->sentence_length};
            texts[count++] = at->text;
            at->state = ASKED;
            at->question = ticket;
        }
    }
    return count;
}

// Asks one question. *any: whether anything is due.
static bool ask_one(hh_semantics_queue *queue, bool *any)
{
    uint32_t ticket = 0, count, most = queue->provider->batch;
    while (queue->questions[ticket].open)
        ticket++;
    question *asked = &queue->questions[ticket];
    hh_text *sentences = malloc(most * sizeof *sentences);
    hh_text_hash *texts = malloc(most * sizeof *texts);
    if (!sentences || !texts) {
        free(sentences);
        free(texts);
        return false;
    }
    count = gather(queue, ticket, sentences, texts);
    *any = count > 0;
    bool good = true;
    free(asked->texts);
    asked->texts = texts;
    if (*any) {
        *asked = (question){true, texts, count};
        queue->open++;
        good = queue->provider->functions->ask(queue->provider, ticket, sentences, count);
    }
    free(sentences);
    return good;
}

bool hh_semantics_queue_turn(hh_semantics_queue *queue, hh_time now, int timeout_ms, bool last)
{
    queue->now = now;
    close_ranks(queue);
    bool any = true;
    while (any && !last && queue->now >= queue->not_before && !queue->trouble &&
           queue->open < (queue->failures ? 1 : queue->provider->questions_max))
        if (!ask_one(queue, &any))
            return false;
    if (queue->open && queue->provider->functions->wait)
        queue->provider->functions->wait(queue->provider, timeout_ms);
    return !queue->trouble;
}

// ---- answers ----

static void accept(hh_semantics_queue *queue, const question *asked, const hh_answer *answer)
{
    for (uint32_t i = 0; i < asked->count; i++) {
        for (uint32_t j = 0; j < queue->count; j++) {
            job *at = &queue->jobs[j];
            if (!hh_text_hash_same(at->text, asked->texts[i]) || at->vector || at->state == GONE)
                continue;
            if (at->unwanted) {
                take_out(queue, at);
                continue;
            }
            at->vector = copy_vector(queue, answer->vectors + (size_t)i * answer->width);
            at->state = MADE;
            queue->trouble |= !at->vector;
        }
    }
    queue->failures = 0;
    queue->accepted++;
}

// Whose fault it may be that it failed: the texts' as well.
static bool by_content(hh_answer_kind kind)
{
    return kind == HH_ANSWER_REFUSED || kind == HH_ANSWER_MALFORMED || kind == HH_ANSWER_WRONG_COUNT ||
           kind == HH_ANSWER_WRONG_WIDTH;
}

// A text that failed on its own. True: it is given up.
static bool blame(hh_semantics_queue *queue, job *of)
{
    if (of->refusals++ == 0)
        of->accepted = queue->accepted;
    of->not_before = queue->now + hh_backoff(of->refusals, queue->longest_pause, draw(queue));
    return queue->accepted > of->accepted;
}

static void give_up(hh_semantics_queue *queue, hh_text_hash text, const char *reason)
{
    for (uint32_t i = 0; i < queue->count; i++) {
        job *at = &queue->jobs[i];
        if (!hh_text_hash_same(at->text, text) || at->vector || at->state == GONE)
            continue;
        if (!at->unwanted)
            queue->events.given_up(queue->events.context, (hh_text){at->item, at->item_length}, reason);
        take_out(queue, at);
    }
}

static void put_back(hh_semantics_queue *queue, uint32_t ticket, const question *asked,
                     const hh_answer *answer)
{
    bool halve = by_content(answer->kind) || answer->kind == HH_ANSWER_TIMEOUT;
    bool alone = asked->count == 1 && by_content(answer->kind), guilty = false;
    for (uint32_t i = 0; i < queue->count; i++) {
        job *at = &queue->jobs[i];
        if (at->state != ASKED || at->question != ticket)
            continue;
        hh_text_hash text = at->text;
        at->state = WAITING;
        if (halve && asked->count > 1)
            at->most = asked->count / 2;
        if (alone)
            guilty = blame(queue, at);
        if (at->unwanted) {
            take_out(queue, at);
            promote(queue, text);
        }
    }
    if (guilty)
        give_up(queue, asked->texts[0], answer->reason);
    hh_time pause = hh_backoff(++queue->failures, queue->longest_pause, draw(queue));
    pause = answer->pause > pause ? answer->pause : pause;
    if (queue->now + pause > queue->not_before)
        queue->not_before = queue->now + pause;
}

void hh_semantics_queue_answer(void *context, uint32_t ticket, const hh_answer *answer)
{
    hh_semantics_queue *queue = context;
    question *asked = &queue->questions[ticket];
    if (!asked->open)
        return;
    asked->open = false;
    queue->open--;
    queue->events.answered(queue->events.context, answer, asked->count);
    if (answer->kind == HH_ANSWER_GOOD)
        accept(queue, asked, answer);
    else
        put_back(queue, ticket, asked, answer);
}

// ---- what is made ----

bool hh_semantics_queue_made(hh_semantics_queue *queue, hh_made_vector *made)
{
    for (uint32_t i = 0; i < queue->count; i++) {
        job *at = &queue->jobs[i];
        if (at->state != MADE)
            continue;
        at->state = WRITTEN;
        *made = (hh_made_vector){{at->item, at->item_length}, at->text, at->vector, queue->provider->width};
        return true;
    }
    return false;
}

void hh_semantics_queue_unwritten(hh_semantics_queue *queue, hh_text item)
{
    job *found = find(queue, item);
    if (found && found->state == WRITTEN)
        found->state = MADE;
}

void hh_semantics_queue_seen(hh_semantics_queue *queue, hh_text item, hh_text_hash text)
{
    job *found = find(queue, item);
    if (found && found->state == WRITTEN && hh_text_hash_same(found->text, text))
        take_out(queue, found);
}
