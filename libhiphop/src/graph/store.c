// Memory of sessions. Blocks are cut from large chunks, by size classes with a free list each, and named by
// 32-bit numbers (words of 4 bytes, so 16 GB); slots are cut from them, many at a time. Neither ever moves,
// and chunks are never given back: what a graph at its bound frees, it needs again.
//
// A chain links the sessions of all visitors with the same tag bits, newest first, so that a query finds its
// visitor's own session without knowing where the graph keeps it.
#include "graph/internal.h"

#include <stdlib.h>
#include <sys/mman.h>

#define HEADER_WORDS (sizeof(hh_block) / 4)
#define HUGE_PAGE    ((size_t)1 << 21)
#define CHUNK_WORDS  (1u << HH_CHUNK_BITS)
#define CHAIN_CLICKS 10  // of max_clicks for each chain: a few sessions
#define CUT_EVERY    512 // sessions: how often a chain is looked at for being too long
#define SLOT_WORDS   (sizeof(hh_slot) / 4 << HH_SLOT_CHUNK_BITS)

_Static_assert(sizeof(hh_block) == 8 && sizeof(hh_click) == 8, "blocks are counted in words of 4 bytes");

// Sizes 1, 2, 3, 4, 6, 8, 12, 16, ...: at most a third of a block is idle.
static uint32_t class_capacity(int class)
{
    return class < 2 ? (uint32_t) class + 1 : (class % 2 ? 4u : 3u) << (class / 2 - 1);
}

static int class_of(uint32_t count)
{
    int class = 0;
    while (class_capacity(class) < count)
        class ++;
    return class;
}

_Static_assert(HEADER_WORDS + 2 * HH_SESSION_CLICKS <= CHUNK_WORDS, "the longest session fits into a chunk");

uint32_t hh_store_capacity(uint32_t count)
{
    return class_capacity(class_of(count));
}

hh_status hh_store_init(hh_store *store, uint32_t max_clicks)
{
    for (int class = 0; class < HH_BLOCK_CLASSES; class ++)
        store->free_blocks[class] = HH_NONE;
    store->free_slot = HH_NONE;
    // Expired slots wait for readers before they are used again: twice the sessions that max_clicks allows.
    store->slot_chunks = (max_clicks >> (HH_SLOT_CHUNK_BITS - 1)) + 8;
    store->slots = calloc(store->slot_chunks, sizeof *store->slots);
    store->chain_count = max_clicks / CHAIN_CLICKS + 1024;
    store->chains = calloc(store->chain_count, sizeof *store->chains); // slot + 1, so that 0 is an empty one
    return store->slots && store->chains ? HH_OK : HH_MEMORY;
}

void hh_store_free(hh_store *store)
{
    for (uint32_t i = 0; i < store->used_chunks; i++)
        free(store->chunks[i]);
    free(store->slots);
    free(store->chains);
}

// ---- chunks ----

// So many words of a chunk, HH_NONE: out of memory.
static uint32_t cut(hh_store *store, uint32_t words)
{
    if (words > CHUNK_WORDS)
        return HH_NONE;
    if (store->used_chunks == 0 || store->used_words + words > CHUNK_WORDS) {
        uint32_t *chunk =
            store->used_chunks < HH_CHUNKS ? aligned_alloc(HUGE_PAGE, CHUNK_WORDS * sizeof *chunk) : NULL;
        if (!chunk)
            return HH_NONE;
        madvise(chunk, CHUNK_WORDS * sizeof *chunk,
                MADV_HUGEPAGE); // queries jump about; a refusal is no harm
        atomic_store_explicit(&store->chunks[store->used_chunks++], chunk, memory_order_release);
        store->used_words = 0;
        store->memory += CHUNK_WORDS * sizeof *chunk;
    }
    uint32_t at = (store->used_chunks - 1) << HH_CHUNK_BITS | store->used_words;
    store->used_words += words;
    return at;
}

// ---- blocks ----

uint32_t hh_store_block_new(hh_store *store, uint32_t count)
{
    int class = class_of(count);
    uint32_t block = store->free_blocks[class];
    if (block != HH_NONE) {
        store->free_blocks[class] = hh_block_at(store, block)->base;
        return block;
    }
    return cut(store, HEADER_WORDS + 2 * class_capacity(class));
}

