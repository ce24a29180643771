/** What the two threads of a `threadedSink` share. */
export interface SinkTask {
  readonly fd: number;
  readonly control: SharedArrayBuffer;
  /** Two halves, filled in turn. */
  readonly bytes: SharedArrayBuffer;
}

/** A half may be filled. */
export const STATE_FREE = 0;
/** It waits to be hashed and written. */
export const STATE_FULL = 1;

const DIGEST_AT = 16;
const DIGEST_BYTES = 32;
const STARTED_AT = 48;
const PROBLEM_AT = 64;

/** Views of the control: two states, two lengths; the digest; whether the thread runs; a problem as JSON, with its length before it. */
export function sinkViews({ control }: SinkTask) {
  const started = new Int32Array(control, STARTED_AT, 1);
  const length = new Int32Array(control, PROBLEM_AT - 4, 1);
  const digest = Buffer.from(control, DIGEST_AT, DIGEST_BYTES);
  const problem = Buffer.from(control, PROBLEM_AT);
  return {
    states: new Int32Array(control, 0, 2),
    filled: new Int32Array(control, 8, 2),
    answer: {
      isStarted: (): boolean => Atomics.load(started, 0) === 1,
      waitForStart: (ms: number): boolean => Atomics.wait(started, 0, 0, ms) !== 'timed-out',
      setStarted(): void {
        Atomics.store(started, 0, 1);
        Atomics.notify(started, 0);
      },
      digest: (): string => digest.toString('hex'),
      setDigest: (bytes: Uint8Array): void => void digest.set(bytes),
      problem(): { readonly code: string; readonly message: string } | undefined {
        const bytes = Atomics.load(length, 0);
        return bytes === 0 ? undefined : JSON.parse(problem.toString('utf8', 0, bytes));
      },
      setProblem(code: string, message: string): void {
        const text = JSON.stringify({ code, message: message.slice(0, 80).replace(/[^ -~]/g, '?') });
        Atomics.store(length, 0, problem.write(text));
      },
    },
  };
}
