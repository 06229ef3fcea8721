/* SPDX-License-Identifier: MIT */
#include "reactor/tls/tickets.h"
