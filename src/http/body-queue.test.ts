import { describe, expect, it } from 'vitest';
import { type BodyQueue, createBodyQueue } from './body-queue.ts';

const KIB = 1024;

function setUp(length?: number) {
  const told: string[] = [];
  const tap = {
    pause: () => told.push('pause'),
    resume: () => told.push('resume'),
    abort: () => {
      told.push('abort');
      queue.fail(new Error('aborted'));
    },
  };
  const queue: BodyQueue = createBodyQueue(tap, length);
  return { queue, told, reader: queue.body[Symbol.asyncIterator]() };
}

describe('a queue of a body', () => {
  it('passes chunks on as they came, in order, then what happened', async () => {
    const { queue, reader } = setUp();
    const chunks = [1, 2, 3].map((fill) => Buffer.alloc(64 * KIB, fill));
    for (const chunk of chunks) queue.push(chunk);
    queue.fail(new Error('broken'));
    for (const chunk of chunks) expect((await reader.next()).value).toBe(chunk);
    await expect(reader.next()).rejects.toThrow('broken');
    const ended = setUp();
    ended.queue.end();
    expect(await ended.reader.next()).toEqual({ done: true, value: undefined });
  });

  it('joins small chunks that wait', async () => {
    const { queue, reader } = setUp();
    const next = reader.next();
    for (const text of ['ab', 'c', 'def']) queue.push(Buffer.from(text));
    expect(String((await next).value)).toBe('abcdef');
  });

  it('pauses its sender at two mebibytes that nobody takes, and lets it go on when half is taken', async () => {
    const { queue, told, reader } = setUp();
    for (let i = 0; i < 15; i++) queue.push(Buffer.alloc(128 * KIB));
    expect(told).toEqual([]);
    queue.push(Buffer.alloc(128 * KIB));
    queue.push(Buffer.alloc(128 * KIB));
    expect(told).toEqual(['pause']);
    for (let i = 0; i < 9; i++) await reader.next();
    expect(told).toEqual(['pause']);
    await reader.next();
    expect(told).toEqual(['pause', 'resume']);
  });

  it('that is left reads a small rest, and breaks off a large one, announced or not', async () => {
    const small = setUp(100);
    small.queue.push(Buffer.alloc(40));
    const left = small.reader.return!();
    small.queue.push(Buffer.alloc(60));
    small.queue.end();
    await left;
    expect(small.told).toEqual([]);
    expect(await small.reader.next()).toEqual({ done: true, value: undefined });

    const large = setUp(1000 * KIB);
    await large.reader.return!();
    expect(large.told).toEqual(['abort']);

    const unknown = setUp();
    const gone = unknown.reader.return!();
    unknown.queue.push(Buffer.alloc(64 * KIB));
    expect(unknown.told).toEqual([]);
    unknown.queue.push(Buffer.alloc(1));
    await gone;
    expect(unknown.told).toEqual(['abort']);
  });

  it('that is left while paused lets the rest come', async () => {
    const { queue, told, reader } = setUp(2048 * KIB + 10);
    queue.push(Buffer.alloc(2048 * KIB));
    const left = reader.return!();
    queue.push(Buffer.alloc(10));
    queue.end();
    await left;
    expect(told).toEqual(['pause', 'resume']);
  });

  it('wakes a reader that waits when it is left', async () => {
    const { queue, reader } = setUp(5);
    const next = reader.next();
    const left = reader.return!();
    expect(await next).toEqual({ done: true, value: undefined });
    queue.end();
    await left;
  });
});
