#ifndef LYCEUM_CZLIB_SHIM_H
#define LYCEUM_CZLIB_SHIM_H

#include <zlib.h>

// deflateInit2 is a macro that Swift does not import; it adds the header's version and the size of z_stream.
static inline int lyceum_deflateInit2(z_stream *stream, int level, int windowBits, int memLevel)
{
    return deflateInit2(stream, level, Z_DEFLATED, windowBits, memLevel, Z_DEFAULT_STRATEGY);
}

#endif
