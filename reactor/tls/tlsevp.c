/* SPDX-License-Identifier: MIT */
#include "reactor/tls/tlsevp.h"
