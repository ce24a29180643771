/** When a container whose program has ended is started again, as docker has it. */
export interface RestartPolicy {
  /** docker tells the first two apart only when its daemon starts; there is none here. */
  readonly name: 'always' | 'unless-stopped' | 'on-failure';
  /** So often in a row, of `on-failure`; 0 for no bound. */
  readonly most: number;
}

/** What a start by hand sets back. */
export interface Restarts {
  /** So often it was started again. */
  readonly count: number;
  /** The wait before the latest of them. */
  readonly waitMs: number;
}

/** docker's. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 60_000;
/** What ran so long is waited for as if it had failed for the first time. */
const STEADY_MS = 10_000;

/** How the container is started once more after its program has ended; undefined if that was all. */
export function nextRestart(
  policy: RestartPolicy,
  { code, ranMs }: { readonly code: number; readonly ranMs: number },
  before: Restarts = { count: 0, waitMs: 0 },
): Restarts | undefined {
  if (policy.name === 'on-failure') {
    if (code === 0 || (policy.most > 0 && before.count >= policy.most)) return undefined;
  }
  const last = ranMs >= STEADY_MS ? 0 : before.waitMs;
  return {
    count: before.count + 1,
    waitMs: last === 0 ? FIRST_WAIT_MS : Math.min(2 * last, LONGEST_WAIT_MS),
  };
}
