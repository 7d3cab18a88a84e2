/*
 * Preloaded into one process: steps its wall clock and leaves its monotonic clock alone.
 *
 * CLOCK_STEP_S says by how many seconds, CLOCK_STEP_AFTER_S how many seconds after the first look at
 * the wall clock. libfaketime cannot be used for this: with the monotonic clock left alone it makes
 * every sleep of Python fail.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static double monotonic(void)
{
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static long step(void)
{
    static double first;
    const char *by = getenv("CLOCK_STEP_S");
    const char *after = getenv("CLOCK_STEP_AFTER_S");

    if (first == 0)
        first = monotonic();
    return by && after && monotonic() - first >= atof(after) ? atol(by) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    long result = syscall(SYS_clock_gettime, clock, now);

    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += step();
    return (int)result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec read;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &read);
    now->tv_sec = read.tv_sec;
    now->tv_usec = read.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *into)
{
    struct timespec read;

    clock_gettime(CLOCK_REALTIME, &read);
    if (into)
        *into = read.tv_sec;
    return read.tv_sec;
}
