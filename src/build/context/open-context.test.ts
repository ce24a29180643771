import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder } from '../../../test/support/build.ts';
import { sha256 } from '../../base/bytes.ts';
import { decodeName } from '../../base/names.ts';
import type { Notes } from '../../store/contract.ts';
import { createMemoryStore } from '../../store/memory-store.ts';
import { type Context, type ContextSelection, openContext } from './open-context.ts';
import { parseStatIndex } from './stat-index.ts';

/** Later than any stamp made by the test. */
const later = () => Date.now() + 10_000;

describe('a build context', () => {
  let folder: ReturnType<typeof makeFolder>;
  let notes: Notes;
  const open: Context[] = [];
  beforeEach(() => {
    folder = makeFolder({ a: 'a', 'd/b': 'b', 'd/c': 'c' });
    notes = createMemoryStore().notes;
  });
  afterEach(async () => {
    for (const context of open.splice(0)) await context.close();
    folder.remove();
  });

  const context = (ignoreText?: string, now: () => number = later): Context => {
    const made = openContext(folder.path, { ignoreText, notes, now });
    open.push(made);
    return made;
  };
  const select = async (from: Context, sources: readonly string[]): Promise<ContextSelection> =>
    from.hash(await from.list(sources));
  const paths = ({ sources }: ContextSelection): string[] =>
    sources.flatMap(({ files }) => files.map(({ from }) => from));
  const indexed = async (): Promise<number> => {
    for await (const key of notes.list('context'))
      return parseStatIndex(await notes.get('context', key)).count;
    return -1;
  };

  it('is refused when it is no folder', () => {
    expect(() => openContext(join(folder.path, 'a'), { now: later })).toThrow('is not a folder');
    expect(() => openContext(join(folder.path, 'none'), { now: later })).toThrow('is not a folder');
  });

  it('gives the digest of every regular file, sorted, parents first', async () => {
    const selection = await select(context(), ['.']);
    expect(paths(selection)).toEqual(['', 'a', 'd', 'd/b', 'd/c']);
    const digests = selection.sources[0]?.files.map(({ node }) => node.digest);
    expect(digests?.[1]).toBe(sha256('a').slice(7));
    expect(digests?.[2]).toBeUndefined();
  });

  it('looks only at what is selected', async () => {
    // A folder that may not be entered is no matter to those who do not ask for it; root may enter any.
    folder.write({ locked: { dir: 0o000 } });
    expect(paths(await select(context(), ['d']))).toEqual(['d', 'd/b', 'd/c']);
    if (process.getuid?.() !== 0) {
      await expect(select(context(), ['.'])).rejects.toThrow(
        'cannot read locked in the build context: EACCES',
      );
    }
    expect(paths(await select(context('locked'), ['.']))).toEqual(['', 'a', 'd', 'd/b', 'd/c']);
    folder.write({ locked: { dir: 0o755 } });
  });

  it('remembers contents by stamp, names aside, and writes nothing when it learnt nothing', async () => {
    const first = context();
    await select(first, ['.']);
    await first.close();
    expect(await indexed()).toBe(3);
    renameSync(join(folder.path, 'a'), join(folder.path, 'z'));
    let puts = 0;
    const counting = { ...notes, put: async () => void puts++ };
    const again = openContext(folder.path, { notes: counting, now: later });
    expect(paths(await select(again, ['d']))).toEqual(['d', 'd/b', 'd/c']);
    await again.close();
    expect(puts).toBe(0);
  });

  it('does not remember a file that was just written', async () => {
    // The clock of the build stands where the file was made: a change in the same tick would not show.
    const racy = context(undefined, () => Date.now() - 1000);
    await select(racy, ['.']);
    await racy.close();
    expect(await indexed()).toBe(-1);
  });

  it('sees a change that keeps size and time', async () => {
    const first = context();
    await select(first, ['.']);
    await first.close();
    writeFileSync(join(folder.path, 'd/new'), 'x');
    renameSync(join(folder.path, 'd/new'), join(folder.path, 'a'));
    utimesSync(join(folder.path, 'a'), 1_600_000_000, 1_600_000_000);
    const [source] = (await select(context(), ['a'])).sources;
    expect(source?.files[0]?.node.digest).toBe(sha256('x').slice(7));
  });

  it('says what is missing and which line of the ignore file is why', async () => {
    expect((await select(context(), ['e/f'])).missing).toEqual({ path: 'e/f' });
    expect((await select(context('# c\nd'), ['d/b'])).missing).toEqual({
      path: 'd/b',
      ignored: { line: 2, pattern: 'd' },
    });
    expect((await select(context('d\n!d/b'), ['d/*'])).sources).toHaveLength(1);
  });

  it('does not look into a folder of which nothing is wanted', async () => {
    const selected = await select(context('d/*'), ['.']);
    expect(paths(selected)).toEqual(['', 'a', 'd']);
    expect(selected.ignored).toBe(1);
    const one = await select(context('d/*\n!d/c'), ['.']);
    expect(paths(one)).toEqual(['', 'a', 'd', 'd/c']);
    expect(one.ignored).toBe(1);
  });

  it('refuses an ignore file with a pattern that means nothing', async () => {
    await expect(select(context('ok\n!'), ['.'])).rejects.toThrow(
      '.dockerignore line 2: illegal exclusion pattern: "!"',
    );
  });

  it('does not hang on pipes, and takes sockets for what they are', async () => {
    execFileSync('mkfifo', [join(folder.path, 'd/pipe')]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(folder.path, 'd/sock'), resolve));
    const { sources } = await select(context(), ['d']);
    expect(sources[0]?.files.map(({ name, node }) => `${name} ${node.kind}`)).toEqual([
      ' directory',
      'b file',
      'c file',
      'pipe fifo',
      'sock socket',
    ]);
    await new Promise((resolve) => server.close(resolve));
  });

  it('keeps names that are no text', async () => {
    const raw = Buffer.concat([Buffer.from(`${folder.path}/d/`), Buffer.from([0x66, 0xff, 0x6f])]);
    writeFileSync(raw, 'raw');
    const selection = await select(context(), ['d']);
    const name = decodeName(Buffer.from([0x66, 0xff, 0x6f]));
    expect(paths(selection)).toContain(`d/${name}`);
    expect(selection.sources[0]?.files.at(-1)?.node.digest).toBe(sha256('raw').slice(7));
  });

  it('follows no circle of links', async () => {
    folder.write({ x: { link: 'y' }, y: { link: 'x' } });
    expect((await select(context(), ['x'])).missing?.path).toBe('x');
  });

  it('lists big folders in a thread as it does small ones here', async () => {
    folder.write({ 'd/l': { link: '../a' }, 'd/x': ['x', 0o4755] });
    const here = await select(context('d/c'), ['.', 'a']);
    const there = openContext(folder.path, { ignoreText: 'd/c', notes, now: later, inlineFiles: 2 });
    open.push(there);
    const { atNs: _, ...expected } = here;
    expect(await select(there, ['.', 'a'])).toMatchObject(expected);
    expect((await there.list(['d/c'])).missing).toEqual({
      path: 'd/c',
      ignored: { line: 1, pattern: 'd/c' },
    });
    await expect(there.list(['.'], { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
      'enough',
    );
  });

  it('hashes many files in threads as it does few', async () => {
    mkdirSync(join(folder.path, 'many'));
    const wanted: Record<string, string> = {};
    for (let i = 0; i < 2500; i++) {
      writeFileSync(join(folder.path, `many/${i}`), `content ${i}`);
      wanted[`many/${i}`] = sha256(`content ${i}`).slice(7);
    }
    const { sources } = await select(context(), ['many']);
    const got = sources[0]?.files.slice(1).map(({ from, node }) => [from, node.digest]);
    expect(Object.fromEntries(got ?? [])).toEqual(wanted);
  });
});
