// FFmpeg's libraries. What Swift cannot import, macros with casts in them, gets a name here.

#pragma once

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libavutil/channel_layout.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libavutil/parseutils.h>
#include <libavutil/pixdesc.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>

/// AV_NOPTS_VALUE: there is no timestamp.
static const int64_t lyceum_av_no_pts = AV_NOPTS_VALUE;
/// AVERROR_EOF: the end was reached.
static const int lyceum_av_error_eof = AVERROR_EOF;
/// AVERROR(EAGAIN): more input is needed, or output has to be taken first.
static const int lyceum_av_error_again = AVERROR(EAGAIN);
/// AVERROR_EXIT: an interrupt callback asked for the end.
static const int lyceum_av_error_exit = AVERROR_EXIT;
