import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { build, describeTop, dir, file, makeBase, makeFolder } from '../../../test/support/build.ts';
import { isDobosError } from '../../base/errors.ts';
import type { Image } from '../../image/types.ts';
import type { PlannedEntry } from '../../layer/types.ts';
import type { LocalStore } from '../../store/contract.ts';
import { createMemoryStore } from '../../store/memory-store.ts';

const BASE: readonly PlannedEntry[] = [
  dir('keep', { mode: 0o700, uid: 5, gid: 6 }),
  dir('keep/src', { mode: 0o711, uid: 7, gid: 8 }),
  file('keep/src/old', 'old'),
];

describe('COPY with --parents and --exclude', () => {
  let store: LocalStore;
  let base: Image;
  let folder: ReturnType<typeof makeFolder>;
  beforeEach(async () => {
    store = createMemoryStore();
    base = await makeBase(store, BASE);
    folder = makeFolder({
      'src/a.txt': 'a',
      'src/b.md': 'b',
      'src/x/c.txt': 'c',
      'src/x/y/d.txt': 'd',
      'src/x/y/e.md': 'e',
      'src/link': { link: 'a.txt' },
      'other/a.txt': 'o',
      'home.txt': 'h',
      'home.md': 'm',
      'big/part': { link: '../src' },
      '.dockerignore': 'src/x/y/e.md\n',
    });
    folder.write({
      src: { dir: 0o750 },
      'src/x': { dir: 0o755 },
      'src/x/y': { dir: 0o700 },
      big: { dir: 0o755 },
    });
    folder.write({ other: { dir: 0o755 } });
  });
  afterEach(() => folder.remove());

  const copy = async (lines: string, from = 'scratch'): Promise<string> => {
    try {
      const result = await build(store, `FROM ${from}\n${lines}\n`, { base, contextFolder: folder.path });
      // Modes of files are not what is looked at.
      return (await describeTop(store, result.image))
        .map((line) => line.replace(/ (644|777) 0:0$/, '').replace(/ 755 0:0$/, ''))
        .join(', ');
    } catch (error) {
      if (!isDobosError(error)) throw error;
      return `${error.code} ${error.message}`;
    }
  };

  it.each([
    // The folders on the way are kept, with what they are.
    ['COPY --parents src/a.txt other/a.txt /p/', 'p/, p/other/, p/other/a.txt, p/src/ 750 0:0, p/src/a.txt'],
    [
      'COPY --parents ./src/x /p',
      'p/, p/src/ 750 0:0, p/src/x/, p/src/x/c.txt, p/src/x/y/ 700 0:0, p/src/x/y/d.txt',
    ],
    ['COPY --parents --chown=3:4 src/a.txt /p/', 'p/ 755 3:4, p/src/ 750 3:4, p/src/a.txt 644 3:4'],
    // The pivot.
    ['COPY --parents src/./x/c.txt /p/', 'p/, p/x/, p/x/c.txt'],
    ['COPY --parents src/x/./y /p/', 'p/, p/y/ 700 0:0, p/y/d.txt'],
    ['COPY --parents src/x/y/. /p/', 'p/, p/src/ 750 0:0, p/src/x/, p/src/x/y/ 700 0:0, p/src/x/y/d.txt'],
    ['COPY --parents src/./. /', 'a.txt, b.md, link -> a.txt, x/, x/c.txt, x/y/ 700 0:0, x/y/d.txt'],
    ['COPY --parents src/./x/./y/d.txt /p/', 'p/, p/x/, p/x/y/ 700 0:0, p/x/y/d.txt'],
    ['COPY --parents s*/./x/c.txt /p/', 'p/, p/x/, p/x/c.txt'],
    // Patterns, ** of any depth.
    [
      'COPY --parents ./src/**/*.txt /p/',
      'p/, p/src/ 750 0:0, p/src/a.txt, p/src/x/, p/src/x/c.txt, p/src/x/y/ 700 0:0, p/src/x/y/d.txt',
    ],
    ['COPY --parents ./src/./**/**/d.txt /p/', 'p/, p/x/, p/x/y/ 700 0:0, p/x/y/d.txt'],
    ['COPY --parents */a.txt /p/', 'p/, p/other/, p/other/a.txt, p/src/ 750 0:0, p/src/a.txt'],
    [
      'COPY --parents src/x/** /p/',
      'p/, p/src/ 750 0:0, p/src/x/, p/src/x/c.txt, p/src/x/y/ 700 0:0, p/src/x/y/d.txt',
    ],
    // Links are links, and folders reached through links are folders.
    ['COPY --parents src/link /p/', 'p/, p/src/ 750 0:0, p/src/link -> a.txt'],
    ['COPY --parents big/part/a.txt /p/', 'p/, p/big/, p/big/part/ 750 0:0, p/big/part/a.txt'],
    // Nothing there.
    [
      'COPY --parents src/none /p/',
      'BUILD_NOT_IN_CONTEXT COPY failed: "src/none" is not in the build context',
    ],
    [
      'COPY --parents src/./none /p/',
      'BUILD_NOT_IN_CONTEXT COPY failed: "src/none" is not in the build context',
    ],
    [
      'COPY --parents src/x/y/e.md /p/',
      'BUILD_NOT_IN_CONTEXT COPY failed: "src/x/y/e.md" is not in the build context',
    ],
    ['COPY --parents src/none* /p/', 'p/'],
    [
      'COPY --parents none*/./x /p/',
      'BUILD_NOTHING_MATCHED COPY failed: nothing in the build context matches "none*/./x"',
    ],
    // What is left out.
    [
      'COPY --exclude=*.md src /p',
      'p/, p/a.txt, p/link -> a.txt, p/x/, p/x/c.txt, p/x/y/ 700 0:0, p/x/y/d.txt',
    ],
    ['COPY --exclude=x --exclude=/link src /p', 'p/, p/a.txt, p/b.md'],
    ['COPY --exclude=x/y src /p', 'p/, p/a.txt, p/b.md, p/link -> a.txt, p/x/, p/x/c.txt'],
    ['COPY --exclude=* --exclude=!x/y src /p', 'p/, p/x/, p/x/y/ 700 0:0, p/x/y/d.txt'],
    [
      'COPY --exclude=**/*.txt --exclude=!a.txt src /p',
      'p/, p/a.txt, p/b.md, p/link -> a.txt, p/x/, p/x/y/ 700 0:0',
    ],
    ['COPY --exclude=*.txt home* /p/', 'p/, p/home.md'],
    ['COPY --exclude=#no home.txt /p/', 'p/, p/home.txt'],
    ['COPY --exclude=* src /p', 'p/'],
    ['COPY --parents --exclude=src/x src/**/*.txt /p/', 'p/, p/src/ 750 0:0, p/src/a.txt'],
    [
      'COPY --parents --exclude=**/y src /p/',
      'p/, p/src/ 750 0:0, p/src/a.txt, p/src/b.md, p/src/link -> a.txt, p/src/x/, p/src/x/c.txt',
    ],
    [
      'ADD --exclude=*.md src /p',
      'p/, p/a.txt, p/link -> a.txt, p/x/, p/x/c.txt, p/x/y/ 700 0:0, p/x/y/d.txt',
    ],
    ['COPY --exclude=[ src /p', 'PLAN_INVALID COPY --exclude: syntax error in pattern "["'],
    ['COPY --exclude=! src /p', 'PLAN_INVALID COPY --exclude: illegal exclusion pattern: "!"'],
  ])('%s', async (line, want) => expect(await copy(line)).toBe(want));

  it('gives a folder that is there the mode of the source, and leaves it its owner', async () => {
    expect(await copy('COPY --parents src/a.txt /keep/', 'base')).toBe(
      'keep/ 700 5:6, keep/src/ 750 7:8, keep/src/a.txt',
    );
  });

  it('works the same over the files of a stage', async () => {
    const stage = 'COPY src /src\nFROM scratch\n';
    expect(await copy(`${stage}COPY --from=0 --parents --exclude=**/d.txt /src/./**/*.txt /p/`)).toBe(
      'p/, p/a.txt, p/x/, p/x/c.txt',
    );
    expect(await copy(`${stage}COPY --from=0 --parents /src/none /p/`)).toBe(
      'BUILD_NOT_IN_SOURCE COPY failed: "/src/none" is not in stage 0',
    );
  });

  it('looks at nothing below an excluded folder', async () => {
    // What cannot be read would end the build.
    folder.write({ 'src/x/loop': { link: 'loop' } });
    const { events } = await build(store, 'FROM scratch\nCOPY --exclude=x src /\n', {
      contextFolder: folder.path,
    });
    expect(events.find(({ kind }) => kind === 'context')).toMatchObject({ files: 3 });
  });

  it('runs again only when a file that is taken changes', async () => {
    const text = 'FROM scratch\nCOPY --exclude=*.md src /\n';
    const run = async () => (await build(store, text, { contextFolder: folder.path })).steps.at(-1)?.cached;
    expect(await run()).toBe(false);
    folder.write({ 'src/b.md': 'other' });
    expect(await run()).toBe(true);
    folder.write({ 'src/a.txt': 'other' });
    expect(await run()).toBe(false);
  });
});
