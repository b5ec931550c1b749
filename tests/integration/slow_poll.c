// Preloaded into hiphopd, for test_exactly_once: a worker that comes late to its queue, as where others want
// the processor. Rebalances and messages then stand there together.
#include <dlfcn.h>
#include <librdkafka/rdkafka.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

ssize_t rd_kafka_consume_batch_queue(rd_kafka_queue_t *queue, int timeout_ms, rd_kafka_message_t **messages,
                                     size_t size)
{
    char thread[16] = "";
    prctl(PR_GET_NAME, thread);
    if (strncmp(thread, "worker", 6) == 0)
        usleep(20000);
    ssize_t (*next)(rd_kafka_queue_t *, int, rd_kafka_message_t **, size_t);
    void *found = dlsym(RTLD_NEXT, "rd_kafka_consume_batch_queue");
    memcpy(&next, &found, sizeof next);
    return next(queue, timeout_ms, messages, size);
}
