/* SPDX-License-Identifier: MIT */
#include "reactor/tls/tlscert.h"
