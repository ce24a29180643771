import type { HttpClock } from './types.ts';

/** The real time and real chance. */
export const systemClock: HttpClock = {
  now: () => Date.now(),
  random: () => Math.random(),
  sleep: (ms, o = {}) =>
    new Promise((resolve, reject) => {
      const { signal } = o;
      if (signal?.aborted === true) return reject(signal.reason);
      const done = (): void => {
        signal?.removeEventListener('abort', stop);
        resolve();
      };
      const timer = setTimeout(done, ms);
      const stop = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', stop, { once: true });
    }),
};
