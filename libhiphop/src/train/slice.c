#include "train/slice.h"

#include <stdlib.h>
#include <string.h>

hh_slice *hh_slice_new(uint32_t trials, bool hide, hh_error *error)
{
    if (trials < 1) {
        hh_fail(error, HH_ARGUMENT, "a gate needs one trial at least");
        return NULL;
    }
    hh_slice *slice = malloc(sizeof *slice + trials * sizeof *slice->trial);
    if (!slice) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    slice->hide = hide;
    slice->room = trials;
    slice->first = slice->count = 0;
    return slice;
}

void hh_slice_free(hh_slice *slice)
{
    free(slice);
}

void hh_slice_copy(hh_slice *slice, const hh_slice *from)
{
    slice->first = slice->count = 0;
    for (uint32_t i = 0; i < from->count; i++)
        hh_slice_add(slice, hh_slice_at(from, i));
}

uint32_t hh_slice_count(const hh_slice *slice)
{
    return slice->count;
}

hh_time hh_slice_begin(const hh_slice *slice)
{
    hh_time begin = INT64_MAX; // outcomes do not come in the order of questions
    for (uint32_t i = 0; i < slice->count; i++)
        if (hh_slice_at(slice, i)->as_of < begin)
            begin = hh_slice_at(slice, i)->as_of;
    return begin;
}

void hh_slice_add(hh_slice *slice, const hh_gate_trial *trial)
{
    if (slice->count == slice->room) {
        slice->first = (slice->first + 1) % slice->room;
        slice->count--;
    }
    size_t at = (slice->first + (size_t)slice->count++) % slice->room;
    memcpy(&slice->trial[at], trial, sizeof *trial);
}

void hh_slice_drop(hh_slice *slice, hh_time before)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < slice->count; i++) {
        const hh_gate_trial *trial = hh_slice_at(slice, i);
        if (trial->as_of < before)
            continue;
        if (kept < i)
            slice->trial[(slice->first + (size_t)kept) % slice->room] = *trial;
        kept++;
    }
    slice->count = kept;
}

// The best so far stand in a heap, the worst of them on top: most of a long list is only looked at.
static void sift(hh_gate_trial *trial, uint32_t at)
{
    uint32_t item = trial->item[at];
    float share = trial->share[at];
    for (uint32_t child; (child = 2 * at + 1) < trial->count; at = child) {
        if (child + 1 < trial->count && trial->share[child + 1] < trial->share[child])
            child++;
        if (!(trial->share[child] < share))
            break;
        trial->item[at] = trial->item[child];
        trial->share[at] = trial->share[child];
        trial->item[child] = item;
        trial->share[child] = share;
    }
}

void hh_gate_trial_take(hh_gate_trial *trial, const uint32_t *session, size_t length, const uint32_t *items,
                        const float *shares, size_t count)
{
    size_t left_out = length > HH_TRIAL_CLICKS ? length - HH_TRIAL_CLICKS : 0;
    trial->length = (uint32_t)(length - left_out);
    memcpy(trial->session, session + left_out, trial->length * sizeof *session);
    trial->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(shares[i] > 0))
            continue;
        if (trial->count < HH_TRIAL_CANDIDATES) {
            trial->item[trial->count] = items[i];
            trial->share[trial->count++] = shares[i];
            for (uint32_t at = trial->count / 2; trial->count == HH_TRIAL_CANDIDATES && at-- > 0;)
                sift(trial, at);
        } else if (shares[i] > trial->share[0]) {
            trial->item[0] = items[i];
            trial->share[0] = shares[i];
            sift(trial, 0);
        }
    }
}
