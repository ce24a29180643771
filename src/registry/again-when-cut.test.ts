import { describe, expect, it } from 'vitest';
import { httpError } from '../http/errors.ts';
import { againWhenCut } from './again-when-cut.ts';

const cut = () => httpError('HTTP_CUT', { host: 'r', received: 1, announced: 2, why: 'closed' });
const late = (doing: string) => httpError('HTTP_TIMEOUT', { host: 'r', doing, seconds: 30 });

describe('a small document', () => {
  it.each([
    ['cut', cut()],
    ['stalled', late('to send more of a body')],
  ])('is asked for again when it was %s, four times in all', async (_, error) => {
    let asked = 0;
    const ask = (fails: number) => async () => {
      asked++;
      if (asked <= fails) throw error;
      return 'whole';
    };
    expect(await againWhenCut(ask(3))).toBe('whole');
    expect(asked).toBe(4);
    asked = 0;
    await expect(againWhenCut(ask(9))).rejects.toBe(error);
    expect(asked).toBe(4);
  });

  it('is not asked for again when nobody answered, or for other reasons', async () => {
    for (const error of [late('to answer'), new Error('other')]) {
      let asked = 0;
      const ask = async () => {
        asked++;
        throw error;
      };
      await expect(againWhenCut(ask)).rejects.toBe(error);
      expect(asked).toBe(1);
    }
  });

  it('is not asked for again after an abort, whose reason is what is thrown', async () => {
    const stop = new AbortController();
    const ask = async () => {
      stop.abort(new Error('stopped'));
      throw cut();
    };
    await expect(againWhenCut(ask, { signal: stop.signal })).rejects.toThrow('stopped');
  });
});
