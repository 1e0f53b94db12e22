// What codes are called on the page.

export const EVENT_TYPES = {
  motion: { word: 'Motion', icon: 'motion' },
  'line-crossing': { word: 'Line crossing', icon: 'line' },
  intrusion: { word: 'Intrusion', icon: 'zone' },
  'region-entrance': { word: 'Region entered', icon: 'enter' },
  'region-exit': { word: 'Region left', icon: 'out' },
  loitering: { word: 'Loitering', icon: 'clock' },
  face: { word: 'Face', icon: 'face' },
  object: { word: 'Something recognized', icon: 'eye' },
  pir: { word: 'Warmth sensor', icon: 'heat' },
  audio: { word: 'Sound', icon: 'sound' },
  tamper: { word: 'Tampering', icon: 'shield' },
  input: { word: 'Alarm input', icon: 'bell' },
  doorbell: { word: 'Doorbell', icon: 'bell' },
  door: { word: 'Door', icon: 'door' },
  access: { word: 'Access', icon: 'key' },
  manual: { word: 'Recorded by hand', icon: 'hand' },
  'video-loss': { word: 'Video lost', icon: 'eye-off' },
  'disk-full': { word: 'Disk full', icon: 'disk' },
  'disk-error': { word: 'Disk fails', icon: 'disk' },
  'illegal-login': { word: 'Refused sign-ins', icon: 'key' },
  network: { word: 'Network trouble', icon: 'unplug' },
  offline: { word: 'Offline', icon: 'unplug' },
  other: { word: 'Word from the device', icon: 'dot' },
};
export const eventType = (type) => EVENT_TYPES[type] ?? { word: String(type).replaceAll('-', ' '), icon: 'bell' };

/** How far a site is on its way to its owner. */
const SITE_STATUSES = {
  'not-handed-over': { word: 'Not handed over', tone: 'plain', icon: 'key', severity: 'ok', sentence: 'This site is yours to set up. Hand it over when it is ready.', forOwner: '' },
  'to-be-accepted': { word: 'To be accepted', tone: 'busy', icon: 'clock', severity: 'ok', sentence: 'A link was sent; the owner has not answered yet.', forOwner: '' },
  'not-authorized': { word: 'Not authorized', tone: 'plain', icon: 'lock', severity: 'attention', sentence: 'The site has an owner, who does not let you look after it. Apply for authorization below.', forOwner: 'Nobody but you sees this site.' },
  authorized: { word: 'Authorized', tone: 'ok', icon: 'check', severity: 'ok', sentence: 'The owner lets you look after this site, with the permissions below.', forOwner: 'Your service provider looks after this site, with the permissions that you gave.' },
};
export const siteStatus = (status) => SITE_STATUSES[status] ?? SITE_STATUSES['not-handed-over'];

export const TARGETS = { human: 'person', vehicle: 'vehicle', animal: 'animal', face: 'face', package: 'package' };
/** "Line crossing, vehicle, region 1" */
export const eventWords = (e) => [eventType(e.type).word, e.target && (TARGETS[e.target] ?? e.target), e.region && (/^\d+$/.test(e.region) ? `region ${e.region}` : e.region)].filter(Boolean).join(', ');

export const DEVICE_KINDS = {
  camera: { word: 'Camera', icon: 'camera' },
  recorder: { word: 'Recorder', icon: 'recorder' },
  'door-controller': { word: 'Door controller', icon: 'door' },
  unknown: { word: 'Device', icon: 'device' },
};
export const deviceKind = (kind) => DEVICE_KINDS[kind] ?? DEVICE_KINDS.unknown;
/** "Hikvision DS-2CD2143", whichever of it is known. */
export const modelWords = (identity) => [identity?.make, identity?.model].filter(Boolean).join(' ');

/** What a device calls itself, without its model, which many add. */
export const finderName = (identity) => identity?.name?.replace(identity.model ?? '', '').trim() || null;

export const DRIVERS = { isapi: 'ISAPI', onvif: 'ONVIF', rtsp: 'RTSP only' };
export const SEEN_BY = { sadp: 'SADP', 'ws-discovery': 'ONVIF', sweep: 'its open ports' };

export const CLIP_STATES = {
  recording: { word: 'Recording', tone: 'live', icon: 'dot' },
  captured: { word: 'Recorded', tone: 'plain', icon: 'box' },
  transcoding: { word: 'Being prepared', tone: 'busy', icon: 'cog' },
  queued: { word: 'Waiting', tone: 'plain', icon: 'clock' },
  sending: { word: 'Sending', tone: 'busy', icon: 'up' },
  stored: { word: 'In the cloud', tone: 'ok', icon: 'cloud-ok' },
  dropped: { word: 'Not kept', tone: 'trouble', icon: 'cross' },
};
const NOTED = { word: 'Noted', tone: 'plain', icon: 'check' };
export const clipState = (state) => (state === 'noted' ? NOTED : CLIP_STATES[state]) ?? { word: String(state), tone: 'plain', icon: 'dot' };

/** Why there is no footage, as it was said when it happened, or null. */
export const eventReason = ({ state, stateSentence }) => (state === 'dropped' || state === 'noted' ? stateSentence : null);

export const WAYS = {
  'copy-sub': 'As it came, from the second stream',
  'copy-main': 'As it came, from the main stream',
  hardware: 'Converted by the video chip',
  software: 'Converted by the processor',
};
export const way = (code) => WAYS[code] ?? code ?? 'not decided yet';

export const CODECS = { h264: 'H.264', avc: 'H.264', hevc: 'H.265', h265: 'H.265', mjpeg: 'MJPEG', 'h264+': 'H.264+', 'h265+': 'H.265+', mpeg4: 'MPEG-4', aac: 'AAC', pcm_alaw: 'G.711 A-law', pcm_mulaw: 'G.711 µ-law', pcma: 'G.711 A-law', pcmu: 'G.711 µ-law', opus: 'Opus' };
export const codec = (name) => (name ? CODECS[String(name).toLowerCase()] ?? name : 'none');

export const CAMERA_STEPS = [
  ['reach', 'Reach the camera'], ['sign-in', 'Sign in'], ['streams', 'Read its streams'], ['picture', 'Get a picture'],
];
export const DEVICE_STEPS = [
  ['reach', 'Reach the device'], ['sign-in', 'Sign in'], ['identify', 'Ask what it is'], ['channels', 'Find its channels'],
  ['streams', 'Watch its streams'], ['events', 'Hear its events'], ['clock', 'Compare its clock'], ['compatibility', 'Look for what stands in the way'],
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
