import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, importBase, type Sandbox } from '../support/built-command.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';

const SECRET = 'correct-horse-battery-staple-4711';

let work: string;
let registry: DockerRegistry;
/** Counts what is fetched. */
let proxy: FaultProxy;
let context: string;
const boxes: Sandbox[] = [];

async function newBox(): Promise<Sandbox> {
  const box = createSandbox();
  boxes.push(box);
  await importBase(box);
  return box;
}

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'dobos-cache-'));
  registry = await startDockerRegistry(join(work, 'registry'));
  proxy = await startFaultProxy({ upstream: registry.host });
  context = join(work, 'context');
  mkdirSync(context);
  writeFileSync(join(context, 'file'), 'content\n');
  writeFileSync(join(work, 'secret'), SECRET);
  writeFileSync(
    join(context, 'Dockerfile'),
    [
      'FROM base:1 AS made',
      'COPY file /file',
      // What the image does not need is large, and packs badly.
      'RUN --mount=type=secret,id=key wc -c < /run/secrets/key > /length; head -c 4000000 /dev/urandom > /large; cat /file > /small',
      'FROM base:1',
      'WORKDIR /app',
      'COPY --from=made /small .',
      'RUN cp small twice',
      'ENV A=b',
      '',
    ].join('\n'),
  );
});
afterAll(async () => {
  for (const box of boxes) await box.remove();
  await proxy.stop();
  await registry.stop();
  rmSync(work, { recursive: true, force: true });
});

