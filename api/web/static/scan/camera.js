// The camera of this device: opened when somebody asks for it, closed as soon as a code was read or the page is left.
const WANTED = { audio: false, video: { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 720 } } };
const PAUSE_MS = 60;

/** Tell whether this page may ask for a camera at all; browsers inside other applications often have none. */
export const hasCamera = () => Boolean(navigator.mediaDevices?.getUserMedia);

const stopAll = (stream) => {
  for (const track of stream.getTracks()) track.stop();
};

export class Camera {
  #stream = null;
  #isClosed = false;
  #video;
  #canvas = document.createElement("canvas");

  constructor(video) {
    this.#video = video;
  }

  /** Show what the camera sees; throws where there is none, or nobody allows it. Closed while it asks, it stays so. */
  async open() {
    const stream = await navigator.mediaDevices.getUserMedia(WANTED);
    if (this.#isClosed) return stopAll(stream);
    this.#stream = stream;
    this.#video.srcObject = stream;
    return this.#video.play().catch((error) => {
      if (!this.#isClosed) throw error; // taking the picture away stops it: nothing has failed
    });
  }

  /** Stop, for good: the next look is another camera. */
  close() {
    this.#isClosed = true;
    if (this.#stream !== null) stopAll(this.#stream);
    this.#stream = null;
    this.#video.srcObject = null;
  }

  /** Return the first text that `accept` takes; null if the camera was closed before. */
  async watch(read, accept) {
    while (this.#stream !== null) {
      const frame = this.#grab();
      const texts = frame === null ? [] : await read(frame);
      if (this.#stream === null) return null; // closed while that was being read
      const taken = texts.find((text) => accept(text));
      if (taken !== undefined) return taken;
      await new Promise((resolve) => { setTimeout(resolve, PAUSE_MS); });
    }
    return null;
  }

  #grab() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    if (!width || !height) return null;
    Object.assign(this.#canvas, { width, height });
    const context = this.#canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(this.#video, 0, 0);
    return context.getImageData(0, 0, width, height);
  }
}
