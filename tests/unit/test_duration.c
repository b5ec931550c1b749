#include <criterion/criterion.h>
#include <string.h>
#include <wire/duration.h>

static void expect(const char *text, hh_time duration, const char *rest)
{
    hh_time found = -2;
    const char *end = NULL;
    cr_expect(hh_duration_read(text, &found, &end), "%s", text);
    cr_expect_eq(found, duration, "%s: %lld", text, (long long)found);
    cr_expect_str_eq(end, rest, "%s", text);
}

Test(duration, what_people_write)
{
    expect("500ms", 500, "");
    expect("30s", 30 * HH_SECOND, "");
    expect("0.5h", 30 * HH_MINUTE, "");
    expect("1e2d", 100 * HH_DAY, "");
    expect("0", 0, "");
    expect("0,1h", 0, ",1h");
    expect("5m,1h", 5 * HH_MINUTE, ",1h");
}

Test(duration, out_of_range_is_negative)
{
    expect("-1s", -1, "");
    expect("-0.1ms", -1, "");
    expect("1e12d", -1, "");
    expect("1e300d", -1, "");
}

Test(duration, what_is_none)
{
    static const char *const wrong[] = {"",    "30",  "m",      "30 m", " 30m",  "30min", "0x10s",
                                        "nan", "inf", "1e999s", "3m4",  "30m 0", "M",     ","};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        hh_time duration;
        const char *end;
        cr_expect(!hh_duration_read(wrong[i], &duration, &end), "%s", wrong[i]);
    }
}

Test(duration, printed_and_read_again)
{
    static const hh_time durations[] = {0, 1, 999, 1000, 90 * HH_SECOND, HH_HOUR, 36 * HH_HOUR, 7 * HH_DAY};
    static const char *const texts[] = {"0", "1ms", "999ms", "1s", "90s", "1h", "36h", "7d"};
    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
        char text[HH_DURATION_SIZE];
        hh_duration_print(durations[i], text, sizeof text);
        cr_expect_str_eq(text, texts[i]);
        expect(text, durations[i], "");
    }
}
