// Clicks in Avro: what our walk takes, Avro C takes too, to the last byte, and finds the same in it.
#include "fuzz.h"

#include "wire/records.h"

#include <avro.h>

static const char schema_text[] =
    "{\"type\":\"record\",\"name\":\"Event\",\"fields\":["
    "{\"name\":\"kind\",\"type\":{\"type\":\"enum\",\"name\":\"Kind\",\"symbols\":[\"VIEW\",\"BUY\"]}},"
    "{\"name\":\"user\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"User\",\"fields\":["
    "  "
    "{\"name\":\"id\",\"type\":[\"null\",\"string\",\"long\"]},{\"name\":\"friend\",\"type\":[\"null\","
    "\"User\"]}]}]},"
    "{\"name\":\"hash\",\"type\":{\"type\":\"fixed\",\"name\":\"Hash\",\"size\":2}},"
    "{\"name\":\"item\",\"type\":\"bytes\"},{\"name\":\"flag\",\"type\":\"boolean\"},"
    "{\"name\":\"tags\",\"type\":{\"type\":\"array\",\"items\":\"string\"}},"
    "{\"name\":\"props\",\"type\":{\"type\":\"map\",\"values\":[\"null\",\"int\",\"float\"]}},"
    "{\"name\":\"at\",\"type\":\"long\"}]}";

static avro_value_t get(avro_value_t *record, const char *name)
{
    avro_value_t value;
    PROMISE(avro_value_get_by_name(record, name, &value, NULL) == 0);
    return value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static hh_click_decoder *decoder;
    static avro_value_iface_t *class;
    hh_error error;
    if (!decoder) {
        hh_click_fields fields = {"user.id", "item", "at", HH_UNIT_MS};
        avro_schema_t schema;
        decoder = hh_click_decoder_new(HH_FORMAT_AVRO, schema_text, &fields, &error);
        PROMISE(decoder && avro_schema_from_json_length(schema_text, sizeof schema_text - 1, &schema) == 0);
        class = avro_generic_class_from_schema(schema);
    }
    hh_click click;
    if (hh_click_decode(decoder, data, size, &click, &error) != HH_OK) {
        PROMISE(error.status == HH_FORMAT && !strchr(error.message, '\n'));
        return 0;
    }
    avro_value_t record, value, branch, id;
    avro_generic_value_new(class, &record);
    avro_reader_t reader = avro_reader_memory((const char *)data, (int64_t)size);
    PROMISE(avro_value_read(reader, &record) == 0);
    char more;
    PROMISE(avro_read(reader, &more, 1) != 0);

    int64_t number;
    value = get(&record, "at");
    PROMISE(avro_value_get_long(&value, &number) == 0 && number == click.time);
    const void *bytes;
    size_t length;
    value = get(&record, "item");
    PROMISE(avro_value_get_bytes(&value, &bytes, &length) == 0 && length == click.item.length &&
            !memcmp(bytes, click.item.bytes, length));
    value = get(&record, "user");
    PROMISE(avro_value_get_current_branch(&value, &branch) == 0);
    value = get(&branch, "id");
    PROMISE(avro_value_get_current_branch(&value, &id) == 0);
    const char *text;
    char digits[32];
    if (avro_value_get_type(&id) == AVRO_STRING) {
        PROMISE(avro_value_get_string(&id, &text, &length) == 0);
        length--; // the NUL
    } else {
        PROMISE(avro_value_get_long(&id, &number) == 0);
        length = (size_t)snprintf(digits, sizeof digits, "%lld", (long long)number);
        text = digits;
    }
    PROMISE(length == click.visitor.length && !memcmp(text, click.visitor.bytes, length));
    avro_reader_free(reader);
    avro_value_decref(&record);
    return 0;
}
