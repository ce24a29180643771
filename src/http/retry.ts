import { STATUS_CODES } from 'node:http';
import { type DobosError, isDobosError } from '../base/errors.ts';
import { FIRST_WAIT_MS, MAX_TRIES, MAX_TRIES_UNLIKELY, MAX_WAIT_MS } from './limits.ts';
import type { HttpClock } from './types.ts';

const PASSING: ReadonlySet<number> = new Set([408, 429, 499, 500, 502, 503, 504, 522]);

/** How one try ended: with an answer, or without. */
export type Outcome =
  | { readonly kind: 'answer'; readonly status: number; readonly retryAfter: string | undefined }
  | { readonly kind: 'failure'; readonly error: unknown };

export type RetryPlan =
  | { readonly kind: 'again'; readonly waitMs: number; readonly why: string }
  | {
      readonly kind: 'enough';
      /** How long the server asked to wait, when that is too long. */
      readonly askedMs?: number;
    };

/** What to do after the `tries`-th try of a request that may be made again: doubling waits with chance in them, never shorter than the server asks for. */
export function planRetry(outcome: Outcome, tries: number, clock: HttpClock): RetryPlan {
  const again = (most: number, why: string, leastMs = 0): RetryPlan =>
    tries < most ? { kind: 'again', waitMs: waitFor(tries, leastMs, clock), why } : { kind: 'enough' };
  if (outcome.kind === 'failure') {
    const { most, why } = hopeOf(outcome.error);
    return again(most, why);
  }
  if (!PASSING.has(outcome.status)) return { kind: 'enough' };
  const askedMs = parseRetryAfter(outcome.retryAfter, clock.now());
  if (askedMs !== undefined && askedMs > MAX_WAIT_MS) return { kind: 'enough', askedMs };
  return again(MAX_TRIES, `${outcome.status} ${STATUS_CODES[outcome.status] ?? ''}`.trim(), askedMs);
}

/** Milliseconds that a `Retry-After` header asks for: seconds or an HTTP date (RFC 9110 10.2.3); undefined when it is neither. */
export function parseRetryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const trimmed = text.trim();
  if (/^\d{1,12}$/.test(trimmed)) return Number(trimmed) * 1000;
  const date = /^[A-Z][a-z]{2,8},? /.test(trimmed) ? Date.parse(trimmed) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function waitFor(tries: number, leastMs: number, clock: HttpClock): number {
  const full = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (tries - 1));
  const chance = clock.random();
  return Math.round(
    Math.max(full * (0.5 + chance / 2), leastMs + Math.min(leastMs / 10, FIRST_WAIT_MS) * chance),
  );
}

function hopeOf(error: unknown): { readonly most: number; readonly why: string } {
  if (!isDobosError(error)) return { most: 1, why: '' };
  if (error.code === 'HTTP_TIMEOUT') {
    return { most: error.facts.doing === 'to connect' ? MAX_TRIES : MAX_TRIES_UNLIKELY, why: 'time-out' };
  }
  if (error.code !== 'HTTP_UNREACHABLE') return { most: 1, why: '' };
  const detail = String((error as DobosError).facts.detail);
  switch (error.facts.why) {
    case 'reset':
    case 'dns':
    case 'network':
      return { most: MAX_TRIES, why: detail };
    case 'refused':
    case 'no-route':
      return { most: MAX_TRIES_UNLIKELY, why: detail };
    default:
      return { most: 1, why: detail };
  }
}
