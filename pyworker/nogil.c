/* SPDX-License-Identifier: MIT */
#include "pyworker/nogil.h"

#include "base/log.h"
#include "pyworker/pylog.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = 1024 * 1024 };

static int
make_file(void)
{
    int fd = memfd_create("yimmo-stacks", MFD_CLOEXEC);
    if (fd >= 0)
        return fd;
    FILE *f = tmpfile();
    if (!f)
        return -1;
    fd = fcntl(fileno(f), F_DUPFD_CLOEXEC, 3);
    fclose(f);
    return fd;
}

/* The application may have plans with one or the other. */
static int
find_signal(void)
{
    struct sigaction sa;
    for (int signo = SIGRTMAX - 2; signo >= SIGRTMIN; signo--) {
        if (sigaction(signo, NULL, &sa) == 0 && !(sa.sa_flags & SA_SIGINFO) &&
            sa.sa_handler == SIG_DFL)
            return signo;
    }
    return -1;
}

static int
call(const char *name, PyObject *args, PyObject *kwargs)
{
    PyObject *module = PyImport_ImportModule("faulthandler");
    PyObject *func = module ? PyObject_GetAttrString(module, name) : NULL;
    PyObject *rc = func && args ? PyObject_Call(func, args, kwargs) : NULL;
    Py_XDECREF(func);
    Py_XDECREF(module);
    Py_XDECREF(rc);
    return rc ? 0 : -1;
}

void
ymo_nogil_init(struct ymo_nogil *g)
{
    g->signo = find_signal();
    g->fd = g->signo > 0 ? make_file() : -1;
    if (g->fd < 0) {
        ymo_warn("stacks cannot be shown while C code keeps the interpreter: %s",
                 g->signo > 0 ? strerror(errno) : "no realtime signal is free");
        return;
    }
    PyObject *args = Py_BuildValue("(i)", g->signo);
    PyObject *kwargs =
        Py_BuildValue("{s:i,s:O,s:O}", "file", g->fd, "all_threads", Py_True, "chain", Py_False);
    int rc = args && kwargs ? call("register", args, kwargs) : -1;
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    if (rc < 0) {
        ymo_pylog_raised(YMO_LOG_WARNING,
                         "stacks cannot be shown while C code keeps the interpreter");
        close(g->fd);
        g->fd = -1;
    }
}

void
ymo_nogil_clear(struct ymo_nogil *g)
{
    if (g->fd < 0)
        return;
    PyObject *args = Py_BuildValue("(i)", g->signo);
    (void)call("unregister", args, NULL);
    Py_XDECREF(args);
    PyErr_Clear();
    close(g->fd);
    g->fd = -1;
}

/* What the handler wrote, to be freed; NULL when there is nothing. */
static char *
ask(const struct ymo_nogil *g)
{
    struct stat st;
    if (g->fd < 0 || ftruncate(g->fd, 0) != 0 || lseek(g->fd, 0, SEEK_SET) != 0 ||
        pthread_kill(pthread_self(), g->signo) != 0 || fstat(g->fd, &st) != 0 || st.st_size <= 0)
        return NULL;
    size_t size = st.st_size < TEXT_MAX ? (size_t)st.st_size : TEXT_MAX;
    char *text = malloc(size + 1);
    ssize_t n = text ? pread(g->fd, text, size, 0) : -1;
    if (n <= 0) {
        free(text);
        return NULL;
    }
    text[n] = '\0';
    return text;
}

/* "Thread 0x00007f… (most recent call first):"; false when the line is none such. */
static bool
parse_thread(const char *line, unsigned long *thread_r)
{
    const char *p = strncmp(line, "Thread 0x", 9) == 0            ? line + 7
                    : strncmp(line, "Current thread 0x", 17) == 0 ? line + 15
                                                                  : NULL;
    if (p)
        *thread_r = strtoul(p, NULL, 16);
    return p;
}

/* The end of the part that begins here: the next thread's first line, or the end. */
static char *
skip_part(char *part)
{
    unsigned long thread;
    char *p = part;
    while ((p = strchr(p, '\n')) != NULL) {
        p++;
        if (parse_thread(p, &thread))
            return p;
    }
    return part + strlen(part);
}

/* Head the part with whose it is and log it. `reported`: only those in reports[], or only others.
 */
static void
log_part(char *part, bool reported, const struct ymo_report *reports, unsigned n,
         const atomic_ulong *idents, int n_workers)
{
    char head[YMO_REPORT_HEAD];
    unsigned long thread = 0;
    unsigned found = 0;
    bool known = parse_thread(part, &thread);
    for (unsigned i = 0; known && i < n; i++) {
        if (reports[i].thread != thread)
            continue;
        found++;
        ymo_report_head(reports[i].worker, reports[i].request, reports[i].started, head,
                        sizeof(head));
        if (reported) /* greenlets: several may be on one thread */
            ymo_warn("%s (most recent call first):", head);
    }
    char *body = strchr(part, '\n');
    /* Threads that only wait inside the interpreter, as our own do. */
    bool empty = !body || strncmp(body + strspn(body, "\n "), "<no Python frame>", 17) == 0;
    if ((found > 0) != reported || (empty && !found))
        return;
    if (!found) {
        snprintf(head, sizeof(head), known ? "thread 0x%lx" : "thread ?", thread);
        for (int i = 0; known && i < n_workers; i++) {
            if (atomic_load(&idents[i]) == thread)
                snprintf(head, sizeof(head), "worker %d", i);
        }
        ymo_warn("%s (most recent call first):", head);
    }
    ymo_log_text(YMO_LOG_WARNING, body ? body + 1 : part);
}

void
ymo_nogil_log(const struct ymo_nogil *g, const struct ymo_report *reports, unsigned n,
              const atomic_ulong *idents, int n_workers)
{
    char *text = ask(g);
    ymo_warn("C code has kept the interpreter's lock for half a second or more; the stacks below "
             "were taken without it");
    if (!text) {
        for (unsigned i = 0; i < n; i++)
            ymo_warn("worker %d, in %s: its stack cannot be shown", reports[i].worker,
                     reports[i].request);
        return;
    }
    for (int pass = 0; pass < 2; pass++) {
        for (char *part = text, *end; *part; part = end) {
            end = skip_part(part);
            /* An empty line is between two parts. */
            char *cut = end > part + 1 && end[-1] == '\n' && end[-2] == '\n' ? end - 1 : end;
            char first = *cut;
            *cut = '\0';
            log_part(part, pass == 0, reports, n, idents, n_workers);
            *cut = first;
        }
    }
    free(text);
}
