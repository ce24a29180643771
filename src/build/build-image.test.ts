import { chmodSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  build,
  countWrites,
  createFakeKeeper,
  dir,
  file,
  makeBase,
  makeFolder,
  type TestBuild,
  topLayer,
} from '../../test/support/build.ts';
import { isDobosError } from '../base/errors.ts';
import { imageId } from '../image/image-id.ts';
import { readImage } from '../image/read-image.ts';
import type { Image } from '../image/types.ts';
import type { LocalStore } from '../store/contract.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { BuildImageOptions } from './build-image.ts';

const TEXT = `FROM debian
ARG VERSION=1
RUN apt-get install gcc
WORKDIR /app
COPY hello.c lib/ ./
ENV MODE=fast
RUN gcc hello.c
CMD ["/app/hello"]
`;

describe('building an image', () => {
  let store: LocalStore;
  let base: Image;
  let folder: ReturnType<typeof makeFolder>;
  let keeper: ReturnType<typeof createFakeKeeper>;
  beforeEach(async () => {
    store = createMemoryStore();
    keeper = createFakeKeeper(store);
    base = await makeBase(store, [dir('etc'), file('etc/os-release', 'test')]);
    folder = makeFolder({ 'hello.c': 'int main;', 'lib/a.h': 'a', 'lib/b.h': 'b' });
  });
  afterEach(() => folder.remove());

  const run = (text = TEXT, o: Partial<BuildImageOptions> & { to?: LocalStore } = {}): Promise<TestBuild> => {
    const { to = store, ...rest } = o;
    // A second later than the files' stamps, so that none is too fresh to be remembered.
    const now = () => Date.now() + 1000;
    return build(to, text, { base, contextFolder: folder.path, keeper: async () => keeper, now, ...rest });
  };
  /** Texts of the steps that were not in the cache, with the reasons. */
  const misses = ({ steps, events }: TestBuild): [string, ...string[]][] => {
    const planned = events.find((event) => event.kind === 'planned');
    return steps
      .filter(({ cached }) => !cached)
      .map(({ step, why }) => [
        planned?.graph.steps.find(({ id }) => id === step)?.text.split(' ')[0] ?? '',
        ...why,
      ]);
  };

  it('writes the image of every step, and lists them by the final one', async () => {
    const { image, steps, events } = await run();
    const root = await store.roots.get('image-steps', image.descriptor.digest.slice(7));
    expect(root?.onlyWith).toBe(image.descriptor.digest);
    const ids = [];
    for (const target of root?.targets ?? []) ids.push(imageId(await readImage(store, target)));
    const planned = events.find((event) => event.kind === 'planned');
    const withRow =
      planned?.graph.steps.filter(({ createdBy, op }) => createdBy !== undefined || op.kind === 'base') ?? [];
    expect(ids).toEqual(withRow.map(({ id }) => steps.find(({ step }) => step === id)?.imageId));
    expect(ids.at(-1)).toBe(imageId(image));
    expect(new Set(ids).size).toBe(8);
  });

  it('gives each step its row of history, metadata without a layer', async () => {
    const { image } = await run();
    expect(image.config.history?.slice(1).map((row) => [row.created_by, row.empty_layer])).toEqual([
      ['ARG VERSION=1', true],
      ['RUN |1 VERSION=1 /bin/sh -c apt-get install gcc # buildkit', undefined],
      ['WORKDIR /app', undefined],
      ['COPY hello.c lib/ ./ # buildkit', undefined],
      ['ENV MODE=fast', true],
      ['RUN |1 VERSION=1 /bin/sh -c gcc hello.c # buildkit', undefined],
      ['CMD ["/app/hello"]', true],
    ]);
    expect(image.layers).toHaveLength(5);
    expect(image.config.config).toMatchObject({ WorkingDir: '/app', Cmd: ['/app/hello'] });
  });

  it('runs nothing and writes nothing when nothing changed', async () => {
    const first = await run();
    const counted = countWrites(store);
    const before = keeper.runs.length;
    const again = await run(TEXT, {
      to: counted,
      keeper: async () => {
        throw new Error('started for nothing');
      },
    });
    expect(again.image.descriptor).toEqual(first.image.descriptor);
    expect(again.steps.every(({ cached }) => cached)).toBe(true);
    expect(keeper.runs.length).toBe(before);
    expect(counted.writes).toEqual([]);
  });

  it('names the file that changed, and runs only what depends on it', async () => {
    await run();
    folder.write({ 'lib/b.h': 'b2' });
    const again = await run();
    expect(misses(again)).toEqual([
      ['COPY', 'lib/b.h changed'],
      ['ENV', 'the files of a step above changed'],
      ['RUN', 'the files of a step above changed'],
      ['CMD', 'the files of a step above changed'],
    ]);
    expect(keeper.runs).toHaveLength(3);
  });

  it('names a new file, a file that is gone and a mode', async () => {
    await run();
    chmodSync(join(folder.path, 'hello.c'), 0o755);
    expect(misses(await run())[0]).toEqual(['COPY', 'hello.c changed: mode 0644 → 0755']);
    folder.write({ 'lib/c.h': 'c' });
    expect(misses(await run())[0]).toEqual(['COPY', 'lib/c.h is new']);
    folder.remove();
    folder.write({ 'hello.c': ['int main;', 0o755], 'lib/b.h': 'b', 'lib/c.h': 'c' });
    expect(misses(await run())[0]).toEqual(['COPY', 'lib/a.h is gone']);
  });

  it('does not mind a new time of a file', async () => {
    const first = await run();
    utimesSync(join(folder.path, 'hello.c'), 1_700_000_000, 1_700_000_000);
    const again = await run();
    expect(misses(again)).toEqual([]);
    expect(again.image.descriptor.digest).toBe(first.image.descriptor.digest);
  });

  it('does not read a file again that stat says is the same, and does when it is not', async () => {
    await run();
    const other = await run(TEXT.replace('CMD', 'LABEL a=b\nCMD'));
    expect(misses(other).map(([name]) => name)).toEqual(['LABEL', 'CMD']);
    // Same size and same time: only inode change time tells.
    const { atime, mtime } = { atime: 1_600_000_000, mtime: 1_600_000_000 };
    folder.write({ 'hello.c': 'int mair;' });
    utimesSync(join(folder.path, 'hello.c'), atime, mtime);
    expect(misses(await run())[0]).toEqual(['COPY', 'hello.c changed']);
  });

  it('runs the RUNs below an ARG whose value changed, and says so', async () => {
    await run();
    const again = await run(TEXT, { buildArgs: new Map([['VERSION', '2']]) });
    const [first, second] = misses(again).filter(([name]) => name === 'RUN');
    expect(first).toEqual(['RUN', 'ARG VERSION changed: 1 → 2']);
    expect(second?.[1]).toBe('ARG VERSION changed: 1 → 2');
  });

  it('runs only what stands below a changed ENV', async () => {
    await run();
    const again = await run(TEXT.replace('MODE=fast', 'MODE=slow'));
    expect(misses(again).filter(([name]) => name === 'RUN' || name === 'COPY')).toEqual([
      ['RUN', 'ENV MODE changed: fast → slow'],
    ]);
  });

  it('runs nothing below a changed LABEL', async () => {
    await run(`FROM debian\nLABEL a=1\n${TEXT.slice('FROM debian\n'.length)}`);
    const runs = keeper.runs.length;
    const again = await run(`FROM debian\nLABEL a=2\n${TEXT.slice('FROM debian\n'.length)}`);
    expect(keeper.runs.length).toBe(runs);
    expect(again.image.config.config?.Labels).toEqual({ a: '2' });
  });

  it('explains a changed base and a changed instruction', async () => {
    await run();
    base = await makeBase(store, [dir('etc'), file('etc/os-release', 'newer')]);
    expect(
      misses(await run())
        .find(([name]) => name === 'RUN')
        ?.slice(1),
    ).toEqual([expect.stringMatching(/^the base image changed: [0-9a-f]{12} → [0-9a-f]{12}$/)]);
    const text = TEXT.replace('gcc hello.c', 'gcc -O2 hello.c');
    expect(misses(await run(text)).find(([name]) => name === 'RUN')?.[1]).toMatch(
      /^the instruction changed: .*gcc hello\.c → .*gcc -O2 hello\.c$/,
    );
  });

  it('does not call a result lost that only stands below a change', async () => {
    const text = 'FROM debian\nARG A=1\nENV E=e\nCMD ["x"]\n';
    await run(text);
    const again = await run(text, { buildArgs: new Map([['A', '2']]) });
    expect(misses(again)).toEqual([
      ['ARG', 'the instruction changed: ARG A=1 → ARG A=2'],
      ['ENV', 'an instruction above changed'],
      ['CMD', 'an instruction above changed'],
    ]);
    const o = { buildArgs: new Map([['A', '2']]), epoch: 5 };
    const dated = await run(text, o);
    expect(misses(dated).at(-1)).toEqual(['CMD', 'SOURCE_DATE_EPOCH is new']);
    base = await makeBase(store, [file('other', '')]);
    expect(misses(await run(text, o)).at(-1)?.[1]).toMatch(/^the base image changed: /);
  });

  it('says that an instruction is new when the others only moved', async () => {
    await run();
    const text = TEXT.replace('WORKDIR /app', 'RUN make\nWORKDIR /app');
    expect(misses(await run(text)).filter(([name]) => name === 'RUN')[0]).toEqual([
      'RUN',
      'the instruction is new',
    ]);
  });

  it('runs every step without the cache, and keeps the new results', async () => {
    await run();
    const again = await run(TEXT, { useCache: false });
    expect(keeper.runs).toHaveLength(4);
    expect(misses(again).filter(([name]) => name === 'RUN')[0]).toEqual(['RUN', 'the cache is off']);
    const third = await run();
    expect(third.image.descriptor.digest).toBe(again.image.descriptor.digest);
  });

  it('keeps the steps that ended before a RUN failed, and says what failed and where', async () => {
    const broken = TEXT.replace('gcc hello.c', 'exit 3');
    const error = await run(broken).catch((caught: unknown) => caught);
    if (!isDobosError(error, 'BUILD_RUN_FAILED')) throw error;
    expect(error.message).toBe('process "/bin/sh -c exit 3" did not complete successfully: exit code: 3');
    expect(error.place).toMatchObject({ file: 'Dockerfile', line: 7 });
    expect(error.place?.snippet).toContain('>>> RUN exit 3');
    expect(error.facts.lines).toEqual(['ran /bin/sh -c exit 3']);
    const again = await run();
    expect(keeper.runs).toHaveLength(3);
    expect(misses(again).map(([name]) => name)).toEqual(['RUN', 'CMD']);
  });

  it('stops when it is told to, and writes no image', async () => {
    const stop = new AbortController();
    const failing = run(TEXT, {
      signal: stop.signal,
      onEvent: (event) => {
        if (event.kind === 'output') stop.abort(new Error('enough'));
      },
    });
    await expect(failing).rejects.toThrow('enough');
    const names = [];
    for await (const root of store.roots.list('image-steps')) names.push(root);
    expect(names).toEqual([]);
  });

  it('puts a full disk into words, with the line of the step', async () => {
    const stage = () =>
      Promise.reject(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }));
    const error = await run('FROM debian\nCOPY hello.c /\n', { to: { ...store, stage } }).catch((e) => e);
    expect(isDobosError(error, 'BUILD_STEP_FAILED') && [error.message, error.place?.line]).toEqual([
      'COPY failed: no space is left for its layer in memory',
      2,
    ]);
  });

  it('ends when a result cannot be kept, with the reason', async () => {
    const full = {
      ...store,
      roots: { ...store.roots, put: () => Promise.reject(new Error('the disk is full')) },
    };
    await expect(run(TEXT, { to: full })).rejects.toThrow('the disk is full');
    const text = `FROM debian\n${Array.from({ length: 20 }, (_, i) => `RUN make ${i}\n`).join('')}`;
    const before = keeper.runs.length;
    await expect(run(text, { to: full })).rejects.toThrow('the disk is full');
    expect(keeper.runs.length - before).toBeLessThan(10);
  });

  it('writes the images of cached steps again that are lost', async () => {
    const { steps, image } = await run();
    const root = await store.roots.get('image-steps', image.descriptor.digest.slice(7));
    const lost = root?.targets[2]?.digest;
    const without = { ...store, has: async (wanted: { digest: string }) => wanted.digest !== lost };
    const counted = countWrites({ ...without, put: store.put });
    expect((await run(TEXT, { to: counted })).steps.map(({ imageId: id }) => id)).toEqual(
      steps.map(({ imageId: id }) => id),
    );
    expect(counted.writes).toEqual(['lease', 'put', 'root']);
  });

  it('builds independent stages side by side and the same step once', async () => {
    const text = `FROM debian AS a
RUN make same
RUN make a
FROM debian AS b
RUN make same
RUN make b
FROM debian AS unused
RUN make nothing
FROM scratch
COPY --from=a /ran /a
COPY --from=b /ran /b
`;
    const { image } = await run(text);
    expect(keeper.runs.map(({ process }) => process.args.at(-1)).sort()).toEqual([
      'make a',
      'make b',
      'make same',
    ]);
    expect(image.layers).toHaveLength(2);
    expect([...(await topLayer(store, image)).keys()]).toHaveLength(3);
  });

  it('does not copy again from a stage that was rebuilt to the same bytes', async () => {
    const text = (word: string) =>
      `FROM debian AS a\nRUN make\nRUN echo ${word}\nFROM scratch\nCOPY --from=a /etc /etc\n`;
    await run(text('one'));
    const again = await run(text('two'));
    expect(misses(again).map(([name]) => name)).toEqual(['RUN']);
  });

  it('gives RUN the arguments and environment of the instruction, proxies first', async () => {
    await run(TEXT, { buildArgs: new Map([['http_proxy', 'http://proxy']]) });
    expect(keeper.runs[1]?.process).toMatchObject({
      args: ['/bin/sh', '-c', 'gcc hello.c'],
      cwd: '/app',
      network: 'host',
      tty: false,
    });
    expect(keeper.runs[1]?.process.env).toContain('MODE=fast');
    expect(keeper.runs[1]?.process.env).toContain('http_proxy=http://proxy');
    expect(keeper.runs[1]?.commit).toBe(true);
  });

  it('warns of a build argument that nothing declares', async () => {
    const { events } = await run(TEXT, {
      buildArgs: new Map([
        ['VERSOIN', '2'],
        ['http_proxy', 'x'],
      ]),
    });
    expect(events.filter(({ kind }) => kind === 'warning')).toEqual([
      { kind: 'warning', message: '--build-arg VERSOIN is not used: no ARG of the Dockerfile declares it' },
    ]);
  });

  it('refuses a SOURCE_DATE_EPOCH that is no number of seconds', async () => {
    const buildArgs = new Map([['SOURCE_DATE_EPOCH', 'yesterday']]);
    await expect(run(TEXT, { buildArgs })).rejects.toThrow('invalid SOURCE_DATE_EPOCH: "yesterday"');
  });

  it('names the line of a COPY whose file is missing, the nearest name and the ignore line', async () => {
    const failing = (text: string) =>
      run(text).then(
        () => undefined,
        (error: unknown) => (isDobosError(error) ? [error.message, error.hint, error.place?.line] : error),
      );
    expect(await failing('FROM debian\nCOPY helo.c /\n')).toEqual([
      'COPY failed: "helo.c" is not in the build context',
      'did you mean "hello.c"?',
      2,
    ]);
    folder.write({ '.dockerignore': '# no sources\n*.c\n' });
    expect(await failing('FROM debian\nCOPY hello.c /\n')).toEqual([
      'COPY failed: "hello.c" is not in the build context',
      'it is excluded by .dockerignore line 2: *.c',
      2,
    ]);
    expect(await failing('FROM debian\nCOPY --from=debian /etc/os-relase /\n')).toEqual([
      'COPY failed: "/etc/os-relase" is not in debian',
      'did you mean "/etc/os-release"?',
      2,
    ]);
  });

  it('makes the same image twice under SOURCE_DATE_EPOCH, whatever the times and the order of the files', async () => {
    const epoch = 1_000_000_000;
    const images = [];
    for (const [time, names] of [
      [1_600_000_000, ['lib/a.h', 'lib/b.h', 'hello.c']],
      [1_700_000_000, ['hello.c', 'lib/b.h', 'lib/a.h']],
    ] as const) {
      const other = makeFolder({});
      const otherStore = createMemoryStore();
      const otherBase = await makeBase(otherStore, [dir('etc'), file('etc/os-release', 'test')]);
      for (const name of names) {
        other.write({ [name]: readFileSync(join(folder.path, name), 'utf8') });
        utimesSync(join(other.path, name), time, time);
      }
      const otherKeeper = createFakeKeeper(otherStore);
      const options = { base: otherBase, contextFolder: other.path, epoch, keeper: async () => otherKeeper };
      images.push((await build(otherStore, TEXT, options)).image);
      other.remove();
    }
    expect(images[0]?.descriptor.digest).toBe(images[1]?.descriptor.digest);
    expect(images[0]?.config.created).toBe('2001-09-09T01:46:40.000Z');
  });
});
