// Options as tables: what is in range is set and read back, what is not is refused by name.
#include <criterion/criterion.h>
#include <hiphop/train.h>
#include <math.h>
#include <string.h>

static const hh_option *find(const hh_option *table, const char *name)
{
    for (; table->name; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    cr_assert_fail("there is no option %s", name);
    return NULL;
}

Test(option, defaults_are_those_of_the_table_and_in_range)
{
    hh_train_options options = hh_train_defaults();
    hh_error error = {0};
    cr_assert_eq(hh_options_check(hh_train_option_table(), &options, &error), HH_OK, "%s", error.message);
    cr_assert_eq(hh_options_check(hh_network_option_table(), &options.network, &error), HH_OK, "%s",
                 error.message);
    for (const hh_option *row = hh_train_option_table(); row->name; row++)
        cr_assert_float_eq(hh_option_get(row, &options), row->standard, 1e-7, "%s", row->name);
    for (const hh_option *row = hh_network_option_table(); row->name; row++)
        cr_assert_float_eq(hh_option_get(row, &options.network), row->standard, 1e-7, "%s", row->name);
}

Test(option, both_ends_of_a_range_can_be_set_and_nothing_beyond)
{
    hh_train_options options = hh_train_defaults();
    for (const hh_option *row = hh_train_option_table(); row->name; row++) {
        double step = row->kind == HH_OPTION_REAL || row->kind == HH_OPTION_SHARE ? 0.01 : 1;
        cr_assert(hh_option_set(row, &options, row->low), "%s", row->name);
        cr_assert_float_eq(hh_option_get(row, &options), row->low, 1e-7);
        cr_assert(hh_option_set(row, &options, row->high), "%s", row->name);
        cr_assert_float_eq(hh_option_get(row, &options), row->high, 1e-7);
        cr_assert_not(hh_option_set(row, &options, row->low - step), "%s", row->name);
        cr_assert_not(hh_option_set(row, &options, row->high * 1.01 + 1), "%s", row->name);
        cr_assert_not(hh_option_set(row, &options, NAN), "%s", row->name);
        cr_assert_float_eq(hh_option_get(row, &options), row->high, 1e-7);
    }
    cr_assert_not(hh_option_set(find(hh_train_option_table(), "epochs"), &options, 1.5));
    cr_assert(hh_option_set(find(hh_train_option_table(), "refit"), &options, 0));
    cr_assert_not(options.refit);
}

Test(option, what_is_out_of_range_is_named)
{
    hh_network_options options = hh_network_defaults();
    hh_error error;
    options.item_dropout = 1;
    cr_assert_eq(hh_options_check(hh_network_option_table(), &options, &error), HH_ARGUMENT);
    cr_assert_str_eq(error.message, "item-dropout must be 0 to 0.95, not 1");
    cr_assert_null(hh_network_new(&options, 3, 1, &error));
    cr_assert_eq(error.status, HH_ARGUMENT);
    options.item_dropout = NAN;
    cr_assert_eq(hh_options_check(hh_network_option_table(), &options, &error), HH_ARGUMENT);
}
