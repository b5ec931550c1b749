// Races on purpose: the TSan build runs it to see that a race fails a test.
#include <criterion/criterion.h>
#include <pthread.h>

static int shared;

static void *count(void *unused)
{
    for (int i = 0; i < 10000; i++)
        shared++;
    return unused;
}

Test(races, two_threads_count_without_a_lock)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, count, NULL), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    cr_assert_gt(shared, 0);
}
