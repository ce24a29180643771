import { describe, expect, it } from 'vitest';
import { nextRestart, type RestartPolicy, type Restarts } from './restart-policy.ts';

const always: RestartPolicy = { name: 'always', most: 0 };
const onFailure = (most: number): RestartPolicy => ({ name: 'on-failure', most });
const failed = { code: 1, ranMs: 5 };

/** The waits of a program that ends as said, until no more comes or `bound` is reached. */
function waits(policy: RestartPolicy, ended: { code: number; ranMs: number }, bound: number): number[] {
  const all: number[] = [];
  let last: Restarts | undefined;
  while (all.length < bound) {
    last = nextRestart(policy, ended, last);
    if (last === undefined) break;
    all.push(last.waitMs);
  }
  return all;
}

describe('a container is started again', () => {
  it('after 100 ms, then twice as long each time, up to a minute', () => {
    const expected = [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000];
    expect(waits(always, failed, 12)).toEqual(expected);
  });

  it('after the first wait again when the program ran for 10 s', () => {
    const before = { count: 7, waitMs: 6400 };
    expect(nextRestart(always, { code: 1, ranMs: 9999 }, before)).toEqual({ count: 8, waitMs: 12_800 });
    expect(nextRestart(always, { code: 1, ranMs: 10_000 }, before)).toEqual({ count: 8, waitMs: 100 });
  });

  it('on failure: so often as was asked for, without a bound for 0, never after success', () => {
    expect(waits(onFailure(3), failed, 10)).toHaveLength(3);
    expect(waits(onFailure(0), failed, 10)).toHaveLength(10);
    expect(waits(onFailure(3), { code: 0, ranMs: 5 }, 10)).toEqual([]);
  });

  it.each(['always', 'unless-stopped'] as const)('%s: after success too', (name) =>
    expect(waits({ name, most: 0 }, { code: 0, ranMs: 5 }, 4)).toHaveLength(4),
  );
});
