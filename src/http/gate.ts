import type { CallOptions } from '../base/options.ts';
import type { HttpClock } from './types.ts';

/** Lets at most so many requests of one origin wait for an answer, and none while the origin asked for quiet. */
export interface Gate {
  /** Waits for a turn; call what it gives when the answer's headers are there. @throws the signal's reason */
  enter(origin: string, o?: CallOptions): Promise<() => void>;
  /** No request to the origin starts within so many milliseconds. */
  quiet(origin: string, ms: number): void;
}

interface Lane {
  pending: number;
  quietUntil: number;
  readonly waiting: (() => void)[];
}

export function createGate(limit: number, clock: HttpClock): Gate {
  const lanes = new Map<string, Lane>();
  const laneOf = (origin: string): Lane => {
    const lane = lanes.get(origin) ?? { pending: 0, quietUntil: 0, waiting: [] };
    lanes.set(origin, lane);
    return lane;
  };
  return {
    async enter(origin, o = {}) {
      const lane = laneOf(origin);
      for (;;) {
        o.signal?.throwIfAborted();
        const quiet = lane.quietUntil - clock.now();
        if (quiet > 0) await clock.sleep(quiet, o);
        else if (lane.pending >= limit) await turn(lane, o.signal);
        else break;
      }
      lane.pending++;
      return once(() => {
        lane.pending--;
        lane.waiting.shift()?.();
      });
    },
    quiet(origin, ms) {
      const lane = laneOf(origin);
      lane.quietUntil = Math.max(lane.quietUntil, clock.now() + ms);
    },
  };
}

function turn(lane: Lane, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const go = (): void => {
      signal?.removeEventListener('abort', stop);
      resolve();
    };
    const stop = (): void => {
      const at = lane.waiting.indexOf(go);
      if (at >= 0) lane.waiting.splice(at, 1);
      reject(signal?.reason);
    };
    lane.waiting.push(go);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    act();
  };
}
