// Live pictures by HLS in a plain video element, for browsers that have nothing better: old iPhones.

export const canPlayHLS = (video = document.createElement('video')) => video.canPlayType('application/vnd.apple.mpegurl') !== '';

const SILENCE = 15000; // milliseconds without a new picture

/** Plays until the signal, or until nothing comes any more; `told` gets {started}; `other` is the stream for a browser that does not play this one. */
export function playHLS({ video, url, signal, told, other }) {
  return new Promise((resolve, reject) => {
    let moved = Date.now();
    let at = 0;
    let started = false;
    const clock = setInterval(() => { if (Date.now() - moved > SILENCE) end(reject, new Error('nothing comes')); }, 1000);
    const move = () => {
      if (video.currentTime === at) return;
      at = video.currentTime;
      moved = Date.now();
      if (!started) { started = true; told({ started }); }
    };
    const failed = () => {
      const isForeign = [MediaError.MEDIA_ERR_DECODE, MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED].includes(video.error?.code);
      end(reject, Object.assign(new Error(video.error?.message || 'the browser gave up'), isForeign && other ? { unplayable: true, other } : {}));
    };
    const ended = () => end(resolve);
    function end(how, value) {
      clearInterval(clock);
      video.removeEventListener('timeupdate', move);
      video.removeEventListener('error', failed);
      video.removeEventListener('ended', ended);
      if (signal.aborted) video.removeAttribute('src');
      how(value);
    }
    video.addEventListener('timeupdate', move);
    video.addEventListener('error', failed);
    video.addEventListener('ended', ended);
    signal.addEventListener('abort', ended, { once: true });
    video.srcObject = null;
    video.src = url;
    video.play().catch(() => {});
  });
}
