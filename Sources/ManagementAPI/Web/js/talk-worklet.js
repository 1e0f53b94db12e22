// The microphone's samples, fewer a second: each of the result is the mean of those that fall on it.
class Talk extends AudioWorkletProcessor {
  constructor({ processorOptions }) {
    super();
    this.step = processorOptions.rate / sampleRate;
    this.place = 0;
    this.sum = 0;
    this.count = 0;
  }

  process([input]) {
    const samples = input[0];
    if (!samples) return true;
    const made = [];
    for (const sample of samples) {
      this.sum += sample;
      this.count += 1;
      this.place += this.step;
      if (this.place >= 1) {
        this.place -= 1;
        made.push(this.sum / this.count);
        this.sum = 0;
        this.count = 0;
      }
    }
    if (made.length) this.port.postMessage(made);
    return true;
  }
}
registerProcessor('gatehouse-talk', Talk);
