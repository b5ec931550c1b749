// What an item is, in words and as a vector: the way from its fields to a sentence, and from a sentence to a
// vector without a language model. Both are what a provider of semantic vectors begins with
// (docs/semantics.md).
#ifndef HIPHOP_SEMANTICS_H
#define HIPHOP_SEMANTICS_H

#include <hiphop/status.h>
#include <hiphop/text.h>
#include <stdbool.h>
#include <stdint.h>

// ---- from fields to a sentence ----

#define HH_SENTENCE_MAX    4096 // bytes; what is longer is cut off between two characters
#define HH_TEMPLATE_FIELDS 16   // names in a template, at most

// A pattern with the names of fields in braces: "{title} by {brand}, {colour}". {{ and }} stand for the
// braces themselves. A field that is missing or empty drops out, and with it the text before it; text before
// the first field of the pattern and after the last one stays as long as any field is there:
//
//   "A {title} by {brand}, {colour}."   all: "A kite by Wind, red."   without brand: "A kite, red."
//                                        without title: "A Wind, red." without any: ""
typedef struct hh_template hh_template;

// The pattern is copied. NULL with *error filled: HH_ARGUMENT (no field, an open brace, an empty name, too
// many fields), HH_MEMORY.
hh_template *hh_template_new(const char *pattern, hh_error *error);
void hh_template_free(hh_template *pattern); // may be NULL
uint32_t hh_template_count(const hh_template *pattern);
// The i-th name, i < count, as it stands between the braces: a dotted path ("brand.name"). The same name may
// come twice. Owned by the template.
const char *hh_template_field(const hh_template *pattern, uint32_t i);
// The sentence of values[count], none where bytes is NULL or there are only blanks. NUL-terminated; runs of
// blanks and control characters become one blank. Returns its length; 0: nothing is known.
size_t hh_template_fill(const hh_template *pattern, const hh_text *values,
                        char sentence[HH_SENTENCE_MAX + 1]);

// ---- from a sentence to a vector, without a language model ----

// Feature hashing (Weinberger et al. 2009): each word, and its runs of 3 to 5 characters with its ends
// marked, adds +idf or -idf at a place, both by its hash; the runs of a word weigh together as much as the
// word. So texts are near where they share words or parts of words, whatever the language. Letters are folded
// (NFKC, no case). Writing systems without blanks have runs of 2 as well.
typedef struct hh_hashing hh_hashing;

#define HH_HASHING_WIDTH 512 // a good width

// NULL: HH_ARGUMENT (width is not 1 .. 65536), HH_MEMORY. One megabyte.
hh_hashing *hh_hashing_new(uint32_t width, hh_error *error);
void hh_hashing_free(hh_hashing *hashing); // may be NULL
uint32_t hh_hashing_width(const hh_hashing *hashing);
// One text more that words may be common in: a word's idf is ln((2 + texts) / (1 + texts with it)). Vectors
// made before and after are still comparable, but not the same. HH_FORMAT: not UTF-8; HH_MEMORY.
hh_status hh_hashing_count(hh_hashing *hashing, hh_text text);
// vector[width] of length 1; zeros and *any false where the text has neither letters nor digits. The errors
// of hh_hashing_count, with zeros.
hh_status hh_hashing_embed(const hh_hashing *hashing, hh_text text, float *vector, bool *any);

#endif
