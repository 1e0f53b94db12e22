import Core

/// What topics mean, of ONVIF's own namespace and of makers': without prefixes, because devices do not agree on them.
enum ONVIFTopics {
    struct Meaning {
        var category: CameraEvent.Category
        var target: CameraEvent.Target?

        init(_ category: CameraEvent.Category, _ target: CameraEvent.Target? = nil) {
            self.category = category
            self.target = target
        }
    }

    /// Nil for what is not known.
    static func meaning(of topic: String) -> Meaning? {
        let topic = "/" + topic.lowercased()
        guard
            !["/monitoring/", "/recordingconfig/", "/recordinghistory/", "/ptzcontroller/", "/configuration/", "/media/"].contains(
                where: topic.hasPrefix)
        else { return nil }
        return words.first { topic.contains($0.0) }?.1
    }

    /// From the special to the general: a person seen by a motion detector is a person.
    private static let words: [(String, Meaning)] = [
        ("visitor", Meaning(.doorbell)), ("doorbell", Meaning(.doorbell)), ("callring", Meaning(.doorbell)),
        // Tapo, Reolink, Dahua: detectors of things.
        ("peopledetect", Meaning(.object, .human)), ("/people", Meaning(.object, .human)), ("humandetect", Meaning(.object, .human)),
        ("humanshape", Meaning(.object, .human)), ("persondetect", Meaning(.object, .human)),
        ("vehicledetect", Meaning(.object, .vehicle)), ("/vehicle", Meaning(.object, .vehicle)),
        ("licenseplate", Meaning(.object, .vehicle)),
        ("platerecognition", Meaning(.object, .vehicle)),
        ("dogcatdetect", Meaning(.object, .animal)), ("petdetect", Meaning(.object, .animal)), ("/pet", Meaning(.object, .animal)),
        ("animaldetect", Meaning(.object, .animal)),
        ("packagedetect", Meaning(.object, .package)), ("/package", Meaning(.object, .package)),
        ("facedetect", Meaning(.face, .face)), ("facerecognition", Meaning(.face, .face)), ("/face", Meaning(.face, .face)),
        // Rules about where.
        ("intrusion", Meaning(.intrusion)), ("fielddetector", Meaning(.intrusion)), ("objectsinside", Meaning(.intrusion)),
        ("crossregion", Meaning(.intrusion)), ("motionguard", Meaning(.intrusion)),
        ("linedetector", Meaning(.lineCrossing)), ("linecross", Meaning(.lineCrossing)), ("crossline", Meaning(.lineCrossing)),
        ("tripwire", Meaning(.lineCrossing)), ("fenceguard", Meaning(.lineCrossing)), ("/crossed", Meaning(.lineCrossing)),
        ("loiter", Meaning(.loitering)),
        ("regionentrance", Meaning(.regionEntrance)), ("enterregion", Meaning(.regionEntrance)),
        ("enteringregion", Meaning(.regionEntrance)),
        ("regionexit", Meaning(.regionExit)), ("exitregion", Meaning(.regionExit)), ("exitingregion", Meaning(.regionExit)),
        ("leaveregion", Meaning(.regionExit)),
        // The picture itself.
        ("tamper", Meaning(.tamper)), ("scenechange", Meaning(.tamper)), ("imagetoo", Meaning(.tamper)), ("videoblind", Meaning(.tamper)),
        ("signalloss", Meaning(.videoLoss)), ("videoloss", Meaning(.videoLoss)), ("signallost", Meaning(.videoLoss)),
        ("sensor/pir", Meaning(.pir)), ("/pir", Meaning(.pir)),
        ("motion", Meaning(.motion)), ("/vmd", Meaning(.motion)),
        ("objectanalytics", Meaning(.object)), ("objectdetect", Meaning(.object)), ("smartevent", Meaning(.object)),
        // The device.
        ("digitalinput", Meaning(.input)), ("alarmin", Meaning(.input)), ("/io/port", Meaning(.input)), ("virtualinput", Meaning(.input)),
        ("/audioanalytics/", Meaning(.audio)), ("/audiosource/", Meaning(.audio)), ("sounddetect", Meaning(.audio)),
        ("storagefull", Meaning(.diskFull)), ("diskfull", Meaning(.diskFull)),
        ("storagefailure", Meaning(.diskError)), ("diskerror", Meaning(.diskError)), ("/storage/", Meaning(.diskError)),
        ("illegalaccess", Meaning(.illegalLogin)), ("illegallogin", Meaning(.illegalLogin)), ("loginfailure", Meaning(.illegalLogin)),
        ("ipconflict", Meaning(.network)), ("networkfailure", Meaning(.network)), ("networklost", Meaning(.network)),
        ("/accesscontrol/", Meaning(.access)), ("/door/", Meaning(.door)),
    ]

    /// What `IsPeople="true"` and its like in a message's data say.
    static let seen: [String: (CameraEvent.Category, CameraEvent.Target?)] = [
        "people": (.object, .human), "person": (.object, .human), "human": (.object, .human), "vehicle": (.object, .vehicle),
        "car": (.object, .vehicle), "pet": (.object, .animal), "animal": (.object, .animal), "package": (.object, .package),
        "face": (.face, .face), "linecross": (.lineCrossing, nil), "intrusion": (.intrusion, nil), "tamper": (.tamper, nil),
        "motion": (.motion, nil),
    ]

    /// A class of ONVIF's object classification (Analytics Service Specification, `tt:ObjectType`), and makers' words for it.
    static func target(_ word: String) -> CameraEvent.Target? {
        switch word.lowercased() {
        case "human", "person", "people", "humanbody", "pedestrian": .human
        case "vehicle", "vehical", "car", "bus", "truck", "bicycle", "motorcycle", "bike": .vehicle
        case "animal", "pet", "dog", "cat": .animal
        case "face", "humanface": .face
        case "package", "parcel": .package
        default: nil
        }
    }
}
