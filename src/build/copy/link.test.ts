import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  build,
  createFakeKeeper,
  describeTop,
  dir,
  file,
  link,
  makeBase,
  makeFolder,
} from '../../../test/support/build.ts';
import { isDobosError } from '../../base/errors.ts';
import type { Image } from '../../image/types.ts';
import type { LocalStore } from '../../store/contract.ts';
import { createMemoryStore } from '../../store/memory-store.ts';

describe('COPY --link', () => {
  let store: LocalStore;
  let one: Image;
  let two: Image;
  let folder: ReturnType<typeof makeFolder>;
  beforeEach(async () => {
    store = createMemoryStore();
    const shared = [
      dir('app', { mode: 0o700, uid: 5, gid: 6 }),
      dir('real'),
      link('link', 'real'),
      file('taken', 'x'),
    ];
    one = await makeBase(store, [...shared, file('one', '1')]);
    two = await makeBase(store, [...shared, file('two', '2')]);
    folder = makeFolder({ a: 'a', 'd/x': 'x' });
    folder.write({ d: { dir: 0o750 } });
  });
  afterEach(() => folder.remove());

  const built = (lines: string, base = one, more: Partial<Parameters<typeof build>[2]> = {}) =>
    build(store, `FROM base\n${lines}\n`, { base, contextFolder: folder.path, ...more });
  const top = async (line: string): Promise<string> => {
    try {
      return (await describeTop(store, (await built(line)).image)).join(', ');
    } catch (error) {
      if (!isDobosError(error)) throw error;
      return `${error.code} ${error.message}`;
    }
  };

  it.each([
    ['COPY --link a /app/a', 'app/ 755 0:0, app/a 644 0:0'],
    ['COPY --link a /app', 'app 644 0:0'],
    ['COPY --link a /app/', 'app/ 755 0:0, app/a 644 0:0'],
    ['COPY --link a /link/x', 'link/ 755 0:0, link/x 644 0:0'],
    ['COPY --link a /taken/x', 'taken/ 755 0:0, taken/x 644 0:0'],
    ['COPY --link d /app', 'app/ 755 0:0, app/x 644 0:0'],
    ['COPY --link=TRUE --chown=7 --chmod=600 a /app/', 'app/ 755 7:7, app/a 600 7:7'],
    ['COPY --link <<x /app/\ntext\nx', 'app/ 755 0:0, app/x 644 0:0'],
    ['ADD --link a /app/', 'app/ 755 0:0, app/a 644 0:0'],
    ['COPY --link --from=base /one /app/', 'app/ 755 0:0, app/one 644 0:0'],
    ['COPY --link=false a /app/', 'app/ 700 5:6, app/a 644 0:0'],
    [
      'COPY --link a d /app',
      'BUILD_DEST_NEEDS_SLASH 2 sources copied to "/app": with several sources the destination must be a directory and end in /',
    ],
    [
      'COPY --link --chown=ada a /',
      'PLAN_INVALID COPY --link cannot look up "ada": it sees no files of the image below, so no /etc/passwd',
    ],
    [
      'COPY --link --chown=1:staff a /',
      'PLAN_INVALID COPY --link cannot look up "1:staff": it sees no files of the image below, so no /etc/passwd',
    ],
  ])('%s', async (line, want) => expect(await top(line)).toBe(want));

  it('is one layer over every base, made once', async () => {
    const first = await built('COPY --link a /app/');
    const second = await built('COPY --link a /app/', two);
    expect([first, second].map(({ steps }) => steps.at(-1)?.cached)).toEqual([false, true]);
    expect(second.image.layers[0]?.diffId).toBe(two.layers[0]?.diffId);
    expect(second.image.layers[1]?.diffId).toBe(first.image.layers[1]?.diffId);
  });

  it('does not ask for the files of the image below', async () => {
    const get: LocalStore['notes']['get'] = (kind, key) => {
      if (kind === 'index' && key === one.layers[0]?.diffId) throw new Error('the base was read');
      return store.notes.get(kind, key);
    };
    const watched = { ...store, notes: { ...store.notes, get } };
    await expect(built('COPY a /x', one, { store: watched })).rejects.toThrow('the base was read');
    const { image } = await built('COPY --link a /x\nCOPY --link d /d', one, { store: watched });
    expect(image.layers).toHaveLength(3);
  });

  it('runs again when its files change, and what stands below it as ever', async () => {
    const keeper = createFakeKeeper(store);
    const lines = 'COPY --link a /a\nRUN below\n';
    const cached = async (base: Image) => {
      const { steps } = await built(lines, base, { keeper: async () => keeper });
      return steps.slice(-2).map((step) => step.cached);
    };
    expect(await cached(one)).toEqual([false, false]);
    expect(await cached(one)).toEqual([true, true]);
    expect(await cached(two)).toEqual([true, false]);
    expect(await cached(one)).toEqual([true, true]);
    folder.write({ a: 'other' });
    expect(await cached(one)).toEqual([false, false]);
  });

  it('stays cached when a step above it runs again', async () => {
    const keeper = createFakeKeeper(store);
    const run = async (command: string) =>
      (await built(`RUN ${command}\nCOPY --link a /a\n`, one, { keeper: async () => keeper })).steps.map(
        ({ cached }) => cached,
      );
    expect((await run('first')).slice(-2)).toEqual([false, false]);
    expect((await run('second')).slice(-2)).toEqual([false, true]);
  });

  it('writes nothing when builds over two bases take turns', async () => {
    for (const base of [one, two]) await built('COPY --link a /a', base);
    for (const base of [one, two, one]) {
      const { events } = await built('COPY --link a /a', base, {
        store: { ...store, lease: () => Promise.reject(new Error('something is written')) },
      });
      expect(events.filter(({ kind }) => kind === 'cached').length).toBeGreaterThan(0);
    }
  });

  it('explains itself without the step above', async () => {
    await built('COPY --link a /a');
    folder.write({ a: 'other' });
    expect((await built('COPY --link a /a', two)).steps.at(-1)?.why).toEqual(['a changed']);
  });
});
