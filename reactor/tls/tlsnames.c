/* SPDX-License-Identifier: MIT */
#include "reactor/tls/tlsnames.h"
