// What the commands on a model file share.
#ifndef CLI_MODEL_INPUT_H
#define CLI_MODEL_INPUT_H

#include "command.h"

#include <hiphop/model_file.h>
#include <jansson.h>

// NULL: it failed, and that was said.
hh_model *cli_load_model(cli_args *args, const char *path);
// Bytes of somebody else's as JSON: what is no UTF-8 is escaped as \xHH.
json_t *cli_json_text(const char *bytes, size_t length);
json_t *cli_json_item(const hh_model *model, uint32_t item);
// Sets "title" of the object, if the model has one of the item.
void cli_json_title(json_t *object, const hh_model *model, uint32_t item);
// The fields of a struct by their table, those that are no number left out.
json_t *cli_json_options(const hh_option *table, const void *options);
// One object on one line of standard output, which is freed. Returns CLI_OK or CLI_FAILURE.
int cli_print_json(cli_args *args, json_t *object);

#endif
