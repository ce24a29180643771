import { describe, expect, it } from 'vitest';
import { fakeClock } from '../../test/support/http-doubles.ts';
import { createGate } from './gate.ts';

/** Lets everything run that can. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('a gate', () => {
  it('lets so many of one origin in, and the next when one leaves', async () => {
    const gate = createGate(2, fakeClock());
    const leaves: (() => void)[] = [];
    const all = [1, 2, 3, 4].map(() => gate.enter('a').then((leave) => leaves.push(leave)));
    const other = await gate.enter('b');
    await settle();
    expect(leaves).toHaveLength(2);
    leaves[0]!();
    leaves[0]!();
    await settle();
    expect(leaves).toHaveLength(3);
    leaves[1]!();
    await Promise.all(all);
    other();
  });

  it('keeps all back while an origin wants quiet, and only those', async () => {
    const clock = fakeClock();
    const gate = createGate(2, clock);
    gate.quiet('a', 5000);
    gate.quiet('a', 1000);
    (await gate.enter('b'))();
    expect(clock.slept).toEqual([]);
    (await gate.enter('a'))();
    expect(clock.slept).toEqual([5000]);
  });

  it('forgets who stopped waiting', async () => {
    const gate = createGate(1, fakeClock());
    const leave = await gate.enter('a');
    const stop = new AbortController();
    const waits = gate.enter('a', { signal: stop.signal });
    const next = gate.enter('a');
    stop.abort(new Error('enough'));
    await expect(waits).rejects.toThrow('enough');
    leave();
    (await next)();
    await expect(gate.enter('a', { signal: stop.signal })).rejects.toThrow('enough');
  });
});
