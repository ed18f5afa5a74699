// FFmpeg's libraries. What Swift cannot import, macros with casts in them, gets a name here.

#pragma once

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/audio_fifo.h>
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

/// The bytes of a frame's plane: NULL where it has none.
static inline uint8_t *lyceum_av_plane(const AVFrame *frame, int plane) { return frame->data[plane]; }
/// How far the rows of a frame's plane lie apart, in bytes.
static inline int lyceum_av_line_size(const AVFrame *frame, int plane) { return frame->linesize[plane]; }

/// Makes one field of a frame the whole of it: every other row, beginning with the first.
static inline void lyceum_av_take_first_field(AVFrame *frame) {
    for (int plane = 0; plane < AV_NUM_DATA_POINTERS; plane++) frame->linesize[plane] *= 2;
    frame->height /= 2;
}

/// AVERROR_DECODER_NOT_FOUND and AVERROR_ENCODER_NOT_FOUND: this build of the libraries has none for a codec.
static const int lyceum_av_error_decoder_not_found = AVERROR_DECODER_NOT_FOUND;
static const int lyceum_av_error_encoder_not_found = AVERROR_ENCODER_NOT_FOUND;
/// AVERROR_INVALIDDATA: these bytes are not what they are said to be.
static const int lyceum_av_error_invalid_data = AVERROR_INVALIDDATA;
/// AVERROR_STREAM_NOT_FOUND: there is no track of a kind.
static const int lyceum_av_error_stream_not_found = AVERROR_STREAM_NOT_FOUND;
