#ifndef LYCEUM_CLIBPQ_SHIM_H
#define LYCEUM_CLIBPQ_SHIM_H

#include <postgresql/libpq-fe.h>

#endif
