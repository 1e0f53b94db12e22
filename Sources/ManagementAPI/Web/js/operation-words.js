// What the operation log calls what was done, in words.
import { locale, tr } from './language.js';

const ACTIONS = {
  acceptHandover: tr`accept handover`, acceptShare: tr`accept share`, activateDevice: tr`activate device`, activatePlan: tr`activate plan`, addDevice: tr`add device`,
  addPreset: tr`add preset`, addSite: tr`add site`, apply: tr`apply`, approveApplication: tr`approve application`, approveDeviceMove: tr`approve device move`, applyForSite: tr`apply for site`, askForUnbinding: tr`ask for unbinding`,
  assignSites: tr`assign sites`, changeAssignedSites: tr`change assigned sites`, beginDiscovery: tr`begin discovery`, beginExport: tr`begin export`, beginLiveView: tr`begin live view`,
  beginOnboarding: tr`begin onboarding`, beginOneTimePasswords: tr`begin one time passwords`, beginPlayback: tr`begin playback`, beginTalk: tr`begin talk`,
  beginWHEP: tr`begin whep`, callPreset: tr`call preset`, cancelNetworkTest: tr`cancel network test`, cancelOnboarding: tr`cancel onboarding`,
  changeChannel: tr`change channel`, changeCompany: tr`change company`, changeDevice: tr`change device`, changeDevicePassword: tr`change device password`,
  changeDeviceStream: tr`change device stream`, changePassword: tr`change password`, changePerson: tr`change person`, changePlan: tr`change plan`,
  changeRole: tr`change role`, changeShare: tr`change share`, changeSite: tr`change site`, changeSystem: tr`change system`, checkChallenge: tr`check challenge`, checkDevice: tr`check device`, checkFirmware: tr`check firmware`, checkDeviceFirmware: tr`look for firmware of devices`, upgradeDevices: tr`upgrade devices`, cancelDeviceUpgrade: tr`leave out a device’s upgrade`, beginUpgrade: tr`begin upgrade`,
  claimBox: tr`claim box`, commandDoor: tr`command door`, confirmOneTimePasswords: tr`confirm one time passwords`, confirmUnbinding: tr`confirm unbinding`, continueLiveView: tr`continue live view`,
  deletePerson: tr`delete person`, deleteRole: tr`delete role`, deleteSite: tr`delete site`, discardAuthorization: tr`discard authorization`,
  endDiscovery: tr`end discovery`, endLiveView: tr`end live view`, endOneTimePasswords: tr`end one time passwords`, endPlan: tr`end plan`, endSession: tr`end session`,
  endShare: tr`end share`, endTalk: tr`end talk`, endWHEP: tr`end whep`, forgetFormerStorages: tr`forget former storages`, forgetPassword: tr`forget password`, getClipKey: tr`get clip key`,
  getHandover: tr`get handover`, getShare: tr`get share`, givePermissions: tr`give permissions`, handOver: tr`hand over`, importRecoveryFile: tr`import recovery file`,
  importVoucher: tr`import voucher`, installCertificate: tr`install certificate`, invite: tr`invite`, join: tr`join`, leaveSite: tr`leave site`, linkChannel: tr`link channel`, lookAtDevice: tr`look at device`,
  makeBackup: tr`make backup`, makeChallenge: tr`make challenge`, makeCloudReady: tr`make cloud ready`, makeDeviceCode: tr`make device code`, makeKey: tr`make key`, makeRole: tr`make role`,
  inviteProvider: tr`invite provider`, makeSiteCode: tr`make site code`, moveDevices: tr`move devices`, moveLens: tr`move lens`,
  openCode: tr`open code`, readCode: tr`read code`, readNotices: tr`read notices`, rebootDevice: tr`reboot device`, refuseApplication: tr`refuse application`, refuseDeviceMove: tr`refuse device move`,
  refuseHandover: tr`refuse handover`, refuseShare: tr`refuse share`, refuseUnbinding: tr`refuse unbinding`, releasePermission: tr`release permission`, removeCertificate: tr`remove certificate`, removeDevice: tr`remove device`,
  removeExport: tr`remove export`, removeKey: tr`remove key`, removePreset: tr`remove preset`, removeSecondStorage: tr`remove second storage`,
  removeStorageTarget: tr`remove storage target`, renameDevice: tr`rename device`, requestCertificate: tr`request certificate`, resetBox: tr`reset box`, restoreBackup: tr`restore backup`, restoreBox: tr`restore box`, beginRestore: tr`begin restore`, getInvitationOffer: tr`get invitation offer`, resetPassword: tr`reset password`, retryOnboarding: tr`retry onboarding`,
  sendSound: tr`send sound`, sendUnbindingDeviceFile: tr`send unbinding device file`, sendUnbindingLabel: tr`send unbinding label`, setAuxiliary: tr`set auxiliary`, setContact: tr`set contact`, setNewPassword: tr`set new password`, setDDNS: tr`set ddns`, setDeviceMotion: tr`set device motion`,
  setDeviceTime: tr`set device time`, setEncryption: tr`set encryption`, setFirmware: tr`set firmware`, setSupport: tr`set support`, getSupportBundle: tr`get support bundle`, upgradeFromFile: tr`upgrade from file`, setICE: tr`set ice`, setLine: tr`set line`, setNotification: tr`set notification`,
  setOwnerUse: tr`set owner use`, setPreset: tr`set preset`, setRTSP: tr`set rtsp`, setReach: tr`set reach`, setSecondStorage: tr`set second storage`,
  setStorageTarget: tr`set storage target`, shareSite: tr`share site`, takeProviderInvitationBack: tr`take provider invitation back`, signIn: tr`sign in`, signOut: tr`sign out`, startNetworkTest: tr`start network test`,
  startPatrol: tr`start patrol`, stopLens: tr`stop lens`, takeApplicationBack: tr`take application back`, takeDeviceMoveBack: tr`take device move back`, takeSiteApplicationBack: tr`take site application back`,
  takePermission: tr`take permission`, testDevice: tr`test device`, testNewDevice: tr`test new device`, testReach: tr`test reach`,
  testSecondStorage: tr`test second storage`, testStorage: tr`test storage`, transferPlan: tr`transfer plan`, trickleWHEP: tr`trickle whep`,
  triggerChannel: tr`trigger channel`, unbindDevice: tr`unbind device`, watchByRTSP: tr`watch by rtsp`, unlinkChannel: tr`unlink channel`, upgradeFirmware: tr`upgrade firmware`, watchOnSite: tr`watch on site`,
  // What is only looked at, and noted all the same.
  downloadRecording: tr`download recording`, exportOperations: tr`export log`, getClipLink: tr`get clip link`, getDeviceSnapshot: tr`get device snapshot`, getExportedFile: tr`get exported file`,
  getRecoveryFile: tr`get recovery file`, getSnapshot: tr`get snapshot`, getVideo: tr`get video`,
  withdrawHandover: tr`withdraw handover`, withdrawInvitation: tr`withdraw invitation`, withdrawUnbinding: tr`withdraw unbinding`,
};
/** All of them with their words, by their words. */
export const actionsByWords = () => Object.entries(ACTIONS).sort(([, a], [, b]) => a.localeCompare(b, locale));
/** One that is not known here is read by its name: "begin live view" of beginLiveView. */
export const actionWords = (action) => ACTIONS[action] ?? action.replace(/[A-Z]+(?![a-z])|[A-Z]/g, (m) => ` ${m.toLowerCase()}`);
