// The protocol of the paper's released code, kept to show what it measures: the test is cut into rows, one
// for each prefix of each session, in the order of the file, and the rows of a batch are each other's
// memory. The row after [a, b] -> c is [a, b, c] -> d: the answer stands in the neighbour row. What comes out
// says nothing of how well anything is foreseen.
#include "evaluate/run.h"

#include <stdlib.h>

#define BATCH 512

typedef struct hh_batch {
    hh_log rows;        // shares items and ids with the run's log; its sessions are the rows
    hh_time begin, end; // of the rows' clicks
} hh_batch;

// Fills the batch up from the row of `length` clicks of the session on; leaves the next row in both.
static void take_rows(hh_batch *batch, const hh_log *log, uint32_t *session, uint32_t *length)
{
    batch->rows.sessions = 0;
    while (*session < log->sessions && batch->rows.sessions < BATCH) {
        const hh_log_session *whole = &log->session[*session];
        if (*length >= whole->count) {
            ++*session;
            *length = 1;
            continue;
        }
        uint32_t row = batch->rows.sessions++;
        batch->rows.session[row] =
            (hh_log_session){.visitor = row, .first = whole->first, .count = (*length)++};
    }
}

static hh_status learn_rows(hh_run *run, hh_batch *batch)
{
    hh_status status = HH_OK;
    batch->end = batch->begin;
    for (uint32_t row = 0; row < batch->rows.sessions && status == HH_OK; row++) {
        const hh_log_session *about = &batch->rows.session[row];
        hh_lesson lesson = {.session = row,
                            .items = batch->rows.item + about->first,
                            .time = batch->begin + row * HH_SECOND,
                            .visitor = about->visitor};
        for (; lesson.position < about->count && status == HH_OK; lesson.position++, lesson.time++)
            status = run->kind->learn(run->model, &lesson);
        batch->end = lesson.time > batch->end ? lesson.time : batch->end;
        // The rows of a session hold its clicks again and again: of each row, the last one counts.
        hh_run_count(run, lesson.items[about->count - 1]);
        if (status == HH_OK && run->kind->closed)
            status = run->kind->closed(run->model, row);
    }
    return status;
}

static hh_status ask_rows(hh_run *run, const hh_batch *batch)
{
    hh_status status = HH_OK;
    for (uint32_t row = 0; row < batch->rows.sessions && status == HH_OK; row++) {
        const hh_log_session *about = &batch->rows.session[row];
        hh_question question = {.session = row,
                                .items = batch->rows.item + about->first,
                                .length = about->count,
                                .as_of = batch->end,
                                .visitor = about->visitor,
                                .session_start = batch->begin + row * HH_SECOND};
        hh_answer answer;
        if (run->targets_seen++ % run->options->every == 0)
            status = hh_run_ask(run, &question, question.items[question.length], true, &answer);
    }
    return status;
}

// The model with no memory but that of the rows to come.
static hh_status forget(hh_run *run, const hh_batch *batch, hh_error *error)
{
    if (run->kind->forget)
        return run->kind->forget(run->model, &batch->rows, error);
    run->kind->destroy(run->model);
    run->model = run->kind->create(&(hh_model_setup){&batch->rows, run->options, run->wanted}, error);
    return run->model ? HH_OK : error->status;
}

hh_status hh_run_in_batches(hh_run *run, hh_error *error)
{
    const hh_log *log = run->log;
    hh_log_session sessions[BATCH];
    hh_batch batch = {.rows = *log, .begin = log->time[run->first]};
    batch.rows.session = sessions;
    hh_status status = HH_OK;
    for (uint32_t session = log->train, length = 1; session < log->sessions && status == HH_OK;) {
        take_rows(&batch, log, &session, &length);
        if (batch.rows.sessions == 0)
            break;
        status = forget(run, &batch, error);
        double start = hh_run_now(run);
        if (status == HH_OK)
            status = learn_rows(run, &batch);
        run->train_seconds += hh_run_now(run) - start;
        if (status == HH_OK)
            status = ask_rows(run, &batch);
    }
    // What the model knows of the last batch ends with it.
    if (run->model)
        run->kind->destroy(run->model);
    run->model = NULL;
    return status;
}
