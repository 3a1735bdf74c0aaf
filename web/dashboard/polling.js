// Asks again and again, as long as somebody can see the page and has not paused it.

const SLOWEST_SECONDS = 30;
const pollers = new Set();
let isPaused = false;

export const updates = {
  get paused() {
    return isPaused;
  },
  set paused(value) {
    isPaused = value;
    for (const poller of pollers) poller.arrange();
  },
};

document.addEventListener("visibilitychange", () => {
  for (const poller of pollers) poller.arrange();
});

// Runs `work(signal)` at once and then again after the seconds that it returns (null: only when asked to). When it
// throws, `failed(error)` is told and the pauses grow. `stop` also aborts what is under way.
export class Poller {
  #work;
  #failed;
  #controller = new AbortController();
  #timer = 0;
  #running = false;
  #again = false;
  #failures = 0;
  #wait = 0;

  constructor(work, failed) {
    this.#work = work;
    this.#failed = failed;
    pollers.add(this);
    this.now();
  }

  // Ask now, paused or not: somebody has done something and wants to see what came of it.
  async now() {
    if (this.#controller.signal.aborted) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#running = true;
    try {
      this.#wait = await this.#work(this.#controller.signal);
      this.#failures = 0;
    } catch (error) {
      if (this.#controller.signal.aborted) return;
      this.#failures += 1;
      this.#wait = Math.min(SLOWEST_SECONDS, 2 ** this.#failures);
      this.#failed(error);
    } finally {
      this.#running = false;
    }
    if (this.#again) {
      this.#again = false;
      this.now();
    } else {
      this.#plan();
    }
  }

  // The page has become visible or hidden, or updates were paused or resumed.
  arrange() {
    clearTimeout(this.#timer);
    if (!document.hidden && !isPaused && this.#wait !== null) this.now();
  }

  stop() {
    pollers.delete(this);
    clearTimeout(this.#timer);
    this.#controller.abort();
  }

  #plan() {
    if (this.#wait === null || document.hidden || isPaused || this.#controller.signal.aborted) return;
    this.#timer = setTimeout(() => this.now(), this.#wait * 1000);
  }
}
