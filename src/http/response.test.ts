import { describe, expect, it } from 'vitest';
import { fakeClock, networkError, reply } from '../../test/support/http-doubles.ts';
import type { ByteStream } from '../base/bytes.ts';
import { collect, streamOf } from '../base/bytes.ts';
import { makeResponse } from './response.ts';
import type { HttpMethod } from './types.ts';

type Headers = Readonly<Record<string, string | readonly string[]>>;
interface SetUp {
  readonly method?: HttpMethod;
  readonly status?: number;
  readonly signal?: AbortSignal;
  readonly clock?: ReturnType<typeof fakeClock>;
}

function respond(body: string | ByteStream, headers: Headers = {}, o: SetUp = {}) {
  return makeResponse(reply(o.status ?? 200, headers, body), {
    method: o.method ?? 'GET',
    url: new URL('https://r.example/x?sig=hunter2'),
    clock: o.clock ?? fakeClock(),
    signal: o.signal,
  });
}

/** A body that remembers whether it was left. */
function watched(...parts: readonly string[]) {
  const state = { left: 0, given: 0 };
  const body: ByteStream = {
    [Symbol.asyncIterator]: () => ({
      async next() {
        const part = parts[state.given++];
        return part === undefined
          ? { done: true, value: undefined }
          : { done: false, value: Buffer.from(part) };
      },
      async return() {
        state.left++;
        return { done: true, value: undefined };
      },
    }),
  };
  return { state, body };
}

async function* broken(parts: readonly string[], error: Error): ByteStream {
  for (const part of parts) yield Buffer.from(part);
  throw error;
}

const cut = (facts: object) => ({ code: 'HTTP_CUT', facts: expect.objectContaining(facts) });

describe('headers of an answer', () => {
  it('are found by lower-case name, joined or apart', () => {
    const response = respond('', { Link: ['<a>', '<b>'], 'X-One': '1' });
    expect(response.header('link')).toBe('<a>, <b>');
    expect(response.headers('link')).toEqual(['<a>', '<b>']);
    expect([response.header('x-one'), response.header('none')]).toEqual(['1', undefined]);
  });
});

describe('the body of an answer', () => {
  it('passes on the very chunks that came', async () => {
    const chunk = Buffer.from('abc');
    for await (const got of respond(streamOf(chunk), { 'content-length': '3' }).body) expect(got).toBe(chunk);
  });

  it('that is shorter than announced is an error that says how much came', async () => {
    await expect(respond('abc', { 'content-length': '5' }).bytes(9)).rejects.toMatchObject(
      cut({ received: 3, announced: 5 }),
    );
  });

  it('that is longer than announced never passes the rest on', async () => {
    const got: string[] = [];
    const { body, state } = watched('abc', 'def', 'ghi');
    const read = async () => {
      for await (const part of respond(body, { 'content-length': '4' }).body) got.push(part.toString());
    };
    await expect(read()).rejects.toMatchObject(cut({ announced: 4 }));
    expect(got).toEqual(['abc']);
    expect(state).toEqual({ given: 2, left: 1 });
  });

  it.each([
    'ECONNRESET',
    'UND_ERR_SOCKET',
    'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
    'ETIMEDOUT',
    'ERR_SSL_X',
    'EPROTO',
  ])('that breaks off with %s is cut', async (code) => {
    const whole = respond(broken(['abc'], networkError(code)), { 'content-length': '5' });
    await expect(whole.bytes(9)).rejects.toMatchObject(cut({ received: 3, announced: 5 }));
    const chunked = respond(broken(['abc'], networkError(code)), { 'transfer-encoding': 'chunked' });
    await expect(chunked.bytes(9)).rejects.toMatchObject(cut({ received: 3, announced: undefined }));
  });

  it('that stands still is a time-out, that cannot be parsed is no HTTP, and what else fails stays as it is', async () => {
    const fail = (error: Error) => respond(broken([], error)).bytes(9);
    await expect(fail(networkError('UND_ERR_BODY_TIMEOUT'))).rejects.toMatchObject({ code: 'HTTP_TIMEOUT' });
    await expect(fail(Object.assign(new Error('x'), { name: 'HTTPParserError' }))).rejects.toMatchObject({
      code: 'HTTP_PROTOCOL',
    });
    const bug = new TypeError('bug');
    await expect(fail(bug)).rejects.toBe(bug);
  });

  it('that is packed is refused, but for a packing that is none', async () => {
    for (const encoding of ['gzip', 'zstd', 'identity, gzip', 'br\u0007']) {
      const { body, state } = watched('abc');
      await expect(respond(body, { 'content-encoding': encoding }).bytes(9)).rejects.toMatchObject({
        code: 'HTTP_ENCODING',
        message: expect.not.stringContaining('\u0007'),
      });
      expect(state).toEqual({ given: 0, left: 1 });
    }
    for (const encoding of ['identity', 'Identity ', '']) {
      await expect(respond('abc', { 'content-encoding': encoding }).bytes(9)).resolves.toHaveLength(3);
    }
  });

  it('of HEAD, 204 and 304 is empty whatever is announced', async () => {
    const headers = { 'content-length': '5000', 'content-encoding': 'gzip' };
    await expect(respond('', headers, { method: 'HEAD' }).bytes(9)).resolves.toHaveLength(0);
    await expect(respond('', { 'content-length': '5000' }, { status: 204 }).bytes(9)).resolves.toHaveLength(
      0,
    );
    await expect(respond('', { 'content-length': '5000' }, { status: 304 }).bytes(9)).resolves.toHaveLength(
      0,
    );
  });

  it('stops at an abort with its reason', async () => {
    const stop = new AbortController();
    const { body, state } = watched('abc', 'def');
    const read = async () => {
      for await (const _ of respond(body, {}, { signal: stop.signal }).body) stop.abort(new Error('enough'));
    };
    await expect(read()).rejects.toThrow('enough');
    expect(state).toEqual({ given: 1, left: 1 });
  });

  it('that is left early, or never read, is given up once or more, and reads no further', async () => {
    const early = watched('abc', 'def');
    for await (const _ of respond(early.body).body) break;
    expect(early.state.left).toBeGreaterThan(0);
    expect(early.state.given).toBe(1);
    const unread = watched('abc');
    await respond(unread.body).discard();
    expect(unread.state.left).toBeGreaterThan(0);
    expect(unread.state.given).toBe(0);
  });
});

