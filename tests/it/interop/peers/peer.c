/* The peer in C, with libgearman. What peers do stands in ../peers.rs. */
#include <libgearman/gearman.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *host;
static in_port_t port;

static void die(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static char *reversed(const char *body, size_t size) {
    char *result = malloc(size + 1);
    for (size_t i = 0; i < size; i++)
        result[i] = body[size - 1 - i];
    result[size] = 0;
    return result;
}

static gearman_return_t reverse(gearman_job_st *job, void *context) {
    size_t size = gearman_job_workload_size(job);
    char *result = reversed(gearman_job_workload(job), size);
    gearman_return_t sent = gearman_job_send_complete(job, result, size);
    (void)context;
    free(result);
    return sent;
}

static gearman_return_t talks(gearman_job_st *job, void *context) {
    (void)context;
    gearman_job_send_data(job, "one", 3);
    gearman_job_send_status(job, 1, 2);
    gearman_job_send_warning(job, "careful", 7);
    gearman_job_send_data(job, "two", 3);
    gearman_job_send_status(job, 2, 2);
    return gearman_job_send_complete(job, "three", 5);
}

static gearman_return_t throws(gearman_job_st *job, void *context) {
    (void)context;
    return gearman_job_send_exception(job, "boom", 4);
}

static gearman_return_t fails(gearman_job_st *job, void *context) {
    (void)context;
    return gearman_job_send_fail(job);
}

static void add(gearman_worker_st *worker, const char *name, gearman_function_fn function) {
    gearman_function_t made = gearman_function_create(function);
    if (gearman_failed(gearman_worker_define_function(worker, name, strlen(name), made, 0, NULL)))
        die(gearman_worker_error(worker));
}

static void work(void) {
    gearman_worker_st *worker = gearman_worker_create(NULL);
    gearman_worker_add_server(worker, host, port);
    add(worker, "reverse", reverse);
    add(worker, "talks", talks);
    add(worker, "throws", throws);
    add(worker, "fails", fails);
    for (;;)
        gearman_worker_work(worker);
}

static gearman_client_st *connect_client(void) {
    gearman_client_st *client = gearman_client_create(NULL);
    gearman_client_add_server(client, host, port);
    gearman_client_set_timeout(client, 60000);
    return client;
}

/* What is told of the only task that runs. */
static void told(gearman_task_st *task, const char *event, const char *data, size_t size) {
    int *count = gearman_task_context(task);
    printf("%s%s%s%.*s", (*count)++ ? "|" : "", event, size ? " " : "", (int)size, data);
}

static gearman_return_t on_data(gearman_task_st *task) {
    told(task, "data", gearman_task_data(task), gearman_task_data_size(task));
    return GEARMAN_SUCCESS;
}

static gearman_return_t on_warning(gearman_task_st *task) {
    told(task, "warning", gearman_task_data(task), gearman_task_data_size(task));
    return GEARMAN_SUCCESS;
}

static gearman_return_t on_status(gearman_task_st *task) {
    char text[64];
    snprintf(text, sizeof text, "%u/%u", gearman_task_numerator(task), gearman_task_denominator(task));
    told(task, "status", text, strlen(text));
    return GEARMAN_SUCCESS;
}

static gearman_return_t on_complete(gearman_task_st *task) {
    told(task, "complete", gearman_task_data(task), gearman_task_data_size(task));
    return GEARMAN_SUCCESS;
}

static gearman_return_t on_exception(gearman_task_st *task) {
    told(task, "exception", gearman_task_data(task), gearman_task_data_size(task));
    return GEARMAN_SUCCESS;
}

static gearman_return_t on_fail(gearman_task_st *task) {
    told(task, "fail", "", 0);
    return GEARMAN_SUCCESS;
}

typedef void *do_fn(gearman_client_st *, const char *, const char *, const void *, size_t, size_t *,
                    gearman_return_t *);

static void verbs(void) {
    gearman_client_st *client = connect_client();
    do_fn *calls[] = {gearman_client_do, gearman_client_do_high, gearman_client_do_low};
    const char *names[] = {"normal", "high", "low"};
    for (int i = 0; i < 3; i++) {
        size_t size;
        gearman_return_t code;
        char *result = calls[i](client, "reverse", NULL, "abc", 3, &size, &code);
        if (gearman_failed(code))
            die(gearman_client_error(client));
        printf("%s %.*s\n", names[i], (int)size, result);
        free(result);
    }
    gearman_client_set_data_fn(client, on_data);
    gearman_client_set_warning_fn(client, on_warning);
    gearman_client_set_status_fn(client, on_status);
    gearman_client_set_complete_fn(client, on_complete);
    gearman_client_set_exception_fn(client, on_exception);
    gearman_client_set_fail_fn(client, on_fail);
    if (!gearman_client_set_server_option(client, "exceptions", 10))
        die("no option exceptions");
    const char *functions[] = {"talks", "throws", "fails"};
    for (int i = 0; i < 3; i++) {
        gearman_return_t code;
        int count = 0;
        printf("%s ", functions[i]);
        gearman_client_add_task(client, NULL, &count, functions[i], NULL, "x", 1, &code);
        gearman_client_run_tasks(client);
        printf("\n");
    }
}

struct answer {
    int whole;
    char *expected;
    size_t size;
};

static gearman_return_t check(gearman_task_st *task) {
    struct answer *answer = gearman_task_context(task);
    answer->whole = gearman_task_data_size(task) == answer->size &&
                    memcmp(gearman_task_data(task), answer->expected, answer->size) == 0;
    return GEARMAN_SUCCESS;
}

/* Runs jobs with these bodies at the same time; how many come back whole. */
static int run(char **bodies, size_t *sizes, int count) {
    gearman_client_st *client = connect_client();
    struct answer *answers = calloc((size_t)count, sizeof *answers);
    int whole = 0;
    gearman_client_set_complete_fn(client, check);
    for (int i = 0; i < count; i++) {
        gearman_return_t code;
        answers[i].size = sizes[i];
        answers[i].expected = reversed(bodies[i], sizes[i]);
        gearman_client_add_task(client, NULL, &answers[i], "reverse", NULL, bodies[i], sizes[i], &code);
    }
    if (gearman_failed(gearman_client_run_tasks(client)))
        die(gearman_client_error(client));
    for (int i = 0; i < count; i++)
        whole += answers[i].whole;
    return whole;
}

static void many(int count) {
    char **bodies = calloc((size_t)count, sizeof *bodies);
    size_t *sizes = calloc((size_t)count, sizeof *sizes);
    for (int i = 0; i < count; i++) {
        bodies[i] = malloc(32);
        sizes[i] = (size_t)snprintf(bodies[i], 32, "job %d", i);
    }
    printf("%d\n", run(bodies, sizes, count));
}

static void large(size_t size) {
    char *body = malloc(size);
    for (size_t i = 0; i < size; i++)
        body[i] = (char)(i % 251);
    printf("%s\n", run(&body, &size, 1) ? "whole" : "damaged");
}

static void in_background(gearman_client_st *client, const char *function, const char *unique, char *handle) {
    if (gearman_failed(gearman_client_do_background(client, function, unique, "x", 1, handle)))
        die(gearman_client_error(client));
}

static void background(int count) {
    gearman_client_st *client = connect_client();
    char(*handles)[GEARMAN_JOB_HANDLE_SIZE] = calloc((size_t)count, sizeof *handles);
    int distinct = 0;
    for (int i = 0; i < count; i++) {
        int known = 0;
        in_background(client, "reverse", NULL, handles[i]);
        for (int j = 0; j < i; j++)
            known |= strcmp(handles[i], handles[j]) == 0;
        distinct += !known;
    }
    printf("%d\n", distinct);
}

static void coalesce(void) {
    gearman_client_st *client = connect_client();
    char handles[2][GEARMAN_JOB_HANDLE_SIZE];
    in_background(client, "nobody", "same", handles[0]);
    in_background(client, "nobody", "same", handles[1]);
    printf("%s\n", strcmp(handles[0], handles[1]) == 0 ? "one job" : "two jobs");
}

static void status(void) {
    gearman_client_st *client = connect_client();
    char handle[GEARMAN_JOB_HANDLE_SIZE];
    bool known, running;
    uint32_t numerator, denominator;
    in_background(client, "nobody", NULL, handle);
    if (gearman_failed(gearman_client_job_status(client, handle, &known, &running, &numerator, &denominator)))
        die(gearman_client_error(client));
    printf("%s", known && !running ? "waiting" : "wrong");
    in_background(client, "reverse", NULL, handle);
    do {
        if (gearman_failed(gearman_client_job_status(client, handle, &known, &running, &numerator, &denominator)))
            die(gearman_client_error(client));
    } while (known);
    printf(", done\n");
}

static void timeout(void) {
    gearman_client_st *client = connect_client();
    gearman_return_t code;
    size_t size;
    gearman_client_set_timeout(client, 300);
    gearman_client_do(client, "nobody", NULL, "x", 1, &size, &code);
    printf("%s\n", code == GEARMAN_TIMEOUT ? "timeout" : gearman_strerror(code));
}

int main(int argc, char **argv) {
    if (argc < 4)
        die("peer MODE HOST PORT [COUNT]");
    const char *mode = argv[1];
    int count = argc > 4 ? atoi(argv[4]) : 0;
    host = argv[2];
    port = (in_port_t)atoi(argv[3]);
    if (strcmp(mode, "work") == 0)
        work();
    else if (strcmp(mode, "verbs") == 0)
        verbs();
    else if (strcmp(mode, "many") == 0)
        many(count);
    else if (strcmp(mode, "large") == 0)
        large((size_t)count);
    else if (strcmp(mode, "background") == 0)
        background(count);
    else if (strcmp(mode, "coalesce") == 0)
        coalesce();
    else if (strcmp(mode, "status") == 0)
        status();
    else if (strcmp(mode, "timeout") == 0)
        timeout();
    else
        die("an unknown mode");
    return 0;
}
