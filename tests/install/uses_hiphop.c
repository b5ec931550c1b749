// A stranger's program: test_install.sh compiles it against what was installed.
#include <hiphop/hiphop.h>
#include <stdio.h>

int main(void)
{
    puts(hh_status_text(HH_LIMIT));
    return hh_fail(NULL, HH_OK, "%s", "nothing") == HH_OK ? 0 : 1;
}
