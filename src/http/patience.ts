import { timeUp } from './failures.ts';
import { HEADERS_MS, SEND_MS, SLOW_HEADERS_MS } from './limits.ts';
import type { Transport } from './types.ts';

/** How long an exchange is waited for until its answer begins. */
export interface Patience {
  /** The request is on its way. */
  start(): void;
  /** The connection has bytes of the body to send. */
  sending(): void;
  /** Whoever makes the body has the word, and takes as long as it likes. */
  making(): void;
  /** All of the body is sent. */
  sent(): void;
  /** The answer is there, or nobody waits any more. */
  end(): void;
}

/** Tells `giveUp` once when it takes too long: to take a piece of the body, or to answer when all is sent. */
export function createPatience(
  { body, slowAnswer }: Parameters<Transport['send']>[0],
  o: {
    readonly headersMs?: number | undefined;
    readonly slowHeadersMs?: number | undefined;
    readonly sendMs?: number | undefined;
  },
  giveUp: (error: Error) => void,
): Patience {
  let timer: NodeJS.Timeout | undefined;
  let ended = false;
  const allow = (ms: number, code: Parameters<typeof timeUp>[0]): void => {
    clearTimeout(timer);
    if (!ended) timer = setTimeout(() => giveUp(timeUp(code)), ms);
  };
  const sending = (): void => allow(o.sendMs ?? SEND_MS, 'TIME_UP_SEND');
  const sent = (): void =>
    slowAnswer === true
      ? allow(o.slowHeadersMs ?? SLOW_HEADERS_MS, 'TIME_UP_SLOW_HEADERS')
      : allow(o.headersMs ?? HEADERS_MS, 'TIME_UP_HEADERS');
  return {
    start: () => (body === undefined || body instanceof Uint8Array ? sent() : sending()),
    sending,
    making: () => clearTimeout(timer),
    sent,
    end() {
      ended = true;
      clearTimeout(timer);
    },
  };
}
