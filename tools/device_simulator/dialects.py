"""What ONVIF devices of different makes say when something happens: topic, source, key, data."""

from dataclasses import dataclass, field

AXIS, HIK = "tnsaxis", "tnshik"
DIALECTS = ("hikvision", "axis", "dahua", "tapo", "reolink")
ANALYTICS = (("VideoSourceConfigurationToken", "SourceConfig_{channel}"), ("VideoAnalyticsConfigurationToken", "VideoAnalyticsToken"))
SOURCE = (("Source", "VideoSource_{channel}"),)
REOLINK = (("Source", "00{zero}"),)


@dataclass
class Saying:
    """How one kind of event is told. In texts {channel}, {zero} (channel from 0), {region} and {number} are filled in."""

    topic: str
    source: tuple
    data: tuple  # (name, what): True: the state, False: its opposite, text: as it is
    key: tuple = field(default=())
    lasting: bool = True  # whether it is a property with a state, or happens once


def rule(name):
    """The source of an analytics rule."""
    return ANALYTICS + (("Rule", name),)


def cell_motion(name="MyMotionDetectorRule"):
    """The usual motion event."""
    return Saying("tns1:RuleEngine/CellMotionDetector/Motion", rule(name), (("IsMotion", True),))


def alarm(topic="tns1:VideoSource/MotionAlarm", source=SOURCE):
    """A plain alarm of a video source."""
    return Saying(topic, source, (("State", True),))


LINE = Saying("tns1:RuleEngine/LineDetector/Crossed", rule("MyLineDetector{region}"), (("ObjectId", "{number}"),), lasting=False)
FIELD = Saying("tns1:RuleEngine/FieldDetector/ObjectsInside", rule("MyFieldDetector{region}"), (("IsInside", True),), (("ObjectId", "{number}"),))
INPUT = Saying("tns1:Device/Trigger/DigitalInput", (("InputToken", "DI_{region}"),), (("LogicalState", True),))
STORAGE = Saying("tns1:Device/HardwareFailure/StorageFailure", (("Token", "disk{region}"),), (("Failed", True),))
TAMPER = alarm("tns1:VideoSource/GlobalSceneChange/ImagingService")
DARK = alarm("tns1:VideoSource/ImageTooDark/ImagingService")
LOSS = alarm("tns1:VideoSource/SignalLoss")
ACCESS = Saying("tns1:AccessControl/AccessGranted/Credential", (("AccessPointToken", "AccessPoint_1"),),
                (("CredentialToken", "Credential_1"), ("CredentialHolderName", "visitor")), lasting=False)
FACE = Saying("tns1:RuleEngine/FaceDetector/Face", rule("MyFaceDetector"), (("IsFace", True),))

COMMON = {"VMD": (cell_motion(), alarm()), "linedetection": (LINE,), "fielddetection": (FIELD,), "regionEntrance": (FIELD,), "regionExiting": (FIELD,), "facedetection": (FACE,),
          "PIR": (alarm("tns1:Device/Trigger/PIR"),), "shelteralarm": (TAMPER,), "videoloss": (LOSS,), "IO": (INPUT,), "diskfull": (STORAGE,), "diskerror": (STORAGE,),
          "illAccess": (Saying("tns1:Monitoring/IllegalAccess", (), (("UserName", "nobody"),), lasting=False),), "AccessControllerEvent": (ACCESS,),
          "doorbell": (Saying("tns1:Device/Trigger/Doorbell", (), (("State", True),)),)}
HIKVISION = {"IO": (Saying("tns1:Device/Trigger/tnshik:AlarmIn", (("AlarmInToken", "AlarmIn_{region}"),), (("State", True),)),),
             "facedetection": (Saying("tns1:RuleEngine/tnshik:FaceDetector", rule("MyFaceDetector"), (("State", True),)),)}


def axis_application(name):
    """An Axis application's state."""
    return Saying(f"tnsaxis:CameraApplicationPlatform/{name}", (), (("active", "{one}"),))


AXIS_SAYS = {"VMD": (axis_application("VMD/Camera1ProfileANY"), Saying("tns1:VideoAnalytics/tnsaxis:MotionDetection", (("window", "0"),), (("motion", "{one}"),))),
             "linedetection": (axis_application("FenceGuard/Camera1Profile{region}"),), "fielddetection": (axis_application("ObjectAnalytics/Device1Scenario{region}"),),
             "regionEntrance": (axis_application("ObjectAnalytics/Device1Scenario{region}"),), "regionExiting": (axis_application("LoiteringGuard/Camera1Profile{region}"),),
             "PIR": (Saying("tns1:Device/tnsaxis:Sensor/PIR", (("sensor", "0"),), (("state", "{one}"),)),),
             "IO": (Saying("tns1:Device/tnsaxis:IO/Port", (("port", "{region}"),), (("state", "{one}"),)),),
             "shelteralarm": (Saying("tns1:VideoSource/tnsaxis:Tampering", (("channel", "{channel}"),), (("tampering", "{one}"),)),),
             "diskerror": (Saying("tnsaxis:Storage/Alert", (("disk_id", "SD_DISK"),), (("alert", "{one}"), ("wear", "98"), ("overall_health", "-3")),),)}
DAHUA = {"VMD": (cell_motion("MotionDetectorRule000"), alarm()), "shelteralarm": (Saying("tns1:RuleEngine/TamperDetector/Tamper", rule("TamperRule"), (("IsTamper", True),)), DARK)}
TAPO = {"VMD": (cell_motion(),), "linedetection": (Saying("tns1:RuleEngine/CellMotionDetector/LineCross", rule("MyLineCrossDetectorRule"), (("IsLineCross", True),)),),
        "fielddetection": (Saying("tns1:RuleEngine/CellMotionDetector/Intrusion", rule("MyIntrusionDetectorRule"), (("IsIntrusion", True),)),),
        "shelteralarm": (Saying("tns1:RuleEngine/CellMotionDetector/Tamper", rule("MyTamperDetectorRule"), (("IsTamper", True),)),),
        "human": (Saying("tns1:RuleEngine/PeopleDetector/People", rule("MyPeopleDetectorRule"), (("IsPeople", True),)),),
        "vehicle": (Saying("tns1:RuleEngine/TPSmartEventDetector/TPSmartEvent", rule("MyTPSmartEventDetectorRule"), (("IsVehicle", True),)),)}


def reolink(name):
    """A Reolink detector's state."""
    return (Saying(f"tns1:RuleEngine/MyRuleDetector/{name}", REOLINK, (("State", True),)),)


REOLINK_SAYS = {"VMD": (alarm(source=REOLINK), Saying("tns1:RuleEngine/CellMotionDetector/Motion", rule("000"), (("IsMotion", True),))), "facedetection": reolink("FaceDetect"),
                "human": reolink("PeopleDetect"), "vehicle": reolink("VehicleDetect"), "animal": reolink("DogCatDetect"), "doorbell": reolink("Visitor"),
                "AccessControllerEvent": reolink("Visitor")}
TABLES = {"hikvision": HIKVISION, "axis": AXIS_SAYS, "dahua": DAHUA, "tapo": TAPO, "reolink": REOLINK_SAYS}


def sayings(dialect, event):
    """How a device of this dialect tells an event; what it saw tells more than that it saw something."""
    table = TABLES[dialect]
    found = table.get(event.type) or COMMON.get(event.type) or (cell_motion(),)
    return found + (table.get(event.target, ()) if event.type == "VMD" else ())
