"""ONVIF's PTZ and imaging services, moving the device's head."""

from xml.sax.saxutils import escape

from .soap import Fault, duration, stamp

SPACES = "http://www.onvif.org/ver10/tptz"
PAN_TILT, ZOOM = f"{SPACES}/PanTiltSpaces/VelocityGenericSpace", f"{SPACES}/ZoomSpaces/VelocityGenericSpace"
PAN_TILT_AT, ZOOM_AT = f"{SPACES}/PanTiltSpaces/PositionGenericSpace", f"{SPACES}/ZoomSpaces/PositionGenericSpace"


def span(name, low, high):
    """A range of floats."""
    return f"<tt:{name}><tt:Min>{low}</tt:Min><tt:Max>{high}</tt:Max></tt:{name}>"


class PtzService:
    """The head of one device."""

    def __init__(self, onvif):
        self.onvif, self.device, self.head = onvif, onvif.device, onvif.head

    def operations(self):
        """What this service answers."""
        found = {("timg", name): getattr(self, name) for name in ("GetImagingSettings", "Move", "GetMoveOptions")}
        found[("timg", "Stop")] = self.stop_focus
        found[("timg", "GetStatus")] = self.focus_status
        if self.onvif.ptz:
            found.update({("tptz", name): getattr(self, name) for name in (
                "GetNodes", "GetNode", "GetConfigurations", "GetConfigurationOptions", "ContinuousMove", "AbsoluteMove", "RelativeMove", "Stop", "GetPresets", "SetPreset",
                "GotoPreset", "RemovePreset", "GetStatus", "SendAuxiliaryCommand", "GotoHomePosition")})
        return found

    @staticmethod
    def configuration(element):
        """The PTZConfiguration."""
        return (f'<{element} token="PTZConfig_1"><tt:Name>PTZ</tt:Name><tt:UseCount>2</tt:UseCount><tt:NodeToken>PTZNode_1</tt:NodeToken>'
                f"<tt:DefaultContinuousPanTiltVelocitySpace>{PAN_TILT}</tt:DefaultContinuousPanTiltVelocitySpace>"
                f"<tt:DefaultContinuousZoomVelocitySpace>{ZOOM}</tt:DefaultContinuousZoomVelocitySpace><tt:DefaultPTZTimeout>PT10S</tt:DefaultPTZTimeout></{element}>")

    @staticmethod
    def spaces():
        """The spaces the head moves in."""
        return (f"<tt:AbsolutePanTiltPositionSpace><tt:URI>{PAN_TILT_AT}</tt:URI>{span('XRange', -1, 1)}{span('YRange', -1, 1)}</tt:AbsolutePanTiltPositionSpace>"
                f"<tt:AbsoluteZoomPositionSpace><tt:URI>{ZOOM_AT}</tt:URI>{span('XRange', 0, 1)}</tt:AbsoluteZoomPositionSpace>"
                f"<tt:ContinuousPanTiltVelocitySpace><tt:URI>{PAN_TILT}</tt:URI>{span('XRange', -1, 1)}{span('YRange', -1, 1)}</tt:ContinuousPanTiltVelocitySpace>"
                f"<tt:ContinuousZoomVelocitySpace><tt:URI>{ZOOM}</tt:URI>{span('XRange', -1, 1)}</tt:ContinuousZoomVelocitySpace>")

    def node(self, element):
        """The PTZ node."""
        return (f'<{element} token="PTZNode_1"><tt:Name>PTZNode</tt:Name><tt:SupportedPTZSpaces>{self.spaces()}</tt:SupportedPTZSpaces>'
                "<tt:MaximumNumberOfPresets>300</tt:MaximumNumberOfPresets><tt:HomeSupported>true</tt:HomeSupported><tt:AuxiliaryCommands>tt:Wiper|On</tt:AuxiliaryCommands>"
                f"<tt:AuxiliaryCommands>tt:Wiper|Off</tt:AuxiliaryCommands></{element}>")

    def GetNodes(self, _call):
        return f"<tptz:GetNodesResponse>{self.node('tptz:PTZNode')}</tptz:GetNodesResponse>"

    def GetNode(self, _call):
        return f"<tptz:GetNodeResponse>{self.node('tptz:PTZNode')}</tptz:GetNodeResponse>"

    def GetConfigurations(self, _call):
        return f"<tptz:GetConfigurationsResponse>{self.configuration('tptz:PTZConfiguration')}</tptz:GetConfigurationsResponse>"

    def GetConfigurationOptions(self, _call):
        return (f"<tptz:GetConfigurationOptionsResponse><tptz:PTZConfigurationOptions><tt:Spaces>{self.spaces()}</tt:Spaces><tt:PTZTimeout><tt:Min>PT1S</tt:Min>"
                "<tt:Max>PT300S</tt:Max></tt:PTZTimeout></tptz:PTZConfigurationOptions></tptz:GetConfigurationOptionsResponse>")

    def profile(self, call):
        """Refuse unknown profiles."""
        self.onvif.media.known(call.node.value("ProfileToken"))

    @staticmethod
    def vector(node):
        """(pan, tilt, zoom) of a PTZVector or PTZSpeed; None for what is not there."""
        pan, zoom = node.find("PanTilt"), node.find("Zoom")
        return (float(pan.attributes["x"]) if pan else None, float(pan.attributes["y"]) if pan else None, float(zoom.attributes["x"]) if zoom else None)

    def ContinuousMove(self, call):
        self.profile(call)
        self.head.move(*self.vector(call.node.find("Velocity")), seconds=duration(call.node.value("Timeout"), 10))
        self.head.last_command = "ContinuousMove"
        return "<tptz:ContinuousMoveResponse/>"

    def AbsoluteMove(self, call):
        self.profile(call)
        self.head.go(self.vector(call.node.find("Position")))
        return "<tptz:AbsoluteMoveResponse/>"

    def RelativeMove(self, call):
        self.profile(call)
        self.head.settle()
        step = self.vector(call.node.find("Translation"))
        self.head.go([at + (by or 0) for at, by in zip(self.head.at, step)])
        return "<tptz:RelativeMoveResponse/>"

    def Stop(self, call):
        self.profile(call)
        pan = call.node.value("PanTilt", "true") in ("true", "1")
        zoom = call.node.value("Zoom", "true") in ("true", "1")
        self.head.move(0 if pan else None, 0 if pan else None, 0 if zoom else None)
        return "<tptz:StopResponse/>"

    @staticmethod
    def position(at):
        """A PTZVector's content."""
        return f'<tt:PanTilt x="{at[0]:.4f}" y="{at[1]:.4f}" space="{PAN_TILT_AT}"/><tt:Zoom x="{at[2]:.4f}" space="{ZOOM_AT}"/>'

    def GetPresets(self, call):
        self.profile(call)
        listed = "".join(f'<tptz:Preset token="{number}"><tt:Name>{escape(name)}</tt:Name><tt:PTZPosition>{self.position(at)}</tt:PTZPosition></tptz:Preset>'
                         for number, (name, at) in sorted(self.head.presets.items()))
        return f"<tptz:GetPresetsResponse>{listed}</tptz:GetPresetsResponse>"

    def preset(self, call):
        """The number of a preset's token."""
        token = call.node.value("PresetToken", "")
        if not token.isdigit() or int(token) not in self.head.presets:
            raise Fault("No such preset", "ter:InvalidArgVal", "ter:NoToken")
        return int(token)

    def SetPreset(self, call):
        self.profile(call)
        number = self.preset(call) if call.node.value("PresetToken") else None
        return f"<tptz:SetPresetResponse><tptz:PresetToken>{self.head.set_preset(number, call.node.value('PresetName'))}</tptz:PresetToken></tptz:SetPresetResponse>"

    def GotoPreset(self, call):
        self.profile(call)
        self.head.go_preset(self.preset(call))
        return "<tptz:GotoPresetResponse/>"

    def GotoHomePosition(self, call):
        self.profile(call)
        self.head.go((0, 0, 0))
        return "<tptz:GotoHomePositionResponse/>"

    def RemovePreset(self, call):
        self.profile(call)
        del self.head.presets[self.preset(call)]
        return "<tptz:RemovePresetResponse/>"

    def GetStatus(self, call):
        self.profile(call)
        self.head.settle()
        pan = "MOVING" if any(self.head.speed[:2]) else "IDLE"
        zoom = "MOVING" if self.head.speed[2] else "IDLE"
        return (f"<tptz:GetStatusResponse><tptz:PTZStatus><tt:Position>{self.position(self.head.at)}</tt:Position><tt:MoveStatus><tt:PanTilt>{pan}</tt:PanTilt>"
                f"<tt:Zoom>{zoom}</tt:Zoom></tt:MoveStatus><tt:UtcTime>{stamp(self.device.utc())}</tt:UtcTime></tptz:PTZStatus></tptz:GetStatusResponse>")

    def SendAuxiliaryCommand(self, call):
        self.profile(call)
        data = call.node.value("AuxiliaryData", "")
        name, _, state = data.rpartition("|")
        self.head.auxiliary[name.removeprefix("tt:")] = state == "On"
        self.head.last_command = data
        return f"<tptz:SendAuxiliaryCommandResponse><tptz:AuxiliaryResponse>{escape(data)}</tptz:AuxiliaryResponse></tptz:SendAuxiliaryCommandResponse>"

    def GetImagingSettings(self, _call):
        return ("<timg:GetImagingSettingsResponse><timg:ImagingSettings><tt:Brightness>50</tt:Brightness><tt:ColorSaturation>50</tt:ColorSaturation>"
                "<tt:Contrast>50</tt:Contrast><tt:Focus><tt:AutoFocusMode>AUTO</tt:AutoFocusMode></tt:Focus><tt:IrCutFilter>AUTO</tt:IrCutFilter>"
                "<tt:Sharpness>50</tt:Sharpness></timg:ImagingSettings></timg:GetImagingSettingsResponse>")

    def Move(self, call):
        speed = call.node.value("Focus/Continuous/Speed")
        if speed is None:
            raise Fault("Only continuous focus", "ter:InvalidArgVal", "ter:SettingsInvalid")
        self.head.move(focus=float(speed))
        self.head.last_command = "focus"
        return "<timg:MoveResponse/>"

    def stop_focus(self, _call):
        """Stop of the imaging service."""
        self.head.move(focus=0)
        return "<timg:StopResponse/>"

    @staticmethod
    def GetMoveOptions(_call):
        return f"<timg:GetMoveOptionsResponse><timg:MoveOptions><tt:Continuous>{span('Speed', -1, 1)}</tt:Continuous></timg:MoveOptions></timg:GetMoveOptionsResponse>"

    def focus_status(self, _call):
        """GetStatus of the imaging service."""
        moving = "MOVING" if self.head.focus else "IDLE"
        return (f"<timg:GetStatusResponse><timg:Status><tt:FocusStatus20><tt:Position>0</tt:Position><tt:MoveStatus>{moving}</tt:MoveStatus></tt:FocusStatus20></timg:Status>"
                "</timg:GetStatusResponse>")
