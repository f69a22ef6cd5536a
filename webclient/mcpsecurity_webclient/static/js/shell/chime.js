/** The sound of a notification. */

const TONES_HZ = [660, 880];
const TONE_S = 0.12;

/** Two short tones; a browser that allows no sound yet stays silent. */
export function chime() {
  const audio = new AudioContext();
  const volume = new GainNode(audio, { gain: 0.08 });
  volume.connect(audio.destination);
  TONES_HZ.forEach((frequency, index) => {
    const tone = new OscillatorNode(audio, { frequency });
    tone.connect(volume);
    tone.start(audio.currentTime + index * TONE_S);
    tone.stop(audio.currentTime + (index + 1) * TONE_S);
    if (index === TONES_HZ.length - 1) tone.addEventListener("ended", () => audio.close());
  });
}
