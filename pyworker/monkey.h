/* SPDX-License-Identifier: MIT */
/*
 * What gevent's monkey patching changes and the server has to know of. GIL held, main
 * thread.
 */
#ifndef YMO_PYWORKER_MONKEY_H
#define YMO_PYWORKER_MONKEY_H

#include "pyworker/pycompat.h"

#include <stdbool.h>

/* Has the application patched this module? False where it does not use gevent. */
bool ymo_monkey_is_patched(const char *module);

/*
 * After the application was loaded, before other threads run: let several threads import at once.
 * gevent's locks, which then guard imports too, are made for the greenlets of one thread; a thread
 * that waits for another's import may wait for ever. A failure is logged.
 */
void ymo_monkey_mend_imports(void);

/* In a process forked from a loaded one: gevent's loop, where it has one, must not be shared. */
void ymo_monkey_forked(void);

#endif
