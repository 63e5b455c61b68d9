// When a slider that moves asks: at once, then again and again while it moves, and once more where it stops.

const PAUSE = 80; // milliseconds from one request to the next
const PATIENCE = 500; // for an answer that is under way, before a newer request takes its place

type Task = (signal: AbortSignal) => Promise<void>;

/** Starts the latest task that it was given, and ends the one before where that has not answered by then. */
export class Pace {
  #next: Task | null = null;
  #timer: number | undefined;
  #since = -Infinity;
  #under: AbortController | null = null;

  ask(task: Task) {
    this.#next = task;
    this.#wait();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#under?.abort();
    this.#next = this.#under = null;
  }

  #wait() {
    clearTimeout(this.#timer);
    if (!this.#next) return;
    const due = this.#since + (this.#under ? PATIENCE : PAUSE);
    this.#timer = window.setTimeout(() => this.#start(), Math.max(0, due - performance.now()));
  }

  #start() {
    const task = this.#next!;
    const own = new AbortController();
    this.#under?.abort();
    this.#under = own;
    this.#next = null;
    this.#since = performance.now();
    void task(own.signal).finally(() => {
      if (this.#under !== own) return;
      this.#under = null;
      this.#wait();
    });
  }
}
