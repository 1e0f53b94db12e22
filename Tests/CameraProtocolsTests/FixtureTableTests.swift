import Testing

/// Every answer of a real device that is kept as a fixture, and what reading it gives: also the table in `docs/cameras.md`.
///
/// It does not run where the fixtures are missing.
@Suite(.enabled(if: Fixtures.areThere)) struct FixtureTableTests {
    private static let folders = [
        "isapi/alertstream", "isapi/xml", "sadp", "onvif/axis", "onvif/parsers", "onvif/single", "sdp/gortsplib", "sdp/retina",
    ]

    @Test func everyFileIsInTheTable() {
        #expect(Set(Self.folders.flatMap(Fixtures.files)).symmetricDifference(Self.table.map(\.0)).isEmpty)
    }

    @Test(arguments: Self.table) func isReadOrRefusedAsItShould(file: String, result: String) {
        #expect(Fixtures.result(file) == result)
    }

    private static let table: [(String, String)] = [
        ("isapi/alertstream/cam_00.xml", "heartbeat"),
        ("isapi/alertstream/cam_01.xml", "motion active, channel 1 (VMD)"),
        ("isapi/alertstream/cam_02.xml", "line-crossing active, channel 1, region 1 (linedetection)"),
        ("isapi/alertstream/cam_03.xml", "line-crossing inactive, channel 1 (linedetection)"),
        ("isapi/alertstream/cam_04.xml", "motion inactive, channel 1 (VMD)"),
        ("isapi/alertstream/cam_05.xml", "heartbeat"),
        ("isapi/alertstream/cam_06.xml", "motion active, channel 1 (VMD)"),
        ("isapi/alertstream/cam_07.xml", "line-crossing active, channel 1, region 1 (linedetection)"),
        ("isapi/alertstream/cam_08.xml", "line-crossing inactive, channel 1 (linedetection)"),
        ("isapi/alertstream/cam_09.xml", "motion inactive, channel 1 (VMD)"),
        ("isapi/alertstream/nvr_00.xml", "video-loss active, channel 16 (videoloss)"),
        ("isapi/alertstream/nvr_01.xml", "motion active, channel 15 (VMD)"),
        ("isapi/alertstream/nvr_02.xml", "line-crossing active, channel 5 (linedetection)"),
        ("isapi/alertstream/nvr_03.xml", "intrusion active, channel 7 (fielddetection)"),
        ("isapi/alertstream/nvr_04.xml", "video-loss active, channel 16 (videoloss)"),
        ("isapi/alertstream/nvr_05.xml", "motion active, channel 15 (VMD)"),
        ("isapi/alertstream/nvr_06.xml", "line-crossing active, channel 5 (linedetection)"),
        ("isapi/alertstream/nvr_07.xml", "intrusion active, channel 7 (fielddetection)"),
        ("isapi/xml/ContentMgmt.Storage_hdd1.xml", "refused: The device sent storage where an event was expected."),
        (
            "isapi/xml/Event.notification.httpHosts_ipc_list.xml",
            "refused: The device sent HttpHostNotificationList where an event was expected."
        ),
        (
            "isapi/xml/Event.notification.httpHosts_set_alarm_server_outside_network_payload.xml",
            "refused: The device sent HttpHostNotificationList where an event was expected."
        ),
        ("isapi/xml/EventNotificationAlert_cam1_DS-2CD2T46G2-ISU_io_notification.xml", "input active, channel 1 (IO)"),
        ("isapi/xml/EventNotificationAlert_cam3_DS-2CD2T86G2-ISU_io_notification.xml", "input active, channel 1 (IO)"),
        (
            "isapi/xml/EventNotificationAlert_fielddetection_vehicle.xml",
            "intrusion of vehicle active, channel 1, region 2 (fielddetection)"
        ),
        ("isapi/xml/EventNotificationAlert_ipc_thermometry_motiondetection.xml", "motion active, channel 2 (VMD)"),
        ("isapi/xml/EventNotificationAlert_pir.xml", "pir active, channel 1 (PIR)"),
        (
            "isapi/xml/Streaming.channels.x0y.picture_deviceError.xml",
            "refused: The device sent ResponseStatus where an event was expected."
        ),
        ("sadp/DS-2CD2320D-I_probematch.xml", "DS-2CD2320D-I, 44:47:cc:37:ce:81, 192.168.1.112, HTTP 80, activated"),
        ("sadp/DS-2CD2432F-IW_probematch.xml", "DS-2CD2432F-IW, c0:56:e3:fe:42:92, 10.1.1.251, HTTP 80, activated"),
        ("sadp/DS-7804HQH-K1_probematch_cut.xml.txt", "DS-7804HQH-K1, 68:6d:bc:ee:f8:f0, 192.168.1.227, HTTP 80, activated, cut short"),
        ("sadp/DS-TCG406-E_probematch_trimmed.xml", "DS-TCG406-E, e8:a0:ed:30:57:1b, 192.168.74.76, HTTP 88, activated"),
        ("sadp/probe_request.xml", "refused: The message is Probe, not an answer to an inquiry."),
        ("onvif/axis/AUDIO_INIT.xml", "audio inactive, device (AudioSource/TriggerLevel)"),
        ("onvif/axis/EVENT_INSTANCES.xml", "refused: The device's answer lacks PullMessagesResponse."),
        ("onvif/axis/EVENT_INSTANCE_STORAGE_ALERT.xml", "refused: The device's answer lacks PullMessagesResponse."),
        (
            "onvif/axis/FENCE_GUARD_INIT.xml",
            "line-crossing inactive, channel 1, region Profile1 (CameraApplicationPlatform/FenceGuard/Camera1Profile1)"
        ),
        ("onvif/axis/GLOBAL_SCENE_CHANGE.xml", "tamper inactive, token 0 (VideoSource/GlobalSceneChange/ImagingService)"),
        ("onvif/axis/LIGHT_STATUS_INIT.xml", "other inactive, device (Device/Light/Status)"),
        (
            "onvif/axis/MOTION_GUARD_INIT.xml",
            "intrusion inactive, channel 1, region ProfileANY (CameraApplicationPlatform/MotionGuard/Camera1ProfileANY)"
        ),
        (
            "onvif/axis/OBJECT_ANALYTICS_INIT.xml",
            "object inactive, channel 1, region Scenario1 (CameraApplicationPlatform/ObjectAnalytics/Device1Scenario1)"
        ),
        ("onvif/axis/PIR_INIT.xml", "pir inactive, device (Device/Sensor/PIR)"),
        ("onvif/axis/PORT_ANY_INIT.xml", "input inactive, device (Device/IO/Port)"),
        ("onvif/axis/PTZ_MOVE_INIT.xml", "other inactive, device (PTZController/Move/Channel_1)"),
        ("onvif/axis/PTZ_PRESET_AT_1_FALSE.xml", "other inactive, device (PTZController/PTZPresets/Channel_1)"),
        ("onvif/axis/PTZ_PRESET_AT_2_FALSE.xml", "other inactive, device (PTZController/PTZPresets/Channel_1)"),
        ("onvif/axis/PTZ_PRESET_AT_3_FALSE.xml", "other inactive, device (PTZController/PTZPresets/Channel_1)"),
        ("onvif/axis/PTZ_PRESET_INIT_1.xml", "other active, device (PTZController/PTZPresets/Channel_1)"),
        ("onvif/axis/PTZ_PRESET_INIT_3.xml", "other inactive, device (PTZController/PTZPresets/Channel_1)"),
        (
            "onvif/axis/RULE_ENGINE_REGION_DETECTOR_INIT.xml",
            "motion inactive, token 0, region Profile 1V (RuleEngine/MotionRegionDetector/Motion)"
        ),
        ("onvif/axis/VMD3_INIT.xml", "motion inactive, device, region 0 (RuleEngine/VMD3/vmd3_video_1)"),
        ("onvif/axis/VMD4_ANY_INIT.xml", "motion inactive, channel 1, region ProfileANY (CameraApplicationPlatform/VMD/Camera1ProfileANY)"),
        ("onvif/axis/VMD4_C1P1_INIT.xml", "motion inactive, channel 1, region Profile1 (CameraApplicationPlatform/VMD/Camera1Profile1)"),
        ("onvif/axis/VMD4_C1P2_INIT.xml", "motion inactive, channel 1, region Profile2 (CameraApplicationPlatform/VMD/Camera1Profile2)"),
        (
            "onvif/parsers/ajax__test_ajax_human_animal.json",
            "object of human active, token 9c756e1c82d0-0, region 9c756e1c82d0-0-dk2t3b (RuleEngine/ObjectDetection/Object); object of animal active, token 9c756e1c82d0-0, region 9c756e1c82d0-0-dk2t3b (RuleEngine/ObjectDetection/Object)"
        ),
        (
            "onvif/parsers/ajax__test_ajax_line_crossing.json",
            "line-crossing momentary, token 9c756e1c82d0-0, region 9c756e1c82d0-0-dk2t3c (RuleEngine/LineDetector/Crossing)"
        ),
        (
            "onvif/parsers/ajax__test_ajax_motion_detector.json",
            "motion active, token vsconf, region AjaxMotionRule (RuleEngine/MotionDetector/Detection)"
        ),
        (
            "onvif/parsers/ajax__test_ajax_object_detector_human.json",
            "object of human active, token vsconf, region AjaxObjectRule (RuleEngine/ObjectDetection/Object)"
        ),
        ("onvif/parsers/hikvision__test_hikvision_alarm.json", "input active, device (Device/Trigger/AlarmIn)"),
        (
            "onvif/parsers/tapo__test_tapo_cellmotiondetector_person.json",
            "object of human active, token vsconf, region MyPeopleDetectorRule (RuleEngine/CellMotionDetector/People)"
        ),
        (
            "onvif/parsers/tapo__test_tapo_intrusion.json",
            "intrusion active, token vsconf, region MyIntrusionDetectorRule (RuleEngine/CellMotionDetector/Intrusion)"
        ),
        ("onvif/parsers/tapo__test_tapo_missing_attributes.json", "object of human active, device (RuleEngine/PeopleDetector/People)"),
        (
            "onvif/parsers/tapo__test_tapo_tpsmartevent_person.json",
            "object of human active, token vsconf, region MyPeopleDetectorRule (RuleEngine/PeopleDetector/People)"
        ),
        (
            "onvif/parsers/tapo__test_tapo_tpsmartevent_vehicle.json",
            "object of vehicle active, token vsconf, region MyTPSmartEventDetectorRule (RuleEngine/TPSmartEventDetector/TPSmartEvent)"
        ),
        ("onvif/parsers/unknown__test_reolink_package.json", "other active, token 000 (This/Rule/DoesNotExist)"),
        (
            "onvif/single/hikvision_2024_pullmessages.xml",
            "motion inactive, token VideoSource_1 (VideoSource/MotionAlarm); tamper inactive, token VideoSource_1 (VideoSource/GlobalSceneChange/ImagingService); motion inactive, token VideoSourceToken, region MyMotionDetectorRule (RuleEngine/CellMotionDetector/Motion); tamper inactive, token VideoSourceToken (VideoSource/ImageTooDark/ImagingService); intrusion inactive, token VideoSourceToken, region MyFieldDetector1 (RuleEngine/FieldDetector/ObjectsInside); disk-error inactive, device (Device/HardwareFailure/StorageFailure)"
        ),
        (
            "onvif/single/hikvision_DS-2CD3955FWD-IWS_probematches.xml",
            "HIKVISION DS-2CD3955FWD-IWS, DS-2CD3955FWD-IWS, b4:a3:82:0f:d9:2d, 2 addresses"
        ),
        (
            "onvif/single/tapo_c200_motion.xml",
            "motion active, token vsconf, region MyMotionDetectorRule (RuleEngine/CellMotionDetector/Motion)"
        ),
        ("sdp/gortsplib/base.sdp", "refused: The device describes a stream without video or sound."),
        ("sdp/gortsplib/desc_a_control_trackID_0_n.sdp", "video 96 at -"),
        (
            "sdp/gortsplib/desc_a_ssrc_1733091158_label_100_r_n.sdp",
            "audio OPUS ISAC ISAC G722 ILBC PCMU PCMA CN CN CN TELEPHONE-EVENT TELEPHONE-EVENT TELEPHONE-EVENT TELEPHONE-EVENT at -; video VP8 RTX VP9 RTX H264 RTX RED RTX ULPFEC at -"
        ),
        ("sdp/gortsplib/desc_multiple_formats_for_each_media_2.sdp", "video H264 METADATA at -"),
        (
            "sdp/gortsplib/desc_one_format_for_each_media_relative.sdp",
            "video H264 at trackID=1; audio PCMU at trackID=2; application 107 at -"
        ),
        ("sdp/gortsplib/desc_sprop_parameter_sets_Z00AKp2oHgCJ_WbgICAgQA_aO48gA_r_n.sdp", "video H264 98 at -"),
        ("sdp/gortsplib/empty_lines.sdp", "refused: The device describes a stream without video or sound."),
        ("sdp/gortsplib/issue_gortsplib_1025_undisclosed_cameras_ipv4_.sdp", "video 96 at -"),
        ("sdp/gortsplib/issue_gortsplib_1068_BZBGEAR_BG_VPTZ_10HSU3_.sdp", "meta META at track=2"),
        ("sdp/gortsplib/issue_gortsplib_112_b_Hex_session_.sdp", "refused: The device describes a stream without video or sound."),
        ("sdp/gortsplib/issue_gortsplib_201_invalid_origin_.sdp", "video H264 at track1; audio MPEG4-GENERIC at track2"),
        ("sdp/gortsplib/issue_gortsplib_448_no_v_0_at_start_.sdp", "video H264 at trackID=0"),
        (
            "sdp/gortsplib/issue_gortsplib_501_Avigilon_cameras_.sdp",
            "audio PCMU at rtsp://192.168.1.63/defaultPrimary/micCfg0/trackID=9?mtu=1440&streamType=u; audio PCMU OPUS at rtsp://192.168.1.63/defaultPrimary/spk0/trackID=2?mtu=1440&streamType=u; video 96 at rtsp://192.168.1.63/defaultPr"
        ),
        (
            "sdp/gortsplib/issue_gortsplib_85_FLIR_timing_.sdp",
            "video MP4V-ES MP4V-ES H264 H264 FCAM at rtsp://172.16.2.20/sid=96&overlay=on"
        ),
        ("sdp/gortsplib/issue_mediamtx_1119_fritzbox_6660_Cable_.sdp", "video MP2T at stream=1"),
        ("sdp/gortsplib/issue_mediamtx_120_MP2T_in_protocol_.sdp", "video MP2T at -"),
        ("sdp/gortsplib/issue_mediamtx_127_Amcrest_cameras_.sdp", "refused: The device describes a stream without video or sound."),
        ("sdp/gortsplib/issue_mediamtx_2128_Vurix_NVR_.sdp", "video H264 at rtsp://10.10.10.10:5556/vurix/1414/0/video"),
        ("sdp/gortsplib/issue_mediamtx_2473_no_session_name_.sdp", "video H265 at trackID=3; audio PCMA at trackID=4"),
        ("sdp/gortsplib/issue_mediamtx_2708_Y_CAM_Bullet_HD_.sdp", "video MP4V-ES at trackID=1"),
        (
            "sdp/gortsplib/issue_mediamtx_3583_Wisenet_NVR_.sdp",
            "video H264 at trackID=0; audio MPA at trackID=1; text OBJECT-DETECTION at trackID=2"
        ),
        (
            "sdp/gortsplib/issue_mediamtx_5292_Verint_cameras_IP_instead_of_IN_in_origin_.sdp",
            "video H264 at rtsp://192.168.1.1:554/c266233d-e0e5-414f-9c57-9ed9d187c969/Video"
        ),
        ("sdp/gortsplib/issue_mediamtx_85_SONY_SNC_WR630_.sdp", "video H264 at trackID=1"),
        (
            "sdp/gortsplib/issue_mediamtx_990_TP_Link_.sdp",
            "video H265 at track1; audio PCMA at track2; application/tp-link smart/1/90000 at track3"
        ),
        ("sdp/gortsplib/no_timing.sdp", "video H265 at streamid=0; audio MPEG4-GENERIC at streamid=1"),
        ("sdp/gortsplib/unix_newlines.sdp", "refused: The device describes a stream without video or sound."),
        ("sdp/retina/anjvision_describe.txt", "200, video H265 at trackID=1"),
        ("sdp/retina/bad_rtptime.txt", "200, session 551045787 for 60 s"),
        ("sdp/retina/bunny_play.txt", "200, session 551045787 for 60 s"),
        (
            "sdp/retina/dahua_describe_h264_aac_onvif.txt",
            "200, video H264 at trackID=0; audio MPEG4-GENERIC at trackID=1; application VND.ONVIF.METADATA at trackID=4"
        ),
        ("sdp/retina/dahua_options.txt", "200, session 136527041864 for 60 s"),
        ("sdp/retina/dahua_setup.txt", "200, session 634214675641 for 60 s"),
        (
            "sdp/retina/geovision_sdp.txt",
            "video H264 at rtsp://192.168.5.237/media/video1/video; application VND.ONVIF.METADATA at rtsp://192.168.5.237/media/video1/metadata"
        ),
        ("sdp/retina/gw_main_play.txt", "200, session 9a90de54 for 120 s"),
        ("sdp/retina/gw_main_setup_video.txt", "200, session 9a90de54 for 60 s"),
        ("sdp/retina/gw_sub_play.txt", "200, session 9b0d0e54 for 120 s"),
        ("sdp/retina/h264dvr_describe.txt", "200, video H264 at trackID=3; audio PCMA at trackID=4"),
        ("sdp/retina/h264dvr_setup_audio.txt", "200, session 231980 for 60 s"),
        (
            "sdp/retina/hikvision_describe.txt",
            "200, video H264 at rtsp://192.168.5.106:554/Streaming/Channels/101/trackID=1?transportmode=unicast&profile=Profile_1; application VND.ONVIF.METADATA at rtsp://192.168.5.106:554/Streaming/Channels/101/trackID=3?transportmode=unicast&profile=Profile_1"
        ),
        ("sdp/retina/hikvision_setup.txt", "200, session 708345999 for 60 s"),
        ("sdp/retina/ipcam_describe.txt", "200, video H264 at trackID=1"),
        ("sdp/retina/longse_unauthorized.txt", "401, no session"),
        ("sdp/retina/luckfox_rkipc_setup_udp.txt", "200, session 12345678 for 60 s"),
        ("sdp/retina/missing_content_type_describe.txt", "200, video H264 at streamid=0; audio MPEG4-GENERIC at streamid=1"),
        ("sdp/retina/reolink_describe_control_first.txt", "200, video H264 at trackID=1; audio MPEG4-GENERIC at trackID=2"),
        ("sdp/retina/reolink_setup.txt", "200, session F8F8E425 for 60 s"),
        ("sdp/retina/tplink_sdp.txt", "video H265 at track1; audio PCMA at track2; application/tp-link smart/1/90000 at track3"),
        ("sdp/retina/vstarcam_describe.txt", "200, video H264 at track0; audio PCMA at track1"),
    ]
}
