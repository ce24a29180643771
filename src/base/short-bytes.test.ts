import { createHash } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { collect, digestOf, hashShortBy, sha256, streamOf, verify } from './bytes.ts';

const HELLO = 'sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
const LIMIT = 4 * 1024 * 1024;

describe('short bytes hashed by another than Node', () => {
  let asked = 0;
  beforeAll(() =>
    hashShortBy((bytes) => {
      asked++;
      return createHash('sha256').update(bytes).digest();
    }),
  );
  beforeEach(() => {
    asked = 0;
  });
  const parts = (...texts: readonly string[]) => streamOf(...texts.map((text) => Buffer.from(text)));

  it('have the same digest', () => {
    expect([sha256('hello'), sha256(Buffer.from('hello'))]).toEqual([HELLO, HELLO]);
    expect(`sha256:${digestOf('hello').toString('hex')}`).toBe(HELLO);
    expect(asked).toBe(3);
  });

  it('pass when they are what was wanted, in one hash', async () => {
    const bytes = await collect(verify(parts('he', '', 'llo'), { digest: HELLO, size: 5 }), LIMIT);
    expect([String(bytes), asked]).toEqual(['hello', 1]);
  });

  it.each([
    ['others', 'jello', 5],
    ['too few', 'hell', 5],
    ['too many', 'hello', 4],
  ])('do not pass when they are %s', async (_, text, size) => {
    const got = collect(verify(parts(text), { digest: HELLO, size }), LIMIT);
    await expect(got).rejects.toMatchObject({ code: 'BYTES_MISMATCH' });
  });

  it('are hashed as they came, though who lent them writes over them', async () => {
    const lent = Buffer.from('he');
    async function* lending() {
      yield lent;
      lent.write('ll');
      yield lent;
      yield Buffer.from('o');
    }
    for await (const _ of verify(lending(), { digest: HELLO, size: 5 }));
    expect(asked).toBe(1);
  });

  it('are not those of another algorithm, nor long ones', async () => {
    const long = Buffer.alloc(1024 * 1024 + 1);
    for (const [algorithm, bytes] of [
      ['sha512', Buffer.from('hello')],
      ['sha256', long],
    ] as const) {
      const digest = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
      for await (const _ of verify(streamOf(bytes), { digest, size: bytes.length }));
    }
    expect(asked).toBe(0);
  });
});
