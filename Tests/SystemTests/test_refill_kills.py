"""kill -9 of a box that refills what it missed."""

from refill_case import RefillCase

CRASH_POINTS = ("refill.planned", "refill.downloaded", "refill.written", "capture.source-durable", "capture.manifest-durable", "refill.captured", "refill.noted")


class Killed(RefillCase):
    """kill -9 while an absence is refilled."""

    def test_each_step(self):
        """Killed at each step of a refill, the box has the clip afterwards, once."""
        for point in CRASH_POINTS:
            with self.subTest(point=point):
                self.killed_at(point)

    test_each_step.limit = 900

    def killed_at(self, point):
        """One box, killed at one point."""
        simulator, box, (channel,) = self.set_up("camera,recordings=events", **{"devices.capture-seconds": 1})
        box.kill()
        began = self.record(simulator.device)
        box.launch({"GATEHOUSE_CRASH_AT": point})
        box.await_death(60, f"the death at {point}")
        box.start()
        done = self.await_done(box, channel)
        # The time of the second death is an absence of its own, in which nothing was recorded.
        self.assertEqual(sum(one["clips"] for one in done), 1, done)
        self.check_clip(box, channel, began)
        box.stop()
        simulator.close()
