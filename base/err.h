/* SPDX-License-Identifier: MIT */
/*
 * Error codes. Functions that can fail return 0 or a positive count on success and one of
 * these (negative) on failure. A peer's fault is a status code in an event, not one of these.
 */
#ifndef YMO_BASE_ERR_H
#define YMO_BASE_ERR_H

#define YMO_MUST_CHECK   __attribute__((warn_unused_result))
#define YMO_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define YMO_LIKELY(x)    __builtin_expect(!!(x), 1)
#define YMO_UNLIKELY(x)  __builtin_expect(!!(x), 0)

enum ymo_err {
    YMO_OK = 0,
    YMO_ENOMEM = -1,  /* allocation failed or a size cap was reached */
    YMO_EINVAL = -2,  /* the caller's value is not acceptable */
    YMO_EAGAIN = -3,  /* nothing can be done now: wait and call again */
    YMO_ECLOSED = -4, /* the other side is gone, or the object is shut down */
    YMO_EIO = -5,     /* the operating system refused; errno says why */
    YMO_EINTR = -6,   /* a signal arrived while waiting */
    YMO_ELIMIT = -7,  /* a configured limit was exceeded */
};

/* English text for a code above; never NULL. */
const char *ymo_err_str(int err);

/* Our own bugs end the process, in every build: limping on would corrupt somebody's answer. */
_Noreturn void ymo_err_bug(const char *file, int line, const char *what);
#define YMO_ASSERT(cond) (YMO_LIKELY(cond) ? (void)0 : ymo_err_bug(__FILE__, __LINE__, #cond))

#endif