describe('all bytes of an answer', () => {
  it('come up to the limit', async () => {
    expect((await respond('abc', { 'content-length': '3' }).bytes(3)).toString()).toBe('abc');
  });

  it('are not begun when more are announced', async () => {
    const { body, state } = watched('abc');
    await expect(respond(body, { 'content-length': '104857600' }).bytes(4)).rejects.toMatchObject({
      code: 'HTTP_BODY_TOO_LARGE',
      message: expect.not.stringContaining('hunter2'),
      facts: { announced: 104_857_600, limit: 4 },
    });
    expect(state.given).toBe(0);
    expect(state.left).toBeGreaterThan(0);
  });

  it('are left as soon as there are more, when nothing is announced', async () => {
    const { body, state } = watched('abc', 'def', 'ghi', 'jkl');
    await expect(respond(body).bytes(4)).rejects.toMatchObject({ code: 'HTTP_BODY_TOO_LARGE' });
    expect(state.given).toBe(2);
    expect(state.left).toBeGreaterThan(0);
  });

  it.each(['-1', '1e3', '0x10', '3, 4', '', ' '])('do not trust the length %j', async (length) => {
    await expect(respond('abc', { 'content-length': length }).bytes(9)).resolves.toHaveLength(3);
  });
});

describe('a slow body', () => {
  const drip = (clock: ReturnType<typeof fakeClock>, size: number, gapMs: number, times: number) =>
    async function* (): ByteStream {
      for (let i = 0; i < times; i++) {
        clock.tick(gapMs);
        yield Buffer.alloc(size);
      }
    };

  it('is given up when a minute of waiting brings less than 60 KiB', async () => {
    const clock = fakeClock();
    await expect(
      collect(respond(drip(clock, 1, 20_000, 1000)(), {}, { clock }).body, 9999),
    ).rejects.toMatchObject({
      code: 'HTTP_TIMEOUT',
    });
    expect(clock.now() - fakeClock().now()).toBe(60_000);
  });

  it('is judged anew each minute: a fast start does not excuse a drip', async () => {
    const clock = fakeClock();
    const body = async function* (): ByteStream {
      yield Buffer.alloc(1024 * 1024);
      yield* drip(clock, 1, 29_000, 1000)();
    };
    await expect(collect(respond(body(), {}, { clock }).body, 2 ** 22)).rejects.toMatchObject({
      code: 'HTTP_TIMEOUT',
    });
  });

  it('is fine at more than 1 KiB/s', async () => {
    const clock = fakeClock();
    const response = respond(drip(clock, 11 * 1024, 10_000, 100)(), {}, { clock });
    expect(await collect(response.body, 2 ** 22)).toHaveLength(1100 * 1024);
  });

  it('is not blamed for a slow reader', async () => {
    const clock = fakeClock();
    let size = 0;
    for await (const part of respond(drip(clock, 1, 0, 100)(), {}, { clock }).body) {
      size += part.length;
      clock.tick(60_000);
    }
    expect(size).toBe(100);
  });
});
