#include "shop_titles.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct {
    const char *name;
    const char *nouns[8];
} categories[] = {
    {"Clothing", {"shirt", "jacket", "trousers", "jumper", "scarf", "dress", "coat", "belt"}},
    {"Kitchen", {"kettle", "saucepan", "bread knife", "teapot", "casserole", "grater", "whisk", "apron"}},
    {"Camping", {"tent", "sleeping bag", "stove", "lantern", "rucksack", "flask", "hammock", "compass"}},
    {"Nursery", {"cot", "mobile", "blanket", "rattle", "bib", "night light", "pram", "plush bear"}},
    {"Garden", {"spade", "planter", "watering can", "trellis", "bird bath", "secateurs", "bench", "hose"}},
    {"Books", {"novel", "cookbook", "atlas", "diary", "field guide", "anthology", "memoir", "primer"}},
    {"Bicycles", {"saddle", "pannier", "helmet", "bell", "pump", "lock", "chain", "mudguard"}},
    {"Office", {"desk lamp", "notebook", "fountain pen", "chair", "shelf", "stapler", "in-tray", "clock"}},
    {"Bath", {"towel", "soap dish", "bath mat", "mirror", "robe", "sponge", "razor", "basket"}},
    {"Music", {"ukulele", "tambourine", "metronome", "songbook", "amplifier", "drum", "capo", "stand"}},
    {"Toys", {"puzzle", "kite", "spinning top", "train set", "marbles", "puppet", "yo-yo", "abacus"}},
    {"Sports", {"racket", "skipping rope", "dumb-bell", "yoga mat", "football", "goggles", "skis", "paddle"}},
};

static const char *const styles[] = {
    "Nordic",  "Vintage", "Trail",    "Coastal", "Rustic",  "Urban",   "Alpine",  "Botanic",
    "Retro",   "Zen",     "Festive",  "Junior",  "Nomad",   "Harbour", "Meadow",  "Stellar",
    "Tropic",  "Atelier", "Heritage", "Polar",   "Velvet",  "Monsoon", "Orchard", "Lunar",
    "Saffron", "Tundra",  "Cobalt",   "Ember",   "Prairie", "Garland",
};

static const char *const materials[] = {
    "oak",   "linen", "steel", "wool",   "bamboo",  "copper", "cotton", "canvas",
    "glass", "cork",  "silk",  "walnut", "ceramic", "felt",   "brass",  "paper",
};

static const char *const syllables[] = {
    "ve", "la", "no", "ri", "ka", "to", "mi", "su", "ba", "lo", "ne", "di", "fa", "ro", "ze", "pi",
};

// A choice out of `count`, and the rest of the chance for the next one.
static size_t choose(uint64_t *chance, size_t count)
{
    size_t choice = (size_t)(*chance % count);
    *chance /= count;
    return choice;
}

const char *shop_category(uint32_t intent)
{
    return categories[intent % COUNT(categories)].name;
}

void shop_title(uint32_t intent, uint64_t chance, char *title, size_t size)
{
    // an intent has a style and half of its category's nouns
    const char *style = styles[(intent + intent / COUNT(styles)) % COUNT(styles)];
    size_t noun = (choose(&chance, 4) * 2 + intent / COUNT(categories)) % 8;
    const char *material = materials[choose(&chance, COUNT(materials))];
    const char *first = syllables[choose(&chance, COUNT(syllables))];
    const char *second = syllables[choose(&chance, COUNT(syllables))];
    const char *third = syllables[choose(&chance, COUNT(syllables))];
    snprintf(title, size, "%s %s %s %c%s%s%s", style, material,
             categories[intent % COUNT(categories)].nouns[noun], first[0] - 'a' + 'A', first + 1, second,
             third);
}