void hh_store_block_free(hh_store *store, uint32_t number)
{
    hh_block *block = hh_block_at(store, number);
    // Its count tells its class: a block is appended to only as far as its class has room.
    int class = class_of(hh_block_count(block));
    block->base = store->free_blocks[class];
    store->free_blocks[class] = number;
}

// ---- slots ----

uint32_t hh_store_slot_new(hh_store *store)
{
    uint32_t slot = store->free_slot;
    if (slot != HH_NONE) {
        store->free_slot = atomic_load_explicit(&hh_slot_at(store, slot)->next, memory_order_relaxed);
        return slot;
    }
    slot = store->used_slots;
    uint32_t chunk = slot >> HH_SLOT_CHUNK_BITS;
    if (chunk >= store->slot_chunks)
        return HH_NONE;
    if (!store->slots[chunk]) {
        uint32_t at = cut(store, SLOT_WORDS);
        if (at == HH_NONE)
            return HH_NONE;
        hh_slot *slots = (hh_slot *)(void *)hh_words_at(store, at);
        for (uint32_t i = 0; i < 1u << HH_SLOT_CHUNK_BITS; i++) {
            atomic_init(&slots[i].block, HH_NONE);
            atomic_init(&slots[i].next, HH_NONE);
        }
        atomic_store_explicit(&store->slots[chunk], slots, memory_order_release);
    }
    store->used_slots++;
    return slot;
}

void hh_store_slot_free(hh_store *store, uint32_t slot)
{
    atomic_store_explicit(&hh_slot_at(store, slot)->next, store->free_slot, memory_order_relaxed);
    store->free_slot = slot;
}

// ---- chains ----

// Chains lead one way only, so that a session is taken out by walking to it. Where many people go by one name
// there would be no end to that, so what readers do not look at is cut off, now and then.
static void cut_chain(hh_store *store, uint32_t slot)
{
    for (int i = 0; i < HH_CHAIN_LOOKS && slot != HH_NONE; i++)
        slot = atomic_load_explicit(&hh_slot_at(store, slot)->next, memory_order_relaxed);
    if (slot == HH_NONE)
        return;
    hh_slot *last = hh_slot_at(store, slot);
    uint32_t next = atomic_load_explicit(&last->next, memory_order_relaxed);
    atomic_store_explicit(&last->next, HH_NONE, memory_order_release);
    while (next != HH_NONE) { // readers that stand among them still come to an end
        hh_slot *link = hh_slot_at(store, next);
        next = atomic_load_explicit(&link->next, memory_order_relaxed);
        link->unchained = true;
    }
}

void hh_store_chain(hh_store *store, uint32_t slot, uint32_t tag)
{
    _Atomic uint32_t *chain = hh_chain_of(store, tag);
    uint32_t next = atomic_load_explicit(chain, memory_order_relaxed) - 1; // HH_NONE of none: 0 - 1
    hh_slot *link = hh_slot_at(store, slot);
    link->unchained = false;
    atomic_store_explicit(&link->next, next, memory_order_relaxed);
    atomic_store_explicit(chain, slot + 1, memory_order_release);
    if (++store->chained % CUT_EVERY == 0)
        cut_chain(store, slot);
}

void hh_store_unchain(hh_store *store, uint32_t slot, uint32_t tag)
{
    // The slot keeps its own `next` until it is used again, for readers that stand on it.
    hh_slot *link = hh_slot_at(store, slot);
    if (link->unchained)
        return;
    _Atomic uint32_t *chain = hh_chain_of(store, tag);
    uint32_t next = atomic_load_explicit(&link->next, memory_order_relaxed);
    uint32_t at = atomic_load_explicit(chain, memory_order_relaxed) - 1, before = HH_NONE, steps = 0;
    for (; at != slot; steps++) {
        before = at;
        at = atomic_load_explicit(&hh_slot_at(store, at)->next, memory_order_relaxed);
    }
    if (before == HH_NONE)
        atomic_store_explicit(chain, next + 1, memory_order_release);
    else
        atomic_store_explicit(&hh_slot_at(store, before)->next, next, memory_order_release);
    if (steps > 2 * HH_CHAIN_LOOKS)
        cut_chain(store, atomic_load_explicit(chain, memory_order_relaxed) - 1);
}
