import { describe, expect, it } from 'vitest';
import { fakeClock } from '../../test/support/http-doubles.ts';
import { httpError } from './errors.ts';
import { parseRetryAfter, planRetry } from './retry.ts';

const answer = (status: number, retryAfter?: string) => ({ kind: 'answer' as const, status, retryAfter });
const unreachable = (why: 'reset' | 'refused' | 'not-found' | 'dns' | 'no-route' | 'closed') => ({
  kind: 'failure' as const,
  error: httpError('HTTP_UNREACHABLE', { host: 'r', why, detail: why, proxy: undefined }),
});
const waits = (outcome: Parameters<typeof planRetry>[0], random = 1): number[] => {
  const found: number[] = [];
  for (let tries = 1; ; tries++) {
    const plan = planRetry(outcome, tries, fakeClock({ random }));
    if (plan.kind === 'enough') return found;
    found.push(plan.waitMs);
  }
};

describe('another try', () => {
  it('comes for statuses that pass, five tries in all, each wait twice the last', () => {
    for (const status of [408, 429, 499, 500, 502, 503, 504, 522]) {
      expect(waits(answer(status)), String(status)).toEqual([1000, 2000, 4000, 8000]);
    }
    expect(waits(answer(503), 0)).toEqual([500, 1000, 2000, 4000]);
  });

  it('does not come for what will not change', () => {
    for (const status of [200, 206, 301, 304, 400, 401, 403, 404, 416, 501, 505]) {
      expect(waits(answer(status)), String(status)).toEqual([]);
    }
    expect(waits({ kind: 'failure', error: httpError('HTTP_PLAIN', { host: 'r' }) })).toEqual([]);
    expect(waits({ kind: 'failure', error: new Error('bug') })).toEqual([]);
  });

  it('comes for a broken line often, where nobody listens once, for no such host never', () => {
    expect(waits(unreachable('reset'))).toHaveLength(4);
    expect(waits(unreachable('dns'))).toHaveLength(4);
    expect(waits(unreachable('refused'))).toHaveLength(1);
    expect(waits(unreachable('no-route'))).toHaveLength(1);
    expect(waits(unreachable('not-found'))).toEqual([]);
    expect(waits(unreachable('closed'))).toEqual([]);
    const timeout = (doing: string) => ({
      kind: 'failure' as const,
      error: httpError('HTTP_TIMEOUT', { host: 'r', doing, seconds: 1 }),
    });
    expect(waits(timeout('to connect'))).toHaveLength(4);
    expect(waits(timeout('to answer'))).toHaveLength(1);
  });

  it('comes no sooner than the server asks for, in seconds or by a date', () => {
    const clock = fakeClock({ random: 0 });
    const date = new Date(clock.now() + 30_000).toUTCString();
    expect(planRetry(answer(429, '7'), 1, clock)).toMatchObject({ waitMs: 7000 });
    expect(planRetry(answer(503, date), 1, clock)).toMatchObject({ waitMs: 30_000 });
    expect(planRetry(answer(429, '0'), 3, clock)).toMatchObject({ waitMs: 2000 });
    expect(planRetry(answer(429, '7'), 1, fakeClock({ random: 1 }))).toMatchObject({ waitMs: 7700 });
  });

  it('does not come when the server asks for more than a minute, which is told', () => {
    expect(planRetry(answer(429, '60'), 1, fakeClock())).toMatchObject({ kind: 'again' });
    expect(planRetry(answer(429, '61'), 1, fakeClock())).toEqual({ kind: 'enough', askedMs: 61_000 });
    expect(planRetry(answer(404, '61'), 1, fakeClock())).toEqual({ kind: 'enough' });
  });

  it('names what happened', () => {
    expect(planRetry(answer(503), 1, fakeClock())).toMatchObject({ why: '503 Service Unavailable' });
    expect(planRetry(answer(499), 1, fakeClock())).toMatchObject({ why: '499' });
    expect(planRetry(unreachable('reset'), 1, fakeClock())).toMatchObject({ why: 'reset' });
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-11-20T12:00:00Z');
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['120', 120_000],
    [' 5 ', 5000],
    ['-5', undefined],
    ['1.5', undefined],
    ['5s', undefined],
    ['99999999999999', undefined],
    ['Fri, 20 Nov 2026 12:01:00 GMT', 60_000],
    ['Friday, 20-Nov-26 12:01:00 GMT', 60_000],
    ['Fri, 20 Nov 2026 11:00:00 GMT', 0],
    ['soon', undefined],
    ['2026', 2_026_000],
  ])('%j asks for %s ms', (text, ms) => expect(parseRetryAfter(text, now)).toBe(ms));
});
