// The camera of this device: opened when somebody asks for it, closed as soon as a code was read or the page is left.
const WANTED = { audio: false, video: { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 720 } } };
const PAUSE_MS = 60;

/** Tell whether this page may ask for a camera at all; browsers inside other applications often have none. */
export const hasCamera = () => Boolean(navigator.mediaDevices?.getUserMedia);

export class Camera {
  #stream = null;
  #video;
  #canvas = document.createElement("canvas");

  constructor(video) {
    this.#video = video;
  }

  /** Show what the camera sees; throws where there is none, or nobody allows it. */
  async open() {
    this.#stream = await navigator.mediaDevices.getUserMedia(WANTED);
    this.#video.srcObject = this.#stream;
    await this.#video.play();
  }

  close() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#video.srcObject = null;
  }

  /** Return the first text that `accept` takes; null if the camera was closed before. */
  async watch(read, accept) {
    while (this.#stream !== null) {
      const frame = this.#grab();
      const texts = frame === null ? [] : await read(frame);
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