const build = async (box: Sandbox, ...words: readonly string[]) => {
  const secret = ['--secret', `id=key,src=${join(work, 'secret')}`];
  const ran = await box.run(['build', '--progress', 'plain', ...secret, ...words, context]);
  expect(ran.code, ran.stderr).toBe(0);
  return {
    said: ran.stderr,
    ran: ran.stderr.split('\n').filter((line) => /^#\d+ done/.test(line)).length,
    id: /^sha256:[0-9a-f]{64}/m.exec(ran.stderr)?.[0],
  };
};

const check = async (box: Sandbox): Promise<string> => (await box.run(['system', 'check'])).stdout;

describe('a cache in a registry', () => {
  it('lets another store build the same image without running a step, and what it does not need stays there', async () => {
    const cache = `${proxy.host}/team/cache:main`;
    const [first, second] = [await newBox(), await newBox()];
    const made = await build(
      first,
      '--cache-from',
      cache,
      '--cache-to',
      `type=registry,ref=${cache},mode=max`,
    );
    expect(made.said).toContain(`there is no cache ${cache}: nothing is taken from there`);
    expect(made.ran).toBe(6);
    const before = proxy.blobBytes();
    const taken = await build(second, '--cache-from', cache, '--runtime', '/nowhere/at/all');
    expect(taken).toMatchObject({ ran: 0, id: made.id });
    // 4 MB of the first stage are not fetched.
    expect(proxy.blobBytes() - before).toBeLessThan(100_000);
    expect(await check(second)).toContain('The store is whole');
    // What the image consists of is the store's own now; the first stage never came.
    expect((await build(second)).ran).toBeLessThan(3);
    const again = await build(await newBox(), '--cache-from', `type=registry,ref=${cache}`);
    expect(again).toMatchObject({ ran: 0, id: made.id });
  });

  it('gives a step that runs what it stands on, and is written again without what never came', async () => {
    const cache = `${proxy.host}/team/cache:main`;
    const third = await newBox();
    const file = readFileSync(join(context, 'Dockerfile'), 'utf8');
    const other = join(work, 'Dockerfile');
    writeFileSync(other, file.replace('RUN cp small twice', 'RUN cat small small > twice'));
    const changed = await build(
      third,
      '-f',
      other,
      '--cache-from',
      cache,
      '--cache-to',
      `${proxy.host}/team/cache:next`,
    );
    expect(changed.ran).toBe(2);
    expect(await check(third)).toContain('The store is whole');
    const before = proxy.blobBytes();
    const max = `type=registry,ref=${proxy.host}/team/copy:max,mode=max`;
    await build(third, '-f', other, '--cache-from', cache, '--cache-to', max);
    const passed = proxy.blobBytes() - before;
    expect(passed).toBeGreaterThan(4_000_000);
    const fourth = await build(await newBox(), '-f', other, '--cache-from', `${proxy.host}/team/copy:max`);
    expect(fourth).toMatchObject({ ran: 0, id: changed.id });
  });

  it('of which a step is taken that another one, which runs, stands on, leaves the store whole', async () => {
    const folder = join(work, 'two');
    mkdirSync(folder);
    for (const name of ['a', 'b']) writeFileSync(join(folder, name), name);
    const lines = [
      'FROM base:1 AS made',
      'COPY a /a',
      'COPY b /b',
      'FROM base:1',
      'COPY --from=made /a /',
      '',
    ];
    writeFileSync(join(folder, 'Dockerfile'), lines.join('\n'));
    const cache = `type=registry,ref=${proxy.host}/team/two:1,mode=max`;
    const first = await boxes[0]!.run(['build', '-q', '--cache-to', cache, folder]);
    writeFileSync(join(folder, 'b'), 'changed');
    const box = await newBox();
    const second = await box.run(['build', '-q', '--cache-from', `${proxy.host}/team/two:1`, folder]);
    expect([second.code, second.stdout]).toEqual([0, first.stdout]);
    expect(await check(box)).toContain('The store is whole');
  });

  it('holds no secret of the build, packed or unpacked', async () => {
    const files = readdirSync(join(work, 'registry', 'data'), { recursive: true, encoding: 'utf8' })
      .map((path) => join(work, 'registry', 'data', path))
      .filter((path) => statSync(path).isFile());
    const texts = files.flatMap((path) => {
      const bytes = readFileSync(path);
      const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
      const inside = [...plain.toString('latin1').matchAll(/"([A-Za-z0-9+/=]{16,})"/g)].map(([, text]) =>
        Buffer.from(text!, 'base64'),
      );
      return [bytes, plain, ...inside];
    });
    expect(files.length).toBeGreaterThan(20);
    // The search finds what is there: the step that used it, and the file that was copied.
    expect(texts.some((text) => text.includes('/run/secrets/key > /length'))).toBe(true);
    expect(texts.some((text) => text.includes('content\n'))).toBe(true);
    for (const spelled of [SECRET, Buffer.from(SECRET).toString('base64').replace(/=+$/, '')])
      expect(texts.some((text) => text.includes(spelled))).toBe(false);
  });

  it('that is an ordinary image, or cannot be reached, is said, and the build goes on', async () => {
    const box = await newBox();
    await box.run(['tag', 'base:1', `${proxy.host}/team/image:1`]);
    expect((await box.run(['push', `${proxy.host}/team/image:1`])).code).toBe(0);
    const image = await build(box, '--cache-from', `${proxy.host}/team/image:1`);
    expect(image.said).toContain('is an image, and no step cache that dobos wrote');
    const away = await build(box, '--cache-from', '127.0.0.1:1/cache');
    expect(away.said).toMatch(
      /the cache 127\.0\.0\.1:1\/cache:latest cannot be read .*nothing is taken from there/,
    );
  });

  it('that cannot be written fails the build, unless that is to be ignored', async () => {
    const box = boxes[0]!;
    const secret = ['--secret', `id=key,src=${join(work, 'secret')}`];
    const ran = await box.run(['build', ...secret, '--cache-to', '127.0.0.1:1/cache', context]);
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining('127.0.0.1:1 cannot be reached')]);
    const ignored = await build(box, '--cache-to', 'type=registry,ref=127.0.0.1:1/cache,ignore-error=true');
    expect(ignored.said).toContain('the cache 127.0.0.1:1/cache:latest was not written');
  });

  it.each([
    [['--cache-to', 'type=registry'], "ref is required: the cache's name in a registry"],
    [['--cache-to', 'type=registry,rf=x/y'], 'did you mean ref?'],
    [['--cache-to', 'type=registry,ref=x/y,compression=gzp'], 'did you mean gzip?'],
    [['--cache-to', `x/y@sha256:${'a'.repeat(64)}`], 'a cache is written under a tag'],
    [['--cache-to', 'type=inline'], 'a cache of type=inline is not part of this version yet'],
    [['--cache-from', 'UPPER/x y'], 'repository name'],
  ])('that cannot be is refused before anything runs: %j', async (words, said) => {
    const ran = await boxes[0]!.run(['build', ...words, context]);
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining(said)]);
  });
});
