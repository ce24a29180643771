import { expect, test } from 'vitest';
import type { App } from '../app/app.ts';
import { mayBeKeeper, startAhead } from './start-ahead.ts';

/** What the words have opened and started, in order. */
async function startedBy(...words: string[]): Promise<string[]> {
  const done: string[] = [];
  const start = (): void => void done.push('started');
  const app = { keeper: async () => ({ start }) } as unknown as App;
  const ahead = await startAhead(words, () => {
    done.push('opened');
    return app;
  });
  expect(ahead).toBe(done.length === 0 ? undefined : app);
  return done;
}

test.each([
  [['run', 'image']],
  [['run', '--rm', '-it', '-e', 'A=b', 'image', 'sh', '-c', 'true']],
  [['container', 'run', 'image']],
  [['run', '--name', 'x', '-h', 'host', 'image']],
])('%j starts a keeper', async (words) => expect(await startedBy(...words)).toEqual(['opened', 'started']));

test.each([
  [[]],
  [['build', '.']],
  [['runtimes']],
  [['container', 'ls']],
  [['exec', 'web', 'run', 'x']],
  [['run', '-d', 'image']],
  [['run', '-itd', 'image']],
  [['run', '--detach', 'image']],
  [['run', '--runtime', 'crun', 'image']],
  [['run', '--runtime=crun', 'image']],
  [['run', '--help']],
])('%j starts nothing', async (words) => expect(await startedBy(...words)).toEqual([]));

test('what is wrong with the surroundings is left to the command', async () => {
  const open = (): App => {
    throw new Error('no home');
  };
  expect(await startAhead(['run', 'image'], open)).toBeUndefined();
});

test.each([
  [['run', '--rm', 'image', 'true'], true],
  [['run', '-i', '--name', 'x', 'image'], true],
  [['build', '-t', 'x', '.'], true],
  [['ps'], false],
  [['run', '-d', 'image'], false],
  [['run', '-it', 'image'], false],
  [['run', '--tty=true', 'image'], false],
  [['run', '-p', '80:80', '--network=bridge', 'image'], true],
])('whether root may be its own keeper for %j: %s', (words, may) => expect(mayBeKeeper(words)).toBe(may));
