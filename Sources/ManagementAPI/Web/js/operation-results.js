// What the operation log says of what was not done, in words.
import { tr } from './language.js';

const RESULTS = {
  'predefined-role': tr`predefined role`, 'role-in-use': tr`role in use`, 'forbidden': tr`forbidden`, 'no-such-path': tr`no such path`, 'range-not-satisfiable': tr`range not satisfiable`, 'release-refused': tr`release refused`,
  'address-refused': tr`address refused`, 'already-added': tr`already added`, 'already-claimed': tr`already claimed`,
  'answer-not-kept': tr`answer not kept`, 'beyond-own-rights': tr`beyond own rights`, 'bound-elsewhere': tr`bound elsewhere`, 'ticket-over': tr`ticket over`, 'backup-refused': tr`backup refused`, 'busy': tr`busy`,
  'camera-busy': tr`camera busy`, 'camera-error': tr`camera error`, 'certificate-changed': tr`certificate changed`,
  'changed-meanwhile': tr`changed meanwhile`, 'conflict': tr`conflict`, 'device-error': tr`device error`, 'expired-key': tr`expired key`,
  'footage-away': tr`footage away`, 'footage-locked': tr`footage locked`, 'forged-voucher': tr`forged voucher`, 'handover-over': tr`handover over`,
  'has-plan': tr`has plan`, 'insecure': tr`insecure`, 'internal': tr`internal`, 'invalid-request': tr`invalid request`,
  'invitation-over': tr`invitation over`, 'key-used': tr`key used`, 'live-over': tr`live over`, 'locked': tr`locked`, 'lost': tr`lost`,
  'mistyped-key': tr`mistyped key`, 'name-taken': tr`name taken`, 'no-code': tr`no code`, 'no-picture': tr`no picture`, 'no-plan': tr`no plan`,
  'no-reset-permit': tr`no reset permit`, 'no-restart': tr`no restart`, 'no-store': tr`no store`, 'no-video': tr`no video`, 'nonsense': tr`nonsense`,
  'not-activated': tr`not activated`, 'not-answered-yet': tr`not answered yet`, 'not-claimed': tr`not claimed`, 'not-found': tr`not found`,
  'not-linked': tr`not linked`, 'not-on-site': tr`not on site`, 'not-permitted': tr`not permitted`, 'not-playable': tr`not playable`,
  'not-signed-in': tr`not signed in`, 'not-this-account': tr`not this account`, 'nothing-in-stock': tr`nothing in stock`,
  'nothing-recorded': tr`nothing recorded`, 'one-time-password-needed': tr`one time password needed`, 'other-box-key': tr`other box key`,
  'other-origin': tr`other origin`, 'other-session': tr`other session`, 'over-budget': tr`over budget`, 'password-needed': tr`password needed`,
  'plans-not-used': tr`plans not used`, 'refused': tr`refused`, 'same-channel': tr`same channel`, 'share-over': tr`share over`, 'silent': tr`silent`,
  'storage-away': tr`storage away`, 'storage-failed': tr`storage failed`, 'storage-not-usable': tr`storage not usable`,
  'store-needed': tr`store needed`, 'too-large': tr`too large`, 'too-many': tr`too many`, 'too-many-attempts': tr`too many attempts`,
  'too-many-requests': tr`too many requests`, 'too-many-sessions': tr`too many sessions`, 'too-many-viewers': tr`too many viewers`,
  'unknown-issuer': tr`unknown issuer`, 'unknown-key': tr`unknown key`, 'unreachable': tr`unreachable`, 'unsupported': tr`unsupported`,
  'unsupported-codec': tr`unsupported codec`, 'used-key': tr`used key`, 'weak-password': tr`weak password`, 'wrong-code': tr`wrong code`,
  'wrong-one-time-password': tr`wrong one time password`, 'wrong-password': tr`wrong password`, 'wrong-setup-code': tr`wrong setup code`,
};
/** One that is not known here is read by its name. */
export const resultWords = (result) => RESULTS[result] ?? result.replaceAll('-', ' ');
