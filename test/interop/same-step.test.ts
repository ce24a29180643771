import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSandbox, importBase, type Sandbox, type Started } from '../support/built-command.ts';

let box: Sandbox;
beforeAll(async () => {
  box = createSandbox();
  await importBase(box);
});
afterAll(() => box.remove());

/** A build of a step that counts itself in a cache mount and goes on when there is a file `go`. */
function start(name: string, how: readonly string[] = []): Started {
  const folder = join(box.folder, name);
  mkdirSync(folder, { recursive: true });
  const command =
    'echo ran >> /c/count; echo counted; until [ -e /c/go ]; do sleep 0.01; done; echo made > /made';
  writeFileSync(join(folder, 'Dockerfile'), `FROM base:1\nRUN --mount=type=cache,target=/c ${command}\n`);
  return box.start(['build', '--progress', 'plain', ...how, '-t', name, folder]);
}

/** When the build says so. */
const says = ({ child }: Started, words: string): Promise<void> =>
  new Promise((resolve) => {
    let said = '';
    child.stderr!.on('data', (bytes) => {
      said += String(bytes);
      if (said.includes(words)) resolve();
    });
  });

const cacheFolder = (): string => {
  const data = join(box.store, 'cache-mounts', 'data');
  return join(data, readdirSync(data).find((name) => /^[0-9a-f]{32}$/.test(name))!);
};

it('runs once when two builds need it at the same time, and again when the first one dies', async () => {
  const first = start('one');
  await says(first, ' counted\n');
  const second = start('two');
  await says(second, 'waiting: another build runs this very step');
  const turn = says(second, ' counted\n');
  first.child.kill('SIGKILL');
  await turn;
  const third = start('three');
  await says(third, 'waiting: another build runs this very step');
  writeFileSync(join(cacheFolder(), 'go'), '');
  await first.ended;
  const [two, three] = await Promise.all([second.ended, third.ended]);
  expect([two.code, three.code], `${two.stderr}${three.stderr}`).toEqual([0, 0]);
  expect(readFileSync(join(cacheFolder(), 'count'), 'utf8')).toBe('ran\nran\n');
  const id = (text: string): string | undefined => /^sha256:[0-9a-f]{64}/m.exec(text)?.[0];
  expect(id(three.stderr)).toBe(id(two.stderr));
  expect(`${two.stderr}${three.stderr}`).toMatch(/#2 cached {2}[0-9a-f]{12}/);
  expect(`${two.stderr}${three.stderr}`).toMatch(/#2 done/);
});
