// What Swift cannot import of FFmpeg's headers: macros that expand to expressions, and one callback whose type
// changed between FFmpeg 6 and 7.
#pragma once
#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libavutil/channel_layout.h>
#include <libavutil/frame.h>
#include <libavutil/imgutils.h>
#include <libavutil/log.h>
#include <libavutil/time.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>

static inline int gatehouse_averror(int posix) { return AVERROR(posix); }
static inline int gatehouse_averror_eof(void) { return AVERROR_EOF; }
static inline int gatehouse_averror_exit(void) { return AVERROR_EXIT; }
static inline int gatehouse_averror_invalid_data(void) { return AVERROR_INVALIDDATA; }
static inline int gatehouse_averror_http_unauthorized(void) { return AVERROR_HTTP_UNAUTHORIZED; }
static inline int gatehouse_averror_http_not_found(void) { return AVERROR_HTTP_NOT_FOUND; }
static inline int gatehouse_averror_http_other(void) { return AVERROR_HTTP_OTHER_4XX; }
static inline int gatehouse_averror_http_server(void) { return AVERROR_HTTP_SERVER_ERROR; }
static inline int64_t gatehouse_no_timestamp(void) { return AV_NOPTS_VALUE; }
static inline void gatehouse_quiet_log(void) { av_log_set_level(AV_LOG_QUIET); }

/// An I/O context that only writes; `write` returns the byte count taken or a negative error.
static inline AVIOContext *gatehouse_output_context(unsigned char *buffer, int size, void *opaque,
                                                    int (*write)(void *, uint8_t *, int)) {
    return avio_alloc_context(buffer, size, 1, opaque, NULL, (void *)write, NULL);
}

/// An I/O context that only reads forward.
static inline AVIOContext *gatehouse_input_context(unsigned char *buffer, int size, void *opaque,
                                                   int (*read)(void *, uint8_t *, int)) {
    return avio_alloc_context(buffer, size, 0, opaque, read, NULL, NULL);
}
