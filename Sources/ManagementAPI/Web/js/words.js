// What codes are called on the page.

export const EVENT_TYPES = {
  manual: { word: 'Recorded by hand', icon: 'hand' },
  motion: { word: 'Motion', icon: 'motion' },
  'line-crossing': { word: 'Line crossing', icon: 'line' },
  intrusion: { word: 'Intrusion', icon: 'zone' },
  input: { word: 'Alarm input', icon: 'bell' },
};
export const eventType = (type) => EVENT_TYPES[type] ?? { word: String(type).replaceAll('-', ' '), icon: 'bell' };

export const CLIP_STATES = {
  recording: { word: 'Recording', tone: 'live', icon: 'dot' },
  captured: { word: 'Recorded', tone: 'plain', icon: 'box' },
  transcoding: { word: 'Being prepared', tone: 'busy', icon: 'cog' },
  queued: { word: 'Waiting', tone: 'plain', icon: 'clock' },
  sending: { word: 'Sending', tone: 'busy', icon: 'up' },
  stored: { word: 'In the cloud', tone: 'ok', icon: 'cloud-ok' },
  dropped: { word: 'Not kept', tone: 'trouble', icon: 'cross' },
};
export const clipState = (state) => CLIP_STATES[state] ?? { word: String(state), tone: 'plain', icon: 'dot' };

export const WAYS = {
  'copy-sub': 'As it came, from the second stream',
  'copy-main': 'As it came, from the main stream',
  hardware: 'Converted by the video chip',
  software: 'Converted by the processor',
};
export const way = (code) => WAYS[code] ?? code ?? 'not decided yet';

export const CODECS = { h264: 'H.264', avc: 'H.264', hevc: 'H.265', h265: 'H.265', mjpeg: 'MJPEG', mpeg4: 'MPEG-4', aac: 'AAC', pcm_alaw: 'G.711 A-law', pcm_mulaw: 'G.711 µ-law', pcma: 'G.711 A-law', pcmu: 'G.711 µ-law', opus: 'Opus' };
export const codec = (name) => (name ? CODECS[String(name).toLowerCase()] ?? name : 'none');

export const CAMERA_STEPS = [
  ['reach', 'Reach the camera'], ['sign-in', 'Sign in'], ['streams', 'Read its streams'], ['picture', 'Get a picture'],
];
export const STORAGE_STEPS = [
  ['reach', 'Reach the storage'], ['write', 'Write a file'], ['read', 'Read it back'], ['conditional', 'Refuse to overwrite'], ['delete', 'Delete it'],
];

export const SEVERITY = {
  ok: { word: 'Well', icon: 'check' },
  attention: { word: 'Needs attention', icon: 'warn' },
  trouble: { word: 'Trouble', icon: 'stop' },
  off: { word: 'Off', icon: 'off' },
};
export const severity = (code) => SEVERITY[code] ?? SEVERITY.off;

export const LOG_LEVELS = [
  ['error', 'Error: failures only'], ['warning', 'Warning'], ['notice', 'Notice'], ['info', 'Info: the usual'],
  ['debug', 'Debug: for support'], ['trace', 'Trace: everything, fills quickly'],
];

export const DAYS = [
  ['monday', 'Monday'], ['tuesday', 'Tuesday'], ['wednesday', 'Wednesday'], ['thursday', 'Thursday'],
  ['friday', 'Friday'], ['saturday', 'Saturday'], ['sunday', 'Sunday'],
];
