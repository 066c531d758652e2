/*
 * Aggregates a log with libgearman's partitions: a worker splits it into lines, workers count the
 * errors of each line, and the splitting worker adds the counts up. A job of next week's rotation
 * is scheduled, too.
 *
 *   logs split HOST PORT     the worker that splits and adds up
 *   logs count HOST PORT     a worker that counts
 *   logs ask HOST PORT       has the log on standard input aggregated, prints the sum
 *   logs later HOST PORT N   schedules a background job of `rotate`, to be run in N seconds; its
 *                            body is the time when it is due, and a space
 */
#include <libgearman/gearman.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void die(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

/* Sends each line on; every piece becomes a job of the function that counts. */
static gearman_return_t split(gearman_job_st *job, void *context) {
    const char *log = gearman_job_workload(job);
    const char *end = log + gearman_job_workload_size(job);
    (void)context;
    while (log < end) {
        const char *line_end = memchr(log, '\n', (size_t)(end - log));
        size_t size = (size_t)((line_end ? line_end : end) - log);
        if (size > 0 && gearman_failed(gearman_job_send_data(job, log, size)))
            return GEARMAN_ERROR;
        log += size + 1;
    }
    return GEARMAN_SUCCESS;
}

/* Adds up what the counting workers have said. */
static gearman_return_t add_up(gearman_aggregator_st *aggregator, gearman_task_st *task,
                               gearman_result_st *result) {
    long sum = 0;
    char text[32];
    (void)aggregator;
    for (; task; task = gearman_next(task)) {
        gearman_result_st *part = gearman_task_result(task);
        if (part && gearman_result_size(part))
            sum += strtol(gearman_result_value(part), NULL, 10);
    }
    snprintf(text, sizeof text, "%ld", sum);
    gearman_result_store_value(result, text, strlen(text));
    return GEARMAN_SUCCESS;
}

static gearman_return_t count(gearman_job_st *job, void *context) {
    size_t size = gearman_job_workload_size(job);
    char *line = calloc(size + 1, 1);
    (void)context;
    memcpy(line, gearman_job_workload(job), size);
    gearman_return_t sent = gearman_job_send_complete(job, strstr(line, "ERROR") ? "1" : "0", 1);
    free(line);
    return sent;
}

static void work(const char *host, in_port_t port, const char *name, gearman_function_t function) {
    gearman_worker_st *worker = gearman_worker_create(NULL);
    gearman_worker_add_server(worker, host, port);
    if (gearman_failed(gearman_worker_define_function(worker, name, strlen(name), function, 0, NULL)))
        die(gearman_worker_error(worker));
    for (;;)
        gearman_worker_work(worker);
}

static void ask(gearman_client_st *client) {
    static char log[1 << 20];
    size_t size = fread(log, 1, sizeof log, stdin);
    gearman_argument_t body = gearman_argument_make(NULL, 0, log, size);
    gearman_task_st *task =
        gearman_execute_by_partition(client, "split", 5, "count", 5, NULL, 0, NULL, &body, NULL);
    if (task == NULL || gearman_failed(gearman_task_return(task)))
        die(gearman_client_error(client));
    gearman_result_st *result = gearman_task_result(task);
    printf("%.*s\n", (int)gearman_result_size(result), gearman_result_value(result));
}

static void later(gearman_client_st *client, int seconds) {
    time_t due = time(NULL) + seconds;
    char text[32];
    int size = snprintf(text, sizeof text, "%lld ", (long long)due);
    gearman_task_attr_t attributes = gearman_task_attr_init_epoch(due, GEARMAN_JOB_PRIORITY_NORMAL);
    gearman_argument_t body = gearman_argument_make(NULL, 0, text, (size_t)size);
    gearman_task_st *task =
        gearman_execute(client, "rotate", 6, NULL, 0, &attributes, &body, NULL);
    if (task == NULL || gearman_failed(gearman_task_return(task)))
        die(gearman_client_error(client));
    printf("%s\n", gearman_task_job_handle(task));
}

int main(int argc, char **argv) {
    if (argc < 4)
        die("logs split|count|ask|later HOST PORT [SECONDS]");
    const char *host = argv[2];
    in_port_t port = (in_port_t)atoi(argv[3]);
    gearman_client_st *client = gearman_client_create(NULL);
    gearman_client_add_server(client, host, port);
    gearman_client_set_timeout(client, 60000);
    if (strcmp(argv[1], "split") == 0)
        work(host, port, "split", gearman_function_create_partition(split, add_up));
    else if (strcmp(argv[1], "count") == 0)
        work(host, port, "count", gearman_function_create(count));
    else if (strcmp(argv[1], "ask") == 0)
        ask(client);
    else
        later(client, argc > 4 ? atoi(argv[4]) : 0);
    return 0;
}
